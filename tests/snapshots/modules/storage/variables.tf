# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "aws_region" {
  description = "AWS region of the registry."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be a region such as eu-west-1."
  }
}

variable "aws_registry_bucket" {
  description = "S3 bucket for the images; empty makes a name from account and region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.aws_registry_bucket)) && !can(regex("^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$", var.aws_registry_bucket))
    error_message = "aws_registry_bucket must be 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, without the prefixes and suffixes that S3 reserves."
  }
}

variable "force_destroy" {
  description = "Whether destroying the stack may delete buckets that hold objects."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_version_days" {
  description = "Days that a deleted image can be brought back; 0 keeps no versions."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.image_version_days >= 0 && var.image_version_days <= 3650 && floor(var.image_version_days) == var.image_version_days
    error_message = "image_version_days must be 0 to 3650 days."
  }

  validation {
    condition     = "" == "" || var.image_version_days > 0
    error_message = "image_version_days must be at least 1 where replica_bucket is given: S3 replicates versions."
  }
}

variable "intelligent_tiering" {
  description = "Whether layers that nobody pulls move to cheaper tiers of S3."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key for buckets, disks, logs, secrets and alarms; its policy has to let these services use it. Empty means keys of AWS."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd."
  }
}

variable "name" {
  description = "Name of the environment, the first part of every name."
  type        = string
  default     = "wharf"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name)) && !can(regex("^internal-|^xn--|^(sg|sthree|amzn-s3-demo)(-|$)", var.name))
    error_message = "name must be 2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last, without the prefixes that AWS reserves (internal-, sg-, xn--, sthree-, amzn-s3-demo-)."
  }
}

variable "nginx_config_bucket" {
  description = "S3 bucket for nginx.htpasswd, domain.crt and domain.key; empty makes a name from account and region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.nginx_config_bucket)) && !can(regex("^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$", var.nginx_config_bucket))
    error_message = "nginx_config_bucket must be 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, without the prefixes and suffixes that S3 reserves."
  }
}
