# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
    }
  }
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.aws_region,
    var.aws_registry_bucket,
    var.name,
    var.nginx_config_bucket,
  ]

  variables {
    aws_region          = "!"
    aws_registry_bucket = "!"
    name                = "!"
    nginx_config_bucket = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
