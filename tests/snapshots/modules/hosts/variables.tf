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

variable "architecture" {
  description = "Architecture of the hosts, for which the images have to be."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = can(regex("^(x86_64|arm64)$", var.architecture))
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "instance_type" {
  description = "EC2 instance type of the hosts, of the architecture below."
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

variable "network_complete" {
  description = "`complete` of the module network; what is made here waits for what it names."
  type        = bool
  default     = true
}

variable "other_instance_types" {
  description = "Types that serve as well, where the first is not to be had or is dearer."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.other_instance_types :
      can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", value))
    ])
    error_message = "other_instance_types must be an instance type such as t3.medium."
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

variable "scheduled_hosts" {
  description = "Hosts to have at a moment, such as before a known deployment: for each cron expression (UTC) how many; from then on they follow the load."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.scheduled_hosts :
      value >= 0 && value <= 100 && floor(value) == value
    ])
    error_message = "scheduled_hosts must be 0 to 100 hosts."
  }

  validation {
    condition = alltrue([
      for value in var.scheduled_hosts :
      value >= var.minimum_hosts
    ])
    error_message = "scheduled_hosts must be at least minimum_hosts."
  }

  validation {
    condition = alltrue([
      for value in var.scheduled_hosts :
      value <= var.maximum_hosts - 0
    ])
    error_message = "scheduled_hosts must be at most maximum_hosts."
  }

  validation {
    condition = alltrue([
      for value in keys(var.scheduled_hosts) :
      can(regex("^[0-9A-Z*/,-]+( [0-9A-Z*/,-]+){4}$", value))
    ])
    error_message = "Each key of scheduled_hosts must be a cron expression of five fields such as \"30 8 * * MON-FRI\"."
  }
}

variable "spot_percent" {
  description = "Percent of the hosts above minimum_hosts that are Spot: cheaper, but AWS may take them back within two minutes."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.spot_percent >= 0 && var.spot_percent <= 100 && floor(var.spot_percent) == var.spot_percent
    error_message = "spot_percent must be 0 to 100 percent."
  }
}

variable "tags" {
  description = "Tags of everything, beside Project and Environment, which win."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.tags :
      can(regex("^[A-Za-z0-9_ .:/=+@-]{0,256}$", value))
    ])
    error_message = "tags must be up to 256 letters, digits, spaces and .:/=+@-_."
  }

  validation {
    condition     = length(var.tags) >= 0 && length(var.tags) <= 45
    error_message = "tags must have 0 to 45 tags."
  }

  validation {
    condition     = length(distinct([for key in distinct(concat(keys(var.tags), ["Project", "Environment", "Name"])) : lower(key)])) == length(distinct(concat(keys(var.tags), ["Project", "Environment", "Name"])))
    error_message = "tags must have no keys that differ in case only, from each other or from Project, Environment, Name: IAM takes them for the same."
  }

  validation {
    condition = alltrue([
      for value in keys(var.tags) :
      can(regex("^[A-Za-z0-9_ .:/=+@-]{1,128}$", value)) && !can(regex("^aws:", value))
    ])
    error_message = "Each key of tags must be 1 to 128 letters, digits, spaces and .:/=+@-_, not beginning with aws:."
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
