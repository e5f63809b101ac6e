# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "execution_role_arn" {
  description = "ARN of the execution role."
  value       = aws_iam_role.execution.arn
  depends_on = [
    aws_iam_role_policy.execution_key,
    aws_iam_role_policy.execution_mirrors,
    aws_iam_role_policy.execution_secrets,
    aws_iam_role_policy_attachment.execution_logs,
  ]
}

output "instance_profile_arn" {
  description = "ARN of the instance profile."
  value       = aws_iam_instance_profile.this.arn
  depends_on = [
    aws_iam_role_policy.execution_key,
    aws_iam_role_policy.execution_mirrors,
    aws_iam_role_policy.execution_secrets,
    aws_iam_role_policy.host_metrics,
    aws_iam_role_policy.host_serves,
    aws_iam_role_policy.task_key,
    aws_iam_role_policy.task_page,
    aws_iam_role_policy.task_storage,
    aws_iam_role_policy_attachment.execution_logs,
    aws_iam_role_policy_attachment.host_agent,
  ]
}

output "task_role_arn" {
  description = "ARN of the task role."
  value       = aws_iam_role.task.arn
  depends_on = [
    aws_iam_instance_profile.this,
    aws_iam_role_policy.host_metrics,
    aws_iam_role_policy.host_serves,
    aws_iam_role_policy.task_key,
    aws_iam_role_policy.task_page,
    aws_iam_role_policy.task_storage,
    aws_iam_role_policy_attachment.host_agent,
  ]
}
