# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "balancer_security_group_id" {
  description = "ID of the balancer security group."
  value       = aws_security_group.balancer.id
}

output "hosts_security_group_id" {
  description = "ID of the hosts security group."
  value       = aws_security_group.hosts.id
  depends_on = [
    aws_vpc_security_group_egress_rule.balancer_to_hosts,
    aws_vpc_security_group_egress_rule.hosts_to_https,
    aws_vpc_security_group_ingress_rule.hosts_from_balancer,
    aws_vpc_security_group_ingress_rule.metrics_of_hosts,
    aws_vpc_security_group_ingress_rule.ssh_to_hosts,
  ]
}

output "s3_vpc_endpoint_id" {
  description = "ID of the S3 VPC endpoint."
  value       = aws_vpc_endpoint.s3.id
}

output "subnet_ids" {
  description = "IDs of the subnets."
  value = [
    aws_subnet.subnet_0.id,
    aws_subnet.subnet_1.id,
  ]
  depends_on = [
    aws_default_security_group.unused,
    aws_flow_log.flow_logs_bucket,
    aws_route.internet,
    aws_route_table_association.routes_0,
    aws_route_table_association.routes_1,
    aws_vpc_endpoint.s3,
    aws_vpc_security_group_ingress_rule.clients_to_balancer,
  ]
}

output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.this.id
}
