"""The service: on every host one task of nginx and the registry, linked."""

import json
from typing import Any

from modules.bindings.aws import (
    Construct,
    DataAwsPartition,
    EcsService,
    EcsServiceLoadBalancer,
    EcsTaskDefinition,
    EcsTaskDefinitionVolume,
    S3Bucket,
)
from modules.container import CONFINED, PROXY_FOLDER, definition, log_group
from modules.expressions import number
from modules.hosts import Hosts
from modules.load_balancer import NOTICE, ClassicLoadBalancer, NetworkLoadBalancer
from modules.memory import NGINX_PROMISED, REGISTRY_PROMISED, Memory
from modules.network import METRICS
from modules.ordering import after
from modules.permissions import Permissions
from modules.secrets import Secrets
from modules.settings.mirrors import MIRRORS

PROXY = "nginx"
#: The proxy's upstream is registry:5000, by the link of this name.
REGISTRY = "registry"

#: nginx listens on 8443 for port 443 of the host, on 8444 for 444, and on 8080 for 80: below 1024
#: it may not.
UNPRIVILEGED = 8000
#: Where nginx keeps layers, on a volume of the host that outlives the container.
CACHE_FOLDER = "/var/cache/wharf"
CACHE_VOLUME = EcsTaskDefinitionVolume(
    name="cache",
    docker_volume_configuration={"scope": "shared", "autoprovision": True, "driver": "local"},
)
#: User and group of the registry, which would run as root by its image. The number is no user of
#: the host: 1000 would be ec2-user, which may become root.
UNPRIVILEGED_USER = "65532:65532"

#: Seconds that a stopping container gets to end the transfers it has begun. The proxy first lets
#: the load balancer notice, and ECS stops the registry after it.
STOP_TIMEOUT = 120
#: Seconds before a failing check of a new task counts: images have to be pulled first.
GRACE = 300
#: Open files; each client of the proxy costs two. The default of 1,024 ends a storm early.
OPEN_FILES = 65536

#: The registry's configuration that is the same for everyone; every REGISTRY_A_B is a.b of
#: https://distribution.github.io/distribution/about/configuration/
REGISTRY_ENVIRONMENT = {
    "REGISTRY_STORAGE": "s3",
    # The bucket encrypts with its own key; a request for encryption would name another key.
    "REGISTRY_STORAGE_S3_ENCRYPT": "false",
    "REGISTRY_STORAGE_DELETE_ENABLED": "true",
    # It runs on every host and walks the bucket; a lifecycle rule does its work. Written as one
    # value: the registry panics over a variable that ends in _UPLOADPURGING_ENABLED.
    "REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING": "{enabled: false}",
    # A cache in memory is per host: it would serve a blob that another host has deleted.
    "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "",
    # Otherwise one hiccup of S3 makes every host unhealthy at the same moment.
    "REGISTRY_HEALTH_STORAGEDRIVER_ENABLED": "false",
    "REGISTRY_HTTP_ADDR": ":5000",
    "REGISTRY_HTTP_DRAINTIMEOUT": f"{STOP_TIMEOUT - 10}s",
    # The configuration file of the official image has a debug server with pprof on port 5001.
    "REGISTRY_HTTP_DEBUG": "{}",
    # nginx logs each request. The registry would log the URIs of uploads, which hold their state,
    # and other text of clients: in its access log, and with each request at level info.
    "REGISTRY_LOG_ACCESSLOG_DISABLED": "true",
    "REGISTRY_LOG_LEVEL": "error",
    "REGISTRY_LOG_FORMATTER": "json",
    "OTEL_TRACES_EXPORTER": "none",
}

#: A list of regular expressions in YAML, one for each prefix: ['^\\Qhttps://a.example/\\E',].
FOREIGN_LAYER_URLS = "[%{ for url in var.foreign_layer_urls }'^\\Q${url}\\E',%{ endfor }]"
#: The origins, each with a space after it.
BROWSER_ORIGINS = "%{ for origin in var.browser_origins }${origin} %{ endfor }"


