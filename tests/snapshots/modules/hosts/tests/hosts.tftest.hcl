# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.architecture,
    var.instance_type,
    var.kms_key_arn,
    var.maximum_hosts,
    var.name,
    var.other_instance_types,
    var.scale_cpu_percent,
    var.scale_network_megabytes,
    var.spot_percent,
    var.volume_size,
  ]

  variables {
    network_hosts_id = "network-hosts-id"
    network_subnet_ids = [
      "network-subnet-ids-1",
      "network-subnet-ids-2",
    ]
    permissions_profile_arn = "arn:aws:service:us-east-1:123456789012:permissions-profile-arn"
    architecture            = "!"
    instance_type           = "!"
    kms_key_arn             = "!"
    maximum_hosts           = -1
    name                    = "!"
    other_instance_types = [
      "!",
    ]
    scale_cpu_percent       = -1
    scale_network_megabytes = -1
    spot_percent            = -1
    volume_size             = -1
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.minimum_hosts,
  ]

  variables {
    network_hosts_id = "network-hosts-id"
    network_subnet_ids = [
      "network-subnet-ids-1",
      "network-subnet-ids-2",
    ]
    permissions_profile_arn = "arn:aws:service:us-east-1:123456789012:permissions-profile-arn"
    minimum_hosts           = -1
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
