# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "alarms" {
  source                            = "../.."
  hosts_group_name                  = "hosts-group-name"
  load_balancer_balancer_arn_suffix = "load-balancer-balancer-arn-suffix"
  load_balancer_targets_arn_suffix  = "load-balancer-targets-arn-suffix"
  service_nginx_logs_name           = "service-nginx-logs-name"
}
