# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

module "network" {
  source           = "./modules/network"
  allowed_networks = var.allowed_networks
  aws_region       = var.aws_region
  key_pair         = var.key_pair
  name             = var.name
  network_cidr     = var.network_cidr
  ssh_networks     = var.ssh_networks
}

module "storage" {
  source              = "./modules/storage"
  aws_region          = var.aws_region
  aws_registry_bucket = var.aws_registry_bucket
  force_destroy       = var.force_destroy
  name                = var.name
  nginx_config_bucket = var.nginx_config_bucket
}

module "secrets" {
  source                = "./modules/secrets"
  aws_access_key        = var.aws_access_key
  aws_secret_access_key = var.aws_secret_access_key
  name                  = var.name
}

module "permissions" {
  source                    = "./modules/permissions"
  secrets_http_arn          = module.secrets.http_arn
  secrets_keys_arn          = module.secrets.keys_arn
  storage_configuration_arn = module.storage.configuration_arn
  storage_images_arn        = module.storage.images_arn
  aws_region                = var.aws_region
  name                      = var.name
}

module "load_balancer" {
  source              = "./modules/load_balancer"
  network_balancer_id = module.network.balancer_id
  network_subnet_ids  = module.network.subnet_ids
  network_vpc_id      = module.network.vpc_id
  idle_timeout        = var.idle_timeout
  name                = var.name
}

module "hosts" {
  source                  = "./modules/hosts"
  network_hosts_id        = module.network.hosts_id
  network_subnet_ids      = module.network.subnet_ids
  permissions_profile_arn = module.permissions.profile_arn
  instance_type           = var.instance_type
  key_pair                = var.key_pair
  maximum_hosts           = var.maximum_hosts
  minimum_hosts           = var.minimum_hosts
  name                    = var.name
  scale_cpu_percent       = var.scale_cpu_percent
  scale_network_megabytes = var.scale_network_megabytes
  volume_size             = var.volume_size
}

module "service" {
  source                       = "./modules/service"
  hosts_cluster_id             = module.hosts.cluster_id
  load_balancer_targets_arn    = module.load_balancer.targets_arn
  permissions_execution_arn    = module.permissions.execution_arn
  permissions_task_arn         = module.permissions.task_arn
  proxy_image                  = var.proxy_image
  secrets_http_arn             = module.secrets.http_arn
  secrets_keys_arn             = module.secrets.keys_arn
  storage_configuration_bucket = module.storage.configuration_bucket
  storage_images_bucket        = module.storage.images_bucket
  aws_access_key               = var.aws_access_key
  aws_region                   = var.aws_region
  cache_size                   = var.cache_size
  load_balancer_complete       = module.load_balancer.complete
  log_retention_days           = var.log_retention_days
  minimum_hosts                = var.minimum_hosts
  name                         = var.name
  proxy_refresh_seconds        = var.proxy_refresh_seconds
  proxy_remember_seconds       = var.proxy_remember_seconds
  registry_image               = var.registry_image
}
