# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_availability_zones" "zones" {
  state = "available"

  filter {
    name = "opt-in-status"
    values = [
      "opt-in-not-required",
    ]
  }

  lifecycle {
    postcondition {
      condition     = length(self.names) >= 2
      error_message = "zones = 2: the region has fewer; choose fewer zones."
    }
  }
}

resource "aws_default_security_group" "unused" {
  vpc_id = aws_vpc.vpc.id
}

resource "aws_internet_gateway" "gateway" {
  tags = {
    Name = var.name
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_route" "internet" {
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.gateway.id
  route_table_id         = aws_route_table.routes.id
}

resource "aws_route_table" "routes" {
  tags = {
    Name = var.name
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_route_table_association" "routes_0" {
  route_table_id = aws_route_table.routes.id
  subnet_id      = aws_subnet.subnet_0.id
}

resource "aws_route_table_association" "routes_1" {
  route_table_id = aws_route_table.routes.id
  subnet_id      = aws_subnet.subnet_1.id
}

resource "aws_security_group" "balancer" {
  description = "Load balancer of the registry"
  name        = "${var.name}-balancer"
  tags = {
    Name = "${var.name}-balancer"
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_security_group" "hosts" {
  description = "Hosts of the registry"
  name        = "${var.name}-hosts"
  tags = {
    Name = "${var.name}-hosts"
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_subnet" "subnet_0" {
  availability_zone       = element(data.aws_availability_zones.zones.names, 0)
  cidr_block              = cidrsubnet(aws_vpc.vpc.cidr_block, 4, 0)
  map_public_ip_on_launch = true
  tags = {
    Name = "${var.name}-0"
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_subnet" "subnet_1" {
  availability_zone       = element(data.aws_availability_zones.zones.names, 1)
  cidr_block              = cidrsubnet(aws_vpc.vpc.cidr_block, 4, 1)
  map_public_ip_on_launch = true
  tags = {
    Name = "${var.name}-1"
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_vpc" "vpc" {
  cidr_block           = var.network_cidr
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags = {
    Name = var.name
  }
}

resource "aws_vpc_endpoint" "s3" {
  route_table_ids = [
    aws_route_table.routes.id,
  ]
  service_name = "com.amazonaws.${var.aws_region}.s3"
  tags = {
    Name = "${var.name}-s3"
  }
  vpc_id = aws_vpc.vpc.id
}

resource "aws_vpc_security_group_egress_rule" "balancer_to_hosts" {
  description                  = "Traffic and health checks"
  from_port                    = 443
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.hosts.id
  security_group_id            = aws_security_group.balancer.id
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "hosts_to_https" {
  for_each = toset(concat([
    "443"
    ], [
    for image in [
      var.proxy_image,
      var.registry_image
    ] :
    try(regex("^[^/]+:([0-9]+)/", image)[0], "443")
  ]))
  cidr_ipv4         = "0.0.0.0/0"
  description       = "AWS APIs and image pulls"
  from_port         = each.value
  ip_protocol       = "tcp"
  security_group_id = aws_security_group.hosts.id
  to_port           = each.value
}

resource "aws_vpc_security_group_ingress_rule" "clients_to_balancer" {
  for_each          = toset(var.allowed_networks)
  cidr_ipv4         = each.value
  description       = "Clients of the registry"
  from_port         = 443
  ip_protocol       = "tcp"
  security_group_id = aws_security_group.balancer.id
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "hosts_from_balancer" {
  description                  = "Traffic and health checks"
  from_port                    = 443
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.balancer.id
  security_group_id            = aws_security_group.hosts.id
  to_port                      = 443
}

resource "aws_vpc_security_group_ingress_rule" "metrics_of_hosts" {
  for_each          = toset(var.metrics_networks)
  cidr_ipv4         = each.value
  description       = "Prometheus"
  from_port         = 9113
  ip_protocol       = "tcp"
  security_group_id = aws_security_group.hosts.id
  to_port           = 9113
}

resource "aws_vpc_security_group_ingress_rule" "ssh_to_hosts" {
  for_each          = toset(var.key_pair == "" ? [] : var.ssh_networks)
  cidr_ipv4         = each.value
  description       = "Operators"
  from_port         = 22
  ip_protocol       = "tcp"
  security_group_id = aws_security_group.hosts.id
  to_port           = 22
}
