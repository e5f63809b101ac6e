# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "network" {
  source      = "../.."
  proxy_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
}

output "balancer_id" {
  description = "`id` of `aws_security_group.balancer`."
  value       = module.network.balancer_id
}

output "hosts_id" {
  description = "`id` of `aws_security_group.hosts`."
  value       = module.network.hosts_id
}

output "s3_id" {
  description = "`id` of `aws_vpc_endpoint.s3`."
  value       = module.network.s3_id
}

output "subnet_ids" {
  description = "`id` of each `aws_subnet.subnet_…`."
  value       = module.network.subnet_ids
}

output "vpc_id" {
  description = "`id` of `aws_vpc.vpc`."
  value       = module.network.vpc_id
}
