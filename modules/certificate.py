"""The task that gets the registry's certificate from an ACME authority, and renews it."""

from modules.bindings.aws import Construct, EcsService, EcsTaskDefinition, S3Bucket
from modules.container import CONFINED, PROXY_FOLDER, definition, log_group
from modules.hosts import Hosts
from modules.ordering import after
from modules.permissions import Permissions
from modules.service import STOP_TIMEOUT
from modules.settings.certificate_settings import CertificateSettings

NAME = "certificate"
PROGRAM = ["python3", "-m", "wharf_proxy.renewal"]
#: MiB: the program and certbot need about 100 together, and their files 1.
MEMORY, PROMISED = 256, 128


class Certificate(Construct):
    """A service of one task, on any host, that keeps the certificate in the configuration bucket.

    A service and no schedule: it begins with the first host, which cannot serve without a
    certificate, and ECS starts it again elsewhere when its host goes.

    Args:
        hosts: the cluster. The service is deleted before it, so that its task can end.
        configuration: the bucket of the proxy's files.
        permissions: the role of the task.
        settings: the authority and the account there.

    Exposes ``logs``: the name of the log group.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        hosts: Hosts,
        configuration: S3Bucket,
        permissions: Permissions,
        settings: CertificateSettings,
    ) -> None:
        super().__init__(scope, id)
        self.logs = log_group(self, "logs", NAME)
        environment = {
            "ACME_DIRECTORY": settings.acme_directory,
            "ACME_DOMAIN": "${var.domain}",
            "ACME_EMAIL": settings.acme_email,
            "ACME_TRUST": settings.acme_trust,
            "NGINX_CONFIG_BUCKET": configuration.bucket,
        }
        renewal = definition(
            NAME,
            image="${var.proxy_image}",
            environment=environment,
            logs=self.logs,
            entryPoint=PROGRAM,
            memory=MEMORY,
            memoryReservation=PROMISED,
            stopTimeout=STOP_TIMEOUT,
            linuxParameters={**CONFINED, "tmpfs": [PROXY_FOLDER]},
        )
        task = EcsTaskDefinition(
            self,
            "task",
            family=f"${{var.name}}-{NAME}",
            network_mode="bridge",
            requires_compatibilities=["EC2"],
            task_role_arn=permissions.certificate_role_arn,
            execution_role_arn=permissions.execution_role_arn,
            container_definitions=f"[{renewal}]",
        )
        service = EcsService(
            self,
            "service",
            name=f"${{var.name}}-{NAME}",
            cluster=hosts.cluster_id,
            task_definition=task.arn,
            launch_type="EC2",
            desired_count=1,
            # Never two: both would ask the authority.
            deployment_minimum_healthy_percent=0,
            deployment_maximum_percent=100,
        )
        after(service, permissions, hosts)
