# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

ephemeral "aws_secretsmanager_random_password" "http_secret" {
  exclude_punctuation = true
  password_length     = 64
}

resource "aws_secretsmanager_secret" "http" {
  kms_key_id              = var.kms_key_arn == "" ? null : var.kms_key_arn
  name                    = "${var.name}-http"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret" "keys" {
  kms_key_id              = var.kms_key_arn == "" ? null : var.kms_key_arn
  name                    = "${var.name}-keys"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "http_value" {
  secret_id                = aws_secretsmanager_secret.http.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.http_secret.random_password
  secret_string_wo_version = 1
}

resource "aws_secretsmanager_secret_version" "keys_value" {
  secret_id = aws_secretsmanager_secret.keys.id
  secret_string_wo = jsonencode({
    aws_access_key        = var.aws_access_key,
    aws_secret_access_key = var.aws_secret_access_key
  })
  secret_string_wo_version = nonsensitive(parseint(substr(sha256(join(":", [
    var.aws_access_key,
    var.aws_secret_access_key
  ])), 0, 7), 16))
}
