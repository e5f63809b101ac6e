# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

# Terraform cannot mock ephemeral resources: this takes credentials of an AWS account, or of an
# emulator that AWS_ENDPOINT_URL names. Nothing is made: the runs only plan.
provider "aws" {
  region = "us-east-1"
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.allowed_networks,
    var.aws_region,
    var.aws_registry_bucket,
    var.aws_secret_access_key,
    var.cache_size,
    var.idle_timeout,
    var.instance_type,
    var.log_retention_days,
    var.maximum_hosts,
    var.name,
    var.network_cidr,
    var.nginx_config_bucket,
    var.proxy_image,
    var.proxy_refresh_seconds,
    var.proxy_remember_seconds,
    var.registry_image,
    var.scale_cpu_percent,
    var.scale_network_megabytes,
    var.ssh_networks,
  ]

  variables {
    proxy_image = "!"
    allowed_networks = [
      "!",
    ]
    aws_region              = "!"
    aws_registry_bucket     = "!"
    aws_secret_access_key   = "!"
    cache_size              = -1
    idle_timeout            = -1
    instance_type           = "!"
    log_retention_days      = -1
    maximum_hosts           = -1
    name                    = "!"
    network_cidr            = "!"
    nginx_config_bucket     = "!"
    proxy_refresh_seconds   = -1
    proxy_remember_seconds  = -1
    registry_image          = "!"
    scale_cpu_percent       = -1
    scale_network_megabytes = -1
    ssh_networks = [
      "!",
    ]
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.minimum_hosts,
    var.volume_size,
  ]

  variables {
    proxy_image   = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
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
