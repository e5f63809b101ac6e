"""What the model knows: figures of Wharf and S3, instance types, prices: TOML files."""

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

Delivery = Literal["cache", "proxy", "redirect"]
DELIVERIES: tuple[Delivery, ...] = ("redirect", "cache", "proxy")

FOLDER = Path(__file__).resolve().parent
#: Bytes a second of a Gbps, and bytes of a GiB and a GB.
GBPS, GIBIBYTE, GIGABYTE = 125_000_000, 2**30, 10**9


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Requests(_Table):
    """What something costs a host: CPU seconds, and requests to S3 by what AWS charges for."""

    cpu: NonNegativeFloat
    get: NonNegativeFloat
    list: NonNegativeFloat

    @property
    def s3(self) -> float:
        """All requests to S3; each waits for the one before."""
        return self.get + self.list


class Figures(_Table):
    """See figures.toml, which has the unit and the source of each."""

    parallel_layers: PositiveInt
    payload: PositiveFloat = Field(le=1)
    s3_seconds: NonNegativeFloat
    s3_connection_rate: PositiveFloat
    s3_reads_per_second: PositiveFloat
    s3_writes_per_second: PositiveFloat
    s3_part: PositiveInt
    disk_rate: PositiveFloat
    page_cache: PositiveFloat = Field(le=1)
    cache_poll: NonNegativeFloat
    cached_layer: PositiveFloat = Field(le=1)
    password_cpu: NonNegativeFloat
    gb_cpu: dict[Delivery, NonNegativeFloat]
    pull: Requests
    layer: Requests

    @classmethod
    def read(cls) -> Self:
        """Those of the file."""
        return cls.model_validate(_toml(FOLDER / "figures.toml"))


class InstanceType(_Table):
    """See instances.toml: Gbps, GiB."""

    vcpus: PositiveInt
    memory: PositiveFloat
    baseline: PositiveFloat
    peak: PositiveFloat
    architecture: Literal["x86_64", "arm64"]

    @classmethod
    def all(cls) -> dict[str, Self]:
        """The types of the file by name."""
        table = _toml(FOLDER / "instances.toml")
        return {name: cls.model_validate(one) for name, one in table.items()}


class Prices(_Table):
    """See prices.toml: USD a request, a GB, an hour."""

    region: str
    as_of: str
    s3_get: NonNegativeFloat
    s3_list: NonNegativeFloat
    s3_traffic: NonNegativeFloat
    balancer_traffic: NonNegativeFloat
    zone_traffic: NonNegativeFloat
    zone_share: NonNegativeFloat = Field(le=1)
    instance_hour: dict[str, PositiveFloat]

    @classmethod
    def read(cls, own: Path | None = None) -> Self:
        """Those of the file, but for what a file of one's own says.

        Raises:
            tomllib.TOMLDecodeError, UnicodeDecodeError, pydantic.ValidationError: it is not such a
                file.
            OSError: it cannot be read.
        """
        known, given = _toml(FOLDER / "prices.toml"), _toml(own) if own else {}
        hours = known["instance_hour"]
        if isinstance(more := given.get("instance_hour", {}), dict):
            given["instance_hour"] = {**hours, **more}
        return cls.model_validate({**known, **given})


def _toml(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
