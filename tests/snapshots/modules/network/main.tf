# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_availability_zones" "this" {
  state = "available"

  filter {
    name = "opt-in-status"
    values = [
      "opt-in-not-required",
    ]
  }

  filter {
    name   = "zone-name"
    values = data.aws_ec2_instance_type_offerings.offered.locations
  }

  lifecycle {
    postcondition {
      condition     = length(self.names) >= 2
      error_message = "zones = 2: the region has ${var.instance_type} in fewer; choose fewer zones, or another instance_type."
    }
  }
}

data "aws_ec2_instance_type_offerings" "offered" {
  location_type = "availability-zone"

  filter {
    name = "instance-type"
    values = [
      var.instance_type,
    ]
  }

  lifecycle {
    postcondition {
      condition     = length(self.locations) >= 2
      error_message = "zones = 2: the region has ${var.instance_type} in fewer; choose fewer zones, or another instance_type."
    }
  }
}

data "aws_partition" "flow_logs" {
}

data "aws_partition" "this" {
}

data "aws_vpc_endpoint_service" "s3" {
  service_name = data.aws_partition.this.reverse_dns_prefix == "com.amazonaws" ? "com.amazonaws.${var.aws_region}.s3" : null
  service_type = "Gateway"

  dynamic "filter" {
    for_each = data.aws_partition.this.reverse_dns_prefix == "com.amazonaws" ? [] : [1]

    content {
      name = "service-name"
      values = [
        "com.amazonaws.${var.aws_region}.s3",
        "${data.aws_partition.this.reverse_dns_prefix}.${var.aws_region}.s3",
      ]
    }
  }
}

resource "aws_default_security_group" "unused" {
  vpc_id = aws_vpc.this.id
}

resource "aws_flow_log" "flow_logs_bucket" {
  for_each             = toset(var.flow_log_bucket == "" ? [] : [var.flow_log_bucket])
  log_destination      = "arn:${data.aws_partition.flow_logs.partition}:s3:::${each.value}"
  log_destination_type = "s3"
  tags = {
    Name = var.name
  }
  traffic_type = "ALL"
  vpc_id       = aws_vpc.this.id
}

resource "aws_internet_gateway" "this" {
  tags = {
    Name = var.name
  }
  vpc_id = aws_vpc.this.id
}

resource "aws_route" "internet" {
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
  route_table_id         = aws_route_table.this.id
}

resource "aws_route_table" "this" {
  tags = {
    Name = var.name
  }
  vpc_id = aws_vpc.this.id
}

resource "aws_route_table_association" "routes_0" {
  route_table_id = aws_route_table.this.id
  subnet_id      = aws_subnet.subnet_0.id
}

resource "aws_route_table_association" "routes_1" {
  route_table_id = aws_route_table.this.id
  subnet_id      = aws_subnet.subnet_1.id
}

resource "aws_security_group" "balancer" {
  description = "Load balancer of the registry"
  name        = "${var.name}-balancer"
  tags = {
    Name = "${var.name}-balancer"
  }
  vpc_id = aws_vpc.this.id
}

resource "aws_security_group" "hosts" {
  description = "Hosts of the registry"
  name        = "${var.name}-hosts"
  tags = {
    Name = "${var.name}-hosts"
  }
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "subnet_0" {
  availability_zone       = element(data.aws_availability_zones.this.names, 0)
  cidr_block              = cidrsubnet(aws_vpc.this.cidr_block, 4, 0)
  map_public_ip_on_launch = true
  tags = {
    Name = "${var.name}-0"
  }
  vpc_id = aws_vpc.this.id

  lifecycle {
    ignore_changes = [
      availability_zone,
    ]
  }
}

resource "aws_subnet" "subnet_1" {
  availability_zone       = element(data.aws_availability_zones.this.names, 1)
  cidr_block              = cidrsubnet(aws_vpc.this.cidr_block, 4, 1)
  map_public_ip_on_launch = true
  tags = {
    Name = "${var.name}-1"
  }
  vpc_id = aws_vpc.this.id

  lifecycle {
    ignore_changes = [
      availability_zone,
    ]
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.network_cidr
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags = {
    Name = var.name
  }
}

resource "aws_vpc_endpoint" "s3" {
  route_table_ids = [
    aws_route_table.this.id,
  ]
  service_name = data.aws_vpc_endpoint_service.s3.service_name
  tags = {
    Name = "${var.name}-s3"
  }
  vpc_id = aws_vpc.this.id
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
    ], [
    for mirror in var.mirrors :
    try(regex(":([0-9]+)$", mirror.url)[0], "443")
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
