# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "complete" {
  description = "True once all is made that others wait for."
  value       = true
  depends_on = [
    aws_secretsmanager_secret.http,
    aws_secretsmanager_secret.keys,
    aws_secretsmanager_secret_version.http_value,
    aws_secretsmanager_secret_version.keys_value,
  ]
}

output "http_arn" {
  description = "`arn` of `aws_secretsmanager_secret.http`."
  value       = aws_secretsmanager_secret.http.arn
}

output "keys_arn" {
  description = "`arn` of `aws_secretsmanager_secret.keys`."
  value       = aws_secretsmanager_secret.keys.arn
}
