# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = {
      names = [
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
        "us-east-1d",
        "us-east-1e",
        "us-east-1f",
      ]
    }
  }
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.allowed_networks,
    var.metrics_networks,
    var.name,
    var.network_cidr,
    var.proxy_image,
    var.registry_image,
    var.ssh_networks,
  ]

  variables {
    proxy_image = "!"
    allowed_networks = [
      "!",
    ]
    metrics_networks = [
      "!",
    ]
    name           = "!"
    network_cidr   = "!"
    registry_image = "!"
    ssh_networks = [
      "!",
    ]
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.aws_region,
  ]

  variables {
    proxy_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
    aws_region  = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
