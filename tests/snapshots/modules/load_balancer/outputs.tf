# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "balancer_arn_suffix" {
  description = "`arn_suffix` of `aws_lb.balancer`."
  value       = aws_lb.balancer.arn_suffix
}

output "balancer_dns_name" {
  description = "`dns_name` of `aws_lb.balancer`."
  value       = aws_lb.balancer.dns_name
}

output "balancer_name" {
  description = "`name` of `aws_lb.balancer`."
  value       = aws_lb.balancer.name
}

output "balancer_zone_id" {
  description = "`zone_id` of `aws_lb.balancer`."
  value       = aws_lb.balancer.zone_id
}

output "complete" {
  description = "True once all is made that others wait for."
  value       = true
  depends_on = [
    aws_lb_listener.listener,
  ]
}

output "targets_arn" {
  description = "`arn` of `aws_lb_target_group.targets`."
  value       = aws_lb_target_group.targets.arn
}

output "targets_arn_suffix" {
  description = "`arn_suffix` of `aws_lb_target_group.targets`."
  value       = aws_lb_target_group.targets.arn_suffix
}
