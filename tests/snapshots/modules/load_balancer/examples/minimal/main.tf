# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "load_balancer" {
  source              = "../.."
  network_balancer_id = "network-balancer-id"
  network_subnet_ids = [
    "network-subnet-ids-1",
    "network-subnet-ids-2",
  ]
  network_vpc_id = "network-vpc-id"
}

output "balancer_arn_suffix" {
  description = "`arn_suffix` of `aws_lb.balancer`."
  value       = module.load_balancer.balancer_arn_suffix
}

output "balancer_dns_name" {
  description = "`dns_name` of `aws_lb.balancer`."
  value       = module.load_balancer.balancer_dns_name
}

output "balancer_name" {
  description = "`name` of `aws_lb.balancer`."
  value       = module.load_balancer.balancer_name
}

output "balancer_zone_id" {
  description = "`zone_id` of `aws_lb.balancer`."
  value       = module.load_balancer.balancer_zone_id
}

output "targets_arn" {
  description = "`arn` of `aws_lb_target_group.targets`."
  value       = module.load_balancer.targets_arn
}

output "targets_arn_suffix" {
  description = "`arn_suffix` of `aws_lb_target_group.targets`."
  value       = module.load_balancer.targets_arn_suffix
}
