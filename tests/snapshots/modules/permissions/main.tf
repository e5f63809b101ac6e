# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_caller_identity" "account" {
}

data "aws_partition" "partition" {
}

resource "aws_iam_instance_profile" "profile" {
  name = aws_iam_role.host.name
  role = aws_iam_role.host.name
}

resource "aws_iam_role" "execution" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "ecs-tasks.amazonaws.com"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.account.account_id
          }
        }
      }
    ]
  })
  name = "${var.name}-execution-${var.aws_region}"
}

resource "aws_iam_role" "host" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "ec2.${data.aws_partition.partition.dns_suffix}"
        }
        Action = "sts:AssumeRole"
      }
    ]
  })
  name = "${var.name}-host-${var.aws_region}"
}

resource "aws_iam_role" "task" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "ecs-tasks.amazonaws.com"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.account.account_id
          }
        }
      }
    ]
  })
  name = "${var.name}-task-${var.aws_region}"
}

resource "aws_iam_role_policy" "execution_key" {
  count = var.kms_key_arn == "" ? 0 : 1
  name  = "execution_key"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "kms:Decrypt"
        ]
        Resource = [
          var.kms_key_arn
        ]
      }
    ]
  })
  role = aws_iam_role.execution.name
}

resource "aws_iam_role_policy" "execution_secrets" {
  name = "execution_secrets"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "secretsmanager:GetSecretValue"
        ]
        Resource = [
          var.secrets_http_arn,
          var.secrets_keys_arn
        ]
      }
    ]
  })
  role = aws_iam_role.execution.name
}

resource "aws_iam_role_policy" "host_metrics" {
  name = "host_metrics"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "cloudwatch:PutMetricData"
        ]
        Resource = [
          "*"
        ]
        Condition = {
          StringEquals = {
            "cloudwatch:namespace" = "Wharf/${var.name}"
          }
        }
      }
    ]
  })
  role = aws_iam_role.host.name
}

resource "aws_iam_role_policy" "task_key" {
  count = var.kms_key_arn == "" ? 0 : 1
  name  = "task_key"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "kms:GenerateDataKey",
          "kms:Decrypt"
        ]
        Resource = [
          var.kms_key_arn
        ]
      }
    ]
  })
  role = aws_iam_role.task.name
}

resource "aws_iam_role_policy" "task_storage" {
  name = "task_storage"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "s3:GetObject"
        ]
        Resource = [
          "${var.storage_images_arn}/docker/registry/v2/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.network_s3_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:ListBucket",
          "s3:ListBucketMultipartUploads"
        ]
        Resource = [
          var.storage_images_arn
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.network_s3_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:PutObject",
          "s3:ListMultipartUploadParts",
          "s3:AbortMultipartUpload"
        ]
        Resource = [
          "${var.storage_images_arn}/docker/registry/v2/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.network_s3_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:DeleteObject"
        ]
        Resource = [
          "${var.storage_images_arn}/docker/registry/v2/repositories/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.network_s3_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:GetObject"
        ]
        Resource = [
          "${var.storage_configuration_arn}/nginx.htpasswd",
          "${var.storage_configuration_arn}/domain.crt",
          "${var.storage_configuration_arn}/domain.key",
          "${var.storage_configuration_arn}/nginx.permissions"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.network_s3_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:ListBucket"
        ]
        Resource = [
          var.storage_configuration_arn
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.network_s3_id
          }
        }
      }
    ]
  })
  role = aws_iam_role.task.name
}

resource "aws_iam_role_policy_attachment" "execution_logs" {
  policy_arn = "arn:${data.aws_partition.partition.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
  role       = aws_iam_role.execution.name
}

resource "aws_iam_role_policy_attachment" "host_agent" {
  policy_arn = "arn:${data.aws_partition.partition.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
  role       = aws_iam_role.host.name
}
