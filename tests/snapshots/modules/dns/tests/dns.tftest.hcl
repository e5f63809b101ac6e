# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.domain,
  ]

  variables {
    load_balancer_balancer_dns_name = "load-balancer-balancer-dns-name"
    load_balancer_balancer_zone_id  = "load-balancer-balancer-zone-id"
    domain                          = "!"
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.dns_zone_id,
  ]

  variables {
    load_balancer_balancer_dns_name = "load-balancer-balancer-dns-name"
    load_balancer_balancer_zone_id  = "load-balancer-balancer-zone-id"
    dns_zone_id                     = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
