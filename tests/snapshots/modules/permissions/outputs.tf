# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "complete" {
  description = "True once all is made that others wait for."
  value       = true
  depends_on = [
    aws_iam_instance_profile.profile,
    aws_iam_role.execution,
    aws_iam_role.host,
    aws_iam_role.task,
    aws_iam_role_policy.execution_key,
    aws_iam_role_policy.execution_secrets,
    aws_iam_role_policy.host_metrics,
    aws_iam_role_policy.task_key,
    aws_iam_role_policy.task_storage,
    aws_iam_role_policy_attachment.execution_logs,
    aws_iam_role_policy_attachment.host_agent,
  ]
}

output "execution_arn" {
  description = "`arn` of `aws_iam_role.execution`."
  value       = aws_iam_role.execution.arn
}

output "profile_arn" {
  description = "`arn` of `aws_iam_instance_profile.profile`."
  value       = aws_iam_instance_profile.profile.arn
}

output "task_arn" {
  description = "`arn` of `aws_iam_role.task`."
  value       = aws_iam_role.task.arn
}
