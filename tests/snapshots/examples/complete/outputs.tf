# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "autoscaling_group" {
  description = "Name of the autoscaling group of the hosts."
  value       = module.registry.autoscaling_group
}

output "cluster" {
  description = "Name of the ECS cluster."
  value       = module.registry.cluster
}

output "configuration_bucket" {
  description = "S3 bucket of nginx.htpasswd, domain.crt and domain.key."
  value       = module.registry.configuration_bucket
}

output "image_bucket" {
  description = "S3 bucket of the images."
  value       = module.registry.image_bucket
}

output "load_balancer_name" {
  description = "Name of the load balancer."
  value       = module.registry.load_balancer_name
}

output "registry_url" {
  description = "URL of the registry; its host is what the certificate's name is a CNAME of."
  value       = module.registry.registry_url
}
