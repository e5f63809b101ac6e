# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
    }
  }

  mock_data "aws_partition" {
    defaults = {
      partition  = "aws"
      dns_suffix = "amazonaws.com"
    }
  }
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.aws_region,
    var.kms_key_arn,
    var.name,
  ]

  variables {
    network_s3_id             = "network-s3-id"
    secrets_http_arn          = "arn:aws:service:us-east-1:123456789012:secrets-http-arn"
    secrets_keys_arn          = "arn:aws:service:us-east-1:123456789012:secrets-keys-arn"
    storage_configuration_arn = "arn:aws:service:us-east-1:123456789012:storage-configuration-arn"
    storage_images_arn        = "arn:aws:service:us-east-1:123456789012:storage-images-arn"
    aws_region                = "!"
    kms_key_arn               = "!"
    name                      = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
