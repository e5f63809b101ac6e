# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "hosts" {
  source           = "../.."
  network_hosts_id = "network-hosts-id"
  network_subnet_ids = [
    "network-subnet-ids-1",
    "network-subnet-ids-2",
  ]
  permissions_profile_arn = "arn:aws:service:us-east-1:123456789012:permissions-profile-arn"
}

output "cluster_id" {
  description = "`id` of `aws_ecs_cluster.cluster`."
  value       = module.hosts.cluster_id
}

output "cluster_name" {
  description = "`name` of `aws_ecs_cluster.cluster`."
  value       = module.hosts.cluster_name
}

output "group_name" {
  description = "`name` of `aws_autoscaling_group.group`."
  value       = module.hosts.group_name
}
