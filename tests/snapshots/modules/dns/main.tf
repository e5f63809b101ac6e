# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

resource "aws_route53_record" "record" {
  for_each = toset(var.dns_zone_id == "" ? [] : [var.domain])
  name     = each.value
  type     = "A"
  zone_id  = var.dns_zone_id

  alias {
    evaluate_target_health = false
    name                   = var.load_balancer_balancer_dns_name
    zone_id                = var.load_balancer_balancer_zone_id
  }
}
