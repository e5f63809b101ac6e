# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "aws_access_key" {
  description = "AWS access key for the containers; empty means the task role."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
}

variable "aws_secret_access_key" {
  description = "Secret of the AWS access key; empty means the task role."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true

  validation {
    condition     = (var.aws_access_key == "") == (var.aws_secret_access_key == "")
    error_message = "aws_access_key and aws_secret_access_key go together: give both or neither."
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
