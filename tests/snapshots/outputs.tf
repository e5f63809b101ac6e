# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "autoscaling_group" {
  description = "Name of the autoscaling group of the hosts."
  value       = module.hosts.autoscaling_group_name
}

output "cluster" {
  description = "Name of the ECS cluster."
  value       = module.hosts.cluster_name
}

output "configuration_bucket" {
  description = "S3 bucket of nginx.htpasswd, domain.crt and domain.key."
  value       = module.storage.configuration_bucket
}

output "image_bucket" {
  description = "S3 bucket of the images."
  value       = module.storage.images_bucket
}

output "load_balancer_name" {
  description = "Name of the load balancer."
  value       = module.load_balancer.load_balancer_name
}

output "registry_url" {
  description = "URL of the registry. The certificate's name has to be a CNAME of its host."
  value       = "https://${var.domain == "" ? module.load_balancer.load_balancer_dns_name : var.domain}"
}
