# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
}

resource "aws_autoscaling_group" "group" {
  default_instance_warmup = 120
  health_check_type       = "EC2"
  max_size                = var.maximum_hosts
  min_size                = var.minimum_hosts
  name                    = var.name
  vpc_zone_identifier     = var.network_subnet_ids

  launch_template {
    version = tostring(aws_launch_template.template.latest_version)
    id      = aws_launch_template.template.id
  }

  tag {
    key                 = "Name"
    propagate_at_launch = true
    value               = var.name
  }
}

resource "aws_autoscaling_policy" "cpu" {
  autoscaling_group_name = aws_autoscaling_group.group.name
  enabled                = var.maximum_hosts > 1
  name                   = "${var.name}-cpu"
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.scale_cpu_percent

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_autoscaling_policy" "network" {
  autoscaling_group_name = aws_autoscaling_group.group.name
  enabled                = var.maximum_hosts > 1
  name                   = "${var.name}-network"
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.scale_network_megabytes * 1000000

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageNetworkOut"
    }
  }
}

resource "aws_ecs_cluster" "cluster" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_launch_template" "template" {
  image_id               = data.aws_ssm_parameter.image.insecure_value
  instance_type          = var.instance_type
  key_name               = var.key_pair == "" ? null : var.key_pair
  name                   = var.name
  update_default_version = true
  user_data              = base64encode("#!/bin/bash\nset -eu\nmkdir -p /etc/ecs\necho ECS_CLUSTER=${aws_ecs_cluster.cluster.name} >> /etc/ecs/ecs.config\n")
  vpc_security_group_ids = [
    var.network_hosts_id,
  ]

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      delete_on_termination = "true"
      encrypted             = "true"
      volume_size           = var.volume_size
      volume_type           = "gp3"
    }
  }

  iam_instance_profile {
    arn = var.permissions_profile_arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  monitoring {
    enabled = true
  }
}
