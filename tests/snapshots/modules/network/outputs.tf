# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "balancer_id" {
  description = "`id` of `aws_security_group.balancer`."
  value       = aws_security_group.balancer.id
}

output "complete" {
  description = "True once all is made that others wait for."
  value       = true
  depends_on = [
    aws_default_security_group.unused,
    aws_internet_gateway.gateway,
    aws_route.internet,
    aws_route_table.routes,
    aws_route_table_association.routes_0,
    aws_route_table_association.routes_1,
    aws_security_group.balancer,
    aws_security_group.hosts,
    aws_subnet.subnet_0,
    aws_subnet.subnet_1,
    aws_vpc.vpc,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_egress_rule.balancer_to_hosts,
    aws_vpc_security_group_egress_rule.hosts_to_https,
    aws_vpc_security_group_ingress_rule.clients_to_balancer,
    aws_vpc_security_group_ingress_rule.hosts_from_balancer,
    aws_vpc_security_group_ingress_rule.metrics_of_hosts,
    aws_vpc_security_group_ingress_rule.ssh_to_hosts,
  ]
}

output "hosts_id" {
  description = "`id` of `aws_security_group.hosts`."
  value       = aws_security_group.hosts.id
}

output "s3_id" {
  description = "`id` of `aws_vpc_endpoint.s3`."
  value       = aws_vpc_endpoint.s3.id
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
