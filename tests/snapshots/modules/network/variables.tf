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
