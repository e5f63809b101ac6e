# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "balancer_id" {
  description = "`id` of `aws_security_group.balancer`."
  value       = aws_security_group.balancer.id
}

output "hosts_id" {
  description = "`id` of `aws_security_group.hosts`."
  value       = aws_security_group.hosts.id
}

output "subnet_ids" {
  description = "`id` of each `aws_subnet.subnet_…`."
  value = [
    aws_subnet.subnet_0.id,
    aws_subnet.subnet_1.id,
  ]
}

output "vpc_id" {
  description = "`id` of `aws_vpc.vpc`."
  value       = aws_vpc.vpc.id
}
