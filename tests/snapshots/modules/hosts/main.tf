# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/${var.architecture == "arm64" ? "arm64/" : ""}recommended/image_id"
}

resource "aws_autoscaling_group" "group" {
  default_instance_warmup = 120
  enabled_metrics = [
    "GroupInServiceInstances",
    "GroupDesiredCapacity",
  ]
  health_check_type   = "EC2"
  max_size            = var.maximum_hosts
  min_size            = var.minimum_hosts
  name                = var.name
  vpc_zone_identifier = var.network_subnet_ids
  depends_on = [
    var.network_complete,
  ]

  dynamic "tag" {
    for_each = merge(var.tags, {
      Project          = "wharf",
      Environment      = var.name,
      Name             = var.name,
      AmazonECSManaged = "true"
    })

    content {
      key                 = tag.key
      propagate_at_launch = true
      value               = tag.value
    }
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      max_healthy_percentage = 110
      min_healthy_percentage = 100
    }
  }

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = var.minimum_hosts
      on_demand_percentage_above_base_capacity = 100 - var.spot_percent
      spot_allocation_strategy                 = "price-capacity-optimized"
    }

    launch_template {
      dynamic "override" {
        for_each = concat([
          var.instance_type
        ], var.other_instance_types)

        content {
          instance_type = override.value
        }
      }

      launch_template_specification {
        version            = tostring(aws_launch_template.template.latest_version)
        launch_template_id = aws_launch_template.template.id
      }
    }
  }
}

resource "aws_autoscaling_policy" "scaling_cpu" {
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

resource "aws_autoscaling_policy" "scaling_network" {
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

resource "aws_autoscaling_schedule" "scaling_schedule" {
  for_each               = var.scheduled_hosts
  autoscaling_group_name = aws_autoscaling_group.group.name
  desired_capacity       = each.value
  max_size               = -1
  min_size               = -1
  recurrence             = each.key
  scheduled_action_name  = "${var.name}-${substr(sha256(each.key), 0, 8)}"
}

resource "aws_ecs_capacity_provider" "provider" {
  name = "hosts-${var.name}"

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.group.arn
    managed_draining               = "ENABLED"
    managed_termination_protection = "DISABLED"

    managed_scaling {
      status = "DISABLED"
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

resource "aws_ecs_cluster_capacity_providers" "providers" {
  capacity_providers = [
    aws_ecs_capacity_provider.provider.name,
  ]
  cluster_name = aws_ecs_cluster.cluster.name
}

resource "aws_launch_template" "template" {
  image_id               = data.aws_ssm_parameter.image.insecure_value
  instance_type          = var.instance_type
  key_name               = var.key_pair == "" ? null : var.key_pair
  name                   = var.name
  update_default_version = true
  user_data              = base64encode("#!/bin/bash\nset -eu\nmkdir -p /etc/ecs\necho ECS_CLUSTER=${aws_ecs_cluster.cluster.name} >> /etc/ecs/ecs.config\n# A Spot host learns of its end two minutes before: its transfers may end.\necho ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config\ncat > /etc/wharf-metrics.json <<'END'\n{\n \"agent\": {\n  \"metrics_collection_interval\": 60\n },\n \"metrics\": {\n  \"namespace\": \"Wharf/${var.name}\",\n  \"aggregation_dimensions\": [\n   [\n    \"Environment\"\n   ]\n  ],\n  \"metrics_collected\": {\n   \"disk\": {\n    \"measurement\": [\n     \"used_percent\"\n    ],\n    \"resources\": [\n     \"/\"\n    ],\n    \"append_dimensions\": {\n     \"Environment\": \"${var.name}\"\n    }\n   }\n  }\n }\n}\nEND\nif dnf install --assumeyes amazon-cloudwatch-agent; then\n    cd /opt/aws/amazon-cloudwatch-agent/bin\n    ./amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/wharf-metrics.json\nelse\n    echo \"No CloudWatch agent: nothing tells how full the disk is\" >&2\nfi\n")
  vpc_security_group_ids = [
    var.network_hosts_id,
  ]

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      delete_on_termination = "true"
      encrypted             = "true"
      kms_key_id            = var.kms_key_arn == "" ? null : var.kms_key_arn
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

  tag_specifications {
    resource_type = "volume"
    tags = merge(var.tags, {
      Project     = "wharf",
      Environment = var.name,
      Name        = var.name
    })
  }
}
