"""What a user may choose, with the unit and the default of each choice."""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from modules.rules import Cidr, Matches, Rule, Within

PREFIX = "WHARF_"

#: Settings that change which resources there are. All others become Terraform variables.
SHAPE = frozenset({"load_balancer", "zones", "blob_delivery"})

#: Given to Terraform only (``TF_VAR_…``): a default would be written into the synthesized file.
SECRETS = {
    "aws_access_key": "AWS access key for the containers; empty means the task role.",
    "aws_secret_access_key": "Secret of the AWS access key; empty means the task role.",
}

# A dot is legal in a bucket's name, but S3's wildcard certificate does not cover it.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = Matches(
    r"^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
    "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, "
    "without the prefixes and suffixes that S3 reserves",
    unless=r"^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$",
)
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION = [
    *("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545"),
    *("731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"),
]
#: GiB of a host's disk that the system and the images of the containers need.
SYSTEM_SIZE = 10
IMAGE = Matches(r"^[a-z0-9][\w.:/@-]*$", "an image reference such as docker.io/library/registry:3")


class SettingsError(Exception):
    """One or more settings cannot be used; the text has one line for each."""


class Settings(BaseModel):
    """The choices for one environment.

    Usage:

        Settings(proxy_image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/nginx-proxy:1")
        Settings(minimum_hosts=2, maximum_hosts=8, load_balancer="classic")
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    load_balancer: Literal["network", "classic"] = Field(
        "network", description="Kind of the load balancer."
    )
    blob_delivery: Literal["cache", "proxy", "redirect"] = Field(
        "cache",
        description="Where clients get layers: from the disk of a host, which fetches each once; "
        "from S3 through a host each time; or from S3 by themselves, which they must reach.",
    )
    zones: Annotated[int, Within(2, 6, "zones")] = Field(
        2, description="Availability zones that hosts and load balancer are spread over."
    )
    name: Annotated[
        str,
        Matches(
            r"^[a-z][a-z0-9-]{0,18}[a-z0-9]$",
            "2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last",
        ),
    ] = Field("wharf", description="Name of the environment, the first part of every name.")
    aws_region: Annotated[
        str, Matches(r"^[a-z]{2}(-[a-z]+)+-[0-9]$", "a region such as eu-west-1")
    ] = Field("us-east-1", description="AWS region of the registry.")
    aws_registry_bucket: Annotated[str, BUCKET] = Field(
        "", description="S3 bucket for the images; empty makes a name from account and region."
    )
    nginx_config_bucket: Annotated[str, BUCKET] = Field(
        "",
        description="S3 bucket for nginx.htpasswd, domain.crt and domain.key; "
        "empty makes a name from account and region.",
    )
    key_pair: str = Field(
        "", description="EC2 key pair for SSH to the hosts; empty means that no key is installed."
    )
    ssh_networks: tuple[Annotated[str, Cidr()], ...] = Field(
        (), description="IPv4 networks that may reach port 22 of the hosts, if there is a key pair."
    )
    allowed_networks: tuple[Annotated[str, Cidr()], ...] = Field(
        ("0.0.0.0/0",), description="IPv4 networks that may reach the registry."
    )
    network_cidr: Annotated[str, Cidr(16, 24)] = Field(
        "10.0.0.0/16", description="IPv4 network of the VPC; each subnet gets a sixteenth of it."
    )
    instance_type: Annotated[
        str, Matches(r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", "an instance type such as t3.medium")
    ] = Field("t3.medium", description="EC2 instance type of the hosts (x86_64).")
    volume_size: Annotated[int, Within(30, 16384, "GiB")] = Field(
        30, description="Size of each host's disk in GiB; the ECS image needs 30."
    )
    minimum_hosts: Annotated[int, Within(0, 100, "hosts")] = Field(
        1, description="Fewest hosts that the autoscaling group keeps."
    )
    maximum_hosts: Annotated[int, Within(1, 100, "hosts")] = Field(
        1, description="Most hosts that the autoscaling group may start; above 1 it scales."
    )
    scale_cpu_percent: Annotated[int, Within(10, 90, "percent")] = Field(
        60, description="Average CPU use, in percent, that scaling keeps the hosts at."
    )
    scale_network_megabytes: Annotated[int, Within(1, 1_000_000, "megabytes a minute")] = Field(
        1000,
        description="Megabytes a minute that scaling lets a host send on average "
        "(a t3.medium sustains about 1,900).",
    )
    proxy_image: Annotated[str, IMAGE] | None = Field(
        None,
        description="Image made from nginx-proxy/, where the hosts can pull it, "
        "such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1.",
    )
    registry_image: Annotated[str, IMAGE] = Field(
        "docker.io/library/registry:3.1.1", description="Image of the CNCF distribution registry."
    )
    proxy_refresh_seconds: Annotated[int, Within(1, 3600, "seconds")] = Field(
        60,
        description="Seconds after which a host looks for a changed certificate, users or "
        "permissions in the configuration bucket.",
    )
    proxy_remember_seconds: Annotated[int, Within(1, 3600, "seconds")] = Field(
        60, description="Seconds that a host remembers a password that it has verified."
    )
    cache_size: Annotated[int, Within(1, 16000, "GiB")] = Field(
        15,
        description="GiB of each host's disk for layers (blob_delivery cache); "
        "10 of volume_size have to be left to the system.",
    )
    idle_timeout: Annotated[int, Within(300, 3600, "seconds")] = Field(
        350,
        description="Seconds without traffic after which the load balancer closes a connection; "
        "under 300 it cuts the push of a large layer while the registry stores it.",
    )
    log_retention_days: Annotated[
        int, Matches(rf"^({'|'.join(RETENTION)})$", f"one of {', '.join(RETENTION)}")
    ] = Field(30, description="Days that CloudWatch Logs keeps the logs.")
    force_destroy: bool = Field(
        False, description="Whether destroying the stack may delete buckets that hold objects."
    )

    @field_validator("*")
    @classmethod
    def _keeps_the_rules(cls, value: Any, info: ValidationInfo) -> Any:
        """Each rule of the field holds, for a list each rule of each element."""
        values = value if isinstance(value, tuple) else (value,)
        for rule in rules_of(str(info.field_name)):
            for one in values:
                if one is not None and not rule.accepts(one):
                    raise ValueError(f"it must be {rule.allowed}")
        return value

    @model_validator(mode="after")
    def _maximum_is_not_below_minimum(self) -> Self:
        if self.maximum_hosts < self.minimum_hosts:
            raise ValueError(
                f"maximum_hosts = {self.maximum_hosts}: it must be at least minimum_hosts "
                f"({self.minimum_hosts}); raise it or lower minimum_hosts"
            )
        return self

    @model_validator(mode="after")
    def _cache_fits_the_disk(self) -> Self:
        if self.cache_size > self.volume_size - SYSTEM_SIZE:
            raise ValueError(
                f"cache_size = {self.cache_size}: it must be at most volume_size "
                f"({self.volume_size}) less {SYSTEM_SIZE}; lower it or raise volume_size"
            )
        return self


def rules_of(field: str) -> tuple[Rule, ...]:
    """Return the rules of a setting, for a list those of its elements."""
    kinds = (Matches, Within, Cidr)
    found = [rule for rule in Settings.model_fields[field].metadata if isinstance(rule, kinds)]
    stack: list[Any] = [Settings.model_fields[field].annotation]
    while stack:
        annotation = stack.pop()
        metadata = getattr(annotation, "__metadata__", ())
        found += [rule for rule in metadata if isinstance(rule, kinds)]
        stack += getattr(annotation, "__args__", ())
    return tuple(found)


def load_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """Read the settings from a TOML file, where there is one, and from ``WHARF_…`` variables.

    A variable wins over the file. Lists in variables are separated by commas.

    Raises:
        SettingsError: with one line for each setting that cannot be used.
    """
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text()) if file.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file}: it cannot be read as TOML: {error}") from None
    values |= dict(_from_environment(environment))
    try:
        return Settings.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise SettingsError("\n".join(map(_line, error.errors()))) from None


def _from_environment(environment: Mapping[str, str]) -> Iterable[tuple[str, Any]]:
    for variable, text in sorted(environment.items()):
        if variable.startswith(PREFIX):
            field = variable.removeprefix(PREFIX).lower()
            yield field, _parsed(field, text)


def _parsed(field: str, text: str) -> Any:
    """Text of an environment variable as the type of its field, or as it is if it does not fit."""
    if field not in Settings.model_fields:
        return text
    annotation: Any = Settings.model_fields[field].annotation
    if getattr(annotation, "__origin__", None) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if annotation in (int, bool):
        try:
            return TypeAdapter(annotation).validate_strings(text)
        except ValidationError:
            return text
    return text


def _line(error: ErrorDetails) -> str:
    """One error as one line: field, value, remedy."""
    if not error["loc"]:
        return str(error["msg"]).removeprefix("Value error, ")
    field = str(error["loc"][0])
    given = f"{field} = {json.dumps(error['input'], default=str)}"
    if error["type"] != "extra_forbidden":
        message = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it must")
        return f"{given}: {message}"
    if field in SECRETS:
        return f"{field}: it is a secret, not a setting; give it to Terraform as TF_VAR_{field}"
    near = difflib.get_close_matches(field, Settings.model_fields, n=1)
    hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join(Settings.model_fields)
    return f"{given}: unknown setting; {hint}"
