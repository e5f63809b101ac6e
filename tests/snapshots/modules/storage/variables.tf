# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "aws_region" {
  description = "AWS region of the registry."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
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

variable "name" {
  description = "Name of the environment, the first part of every name."
  type        = string
  default     = "wharf"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last."
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
