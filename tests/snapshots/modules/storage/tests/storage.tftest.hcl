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
    var.image_version_days,
    var.kms_key_arn,
    var.name,
    var.nginx_config_bucket,
  ]

  variables {
    aws_region          = "!"
    aws_registry_bucket = "!"
    image_version_days  = -1
    kms_key_arn         = "!"
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
