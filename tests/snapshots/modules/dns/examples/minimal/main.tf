# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "dns" {
  source                          = "../.."
  load_balancer_balancer_dns_name = "load-balancer-balancer-dns-name"
  load_balancer_balancer_zone_id  = "load-balancer-balancer-zone-id"
}
