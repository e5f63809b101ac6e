# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "network_s3_id" {
  description = "`id` of `aws_vpc_endpoint.s3` in the module network."
  type        = string
}

variable "secrets_http_arn" {
  description = "`arn` of `aws_secretsmanager_secret.http` in the module secrets."
  type        = string
}

variable "secrets_keys_arn" {
  description = "`arn` of `aws_secretsmanager_secret.keys` in the module secrets."
  type        = string
}

variable "storage_configuration_arn" {
  description = "`arn` of `aws_s3_bucket.configuration` in the module storage."
  type        = string
}

variable "storage_images_arn" {
  description = "`arn` of `aws_s3_bucket.images` in the module storage."
  type        = string
}

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
