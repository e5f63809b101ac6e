# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_caller_identity" "account" {
}

data "aws_partition" "this" {
}

resource "aws_iam_instance_profile" "this" {
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
          Service = "ec2.${data.aws_partition.this.dns_suffix}"
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

resource "aws_iam_role_policy" "execution_mirrors" {
  for_each = {
    for host, mirror in var.mirrors :
    host => mirror.secret
    if mirror.secret != ""
  }
  name = "execution_mirrors_${each.key}"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "secretsmanager:GetSecretValue"
        ]
        Resource = [
          tostring(each.value)
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
          var.http_secret_arn,
          var.keys_secret_arn
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

resource "aws_iam_role_policy" "host_serves" {
  name = "host_serves"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "autoscaling:CompleteLifecycleAction"
        ]
        Resource = [
          "arn:${data.aws_partition.this.partition}:autoscaling:${var.aws_region}:${data.aws_caller_identity.account.account_id}:autoScalingGroup:*:autoScalingGroupName/${var.name}"
        ]
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

resource "aws_iam_role_policy" "task_page" {
  count = var.page ? 1 : 0
  name  = "task_page"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "s3:GetObject",
          "s3:PutObject",
          "s3:DeleteObject"
        ]
        Resource = [
          "${var.images_bucket_arn}/page/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
          }
        }
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
          "${var.images_bucket_arn}/docker/registry/v2/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
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
          var.images_bucket_arn
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
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
          "${var.images_bucket_arn}/docker/registry/v2/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:DeleteObject"
        ]
        Resource = [
          "${var.images_bucket_arn}/docker/registry/v2/repositories/*"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:GetObject"
        ]
        Resource = [
          "${var.configuration_bucket_arn}/nginx.htpasswd",
          "${var.configuration_bucket_arn}/domain.crt",
          "${var.configuration_bucket_arn}/domain.key",
          "${var.configuration_bucket_arn}/nginx.permissions",
          "${var.configuration_bucket_arn}/identities.toml"
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
          }
        }
      },
      {
        Effect = "Allow"
        Action = [
          "s3:ListBucket"
        ]
        Resource = [
          var.configuration_bucket_arn
        ]
        Condition = {
          StringEquals = {
            "aws:SourceVpce" = var.s3_vpc_endpoint_id
          }
        }
      }
    ]
  })
  role = aws_iam_role.task.name
}

resource "aws_iam_role_policy_attachment" "execution_logs" {
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
  role       = aws_iam_role.execution.name
}

resource "aws_iam_role_policy_attachment" "host_agent" {
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
  role       = aws_iam_role.host.name
}
