"""Figures of Wharf and S3, instance types, and prices, from TOML files."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from wharf_proxy.errors import ConfigurationError

from scripts.toml_file import load_toml, read_toml

Delivery = Literal["cache", "proxy", "redirect"]
DELIVERIES: tuple[Delivery, ...] = ("redirect", "cache", "proxy")

FOLDER = Path(__file__).resolve().parent
PRICES = FOLDER / "prices.toml"
#: Bytes per second in a Gbps, and bytes in a GiB and a GB.
GBPS, GIBIBYTE, GIGABYTE = 125_000_000, 2**30, 10**9


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Requests(_Table):
    """Work of a host for an operation: CPU seconds, and requests to S3 by price class.

    ``steps`` are the requests that wait for one another; others are sent simultaneously.
    """

    cpu: NonNegativeFloat
    get: NonNegativeFloat
    list: NonNegativeFloat
    steps: NonNegativeFloat

    @property
    def s3(self) -> float:
        """Number of requests to S3."""
        return self.get + self.list


class Figures(_Table):
    """Figures of figures.toml, which has the unit and the source of each."""

    parallel_layers: PositiveInt
    payload: PositiveFloat = Field(le=1)
    s3_seconds: NonNegativeFloat
    s3_connection_rate: PositiveFloat
    s3_reads_per_second: PositiveFloat
    s3_writes_per_second: PositiveFloat
    s3_part: PositiveInt
    slice: PositiveInt
    check_seconds: NonNegativeFloat
    disk_rate: PositiveFloat
    page_cache: PositiveFloat = Field(le=1)
    cache_poll: NonNegativeFloat
    cached_layer: PositiveFloat = Field(le=1)
    password_cpu: NonNegativeFloat
    gb_cpu: dict[Delivery, NonNegativeFloat]
    pull: dict[Delivery, Requests]
    layer: dict[Delivery, Requests]

    @classmethod
    def read(cls) -> Self:
        """Return the figures of the file."""
        return read_toml(FOLDER / "figures.toml", cls)


class InstanceType(_Table):
    """Type of EC2 instances, of instances.toml: bandwidths in Gbps, memory in GiB."""

    vcpus: PositiveInt
    memory: PositiveFloat
    baseline: PositiveFloat
    peak: PositiveFloat
    architecture: Literal["x86_64", "arm64"]

    @classmethod
    def all(cls) -> dict[str, Self]:
        """Return the types of the file by name."""
        return read_toml(FOLDER / "instances.toml", dict[str, cls])  # type: ignore[valid-type]


class Prices(_Table):
    """Prices of prices.toml in USD: per request, per GB, per hour."""

    region: str
    as_of: str
    s3_get: NonNegativeFloat
    s3_put: NonNegativeFloat
    client_traffic: NonNegativeFloat
    balancer_traffic: NonNegativeFloat
    zone_traffic: NonNegativeFloat
    zone_share: NonNegativeFloat = Field(le=1)
    instance_hour: dict[str, PositiveFloat]

    @classmethod
    def read(cls, file: Path = PRICES, error: type[Exception] = ConfigurationError) -> Self:
        """Return the prices of a file; prices that the file omits are those of prices.toml.

        Raises:
            error: the file is invalid.
        """
        return read_toml(file, cls, error, load_toml(PRICES))
