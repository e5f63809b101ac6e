# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = merge(var.tags, {
      Project     = "wharf",
      Environment = var.name
    })
  }
}

module "registry" {
  source                        = "../.."
  proxy_image                   = var.proxy_image
  alarm_certificate_days        = var.alarm_certificate_days
  alarm_emails                  = var.alarm_emails
  allowed_networks              = var.allowed_networks
  architecture                  = var.architecture
  aws_access_key                = var.aws_access_key
  aws_region                    = var.aws_region
  aws_registry_bucket           = var.aws_registry_bucket
  aws_secret_access_key         = var.aws_secret_access_key
  cache_size                    = var.cache_size
  deletion_protection           = var.deletion_protection
  dns_zone_id                   = var.dns_zone_id
  domain                        = var.domain
  force_destroy                 = var.force_destroy
  idle_timeout                  = var.idle_timeout
  image_version_days            = var.image_version_days
  index_validation              = var.index_validation
  instance_type                 = var.instance_type
  intelligent_tiering           = var.intelligent_tiering
  internal                      = var.internal
  key_pair                      = var.key_pair
  kms_key_arn                   = var.kms_key_arn
  log_retention_days            = var.log_retention_days
  maximum_hosts                 = var.maximum_hosts
  metrics_networks              = var.metrics_networks
  minimum_hosts                 = var.minimum_hosts
  name                          = var.name
  network_cidr                  = var.network_cidr
  nginx_config_bucket           = var.nginx_config_bucket
  other_instance_types          = var.other_instance_types
  proxy_connections_per_address = var.proxy_connections_per_address
  proxy_refresh_seconds         = var.proxy_refresh_seconds
  proxy_remember_seconds        = var.proxy_remember_seconds
  registry_image                = var.registry_image
  scale_cpu_percent             = var.scale_cpu_percent
  scale_network_megabytes       = var.scale_network_megabytes
  scheduled_hosts               = var.scheduled_hosts
  spot_percent                  = var.spot_percent
  ssh_networks                  = var.ssh_networks
  tags                          = var.tags
  volume_size                   = var.volume_size
}
