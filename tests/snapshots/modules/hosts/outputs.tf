# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "cluster_id" {
  description = "`id` of `aws_ecs_cluster.cluster`."
  value       = aws_ecs_cluster.cluster.id
}

output "cluster_name" {
  description = "`name` of `aws_ecs_cluster.cluster`."
  value       = aws_ecs_cluster.cluster.name
}

output "group_name" {
  description = "`name` of `aws_autoscaling_group.group`."
  value       = aws_autoscaling_group.group.name
}
