"""What a user may choose, with the unit and the default of each choice."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from modules.bounds import AtLeast, AtMost, FromEcr, Needed, Replicated
from modules.kinds import (
    Architecture,
    Bucket,
    CacheSize,
    CloudName,
    Connections,
    ContainerImage,
    Cron,
    Days,
    DiskSize,
    Domain,
    Email,
    Hosts,
    IdleTime,
    IndexValidation,
    InstanceType,
    KeyArn,
    Name,
    Network,
    Percent,
    Region,
    Retention,
    ShortTime,
    SomeHosts,
    TagName,
    TagValue,
    Traffic,
    UsePercent,
    Versions,
    VpcNetwork,
    Zone,
    Zones,
)
from modules.limits import refusal_of
from modules.rules import Count, KeysApart

#: Settings that change which resources there are. All others become Terraform variables.
SHAPE = frozenset(
    {
        *("load_balancer", "zones", "blob_delivery", "host_network", "alarms", "replica_bucket"),
        *("backend", "backend_bucket", "backend_organization", "backend_workspace"),
        "backend_tags",
    }
)

#: Given to Terraform only (``TF_VAR_…``): a default would be written into the synthesized file.
SECRETS = {
    "aws_access_key": "AWS access key for the containers; empty means the task role.",
    "aws_secret_access_key": "Secret of the AWS access key; empty means the task role.",
}


class Settings(BaseModel):
    """The choices for one environment.

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
    zones: Zones = Field(
        2, description="Availability zones that hosts and load balancer are spread over."
    )
    host_network: Literal["public", "nat", "nat_per_zone", "endpoints"] = Field(
        "public",
        description="Where hosts are and how they reach AWS: with public addresses; in private "
        "subnets behind one NAT gateway, or one in each zone; or in private subnets with VPC "
        "endpoints, from where they reach nothing else and images have to be in ECR.",
    )
    alarms: bool = Field(
        True,
        description="Whether there are alarms, metrics from the logs, a dashboard, and a topic of "
        "SNS that tells of them.",
    )
    replica_bucket: Bucket = Field(
        "",
        description="Bucket in another region that gets a copy of all images; it has to exist and "
        "have versioning on. Empty means no copy.",
    )
    backend: Literal["local", "s3", "cloud"] = Field(
        "local",
        description="Where Terraform keeps the state: in a file beside `main.py`, in S3 with a "
        "lock, or in Terraform Cloud.",
    )
    backend_bucket: Annotated[Bucket, Needed((("backend", "s3"),))] = Field(
        "", description="Bucket that exists in aws_region for the state (backend s3)."
    )
    backend_organization: Annotated[CloudName, Needed((("backend", "cloud"),))] = Field(
        "", description="Organization of Terraform Cloud (backend cloud)."
    )
    backend_workspace: CloudName = Field(
        "", description="Workspace of Terraform Cloud; empty means wharf-NAME."
    )
    backend_tags: tuple[CloudName, ...] = Field(
        (),
        description="Tags of the workspaces to choose from, instead of one by its name.",
    )
    name: Name = Field(
        "wharf", description="Name of the environment, the first part of every name."
    )
    # AWS counts 50 for each resource; the rest is for the stack's own and for what ECS adds.
    tags: Annotated[
        dict[TagName, TagValue],
        Count(0, 45, "tags"),
        KeysApart(("Project", "Environment", "Name")),
    ] = Field({}, description="Tags of everything, beside Project and Environment, which win.")
    aws_region: Region = Field("us-east-1", description="AWS region of the registry.")
    aws_registry_bucket: Bucket = Field(
        "", description="S3 bucket for the images; empty makes a name from account and region."
    )
    nginx_config_bucket: Bucket = Field(
        "",
        description="S3 bucket for nginx.htpasswd, domain.crt and domain.key; "
        "empty makes a name from account and region.",
    )
    image_version_days: Annotated[Versions, Replicated()] = Field(
        0, description="Days that a deleted image can be brought back; 0 keeps no versions."
    )
    intelligent_tiering: bool = Field(
        False, description="Whether layers that nobody pulls move to cheaper tiers of S3."
    )
    kms_key_arn: KeyArn = Field(
        "",
        description="KMS key for buckets, disks, logs, secrets and alarms; its policy has to let "
        "these services use it. Empty means keys of AWS.",
    )
    replica_kms_key_arn: Annotated[
        KeyArn, Needed((("replica_bucket", ""), ("kms_key_arn", "")))
    ] = Field("", description="KMS key of the other region, for the copies in replica_bucket.")
    key_pair: str = Field(
        "", description="EC2 key pair for SSH to the hosts; empty means that no key is installed."
    )
    ssh_networks: tuple[Network, ...] = Field(
        (), description="IPv4 networks that may reach port 22 of the hosts, if there is a key pair."
    )
    allowed_networks: Annotated[tuple[Network, ...], Count(1, 1000, "networks")] = Field(
        ("0.0.0.0/0",), description="IPv4 networks that may reach the registry."
    )
    metrics_networks: tuple[Network, ...] = Field(
        (), description="IPv4 networks whose Prometheus may scrape port 9113 of the hosts."
    )
    internal: bool = Field(
        False,
        description="Whether the load balancer has private addresses only, for clients that reach "
        "the VPC by peering, a transit gateway or a VPN; a change replaces it.",
    )
    dns_zone_id: Zone = Field(
        "", description="Zone of Route 53 that gets a record for domain; empty means none."
    )
    domain: Annotated[Domain, Needed((("dns_zone_id", ""),))] = Field(
        "", description="Name of the registry, for which its certificate is."
    )
    deletion_protection: bool = Field(
        False, description="Whether a network load balancer refuses to be deleted."
    )
    access_log_bucket: Bucket = Field(
        "",
        description="Bucket that exists for the access log of a classic load balancer; a network "
        "one logs TLS listeners only, and here nginx ends TLS: see its log. Empty means none.",
    )
    network_cidr: VpcNetwork = Field(
        "10.0.0.0/16", description="IPv4 network of the VPC; each subnet gets a sixteenth of it."
    )
    instance_type: InstanceType = Field(
        "t3.medium", description="EC2 instance type of the hosts, of the architecture below."
    )
    other_instance_types: tuple[InstanceType, ...] = Field(
        (), description="Types that serve as well, where the first is not to be had or is dearer."
    )
    architecture: Architecture = Field(
        "x86_64", description="Architecture of the hosts, for which the images have to be."
    )
    spot_percent: Percent = Field(
        0,
        description="Percent of the hosts above minimum_hosts that are Spot: cheaper, but AWS may "
        "take them back within two minutes.",
    )
    volume_size: DiskSize = Field(
        30, description="Size of each host's disk in GiB; the ECS image needs 30."
    )
    minimum_hosts: Hosts = Field(1, description="Fewest hosts that the autoscaling group keeps.")
    maximum_hosts: Annotated[SomeHosts, AtLeast("minimum_hosts")] = Field(
        1, description="Most hosts that the autoscaling group may start; above 1 it scales."
    )
    scheduled_hosts: dict[
        Cron, Annotated[Hosts, AtLeast("minimum_hosts"), AtMost("maximum_hosts")]
    ] = Field(
        {},
        description="Hosts to have at a moment, such as before a known deployment: for each cron "
        "expression (UTC) how many; from then on they follow the load.",
    )
    scale_cpu_percent: UsePercent = Field(
        60, description="Average CPU use, in percent, that scaling keeps the hosts at."
    )
    scale_network_megabytes: Traffic = Field(
        1000,
        description="Megabytes a minute that scaling lets a host send on average "
        "(a t3.medium sustains about 1,900).",
    )
    proxy_image: Annotated[ContainerImage | None, FromEcr()] = Field(
        None,
        description="Image made from nginx-proxy/, where the hosts can pull it, "
        "such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1.",
    )
    registry_image: Annotated[ContainerImage, FromEcr()] = Field(
        "docker.io/library/registry:3.1.1", description="Image of the CNCF distribution registry."
    )
    index_validation: IndexValidation = Field(
        "all",
        description="Images of an index that have to exist when a client pushes it: all or none. "
        "BuildKit before 0.21 needs 'none' for --cache-to type=registry.",
    )
    proxy_refresh_seconds: ShortTime = Field(
        60,
        description="Seconds after which a host looks for a changed certificate, users or "
        "permissions in the configuration bucket.",
    )
    proxy_remember_seconds: ShortTime = Field(
        60, description="Seconds that a host remembers a password that it has verified."
    )
    proxy_connections_per_address: Connections = Field(
        1000,
        description="Requests of one client address that a host answers at a time; more get 429. "
        "Behind one address there may be hundreds of servers.",
    )
    cache_size: CacheSize = Field(
        15,
        description="GiB of each host's disk for layers (blob_delivery cache); "
        "10 of volume_size have to be left to the system.",
    )
    idle_timeout: IdleTime = Field(
        350,
        description="Seconds without traffic after which the load balancer closes a connection; "
        "under 300 it cuts the push of a large layer while the registry stores it.",
    )
    log_retention_days: Retention = Field(
        30, description="Days that CloudWatch Logs keeps the logs."
    )
    alarm_emails: tuple[Email, ...] = Field(
        (), description="Who gets the alarms; each address has to be confirmed."
    )
    alarm_certificate_days: Days = Field(
        21, description="Days before the certificate expires at which an alarm tells of it."
    )
    force_destroy: bool = Field(
        False, description="Whether destroying the stack may delete buckets that hold objects."
    )

    @field_validator("*")
    @classmethod
    def _keeps_the_rules(cls, value: Any, info: ValidationInfo) -> Any:
        """Each rule of the field holds, for a collection each rule of each element."""
        if refusal := refusal_of(value, cls.model_fields[str(info.field_name)], info.data):
            raise ValueError(refusal)
        return value

    @property
    def workspace(self) -> str:
        """The name of its workspace in Terraform Cloud, where none are chosen by tags."""
        return self.backend_workspace or f"wharf-{self.name}"
