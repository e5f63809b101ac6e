# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "balancer_dns_name" {
  description = "`dns_name` of `aws_lb.balancer`."
  value       = aws_lb.balancer.dns_name
}

output "balancer_name" {
  description = "`name` of `aws_lb.balancer`."
  value       = aws_lb.balancer.name
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
