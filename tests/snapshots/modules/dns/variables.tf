# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "load_balancer_balancer_dns_name" {
  description = "`dns_name` of `aws_lb.balancer` in the module load_balancer."
  type        = string
}

variable "load_balancer_balancer_zone_id" {
  description = "`zone_id` of `aws_lb.balancer` in the module load_balancer."
  type        = string
}

variable "dns_zone_id" {
  description = "Zone of Route 53 that gets a record for domain; empty means none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Z0-9]{0,32}$", var.dns_zone_id))
    error_message = "dns_zone_id must be the ID of a hosted zone such as Z0123456789."
  }
}

variable "domain" {
  description = "Name of the registry, for which its certificate is."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+([a-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$", var.domain))
    error_message = "domain must be a name such as registry.example.com."
  }

  validation {
    condition     = var.dns_zone_id == "" || var.domain != ""
    error_message = "domain must be given where dns_zone_id is given."
  }
}
