# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "permissions" {
  source                    = "../.."
  network_s3_id             = "network-s3-id"
  secrets_http_arn          = "arn:aws:service:us-east-1:123456789012:secrets-http-arn"
  secrets_keys_arn          = "arn:aws:service:us-east-1:123456789012:secrets-keys-arn"
  storage_configuration_arn = "arn:aws:service:us-east-1:123456789012:storage-configuration-arn"
  storage_images_arn        = "arn:aws:service:us-east-1:123456789012:storage-images-arn"
}

output "execution_arn" {
  description = "`arn` of `aws_iam_role.execution`."
  value       = module.permissions.execution_arn
}

output "profile_arn" {
  description = "`arn` of `aws_iam_instance_profile.profile`."
  value       = module.permissions.profile_arn
}

output "task_arn" {
  description = "`arn` of `aws_iam_role.task`."
  value       = module.permissions.task_arn
}
