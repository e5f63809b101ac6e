"""The stack, composed in the order in which a reader meets its parts."""

from typing import Any

from modules.alarms import Alarms
from modules.backend import keep_state
from modules.bindings.aws import AwsProvider, Construct, TerraformOutput, TerraformStack
from modules.certificate import Certificate
from modules.dns import Dns
from modules.expressions import tags
from modules.hosts import Hosts
from modules.load_balancer import ClassicLoadBalancer, NetworkLoadBalancer
from modules.network import Network
from modules.ordering import after
from modules.permissions import Permissions
from modules.replication import Replication
from modules.secrets import Secrets
from modules.service import PROXY, Service
from modules.settings.settings import Settings
from modules.settings.variables import declare_variables
from modules.storage import Storage

# The bindings are typed against provider 6.25; tests apply the stack with 5.100.0.
PROVIDER_VERSIONS = ">= 5.100, < 7.0"
# Ephemeral values and write-only arguments, which keep secrets out of the state.
TERRAFORM_VERSIONS = ">= 1.11"
# The same for cdktn, which refuses features that older versions lack; cdktf ignores it.
TARGET_VERSIONS = {"terraform": ">=1.11.0", "opentofu": ">=1.11.0"}

BALANCERS: dict[str, type[NetworkLoadBalancer | ClassicLoadBalancer]] = {
    "network": NetworkLoadBalancer,
    "classic": ClassicLoadBalancer,
}

#: Descriptions of the outputs.
OUTPUTS = {
    "registry_url": "URL of the registry. The certificate's name has to be a CNAME of its host.",
    "load_balancer_name": "Name of the load balancer.",
    "image_bucket": "S3 bucket of the images.",
    "configuration_bucket": "S3 bucket of nginx.htpasswd, domain.crt and domain.key.",
    "cluster": "Name of the ECS cluster.",
    "autoscaling_group": "Name of the autoscaling group of the hosts.",
}


class RegistryStack(TerraformStack):
    """A private Docker registry for one environment.

    Usage:

        RegistryStack(App(), "production", Settings(minimum_hosts=2, maximum_hosts=8))
    """

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(scope, id)
        self.node.set_context("targetVersions", TARGET_VERSIONS)
        declare_variables(self, settings)
        keep_state(self, settings)
        self._provider()
        kind = BALANCERS[settings.load_balancer]
        network = Network(
            self,
            "network",
            zones=settings.zones,
            host_ports=kind.HOST_PORTS,
            host_network=settings.host_network,
            authority_port=settings.authority_port,
        )
        storage = Storage(self, "storage")
        if settings.replica_bucket:
            replication = Replication(
                self,
                "replication",
                images=storage.images,
                replica_bucket=settings.replica_bucket,
            )
            after(replication.configuration, storage)
        secrets = Secrets(self, "secrets")
        permissions = Permissions(
            self,
            "permissions",
            images=storage.images,
            configuration=storage.configuration,
            s3_endpoint_id=network.s3_endpoint_id,
            redirects=settings.blob_delivery == "redirect",
            secret_arns=secrets.arns,
            session_manager=settings.host_network != "public",
            metrics=settings.alarms,
            certificate=bool(settings.acme_email),
        )
        balancer = kind(
            self,
            "load_balancer",
            vpc_id=network.vpc_id,
            subnet_ids=network.balancer_subnet_ids,
            security_group_id=network.balancer_group_id,
            gateway=network.gateway,
        )
        dns = Dns(self, "dns", balancer=balancer)
        hosts = Hosts(
            self,
            "hosts",
            subnet_ids=network.host_subnet_ids,
            security_group_id=network.hosts_group_id,
            instance_profile_arn=permissions.instance_profile_arn,
            check=kind.CHECK,
            alarms=settings.alarms,
        )
        # A host that starts before it can reach AWS joins the cluster minutes later. Without its
        # rights, it cannot tell its group that it serves.
        after(hosts.group, network, permissions)
        service = Service(
            self,
            "service",
            hosts=hosts,
            images=storage.images,
            configuration=storage.configuration,
            permissions=permissions,
            secrets=secrets,
            balancer=balancer,
            delivery=settings.blob_delivery,
        )
        certificate = None
        if settings.acme_email:
            certificate = Certificate(
                self,
                "certificate",
                hosts=hosts,
                configuration=storage.configuration,
                permissions=permissions,
                settings=settings,
            )
        if settings.alarms:
            Alarms(
                self,
                "alarms",
                proxy_logs=service.logs[PROXY],
                balancer=balancer,
                group_name=hosts.group_name,
                certificate_logs=certificate.logs if certificate else None,
            )
        self._outputs(
            registry_url=f"https://{dns.host}",
            load_balancer_name=balancer.name,
            image_bucket=storage.images.bucket,
            configuration_bucket=storage.configuration.bucket,
            cluster=hosts.cluster_name,
            autoscaling_group=hosts.group_name,
        )

    def _allocate_logical_id(self, element: Any) -> str:
        """Name blocks by their path, without the hash that CDKTF would append.

        Plans show ``aws_vpc.network_vpc``; paths are unique without the hash.
        """
        path = element.node.path.split("/")
        return "_".join(path[1:])

    def _provider(self) -> None:
        provider = AwsProvider(self, "aws", region="${var.aws_region}", default_tags=[{"tags": {}}])
        provider.add_override("default_tags.0.tags", tags())
        self.add_override("terraform.required_version", TERRAFORM_VERSIONS)
        self.add_override("terraform.required_providers.aws.version", PROVIDER_VERSIONS)

    def _outputs(self, **outputs: str) -> None:
        for name, value in outputs.items():
            output = TerraformOutput(self, name, value=value, description=OUTPUTS[name])
            output.override_logical_id(name)
