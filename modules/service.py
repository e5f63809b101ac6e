"""The service: on every host one task of nginx and the registry, linked."""

import json
from typing import Any

from modules.aws import (
    CloudwatchLogGroup,
    Construct,
    EcsService,
    EcsServiceLoadBalancer,
    EcsTaskDefinition,
    S3Bucket,
)
from modules.expressions import number
from modules.load_balancer import PORT, ClassicLoadBalancer, NetworkLoadBalancer
from modules.permissions import Permissions
from modules.secrets import Secrets

PROXY = "nginx"
#: The proxy's upstream is registry:5000, by the link of this name.
REGISTRY = "registry"

#: The port that nginx listens on in its container: unprivileged users get none below 1024.
PROXY_PORT = 8443
#: The only folder that nginx writes to, in memory; it holds the private key, and small files.
PROXY_FOLDER = {
    "containerPath": "/var/lib/wharf",
    "size": 32,
    # Otherwise it is root's: whoever runs in the container has to be able to write to it.
    "mountOptions": ["mode=1777", "noexec", "nosuid", "nodev"],
}
#: Containers get no privilege at all, and cannot change their own programs.
CONFINED: dict[str, Any] = {"capabilities": {"drop": ["ALL"]}}

#: Seconds that a stopping container gets to end the transfers it has begun.
STOP_TIMEOUT = 120
#: Seconds before a failing check of a new task counts: images have to be pulled first.
GRACE = 300
#: Open files; each client of the proxy costs two. The default of 1,024 ends a storm early.
OPEN_FILES = 65536

#: The registry's configuration that is the same for everyone; every REGISTRY_A_B is a.b of
#: https://distribution.github.io/distribution/about/configuration/
REGISTRY_ENVIRONMENT = {
    "REGISTRY_STORAGE": "s3",
    "REGISTRY_STORAGE_S3_ENCRYPT": "true",
    "REGISTRY_STORAGE_DELETE_ENABLED": "true",
    # Clients get layers from the host that they talk to, whether or not they reach S3.
    "REGISTRY_STORAGE_REDIRECT_DISABLE": "true",
    # It runs on every host and walks the bucket; a lifecycle rule does its work. Written as one
    # value: the registry panics over a variable that ends in _UPLOADPURGING_ENABLED.
    "REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING": "{enabled: false}",
    # A cache in memory is per host: it would serve what another host has deleted.
    "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "",
    # With it on, one hiccup of S3 turns every host unhealthy at once.
    "REGISTRY_HEALTH_STORAGEDRIVER_ENABLED": "false",
    "REGISTRY_HTTP_ADDR": ":5000",
    "REGISTRY_HTTP_DRAINTIMEOUT": f"{STOP_TIMEOUT - 10}s",
    "REGISTRY_LOG_LEVEL": "info",
    "REGISTRY_LOG_FORMATTER": "json",
    "OTEL_TRACES_EXPORTER": "none",
}


class Service(Construct):
    """One task per host, behind the load balancer.

    Args:
        cluster_id: the cluster whose hosts run it.
        images: the bucket of the images.
        configuration: the bucket of the proxy's files.
        permissions: the roles of the task.
        secrets: what the containers get as secrets.
        balancer: what sends clients to it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster_id: str,
        images: S3Bucket,
        configuration: S3Bucket,
        permissions: Permissions,
        secrets: Secrets,
        balancer: NetworkLoadBalancer | ClassicLoadBalancer,
    ) -> None:
        super().__init__(scope, id)
        self._secrets = secrets
        proxy = self._container(
            PROXY,
            image="${var.proxy_image}",
            memory=256,
            links=[REGISTRY],
            portMappings=[{"hostPort": PORT, "containerPort": PROXY_PORT, "protocol": "tcp"}],
            environment={
                "NGINX_CONFIG_BUCKET": configuration.bucket,
                "NGINX_REFRESH_SECONDS": "${var.proxy_refresh_seconds}",
                "NGINX_REMEMBER_SECONDS": "${var.proxy_remember_seconds}",
            },
            linuxParameters={**CONFINED, "tmpfs": [PROXY_FOLDER]},
            dependsOn=[{"containerName": REGISTRY, "condition": "START"}],
        )
        # No port of the host: whoever reaches the registry without nginx owns every image.
        registry = self._container(
            REGISTRY,
            image="${var.registry_image}",
            memory=512,
            environment=REGISTRY_ENVIRONMENT
            | {
                "REGISTRY_STORAGE_S3_BUCKET": images.bucket,
                "REGISTRY_STORAGE_S3_REGION": "${var.aws_region}",
            },
            secrets=[secrets.http_secret],
            linuxParameters=CONFINED,
        )
        task = EcsTaskDefinition(
            self,
            "task",
            family="${var.name}",
            network_mode="bridge",  # links exist in no other mode
            requires_compatibilities=["EC2"],
            task_role_arn=permissions.task_role_arn,
            execution_role_arn=permissions.execution_role_arn,
            container_definitions=f"[{proxy}, {registry}]",
        )
        EcsService(
            self,
            "service",
            name="${var.name}",
            cluster=cluster_id,
            task_definition=task.arn,
            launch_type="EC2",
            scheduling_strategy="DAEMON",
            # The port of a host takes one task: the old one stops before the new one starts.
            deployment_minimum_healthy_percent=50,
            deployment_maximum_percent=100,
            health_check_grace_period_seconds=GRACE,
            load_balancer=[
                EcsServiceLoadBalancer(
                    container_name=PROXY, container_port=PROXY_PORT, **balancer.target
                )
            ],
            depends_on=[balancer.listener],
        )

    def _container(
        self,
        name: str,
        *,
        image: str,
        memory: int,
        environment: dict[str, str],
        secrets: list[dict[str, str]] | None = None,
        **more: Any,
    ) -> str:
        """Return a container's definition in JSON; ``memory`` is what it is promised, in MiB."""
        logs = CloudwatchLogGroup(
            self,
            f"{name}_logs",
            name=f"/wharf/${{var.name}}/{name}",
            retention_in_days=number("var.log_retention_days"),
        )
        region = {"AWS_REGION": "${var.aws_region}"}
        definition = {
            "name": name,
            "image": image,
            "essential": True,
            "readonlyRootFilesystem": True,
            "memoryReservation": memory,
            "stopTimeout": STOP_TIMEOUT,
            "environment": [
                {"name": key, "value": value}
                for key, value in sorted((environment | region).items())
            ],
            "ulimits": [{"name": "nofile", "softLimit": OPEN_FILES, "hardLimit": OPEN_FILES}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": logs.name,
                    "awslogs-region": "${var.aws_region}",
                    "awslogs-stream-prefix": name,
                    # When CloudWatch is slow, lines are dropped instead of requests held up.
                    "mode": "non-blocking",
                    "max-buffer-size": "25m",
                },
            },
            **more,
        }
        listed = self._secrets.with_static_keys(secrets or [])
        return f'{json.dumps(definition)[:-1]}, "secrets": {listed}}}'
