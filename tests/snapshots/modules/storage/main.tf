# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_caller_identity" "account" {
}

resource "aws_s3_bucket" "configuration" {
  bucket        = var.nginx_config_bucket == "" ? "${var.name}-configuration-${data.aws_caller_identity.account.account_id}-${var.aws_region}" : var.nginx_config_bucket
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket" "images" {
  bucket        = var.aws_registry_bucket == "" ? "${var.name}-images-${data.aws_caller_identity.account.account_id}-${var.aws_region}" : var.aws_registry_bucket
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_lifecycle_configuration" "configuration_lifecycle" {
  bucket = aws_s3_bucket.configuration.id
  depends_on = [
    aws_s3_bucket_versioning.configuration_versions,
  ]

  rule {
    id     = "stale-uploads"
    status = "Enabled"

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    filter {
      prefix = ""
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"

    expiration {
      expired_object_delete_marker = true
    }

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "images_lifecycle" {
  bucket = aws_s3_bucket.images.id
  depends_on = [
    aws_s3_bucket_versioning.images_versions,
  ]

  rule {
    id     = "stale-uploads"
    status = "Enabled"

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    filter {
      prefix = ""
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"

    expiration {
      expired_object_delete_marker = true
    }

    filter {
      prefix = ""
    }

    noncurrent_version_expiration {
      noncurrent_days = max(1, var.image_version_days)
    }
  }

  rule {
    id     = "tiering"
    status = var.intelligent_tiering ? "Enabled" : "Disabled"

    filter {
      prefix = ""
    }

    transition {
      days          = 0
      storage_class = "INTELLIGENT_TIERING"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "configuration_ownership" {
  bucket = aws_s3_bucket.configuration.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_ownership_controls" "images_ownership" {
  bucket = aws_s3_bucket.images.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "configuration_policy" {
  bucket = aws_s3_bucket.configuration.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource = [
          aws_s3_bucket.configuration.arn,
          "${aws_s3_bucket.configuration.arn}/*"
        ]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      }
    ]
  })
  depends_on = [
    aws_s3_bucket_public_access_block.configuration_privacy,
  ]
}

resource "aws_s3_bucket_policy" "images_policy" {
  bucket = aws_s3_bucket.images.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource = [
          aws_s3_bucket.images.arn,
          "${aws_s3_bucket.images.arn}/*"
        ]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      }
    ]
  })
  depends_on = [
    aws_s3_bucket_public_access_block.images_privacy,
  ]
}

resource "aws_s3_bucket_public_access_block" "configuration_privacy" {
  block_public_acls       = true
  block_public_policy     = true
  bucket                  = aws_s3_bucket.configuration.id
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_public_access_block" "images_privacy" {
  block_public_acls       = true
  block_public_policy     = true
  bucket                  = aws_s3_bucket.images.id
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "configuration_encryption" {
  bucket = aws_s3_bucket.configuration.id

  rule {
    bucket_key_enabled = var.kms_key_arn != ""

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
      sse_algorithm     = var.kms_key_arn == "" ? "AES256" : "aws:kms"
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "images_encryption" {
  bucket = aws_s3_bucket.images.id

  rule {
    bucket_key_enabled = var.kms_key_arn != ""

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
      sse_algorithm     = var.kms_key_arn == "" ? "AES256" : "aws:kms"
    }
  }
}

resource "aws_s3_bucket_versioning" "configuration_versions" {
  bucket = aws_s3_bucket.configuration.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_versioning" "images_versions" {
  bucket = aws_s3_bucket.images.id

  versioning_configuration {
    status = var.image_version_days > 0 ? "Enabled" : "Suspended"
  }
}
