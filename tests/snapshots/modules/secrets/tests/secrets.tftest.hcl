# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

# Terraform cannot mock ephemeral resources: this takes credentials of an AWS account, or of an
# emulator that AWS_ENDPOINT_URL names. Nothing is made: the runs only plan.
provider "aws" {
  region = "us-east-1"
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.aws_secret_access_key,
    var.kms_key_arn,
    var.name,
  ]

  variables {
    aws_secret_access_key = "!"
    kms_key_arn           = "!"
    name                  = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
