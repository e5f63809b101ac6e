# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "network_hosts_id" {
  description = "`id` of `aws_security_group.hosts` in the module network."
  type        = string
}

variable "network_subnet_ids" {
  description = "`id` of each `aws_subnet.subnet_…` in the module network."
  type        = list(string)
}

variable "permissions_profile_arn" {
  description = "`arn` of `aws_iam_instance_profile.profile` in the module permissions."
  type        = string
}

variable "instance_type" {
  description = "EC2 instance type of the hosts (x86_64)."
  type        = string
  default     = "t3.medium"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must be an instance type such as t3.medium."
  }
}

variable "key_pair" {
  description = "EC2 key pair for SSH to the hosts; empty means that no key is installed."
  type        = string
  default     = ""
  nullable    = false
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
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }
}

variable "scale_cpu_percent" {
  description = "Average CPU use, in percent, that scaling keeps the hosts at."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.scale_cpu_percent >= 10 && var.scale_cpu_percent <= 90 && floor(var.scale_cpu_percent) == var.scale_cpu_percent
    error_message = "scale_cpu_percent must be 10 to 90 percent."
  }
}

variable "scale_network_megabytes" {
  description = "Megabytes a minute that scaling lets a host send on average (a t3.medium sustains about 1,900)."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.scale_network_megabytes >= 1 && var.scale_network_megabytes <= 1000000 && floor(var.scale_network_megabytes) == var.scale_network_megabytes
    error_message = "scale_network_megabytes must be 1 to 1000000 megabytes a minute."
  }
}

variable "volume_size" {
  description = "Size of each host's disk in GiB; the ECS image needs 30."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.volume_size >= 30 && var.volume_size <= 16384 && floor(var.volume_size) == var.volume_size
    error_message = "volume_size must be 30 to 16384 GiB."
  }
}
