# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Environment = var.name
      Project     = "wharf"
    }
  }
}

module "registry" {
  source                  = "../.."
  proxy_image             = var.proxy_image
  allowed_networks        = var.allowed_networks
  aws_access_key          = var.aws_access_key
  aws_region              = var.aws_region
  aws_registry_bucket     = var.aws_registry_bucket
  aws_secret_access_key   = var.aws_secret_access_key
  cache_size              = var.cache_size
  force_destroy           = var.force_destroy
  idle_timeout            = var.idle_timeout
  instance_type           = var.instance_type
  key_pair                = var.key_pair
  log_retention_days      = var.log_retention_days
  maximum_hosts           = var.maximum_hosts
  minimum_hosts           = var.minimum_hosts
  name                    = var.name
  network_cidr            = var.network_cidr
  nginx_config_bucket     = var.nginx_config_bucket
  proxy_refresh_seconds   = var.proxy_refresh_seconds
  proxy_remember_seconds  = var.proxy_remember_seconds
  registry_image          = var.registry_image
  scale_cpu_percent       = var.scale_cpu_percent
  scale_network_megabytes = var.scale_network_megabytes
  ssh_networks            = var.ssh_networks
  volume_size             = var.volume_size
}
