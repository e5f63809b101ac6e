# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

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
