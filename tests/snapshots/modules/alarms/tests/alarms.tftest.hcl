# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.alarm_certificate_days,
    var.alarm_emails,
    var.aws_region,
    var.kms_key_arn,
    var.maximum_hosts,
    var.name,
  ]

  variables {
    hosts_group_name                  = "hosts-group-name"
    load_balancer_balancer_arn_suffix = "load-balancer-balancer-arn-suffix"
    load_balancer_targets_arn_suffix  = "load-balancer-targets-arn-suffix"
    service_nginx_logs_name           = "service-nginx-logs-name"
    alarm_certificate_days            = -1
    alarm_emails = [
      "!",
    ]
    aws_region    = "!"
    kms_key_arn   = "!"
    maximum_hosts = -1
    name          = "!"
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.minimum_hosts,
  ]

  variables {
    hosts_group_name                  = "hosts-group-name"
    load_balancer_balancer_arn_suffix = "load-balancer-balancer-arn-suffix"
    load_balancer_targets_arn_suffix  = "load-balancer-targets-arn-suffix"
    service_nginx_logs_name           = "service-nginx-logs-name"
    minimum_hosts                     = -1
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
