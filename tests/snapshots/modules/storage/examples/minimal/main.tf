# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "storage" {
  source = "../.."
}

output "configuration_arn" {
  description = "`arn` of `aws_s3_bucket.configuration`."
  value       = module.storage.configuration_arn
}

output "configuration_bucket" {
  description = "`bucket` of `aws_s3_bucket.configuration`."
  value       = module.storage.configuration_bucket
}

output "images_arn" {
  description = "`arn` of `aws_s3_bucket.images`."
  value       = module.storage.images_arn
}

output "images_bucket" {
  description = "`bucket` of `aws_s3_bucket.images`."
  value       = module.storage.images_bucket
}
