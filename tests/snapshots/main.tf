# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

module "network" {
  source           = "./modules/network"
  proxy_image      = var.proxy_image
  allowed_networks = var.allowed_networks
  aws_region       = var.aws_region
  key_pair         = var.key_pair
  metrics_networks = var.metrics_networks
  name             = var.name
  network_cidr     = var.network_cidr
  registry_image   = var.registry_image
  ssh_networks     = var.ssh_networks
}

module "storage" {
  source              = "./modules/storage"
  aws_region          = var.aws_region
  aws_registry_bucket = var.aws_registry_bucket
  force_destroy       = var.force_destroy
  image_version_days  = var.image_version_days
  intelligent_tiering = var.intelligent_tiering
  kms_key_arn         = var.kms_key_arn
  name                = var.name
  nginx_config_bucket = var.nginx_config_bucket
}

module "secrets" {
  source                = "./modules/secrets"
  aws_access_key        = var.aws_access_key
  aws_secret_access_key = var.aws_secret_access_key
  kms_key_arn           = var.kms_key_arn
  name                  = var.name
}

module "permissions" {
  source                    = "./modules/permissions"
  network_s3_id             = module.network.s3_id
  secrets_http_arn          = module.secrets.http_arn
  secrets_keys_arn          = module.secrets.keys_arn
  storage_configuration_arn = module.storage.configuration_arn
  storage_images_arn        = module.storage.images_arn
  aws_region                = var.aws_region
  kms_key_arn               = var.kms_key_arn
  name                      = var.name
}

module "load_balancer" {
  source              = "./modules/load_balancer"
  network_balancer_id = module.network.balancer_id
  network_subnet_ids  = module.network.subnet_ids
  network_vpc_id      = module.network.vpc_id
  deletion_protection = var.deletion_protection
  idle_timeout        = var.idle_timeout
  internal            = var.internal
  name                = var.name
}

module "dns" {
  source                          = "./modules/dns"
  load_balancer_balancer_dns_name = module.load_balancer.balancer_dns_name
  load_balancer_balancer_zone_id  = module.load_balancer.balancer_zone_id
  dns_zone_id                     = var.dns_zone_id
  domain                          = var.domain
}

module "hosts" {
  source                  = "./modules/hosts"
  network_hosts_id        = module.network.hosts_id
  network_subnet_ids      = module.network.subnet_ids
  permissions_profile_arn = module.permissions.profile_arn
  architecture            = var.architecture
  instance_type           = var.instance_type
  key_pair                = var.key_pair
  kms_key_arn             = var.kms_key_arn
  maximum_hosts           = var.maximum_hosts
  minimum_hosts           = var.minimum_hosts
  name                    = var.name
  network_complete        = module.network.complete
  other_instance_types    = var.other_instance_types
  scale_cpu_percent       = var.scale_cpu_percent
  scale_network_megabytes = var.scale_network_megabytes
  scheduled_hosts         = var.scheduled_hosts
  spot_percent            = var.spot_percent
  tags                    = var.tags
  volume_size             = var.volume_size
}

module "service" {
  source                        = "./modules/service"
  hosts_cluster_id              = module.hosts.cluster_id
  load_balancer_targets_arn     = module.load_balancer.targets_arn
  permissions_execution_arn     = module.permissions.execution_arn
  permissions_task_arn          = module.permissions.task_arn
  proxy_image                   = var.proxy_image
  secrets_http_arn              = module.secrets.http_arn
  secrets_keys_arn              = module.secrets.keys_arn
  storage_configuration_bucket  = module.storage.configuration_bucket
  storage_images_bucket         = module.storage.images_bucket
  aws_access_key                = var.aws_access_key
  aws_region                    = var.aws_region
  cache_size                    = var.cache_size
  index_validation              = var.index_validation
  instance_type                 = var.instance_type
  kms_key_arn                   = var.kms_key_arn
  load_balancer_complete        = module.load_balancer.complete
  log_retention_days            = var.log_retention_days
  minimum_hosts                 = var.minimum_hosts
  name                          = var.name
  other_instance_types          = var.other_instance_types
  permissions_complete          = module.permissions.complete
  proxy_connections_per_address = var.proxy_connections_per_address
  proxy_refresh_seconds         = var.proxy_refresh_seconds
  proxy_remember_seconds        = var.proxy_remember_seconds
  registry_image                = var.registry_image
  secrets_complete              = module.secrets.complete
}

module "alarms" {
  source                            = "./modules/alarms"
  hosts_group_name                  = module.hosts.group_name
  load_balancer_balancer_arn_suffix = module.load_balancer.balancer_arn_suffix
  load_balancer_targets_arn_suffix  = module.load_balancer.targets_arn_suffix
  service_nginx_logs_name           = module.service.nginx_logs_name
  alarm_certificate_days            = var.alarm_certificate_days
  alarm_emails                      = var.alarm_emails
  aws_region                        = var.aws_region
  kms_key_arn                       = var.kms_key_arn
  maximum_hosts                     = var.maximum_hosts
  minimum_hosts                     = var.minimum_hosts
  name                              = var.name
}
