# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "hosts_group_name" {
  description = "`name` of `aws_autoscaling_group.group` in the module hosts."
  type        = string
}

variable "load_balancer_balancer_arn_suffix" {
  description = "`arn_suffix` of `aws_lb.balancer` in the module load_balancer."
  type        = string
}

variable "load_balancer_targets_arn_suffix" {
  description = "`arn_suffix` of `aws_lb_target_group.targets` in the module load_balancer."
  type        = string
}

variable "service_nginx_logs_name" {
  description = "`name` of `aws_cloudwatch_log_group.nginx_logs` in the module service."
  type        = string
}

variable "alarm_certificate_days" {
  description = "Days before the certificate expires at which an alarm tells of it."
  type        = number
  default     = 21
  nullable    = false

  validation {
    condition     = var.alarm_certificate_days >= 1 && var.alarm_certificate_days <= 365 && floor(var.alarm_certificate_days) == var.alarm_certificate_days
    error_message = "alarm_certificate_days must be 1 to 365 days."
  }
}

variable "alarm_emails" {
  description = "Who gets the alarms; each address has to be confirmed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.alarm_emails :
      can(regex("^[^@\\s,]+@[^@\\s,]+\\.([a-zA-Z]+|xn--[a-z0-9-]*[a-z0-9])$", value))
    ])
    error_message = "alarm_emails must be an address such as a@example.com."
  }
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

variable "maximum_hosts" {
  description = "Most hosts that the autoscaling group may start; above 1 it scales."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.maximum_hosts >= 1 && var.maximum_hosts <= 100 && floor(var.maximum_hosts) == var.maximum_hosts
    error_message = "maximum_hosts must be 1 to 100 hosts."
  }

  validation {
    condition     = var.maximum_hosts >= var.minimum_hosts
    error_message = "maximum_hosts must be at least minimum_hosts."
  }
}

variable "minimum_hosts" {
  description = "Fewest hosts that the autoscaling group keeps."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.minimum_hosts >= 0 && var.minimum_hosts <= 100 && floor(var.minimum_hosts) == var.minimum_hosts
    error_message = "minimum_hosts must be 0 to 100 hosts."
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
