# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "http_arn" {
  description = "`arn` of `aws_secretsmanager_secret.http`."
  value       = aws_secretsmanager_secret.http.arn
}

output "keys_arn" {
  description = "`arn` of `aws_secretsmanager_secret.keys`."
  value       = aws_secretsmanager_secret.keys.arn
}
