# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "metric"
        x      = 0
        y      = 0
        width  = 12
        height = 6
        properties = {
          title = "Hosts"
          metrics = [
            [
              "AWS/NetworkELB",
              "HealthyHostCount",
              "LoadBalancer",
              var.load_balancer_balancer_arn_suffix,
              "TargetGroup",
              var.load_balancer_targets_arn_suffix
            ],
            [
              "AWS/NetworkELB",
              "UnHealthyHostCount",
              "LoadBalancer",
              var.load_balancer_balancer_arn_suffix,
              "TargetGroup",
              var.load_balancer_targets_arn_suffix
            ],
            [
              "AWS/AutoScaling",
              "GroupInServiceInstances",
              "AutoScalingGroupName",
              var.hosts_group_name
            ]
          ]
          stat   = "Maximum"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 0
        width  = 12
        height = 6
        properties = {
          title = "Requests"
          metrics = [
            [
              "Wharf/${var.name}",
              "Requests"
            ],
            [
              "Wharf/${var.name}",
              "Unauthorized"
            ],
            [
              "Wharf/${var.name}",
              "Throttled"
            ],
            [
              "Wharf/${var.name}",
              "ServerErrors"
            ]
          ]
          stat   = "Sum"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 6
        width  = 12
        height = 6
        properties = {
          title = "Upstream time (s)"
          metrics = [
            [
              "Wharf/${var.name}",
              "UpstreamTime"
            ]
          ]
          stat   = "p99"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 6
        width  = 12
        height = 6
        properties = {
          title = "CPU (%)"
          metrics = [
            [
              "AWS/EC2",
              "CPUUtilization",
              "AutoScalingGroupName",
              var.hosts_group_name
            ]
          ]
          stat   = "Average"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 12
        width  = 12
        height = 6
        properties = {
          title = "Sent by the hosts (bytes)"
          metrics = [
            [
              "AWS/EC2",
              "NetworkOut",
              "AutoScalingGroupName",
              var.hosts_group_name
            ]
          ]
          stat   = "Sum"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 12
        width  = 12
        height = 6
        properties = {
          title = "Disk of the fullest host (%)"
          metrics = [
            [
              "Wharf/${var.name}",
              "disk_used_percent",
              "Environment",
              var.name
            ]
          ]
          stat   = "Maximum"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 18
        width  = 12
        height = 6
        properties = {
          title = "Errors of S3"
          metrics = [
            [
              "Wharf/${var.name}",
              "StorageErrors"
            ]
          ]
          stat   = "Sum"
          period = 60
          region = var.aws_region
        }
      },
      {
        type   = "metric"
        x      = 12
        y      = 18
        width  = 12
        height = 6
        properties = {
          title = "Days left of the certificate"
          metrics = [
            [
              "Wharf/${var.name}",
              "CertificateDaysLeft"
            ]
          ]
          stat   = "Minimum"
          period = 60
          region = var.aws_region
        }
      }
    ]
  })
  dashboard_name = "${var.name}-${var.aws_region}"
}

resource "aws_cloudwatch_log_metric_filter" "count_CertificateDaysLeft" {
  log_group_name = var.service_nginx_logs_name
  name           = "CertificateDaysLeft"
  pattern        = "{ $.event = \"certificate\" }"

  metric_transformation {
    name      = "CertificateDaysLeft"
    namespace = "Wharf/${var.name}"
    value     = "$.days_left"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_ConfigurationRefused" {
  log_group_name = var.service_nginx_logs_name
  name           = "ConfigurationRefused"
  pattern        = "{ $.event = \"configuration_refused\" }"

  metric_transformation {
    name      = "ConfigurationRefused"
    namespace = "Wharf/${var.name}"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_Requests" {
  log_group_name = var.service_nginx_logs_name
  name           = "Requests"
  pattern        = "{ $.status = * }"

  metric_transformation {
    name      = "Requests"
    namespace = "Wharf/${var.name}"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_ServerErrors" {
  log_group_name = var.service_nginx_logs_name
  name           = "ServerErrors"
  pattern        = "{ ($.status >= 500) && ($.status != 501) && ($.status != 505) }"

  metric_transformation {
    name      = "ServerErrors"
    namespace = "Wharf/${var.name}"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_StorageErrors" {
  log_group_name = var.service_nginx_logs_name
  name           = "StorageErrors"
  pattern        = "{ $.failure = \"s3aws*\" }"

  metric_transformation {
    name      = "StorageErrors"
    namespace = "Wharf/${var.name}"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_Throttled" {
  log_group_name = var.service_nginx_logs_name
  name           = "Throttled"
  pattern        = "{ $.status = 429 }"

  metric_transformation {
    name      = "Throttled"
    namespace = "Wharf/${var.name}"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_Unauthorized" {
  log_group_name = var.service_nginx_logs_name
  name           = "Unauthorized"
  pattern        = "{ $.status = 401 }"

  metric_transformation {
    name      = "Unauthorized"
    namespace = "Wharf/${var.name}"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "count_UpstreamTime" {
  log_group_name = var.service_nginx_logs_name
  name           = "UpstreamTime"
  pattern        = "{ $.upstream_time >= 0 }"

  metric_transformation {
    name      = "UpstreamTime"
    namespace = "Wharf/${var.name}"
    value     = "$.upstream_time"
  }
}

resource "aws_cloudwatch_metric_alarm" "certificate" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "The certificate is about to expire: publish a new one."
  alarm_name          = "${var.name}-certificate-${var.aws_region}"
  comparison_operator = "LessThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "CertificateDaysLeft"
  namespace           = "Wharf/${var.name}"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 86400
  statistic          = "Minimum"
  threshold          = var.alarm_certificate_days
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "configuration_refused" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "Hosts refuse the published users, permissions or certificate: nginx's log says why."
  alarm_name          = "${var.name}-configuration_refused-${var.aws_region}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "ConfigurationRefused"
  namespace           = "Wharf/${var.name}"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 300
  statistic          = "Sum"
  threshold          = 1
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "disk" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "A host's disk is nearly full: raise volume_size or lower cache_size."
  alarm_name          = "${var.name}-disk-${var.aws_region}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  dimensions = {
    Environment = var.name
  }
  evaluation_periods = 10
  metric_name        = "disk_used_percent"
  namespace          = "Wharf/${var.name}"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 60
  statistic          = "Maximum"
  threshold          = 90
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "hosts_at_maximum" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "All hosts that scaling may start run: raise maximum_hosts if requests become slow."
  alarm_name          = "${var.name}-hosts_at_maximum-${var.aws_region}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  dimensions = {
    AutoScalingGroupName = var.hosts_group_name
  }
  evaluation_periods = 15
  metric_name        = "GroupInServiceInstances"
  namespace          = "AWS/AutoScaling"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 60
  statistic          = "Minimum"
  threshold          = var.maximum_hosts + (var.maximum_hosts > var.minimum_hosts ? 0 : 1)
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "no_healthy_host" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "No host answers: the registry is down."
  alarm_name          = "${var.name}-no_healthy_host-${var.aws_region}"
  comparison_operator = "LessThanThreshold"
  dimensions = {
    LoadBalancer = var.load_balancer_balancer_arn_suffix
    TargetGroup  = var.load_balancer_targets_arn_suffix
  }
  evaluation_periods = 3
  metric_name        = "HealthyHostCount"
  namespace          = "AWS/NetworkELB"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 60
  statistic          = "Maximum"
  threshold          = min(1, var.minimum_hosts)
  treat_missing_data = var.minimum_hosts > 0 ? "breaching" : "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "server_errors" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "The registry answers with errors (5xx): see the logs of nginx and the registry."
  alarm_name          = "${var.name}-server_errors-${var.aws_region}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "ServerErrors"
  namespace           = "Wharf/${var.name}"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 300
  statistic          = "Sum"
  threshold          = 10
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "storage_errors" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "The registry gets errors from S3: see nginx's log (failure), and S3's own health."
  alarm_name          = "${var.name}-storage_errors-${var.aws_region}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "StorageErrors"
  namespace           = "Wharf/${var.name}"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 300
  statistic          = "Sum"
  threshold          = 5
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "unhealthy_hosts" {
  alarm_actions = [
    aws_sns_topic.topic.arn,
  ]
  alarm_description   = "A host fails the load balancer's check: see its containers' logs."
  alarm_name          = "${var.name}-unhealthy_hosts-${var.aws_region}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  dimensions = {
    LoadBalancer = var.load_balancer_balancer_arn_suffix
    TargetGroup  = var.load_balancer_targets_arn_suffix
  }
  evaluation_periods = 5
  metric_name        = "UnHealthyHostCount"
  namespace          = "AWS/NetworkELB"
  ok_actions = [
    aws_sns_topic.topic.arn,
  ]
  period             = 60
  statistic          = "Maximum"
  threshold          = 1
  treat_missing_data = "notBreaching"
}

resource "aws_sns_topic" "topic" {
  kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
  name              = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "emails" {
  for_each  = toset(var.alarm_emails)
  endpoint  = each.value
  protocol  = "email"
  topic_arn = aws_sns_topic.topic.arn
}
