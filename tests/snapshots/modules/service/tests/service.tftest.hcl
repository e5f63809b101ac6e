# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

mock_provider "aws" {
}

run "refuse_bad_values" {
  command = plan
  expect_failures = [
    var.cache_size,
    var.index_validation,
    var.instance_type,
    var.kms_key_arn,
    var.log_retention_days,
    var.minimum_hosts,
    var.name,
    var.other_instance_types,
    var.proxy_connections_per_address,
    var.proxy_image,
    var.proxy_refresh_seconds,
    var.proxy_remember_seconds,
    var.registry_image,
  ]

  variables {
    hosts_cluster_id             = "hosts-cluster-id"
    load_balancer_targets_arn    = "arn:aws:service:us-east-1:123456789012:load-balancer-targets-arn"
    permissions_execution_arn    = "arn:aws:service:us-east-1:123456789012:permissions-execution-arn"
    permissions_task_arn         = "arn:aws:service:us-east-1:123456789012:permissions-task-arn"
    proxy_image                  = "!"
    secrets_http_arn             = "arn:aws:service:us-east-1:123456789012:secrets-http-arn"
    secrets_keys_arn             = "arn:aws:service:us-east-1:123456789012:secrets-keys-arn"
    storage_configuration_bucket = "storage-configuration-bucket"
    storage_images_bucket        = "storage-images-bucket"
    cache_size                   = -1
    index_validation             = "!"
    instance_type                = "!"
    kms_key_arn                  = "!"
    log_retention_days           = -1
    minimum_hosts                = -1
    name                         = "!"
    other_instance_types = [
      "!",
    ]
    proxy_connections_per_address = -1
    proxy_refresh_seconds         = -1
    proxy_remember_seconds        = -1
    registry_image                = "!"
  }
}

run "refuse_bad_bounds" {
  command = plan
  expect_failures = [
    var.aws_region,
  ]

  variables {
    hosts_cluster_id             = "hosts-cluster-id"
    load_balancer_targets_arn    = "arn:aws:service:us-east-1:123456789012:load-balancer-targets-arn"
    permissions_execution_arn    = "arn:aws:service:us-east-1:123456789012:permissions-execution-arn"
    permissions_task_arn         = "arn:aws:service:us-east-1:123456789012:permissions-task-arn"
    proxy_image                  = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
    secrets_http_arn             = "arn:aws:service:us-east-1:123456789012:secrets-http-arn"
    secrets_keys_arn             = "arn:aws:service:us-east-1:123456789012:secrets-keys-arn"
    storage_configuration_bucket = "storage-configuration-bucket"
    storage_images_bucket        = "storage-images-bucket"
    aws_region                   = "!"
  }
}

run "example_minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }
}
