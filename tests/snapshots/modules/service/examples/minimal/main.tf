# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "service" {
  source                       = "../.."
  hosts_cluster_id             = "hosts-cluster-id"
  load_balancer_targets_arn    = "arn:aws:service:us-east-1:123456789012:load-balancer-targets-arn"
  permissions_execution_arn    = "arn:aws:service:us-east-1:123456789012:permissions-execution-arn"
  permissions_task_arn         = "arn:aws:service:us-east-1:123456789012:permissions-task-arn"
  proxy_image                  = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"
  secrets_http_arn             = "arn:aws:service:us-east-1:123456789012:secrets-http-arn"
  secrets_keys_arn             = "arn:aws:service:us-east-1:123456789012:secrets-keys-arn"
  storage_configuration_bucket = "storage-configuration-bucket"
  storage_images_bucket        = "storage-images-bucket"
}

output "nginx_logs_name" {
  description = "`name` of `aws_cloudwatch_log_group.nginx_logs`."
  value       = module.service.nginx_logs_name
}
