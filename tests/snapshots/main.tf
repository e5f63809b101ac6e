# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

module "network" {
  source           = "./modules/network"
  proxy_image      = var.proxy_image
  allowed_networks = var.allowed_networks
  aws_region       = var.aws_region
  flow_log_bucket  = var.flow_log_bucket
  instance_type    = var.instance_type
  key_pair         = var.key_pair
  metrics_networks = var.metrics_networks
  mirrors          = var.mirrors
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
  source                   = "./modules/permissions"
  configuration_bucket_arn = module.storage.configuration_bucket_arn
  http_secret_arn          = module.secrets.http_secret_arn
  images_bucket_arn        = module.storage.images_bucket_arn
  keys_secret_arn          = module.secrets.keys_secret_arn
  s3_vpc_endpoint_id       = module.network.s3_vpc_endpoint_id
  aws_region               = var.aws_region
  kms_key_arn              = var.kms_key_arn
  mirrors                  = var.mirrors
  name                     = var.name
  page                     = var.page
}

module "load_balancer" {
  source              = "./modules/load_balancer"
  security_group_id   = module.network.balancer_security_group_id
  subnet_ids          = module.network.subnet_ids
  vpc_id              = module.network.vpc_id
  deletion_protection = var.deletion_protection
  idle_timeout        = var.idle_timeout
  internal            = var.internal
  maximum_hosts       = var.maximum_hosts
  name                = var.name
}

module "dns" {
  source                 = "./modules/dns"
  load_balancer_dns_name = module.load_balancer.load_balancer_dns_name
  load_balancer_zone_id  = module.load_balancer.load_balancer_zone_id
  dns_zone_id            = var.dns_zone_id
  domain                 = var.domain
}

module "hosts" {
  source                  = "./modules/hosts"
  instance_profile_arn    = module.permissions.instance_profile_arn
  security_group_id       = module.network.hosts_security_group_id
  subnet_ids              = module.network.subnet_ids
  architecture            = var.architecture
  aws_region              = var.aws_region
  instance_type           = var.instance_type
  key_pair                = var.key_pair
  kms_key_arn             = var.kms_key_arn
  maximum_host_days       = var.maximum_host_days
  maximum_hosts           = var.maximum_hosts
  minimum_hosts           = var.minimum_hosts
  name                    = var.name
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
  cluster_id                    = module.hosts.cluster_id
  configuration_bucket          = module.storage.configuration_bucket
  execution_role_arn            = module.permissions.execution_role_arn
  http_secret_arn               = module.secrets.http_secret_arn
  images_bucket                 = module.storage.images_bucket
  keys_secret_arn               = module.secrets.keys_secret_arn
  keys_value_secret_version_id  = module.secrets.keys_value_secret_version_id
  proxy_image                   = var.proxy_image
  target_group_arn              = module.load_balancer.target_group_arn
  task_role_arn                 = module.permissions.task_role_arn
  aws_access_key                = var.aws_access_key
  aws_region                    = var.aws_region
  browser_origins               = var.browser_origins
  cache_size                    = var.cache_size
  foreign_layer_urls            = var.foreign_layer_urls
  index_validation              = var.index_validation
  instance_type                 = var.instance_type
  kms_key_arn                   = var.kms_key_arn
  log_retention_days            = var.log_retention_days
  maximum_hosts                 = var.maximum_hosts
  mirrors                       = var.mirrors
  name                          = var.name
  other_instance_types          = var.other_instance_types
  page                          = var.page
  proxy_check_seconds           = var.proxy_check_seconds
  proxy_connections_per_address = var.proxy_connections_per_address
  proxy_refresh_seconds         = var.proxy_refresh_seconds
  proxy_remember_seconds        = var.proxy_remember_seconds
  registry_image                = var.registry_image
}

module "alarms" {
  source                   = "./modules/alarms"
  autoscaling_group_name   = module.hosts.autoscaling_group_name
  load_balancer_arn_suffix = module.load_balancer.load_balancer_arn_suffix
  nginx_log_group_name     = module.service.nginx_log_group_name
  target_group_arn_suffix  = module.load_balancer.target_group_arn_suffix
  alarm_certificate_days   = var.alarm_certificate_days
  alarm_emails             = var.alarm_emails
  aws_region               = var.aws_region
  kms_key_arn              = var.kms_key_arn
  maximum_hosts            = var.maximum_hosts
  minimum_hosts            = var.minimum_hosts
  name                     = var.name
}
