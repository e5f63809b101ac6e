# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.idle_timeout,
    var.name,
  ]

  variables {
    network_balancer_id = "network-balancer-id"
    network_subnet_ids = [
      "network-subnet-ids-1",
      "network-subnet-ids-2",
    ]
    network_vpc_id = "network-vpc-id"
    idle_timeout   = -1
    name           = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
