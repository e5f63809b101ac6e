# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "network_balancer_id" {
  description = "`id` of `aws_security_group.balancer` in the module network."
  type        = string
}

variable "network_subnet_ids" {
  description = "`id` of each `aws_subnet.subnet_…` in the module network."
  type        = list(string)
}

variable "network_vpc_id" {
  description = "`id` of `aws_vpc.vpc` in the module network."
  type        = string
}

variable "deletion_protection" {
  description = "Whether a network load balancer refuses to be deleted."
  type        = bool
  default     = false
  nullable    = false
}

variable "idle_timeout" {
  description = "Seconds without traffic after which the load balancer closes a connection; under 300 it cuts the push of a large layer while the registry stores it."
  type        = number
  default     = 350
  nullable    = false

  validation {
    condition     = var.idle_timeout >= 300 && var.idle_timeout <= 3600 && floor(var.idle_timeout) == var.idle_timeout
    error_message = "idle_timeout must be 300 to 3600 seconds."
  }
}

variable "internal" {
  description = "Whether the load balancer has private addresses only, for clients that reach the VPC by peering, a transit gateway or a VPN; a change replaces it."
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
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name)) && !can(regex("^internal-|^xn--|^(sg|sthree|amzn-s3-demo)(-|$)", var.name))
    error_message = "name must be 2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last, without the prefixes that AWS reserves (internal-, sg-, xn--, sthree-, amzn-s3-demo-)."
  }
}
