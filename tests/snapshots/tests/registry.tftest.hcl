# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

# Terraform cannot mock ephemeral resources: this takes credentials of an AWS account, or of an
# emulator that AWS_ENDPOINT_URL names. Nothing is made: the runs only plan.
provider "aws" {
  region = "us-east-1"
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.alarm_certificate_days,
    var.alarm_emails,
    var.allowed_networks,
    var.architecture,
    var.aws_registry_bucket,
    var.aws_secret_access_key,
    var.cache_size,
    var.domain,
    var.idle_timeout,
    var.image_version_days,
    var.index_validation,
    var.instance_type,
    var.kms_key_arn,
    var.log_retention_days,
    var.maximum_hosts,
    var.metrics_networks,
    var.name,
    var.network_cidr,
    var.nginx_config_bucket,
    var.other_instance_types,
    var.proxy_connections_per_address,
    var.proxy_image,
    var.proxy_refresh_seconds,
    var.proxy_remember_seconds,
    var.registry_image,
    var.scale_cpu_percent,
    var.scale_network_megabytes,
    var.spot_percent,
    var.ssh_networks,
  ]

  variables {
    proxy_image            = "!"
    alarm_certificate_days = -1
    alarm_emails = [
      "!",
    ]
    allowed_networks = [
      "!",
    ]
    architecture          = "!"
    aws_registry_bucket   = "!"
    aws_secret_access_key = "!"
    cache_size            = -1
    domain                = "!"
    idle_timeout          = -1
    image_version_days    = -1
    index_validation      = "!"
    instance_type         = "!"
    kms_key_arn           = "!"
    log_retention_days    = -1
    maximum_hosts         = -1
    metrics_networks = [
      "!",
    ]
    name                = "!"
    network_cidr        = "!"
    nginx_config_bucket = "!"
    other_instance_types = [
      "!",
    ]
    proxy_connections_per_address = -1
    proxy_refresh_seconds         = -1
    proxy_remember_seconds        = -1
    registry_image                = "!"
    scale_cpu_percent             = -1
    scale_network_megabytes       = -1
    spot_percent                  = -1
    ssh_networks = [
      "!",
    ]
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.aws_region,
    var.dns_zone_id,
    var.minimum_hosts,
    var.volume_size,
  ]

  variables {
    proxy_image   = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
    aws_region    = "!"
    dns_zone_id   = "!"
    minimum_hosts = -1
    volume_size   = -1
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}

run "example_complete" {
  command = plan

  variables {
    proxy_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
  }

  module {
    source = "./examples/complete"
  }
}
