# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "hosts_cluster_id" {
  description = "`id` of `aws_ecs_cluster.cluster` in the module hosts."
  type        = string
}

variable "load_balancer_targets_arn" {
  description = "`arn` of `aws_lb_target_group.targets` in the module load_balancer."
  type        = string
}

variable "permissions_execution_arn" {
  description = "`arn` of `aws_iam_role.execution` in the module permissions."
  type        = string
}

variable "permissions_task_arn" {
  description = "`arn` of `aws_iam_role.task` in the module permissions."
  type        = string
}

variable "proxy_image" {
  description = "Image made from nginx-proxy/, where the hosts can pull it, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$", var.proxy_image))
    error_message = "proxy_image must be an image reference such as docker.io/library/registry:3, without https://."
  }

  validation {
    condition     = "public" != "endpoints" || can(regex(join("", ["^[0-9]{12}\\.dkr\\.ecr\\.", var.aws_region, "\\."]), var.proxy_image))
    error_message = "proxy_image must be an image in ECR of aws_region where host_network is endpoints; copy it there."
  }
}

variable "secrets_http_arn" {
  description = "`arn` of `aws_secretsmanager_secret.http` in the module secrets."
  type        = string
}

variable "secrets_keys_arn" {
  description = "`arn` of `aws_secretsmanager_secret.keys` in the module secrets."
  type        = string
}

variable "storage_configuration_bucket" {
  description = "`bucket` of `aws_s3_bucket.configuration` in the module storage."
  type        = string
}

variable "storage_images_bucket" {
  description = "`bucket` of `aws_s3_bucket.images` in the module storage."
  type        = string
}

variable "aws_access_key" {
  description = "AWS access key for the containers; empty means the task role."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
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

variable "cache_size" {
  description = "GiB of each host's disk for layers (blob_delivery cache); 10 of volume_size have to be left to the system."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.cache_size >= 1 && var.cache_size <= 16000 && floor(var.cache_size) == var.cache_size
    error_message = "cache_size must be 1 to 16000 GiB."
  }
}

variable "index_validation" {
  description = "Images of an index that have to exist when a client pushes it: all or none. BuildKit before 0.21 needs 'none' for --cache-to type=registry."
  type        = string
  default     = "all"
  nullable    = false

  validation {
    condition     = can(regex("^(all|none)$", var.index_validation))
    error_message = "index_validation must be all or none."
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

variable "load_balancer_complete" {
  description = "`complete` of the module load_balancer; what is made here waits for what it names."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Days that CloudWatch Logs keeps the logs."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = can(regex("^(1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653)$", var.log_retention_days))
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
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

variable "permissions_complete" {
  description = "`complete` of the module permissions; what is made here waits for what it names."
  type        = bool
  default     = true
}

variable "proxy_connections_per_address" {
  description = "Requests of one client address that a host answers at a time; more get 429. Behind one address there may be hundreds of servers."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.proxy_connections_per_address >= 8 && var.proxy_connections_per_address <= 1000000 && floor(var.proxy_connections_per_address) == var.proxy_connections_per_address
    error_message = "proxy_connections_per_address must be 8 to 1000000 connections."
  }
}

variable "proxy_refresh_seconds" {
  description = "Seconds after which a host looks for a changed certificate, users or permissions in the configuration bucket."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.proxy_refresh_seconds >= 1 && var.proxy_refresh_seconds <= 3600 && floor(var.proxy_refresh_seconds) == var.proxy_refresh_seconds
    error_message = "proxy_refresh_seconds must be 1 to 3600 seconds."
  }
}

variable "proxy_remember_seconds" {
  description = "Seconds that a host remembers a password that it has verified."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.proxy_remember_seconds >= 1 && var.proxy_remember_seconds <= 3600 && floor(var.proxy_remember_seconds) == var.proxy_remember_seconds
    error_message = "proxy_remember_seconds must be 1 to 3600 seconds."
  }
}

variable "registry_image" {
  description = "Image of the CNCF distribution registry."
  type        = string
  default     = "docker.io/library/registry:3.1.1"
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$", var.registry_image))
    error_message = "registry_image must be an image reference such as docker.io/library/registry:3, without https://."
  }

  validation {
    condition     = "public" != "endpoints" || can(regex(join("", ["^[0-9]{12}\\.dkr\\.ecr\\.", var.aws_region, "\\."]), var.registry_image))
    error_message = "registry_image must be an image in ECR of aws_region where host_network is endpoints; copy it there."
  }
}

variable "secrets_complete" {
  description = "`complete` of the module secrets; what is made here waits for what it names."
  type        = bool
  default     = true
}
