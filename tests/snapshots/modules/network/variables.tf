# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

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

variable "allowed_networks" {
  description = "IPv4 networks that may reach the registry."
  type        = list(string)
  default = [
    "0.0.0.0/0",
  ]
  nullable = false

  validation {
    condition = alltrue([
      for value in var.allowed_networks :
      can(cidrnetmask(value)) && try(cidrsubnet(value, 0, 0) == value, false) && try(tonumber(split("/", value)[1]), -1) >= 0 && try(tonumber(split("/", value)[1]), -1) <= 32
    ])
    error_message = "allowed_networks must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero."
  }

  validation {
    condition     = length(var.allowed_networks) >= 1 && length(var.allowed_networks) <= 1000
    error_message = "allowed_networks must have 1 to 1000 networks."
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

variable "flow_log_bucket" {
  description = "Existing bucket for the flow logs of the VPC; empty means none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.flow_log_bucket)) && !can(regex("^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$", var.flow_log_bucket))
    error_message = "flow_log_bucket must be 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, without the prefixes and suffixes that S3 reserves."
  }
}

variable "instance_type" {
  description = "EC2 instance type of the hosts, of the same architecture."
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

variable "metrics_networks" {
  description = "IPv4 networks whose Prometheus may scrape port 9113 of the hosts."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.metrics_networks :
      can(cidrnetmask(value)) && try(cidrsubnet(value, 0, 0) == value, false) && try(tonumber(split("/", value)[1]), -1) >= 0 && try(tonumber(split("/", value)[1]), -1) <= 32
    ])
    error_message = "metrics_networks must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero."
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

variable "network_cidr" {
  description = "IPv4 network of the VPC; each subnet gets a sixteenth of it."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.network_cidr)) && try(cidrsubnet(var.network_cidr, 0, 0) == var.network_cidr, false) && try(tonumber(split("/", var.network_cidr)[1]), -1) >= 16 && try(tonumber(split("/", var.network_cidr)[1]), -1) <= 24 && !startswith(var.network_cidr, "172.17.")
    error_message = "network_cidr must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero, the prefix /16 to /24, outside 172.17.0.0/16."
  }
}

variable "registry_image" {
  description = "Image of the CNCF distribution registry. The default is AWS's copy of the official image; Docker Hub itself limits pulls for all hosts behind one address."
  type        = string
  default     = "public.ecr.aws/docker/library/registry:3.1.1"
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

variable "ssh_networks" {
  description = "IPv4 networks that may reach port 22 of the hosts, if there is a key pair."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.ssh_networks :
      can(cidrnetmask(value)) && try(cidrsubnet(value, 0, 0) == value, false) && try(tonumber(split("/", value)[1]), -1) >= 0 && try(tonumber(split("/", value)[1]), -1) <= 32
    ])
    error_message = "ssh_networks must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero."
  }
}
