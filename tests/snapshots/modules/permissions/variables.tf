# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "configuration_bucket_arn" {
  description = "ARN of the configuration bucket: `configuration_bucket_arn` of the module storage."
  type        = string
}

variable "http_secret_arn" {
  description = "ARN of the HTTP secret: `http_secret_arn` of the module secrets."
  type        = string
}

variable "images_bucket_arn" {
  description = "ARN of the images bucket: `images_bucket_arn` of the module storage."
  type        = string
}

variable "keys_secret_arn" {
  description = "ARN of the keys secret: `keys_secret_arn` of the module secrets."
  type        = string
}

variable "s3_vpc_endpoint_id" {
  description = "ID of the S3 VPC endpoint: `s3_vpc_endpoint_id` of the module network."
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

variable "mirrors" {
  description = "Registries whose images this one mirrors, by host such as docker.io."
  type = map(object({
    url         = optional(string, ""),
    secret      = optional(string, ""),
    tag_seconds = optional(number, 300)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for value in var.mirrors :
      can(regex("^$|^https://([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$", value.url))
    ])
    error_message = "Each url of mirrors must be a URL without a path such as https://registry.corp.example:5000."
  }

  validation {
    condition = alltrue([
      for value in var.mirrors :
      can(regex("^$|^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", value.secret))
    ])
    error_message = "Each secret of mirrors must be the ARN of a secret such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:docker-hub-AbCdEf."
  }

  validation {
    condition = alltrue([
      for value in var.mirrors :
      value.tag_seconds >= 1 && value.tag_seconds <= 86400 && floor(value.tag_seconds) == value.tag_seconds
    ])
    error_message = "Each tag_seconds of mirrors must be 1 to 86400 seconds."
  }

  validation {
    condition     = length(var.mirrors) >= 0 && length(var.mirrors) <= 20
    error_message = "mirrors must have 0 to 20 hosts."
  }

  validation {
    condition     = "public" != "endpoints" || length(var.mirrors) == 0
    error_message = "mirrors must have no entry where host_network is endpoints: such hosts reach AWS only, so choose nat for a deployment with mirrors."
  }

  validation {
    condition = alltrue([
      for value in keys(var.mirrors) :
      can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$", value))
    ])
    error_message = "Each key of mirrors must be the host of a registry such as docker.io, without a port."
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

variable "page" {
  description = "Whether the registry shows a page at its address, for browsers and with the user's password: repositories, tags, images and hosts."
  type        = bool
  default     = true
  nullable    = false
}
