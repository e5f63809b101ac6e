# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

data "aws_ec2_instance_type" "memory_types" {
  for_each = toset(concat([
    var.instance_type
  ], var.other_instance_types))
  instance_type = each.value
}

resource "aws_cloudwatch_log_group" "nginx_logs" {
  kms_key_id        = var.kms_key_arn == "" ? null : var.kms_key_arn
  name              = "/wharf/${var.name}/nginx"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "registry_logs" {
  kms_key_id        = var.kms_key_arn == "" ? null : var.kms_key_arn
  name              = "/wharf/${var.name}/registry"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_service" "service" {
  cluster                            = var.hosts_cluster_id
  deployment_maximum_percent         = 100
  deployment_minimum_healthy_percent = var.minimum_hosts > 1 ? 50 : 0
  health_check_grace_period_seconds  = 300
  launch_type                        = "EC2"
  name                               = var.name
  scheduling_strategy                = "DAEMON"
  task_definition                    = aws_ecs_task_definition.task.arn
  depends_on = [
    var.load_balancer_complete,
    var.permissions_complete,
    var.secrets_complete,
  ]

  load_balancer {
    container_name   = "nginx"
    container_port   = 8443
    target_group_arn = var.load_balancer_targets_arn
  }
}

resource "aws_ecs_task_definition" "task" {
  container_definitions = jsonencode([
    {
      name                   = "nginx"
      image                  = var.proxy_image
      essential              = true
      readonlyRootFilesystem = true
      dockerSecurityOptions = [
        "no-new-privileges"
      ]
      stopTimeout = 120
      environment = [
        {
          name  = "AWS_REGION"
          value = var.aws_region
        },
        {
          name  = "NGINX_BLOB_DELIVERY"
          value = "cache"
        },
        {
          name  = "NGINX_CACHE_GIGABYTES"
          value = tostring(var.cache_size)
        },
        {
          name  = "NGINX_CONFIG_BUCKET"
          value = var.storage_configuration_bucket
        },
        {
          name  = "NGINX_CONNECTIONS_PER_ADDRESS"
          value = tostring(var.proxy_connections_per_address)
        },
        {
          name  = "NGINX_IMAGE_BUCKET"
          value = var.storage_images_bucket
        },
        {
          name  = "NGINX_REFRESH_SECONDS"
          value = tostring(var.proxy_refresh_seconds)
        },
        {
          name  = "NGINX_REMEMBER_SECONDS"
          value = tostring(var.proxy_remember_seconds)
        },
        {
          name  = "NGINX_UPLOADS"
          value = tostring(floor((max(544, floor((min(values(data.aws_ec2_instance_type.memory_types)[*].memory_size...) - 512) * 3 / 8)) - 200) / 20))
        }
      ]
      ulimits = [
        {
          name      = "nofile"
          softLimit = 65536
          hardLimit = 65536
        }
      ]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.nginx_logs.name
          awslogs-region        = var.aws_region
          awslogs-stream-prefix = "nginx"
          mode                  = "non-blocking"
          max-buffer-size       = "25m"
        }
      }
      memoryReservation = 256
      links = [
        "registry"
      ]
      portMappings = [
        {
          hostPort      = 443
          containerPort = 8443
          protocol      = "tcp"
        },
        {
          hostPort      = 9113
          containerPort = 9113
          protocol      = "tcp"
        }
      ]
      linuxParameters = {
        capabilities = {
          drop = [
            "ALL"
          ]
        }
        tmpfs = [
          {
            containerPath = "/var/lib/wharf"
            size          = 32
            mountOptions = [
              "noexec",
              "nosuid",
              "nodev"
            ]
          }
        ]
      }
      mountPoints = [
        {
          sourceVolume  = "cache"
          containerPath = "/var/cache/wharf"
        }
      ]
      dependsOn = [
        {
          containerName = "registry"
          condition     = "START"
        }
      ]
      memory = max(288, floor((min(values(data.aws_ec2_instance_type.memory_types)[*].memory_size...) - 512) * 5 / 8))
      secrets = (nonsensitive(var.aws_access_key) != "" ? [{
        name      = "AWS_ACCESS_KEY_ID"
        valueFrom = "${var.secrets_keys_arn}:aws_access_key::"
        }, {
        name      = "AWS_SECRET_ACCESS_KEY"
        valueFrom = "${var.secrets_keys_arn}:aws_secret_access_key::"
      }] : [])
    },
    {
      name                   = "registry"
      image                  = var.registry_image
      essential              = true
      readonlyRootFilesystem = true
      dockerSecurityOptions = [
        "no-new-privileges"
      ]
      stopTimeout = 120
      environment = [
        {
          name  = "AWS_REGION"
          value = var.aws_region
        },
        {
          name  = "GOMEMLIMIT"
          value = "${floor(max(544, floor((min(values(data.aws_ec2_instance_type.memory_types)[*].memory_size...) - 512) * 3 / 8)) * 90 / 100)}MiB"
        },
        {
          name  = "OTEL_TRACES_EXPORTER"
          value = "none"
        },
        {
          name  = "REGISTRY_HEALTH_STORAGEDRIVER_ENABLED"
          value = "false"
        },
        {
          name  = "REGISTRY_HTTP_ADDR"
          value = ":5000"
        },
        {
          name  = "REGISTRY_HTTP_DEBUG"
          value = "{}"
        },
        {
          name  = "REGISTRY_HTTP_DRAINTIMEOUT"
          value = "110s"
        },
        {
          name  = "REGISTRY_LOG_ACCESSLOG_DISABLED"
          value = "true"
        },
        {
          name  = "REGISTRY_LOG_FORMATTER"
          value = "json"
        },
        {
          name  = "REGISTRY_LOG_LEVEL"
          value = "error"
        },
        {
          name  = "REGISTRY_STORAGE"
          value = "s3"
        },
        {
          name  = "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR"
          value = ""
        },
        {
          name  = "REGISTRY_STORAGE_DELETE_ENABLED"
          value = "true"
        },
        {
          name  = "REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING"
          value = "{enabled: false}"
        },
        {
          name  = "REGISTRY_STORAGE_REDIRECT_DISABLE"
          value = "true"
        },
        {
          name  = "REGISTRY_STORAGE_S3_BUCKET"
          value = var.storage_images_bucket
        },
        {
          name  = "REGISTRY_STORAGE_S3_ENCRYPT"
          value = "false"
        },
        {
          name  = "REGISTRY_STORAGE_S3_REGION"
          value = var.aws_region
        },
        {
          name  = "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS"
          value = var.index_validation
        }
      ]
      ulimits = [
        {
          name      = "nofile"
          softLimit = 65536
          hardLimit = 65536
        }
      ]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.registry_logs.name
          awslogs-region        = var.aws_region
          awslogs-stream-prefix = "registry"
          mode                  = "non-blocking"
          max-buffer-size       = "25m"
        }
      }
      memoryReservation = 512
      user              = "65532:65532"
      linuxParameters = {
        capabilities = {
          drop = [
            "ALL"
          ]
        }
      }
      memory = max(544, floor((min(values(data.aws_ec2_instance_type.memory_types)[*].memory_size...) - 512) * 3 / 8))
      secrets = (nonsensitive(var.aws_access_key) != "" ? [{
        name      = "REGISTRY_HTTP_SECRET"
        valueFrom = var.secrets_http_arn
        }, {
        name      = "AWS_ACCESS_KEY_ID"
        valueFrom = "${var.secrets_keys_arn}:aws_access_key::"
        }, {
        name      = "AWS_SECRET_ACCESS_KEY"
        valueFrom = "${var.secrets_keys_arn}:aws_secret_access_key::"
        }] : [{
        name      = "REGISTRY_HTTP_SECRET"
        valueFrom = var.secrets_http_arn
      }])
    }
  ])
  execution_role_arn = var.permissions_execution_arn
  family             = var.name
  network_mode       = "bridge"
  requires_compatibilities = [
    "EC2",
  ]
  task_role_arn = var.permissions_task_arn

  volume {
    name = "cache"

    docker_volume_configuration {
      autoprovision = true
      driver        = "local"
      scope         = "shared"
    }
  }
}