class Service(Construct):
    """One task per host, behind the load balancer.

    Args:
        hosts: the cluster. The service is deleted before it, so that tasks can end.
        images: the bucket of the images.
        configuration: the bucket of the proxy's files.
        permissions: the roles of the task.
        secrets: the secrets of the containers.
        balancer: the load balancer that sends clients to the tasks.
        delivery: where clients get layers: ``cache``, ``proxy`` or ``redirect``.

    Exposes ``logs``: for each container the name of its log group.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        hosts: Hosts,
        images: S3Bucket,
        configuration: S3Bucket,
        permissions: Permissions,
        secrets: Secrets,
        balancer: NetworkLoadBalancer | ClassicLoadBalancer,
        delivery: str,
    ) -> None:
        super().__init__(scope, id)
        self._secrets = secrets
        self.logs: dict[str, str] = {}
        caches = delivery == "cache"
        s3 = f"https://s3.${{var.aws_region}}.{DataAwsPartition(self, 'partition').dns_suffix}"
        memory = Memory(self, "memory")
        proxy = self._container(
            PROXY,
            image="${var.proxy_image}",
            memory=memory.nginx,
            memoryReservation=NGINX_PROMISED,
            links=[REGISTRY],
            portMappings=[
                {"hostPort": port, "containerPort": UNPRIVILEGED + port, "protocol": "tcp"}
                for port in balancer.HOST_PORTS
            ]
            + [{"hostPort": METRICS, "containerPort": METRICS, "protocol": "tcp"}],
            environment={
                "NGINX_CONFIG_BUCKET": configuration.bucket,
                "NGINX_IMAGE_BUCKET": images.bucket,
                "NGINX_REFRESH_SECONDS": "${var.proxy_refresh_seconds}",
                "NGINX_REMEMBER_SECONDS": "${var.proxy_remember_seconds}",
                "NGINX_CHECK_SECONDS": "${var.proxy_check_seconds}",
                "NGINX_BLOB_DELIVERY": delivery,
                "NGINX_CACHE_GIGABYTES": "${var.cache_size}",
                "NGINX_CONNECTIONS_PER_ADDRESS": "${var.proxy_connections_per_address}",
                "NGINX_UPLOADS": memory.uploads,
                "NGINX_BROWSER_ORIGINS": BROWSER_ORIGINS,
                "NGINX_MIRRORS": MIRRORS,
                "NGINX_PAGE": "${var.page}",
                "NGINX_NOTICE_SECONDS": str(NOTICE),
            },
            stop_timeout=NOTICE + STOP_TIMEOUT,
            linuxParameters={**CONFINED, "tmpfs": [PROXY_FOLDER]},
            mountPoints=[{"sourceVolume": "cache", "containerPath": CACHE_FOLDER}]
            if caches
            else [],
            dependsOn=[{"containerName": REGISTRY, "condition": "START"}],
        )
        # No port of the host: a client that reaches the registry without nginx owns every image.
        registry = self._container(
            REGISTRY,
            image="${var.registry_image}",
            memory=memory.registry,
            memoryReservation=REGISTRY_PROMISED,
            user=UNPRIVILEGED_USER,
            environment=REGISTRY_ENVIRONMENT
            | {
                # Without it the heap grows until the limit ends the registry.
                "GOMEMLIMIT": memory.heap,
                "REGISTRY_STORAGE_S3_BUCKET": images.bucket,
                "REGISTRY_STORAGE_S3_REGION": "${var.aws_region}",
                # Without it the registry ends at once in regions that are newer than its SDK.
                "REGISTRY_STORAGE_S3_REGIONENDPOINT": s3,
                # With a redirect, a client fetches a layer from S3 by itself.
                "REGISTRY_STORAGE_REDIRECT_DISABLE": json.dumps(delivery != "redirect"),
                # distribution 2.8 ignores this variable, and always validates.
                "REGISTRY_VALIDATION_MANIFESTS_INDEXES_PLATFORMS": "${var.index_validation}",
                "REGISTRY_VALIDATION_MANIFESTS_URLS_ALLOW": FOREIGN_LAYER_URLS,
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
            # Docker's own kind of volume takes its owner from the image.
            volume=[CACHE_VOLUME] if caches else [],
        )
        service = EcsService(
            self,
            "service",
            name="${var.name}",
            cluster=hosts.cluster_id,
            task_definition=task.arn,
            launch_type="EC2",
            scheduling_strategy="DAEMON",
            # The port of a host takes one task: the old task stops before the new one starts. Half
            # of the hosts serve meanwhile. A single host cannot: ECS rounds 50 % of one task up to
            # one task, and 0 % of several tasks would stop them all at once.
            deployment_minimum_healthy_percent=number("var.maximum_hosts > 1 ? 50 : 0"),
            deployment_maximum_percent=100,
            health_check_grace_period_seconds=GRACE,
            load_balancer=[
                EcsServiceLoadBalancer(
                    container_name=PROXY,
                    container_port=UNPRIVILEGED + balancer.CLIENT_PORT,
                    **balancer.target,
                )
            ],
            depends_on=[balancer.listener],
        )
        # Tasks need the role policies and the secret values, but reference only the roles and the
        # secrets, so Terraform has to be told to wait.
        after(service, permissions, secrets, hosts)

    def _container(
        self,
        name: str,
        *,
        image: str,
        memory: str,
        environment: dict[str, str],
        secrets: list[dict[str, str]] | None = None,
        stop_timeout: int = STOP_TIMEOUT,
        **more: Any,
    ) -> str:
        """Return a container's definition in JSON; ``memory`` is Terraform's number of its MiB."""
        self.logs[name] = log_group(self, f"{name}_logs", name)
        described = definition(
            name,
            image=image,
            environment=environment,
            logs=self.logs[name],
            # When CloudWatch is slow, lines are dropped instead of requests held up.
            log_options={"mode": "non-blocking", "max-buffer-size": "25m"},
            stopTimeout=stop_timeout,
            ulimits=[{"name": "nofile", "softLimit": OPEN_FILES, "hardLimit": OPEN_FILES}],
            **more,
        )
        listed = self._secrets.listed(secrets or [], logins=name == PROXY)
        return f'{described[:-1]}, "memory": {memory}, "secrets": {listed}}}'
