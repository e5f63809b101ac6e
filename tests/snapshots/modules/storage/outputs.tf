# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

output "configuration_arn" {
  description = "`arn` of `aws_s3_bucket.configuration`."
  value       = aws_s3_bucket.configuration.arn
}

output "configuration_bucket" {
  description = "`bucket` of `aws_s3_bucket.configuration`."
  value       = aws_s3_bucket.configuration.bucket
}

output "images_arn" {
  description = "`arn` of `aws_s3_bucket.images`."
  value       = aws_s3_bucket.images.arn
}

output "images_bucket" {
  description = "`bucket` of `aws_s3_bucket.images`."
  value       = aws_s3_bucket.images.bucket
}
