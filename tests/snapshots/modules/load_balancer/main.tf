# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

resource "aws_lb" "balancer" {
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
  internal                         = var.internal
  load_balancer_type               = "network"
  name                             = var.name
  security_groups = [
    var.network_balancer_id,
  ]
  subnets = var.network_subnet_ids
}

resource "aws_lb_listener" "listener" {
  load_balancer_arn        = aws_lb.balancer.arn
  port                     = 443
  protocol                 = "TCP"
  tcp_idle_timeout_seconds = var.idle_timeout

  default_action {
    target_group_arn = aws_lb_target_group.targets.arn
    type             = "forward"
  }
}

resource "aws_lb_target_group" "targets" {
  deregistration_delay = "300"
  name                 = var.name
  port                 = 443
  protocol             = "TCP"
  target_type          = "instance"
  vpc_id               = var.network_vpc_id

  health_check {
    healthy_threshold   = 2
    interval            = 5
    matcher             = "200"
    path                = "/ssl"
    port                = "traffic-port"
    protocol            = "HTTPS"
    timeout             = 4
    unhealthy_threshold = 2
  }
}
