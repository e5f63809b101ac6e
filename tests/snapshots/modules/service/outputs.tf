# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "nginx_logs_name" {
  description = "`name` of `aws_cloudwatch_log_group.nginx_logs`."
  value       = aws_cloudwatch_log_group.nginx_logs.name
}
