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
