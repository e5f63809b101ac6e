# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

provider "aws" {
  region = "us-east-1"
}

module "secrets" {
  source = "../.."
}

output "http_arn" {
  description = "`arn` of `aws_secretsmanager_secret.http`."
  value       = module.secrets.http_arn
}

output "keys_arn" {
  description = "`arn` of `aws_secretsmanager_secret.keys`."
  value       = module.secrets.keys_arn
}
