"""The settings of an environment, each with its unit and default."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from modules.settings import kinds
from modules.settings.bounds import AtLeast, FromEcr, Needed, OneOrTwo, Replicated, WithWayOut
from modules.settings.certificate_settings import CertificateSettings
from modules.settings.limits import refusal_of
from modules.settings.mirrors import Mirrors
from modules.settings.rules import Count


class Settings(CertificateSettings):
    """The settings of one environment.

    Usage:

        Settings(proxy_image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/nginx-proxy:1")
        Settings(minimum_hosts=2, maximum_hosts=8, load_balancer="classic")
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    load_balancer: Literal["network", "classic"] = Field(
        "network", description="Kind of the load balancer."
    )
    blob_delivery: Literal["cache", "proxy", "redirect"] = Field(
        "cache",
        description="Where clients get layers: from the disk of a host, which fetches each once; "
        "from S3 through a host each time; or from S3 by themselves, which they must reach.",
    )
    zones: kinds.Zones = Field(
        2,
        description="Number of availability zones for hosts and load balancer, of those that "
        "have instance_type.",
    )
    host_network: Annotated[
        Literal["public", "nat", "nat_per_zone", "endpoints"], WithWayOut("acme_email")
    ] = Field(
        "public",
        description="Where hosts are and how they reach AWS: with public addresses; in private "
        "subnets behind one NAT gateway, or one in each zone (each takes an Elastic IP, of which "
        "an account has 5 in a region by default); or in private subnets with VPC "
        "endpoints, from where they reach nothing else and images have to be in ECR.",
    )
    alarms: bool = Field(
        True,
        description="Whether there are alarms, metrics from the logs, a dashboard, and a topic of "
        "SNS that sends them.",
    )
    replica_bucket: kinds.Bucket = Field(
        "",
        description="Bucket in another region that gets a copy of all images; it has to exist and "
        "have versioning on. Empty means no copy.",
    )
    backend: Literal["local", "s3", "cloud"] = Field(
        "local",
        description="Where Terraform keeps the state: in a file beside `main.py`, in S3 with a "
        "lock, or in Terraform Cloud.",
    )
    backend_bucket: Annotated[kinds.Bucket, Needed((("backend", "s3"),))] = Field(
        "", description="Bucket that exists in aws_region for the state (backend s3)."
    )
    backend_organization: Annotated[kinds.CloudName, Needed((("backend", "cloud"),))] = Field(
        "", description="Organization of Terraform Cloud (backend cloud)."
    )
    backend_workspace: kinds.CloudName = Field(
        "", description="Workspace of Terraform Cloud; empty means wharf-NAME."
    )
    backend_tags: tuple[kinds.CloudName, ...] = Field(
        (), description="Tags of the workspaces to choose from, instead of a workspace's name."
    )
    name: kinds.Name = Field(
        "wharf", description="Name of the environment, the first part of every name."
    )
    tags: kinds.Tags = Field(
        {}, description="Tags of everything, beside Project and Environment, which win."
    )
    aws_region: kinds.Region = Field("us-east-1", description="AWS region of the registry.")
    aws_registry_bucket: kinds.Bucket = Field(
        "", description="S3 bucket for the images; empty makes a name from account and region."
    )
    nginx_config_bucket: kinds.Bucket = Field(
        "",
        description="S3 bucket for nginx.htpasswd, domain.crt and domain.key; "
        "empty makes a name from account and region.",
    )
    image_version_days: Annotated[kinds.Versions, Replicated()] = Field(
        0, description="Days that a deleted image can be brought back; 0 keeps no versions."
    )
    intelligent_tiering: bool = Field(
        False, description="Whether layers that nobody pulls move to cheaper tiers of S3."
    )
    kms_key_arn: kinds.KeyArn = Field(
        "",
        description="KMS key for buckets, disks, logs, secrets and alarms; its policy has to let "
        "these services use it. Empty means keys of AWS.",
    )
    replica_kms_key_arn: Annotated[
        kinds.KeyArn, Needed((("replica_bucket", ""), ("kms_key_arn", "")))
    ] = Field("", description="KMS key of the other region, for the copies in replica_bucket.")
    key_pair: str = Field(
        "", description="EC2 key pair for SSH to the hosts; empty means that no key is installed."
    )
    ssh_networks: tuple[kinds.Network, ...] = Field(
        (), description="IPv4 networks that may reach port 22 of the hosts, if there is a key pair."
    )
    allowed_networks: Annotated[tuple[kinds.Network, ...], Count(1, 1000, "networks")] = Field(
        ("0.0.0.0/0",), description="IPv4 networks that may reach the registry."
    )
    metrics_networks: tuple[kinds.Network, ...] = Field(
        (), description="IPv4 networks whose Prometheus may scrape port 9113 of the hosts."
    )
    internal: bool = Field(
        False,
        description="Whether the load balancer has private addresses only, for clients that reach "
        "the VPC by peering, a transit gateway or a VPN; a change replaces it.",
    )
    dns_zone_id: Annotated[kinds.Zone, Needed((("acme_email", ""),))] = Field(
        "", description="Zone of Route 53 that gets a record for domain; empty means none."
    )
    domain: Annotated[kinds.Domain, Needed((("dns_zone_id", ""),))] = Field(
        "", description="Name of the registry, for which its certificate is."
    )
    deletion_protection: bool = Field(
        False, description="Whether a network load balancer refuses to be deleted."
    )
    access_log_bucket: kinds.Bucket = Field(
        "",
        description="Existing bucket for the access log of a classic load balancer. A network "
        "load balancer logs TLS listeners only; here nginx ends TLS and has a log. Empty means "
        "none.",
    )
    flow_log_bucket: kinds.Bucket = Field(
        "", description="Existing bucket for the flow logs of the VPC; empty means none."
    )
    network_cidr: kinds.VpcNetwork = Field(
        "10.0.0.0/16", description="IPv4 network of the VPC; each subnet gets a sixteenth of it."
    )
    instance_type: kinds.InstanceType = Field(
        "t3.medium", description="EC2 instance type of the hosts, of the same architecture."
    )
    other_instance_types: tuple[kinds.InstanceType, ...] = Field(
        (),
        description="Instance types to use as well, when instance_type is unavailable or dearer.",
    )
    architecture: kinds.Architecture = Field(
        "x86_64", description="Architecture of the hosts and of the images."
    )
    spot_percent: kinds.Percent = Field(
        0,
        description="Percent of the hosts above minimum_hosts that are Spot: cheaper, but AWS may "
        "take them back within two minutes.",
    )
    volume_size: kinds.DiskSize = Field(
        30, description="Size of each host's disk in GiB; the ECS image needs 30."
    )
    minimum_hosts: kinds.Hosts = Field(
        1,
        description="Minimum number of hosts; with 2 the registry responds while containers "
        "change.",
    )
    maximum_hosts: Annotated[
        kinds.SomeHosts, AtLeast("minimum_hosts"), OneOrTwo("minimum_hosts")
    ] = Field(1, description="Maximum number of hosts; above 1 the autoscaling group scales.")
    maximum_host_days: kinds.Lifetime = Field(
        0, description="Days after which a host is replaced; 0 means never."
    )
    scheduled_hosts: kinds.Schedule = Field(
        {},
        description="Minimum number of hosts at times, such as for a known deployment: for each "
        "cron expression (UTC) the number from then on, until the next expression.",
    )
    scale_cpu_percent: kinds.UsePercent = Field(
        60, description="Average CPU use, in percent, that scaling keeps the hosts at."
    )
    scale_network_megabytes: kinds.Traffic = Field(
        1000,
        description="Average megabytes a minute sent by a host that scaling keeps the hosts at "
        "(a t3.medium sustains about 1,900).",
    )
    proxy_image: Annotated[kinds.ContainerImage | None, FromEcr()] = Field(
        None,
        description="Image made from nginx-proxy/, where the hosts can pull it, "
        "such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1.",
    )
    registry_image: Annotated[kinds.ContainerImage, FromEcr()] = Field(
        "public.ecr.aws/docker/library/registry:3.1.1",
        description="Image of the CNCF distribution registry. The default is AWS's copy of the "
        "official image; Docker Hub itself limits pulls for all hosts behind one address.",
    )
    index_validation: kinds.IndexValidation = Field(
        "all",
        description="Images of an index that have to exist when a client pushes it: all or none. "
        "BuildKit before 0.21 needs 'none' for --cache-to type=registry.",
    )
    foreign_layer_urls: Annotated[tuple[kinds.LayerUrl, ...], Count(0, 50, "beginnings")] = Field(
        (),
        description="Prefixes of the URLs that a pushed manifest may name for layers that are "
        "stored elsewhere (foreign layers, as in images of Windows), such as "
        "https://mcr.microsoft.com/. Without any, such manifests get 400.",
    )
    browser_origins: Annotated[tuple[kinds.Origin, ...], Count(0, 50, "origins")] = Field(
        (),
        description="Origins of web pages that may use the registry from a browser (CORS), with "
        "the user's password, such as https://ui.example.com.",
    )
    mirrors: Mirrors = Field(
        {}, description="Registries whose images this one mirrors, by host such as docker.io."
    )
    page: bool = Field(
        True,
        description="Whether the registry shows a page at its address, for browsers and with the "
        "user's password: repositories, tags, images and hosts.",
    )
    proxy_refresh_seconds: kinds.ShortTime = Field(
        60,
        description="Seconds after which a host looks for a changed certificate, users or "
        "permissions in the configuration bucket.",
    )
    proxy_remember_seconds: kinds.ShortTime = Field(
        60, description="Seconds that a host remembers a password that it has verified."
    )
    proxy_check_seconds: kinds.CheckTime = Field(
        0,
        description="Seconds for which a host reuses the check that it may deliver a layer, or a "
        "manifest by digest. Meanwhile it may deliver a layer that another host has deleted. "
        "0 checks each request.",
    )
    proxy_connections_per_address: kinds.Connections = Field(
        1000,
        description="Maximum number of concurrent requests of a client address on a host; more "
        "get 429. Behind one address there may be hundreds of servers.",
    )
    cache_size: kinds.CacheSize = Field(
        15,
        description="GiB of each host's disk for layers (blob_delivery cache); "
        "at most volume_size less 10, which the system needs.",
    )
    idle_timeout: kinds.IdleTime = Field(
        350,
        description="Seconds without traffic after which the load balancer closes a connection; "
        "under 300 it cuts the push of a large layer while the registry stores it.",
    )
    log_retention_days: kinds.Retention = Field(
        30, description="Days that CloudWatch Logs keeps the logs."
    )
    alarm_emails: tuple[kinds.Email, ...] = Field(
        (), description="Addresses that get the alarms; each has to be confirmed."
    )
    alarm_certificate_days: kinds.Days = Field(
        21,
        description="Days before the certificate expires at which an alarm is sent; with "
        "acme_email, of a certificate that lives less than four times as long, when a quarter of "
        "its life is left.",
    )
    force_destroy: bool = Field(
        False, description="Whether destroying the stack may delete buckets that hold objects."
    )

    @field_validator("*")
    @classmethod
    def _keeps_the_rules(cls, value: Any, info: ValidationInfo) -> Any:
        """Require each rule of the field; in a collection, of each element."""
        if refusal := refusal_of(value, cls.model_fields[str(info.field_name)], info.data):
            raise ValueError(refusal)
        return value

    @property
    def workspace(self) -> str:
        """The name of the workspace in Terraform Cloud, unless tags choose it."""
        return self.backend_workspace or f"wharf-{self.name}"
