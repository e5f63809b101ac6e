"""What a run would cost on AWS in requests and traffic: counts times prices."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integration.load.results import Run
from integration.local.errors import LocalCloudError

FILE = Path(__file__).resolve().parent / "prices.toml"
GIGABYTE = 1_000_000_000


class Prices(BaseModel):
    """US dollars, as the file says."""

    model_config = ConfigDict(extra="forbid")

    s3_get: float = Field(ge=0)
    s3_put: float = Field(ge=0)
    traffic_gb: float = Field(ge=0)
    balancer_gb: float = Field(ge=0)


class Cost(BaseModel):
    """One line of a bill."""

    what: str
    amount: float
    unit: str
    price: float
    dollars: float


def prices(file: Path = FILE) -> Prices:
    """Read prices.

    Raises:
        LocalCloudError: the file is not what it should be; the text says where.
    """
    try:
        return Prices.model_validate(tomllib.loads(file.read_bytes().decode("utf-8-sig")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LocalCloudError(f"{file}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise LocalCloudError(f"{file}: {where}: {first['msg']}") from None


def costs(run: Run, price: Prices) -> list[Cost]:
    """The bill of a run: S3 requests where they were counted, and traffic."""
    found = []
    if run.s3_requests is not None:
        reads = sum(run.s3_requests.get(kind, 0) for kind in ("GET", "HEAD"))
        writes = sum(run.s3_requests.get(kind, 0) for kind in ("PUT", "POST", "LIST"))
        found += [
            _cost("S3 GET and HEAD", reads / 1000, "1,000 requests", price.s3_get),
            _cost("S3 PUT, POST and LIST", writes / 1000, "1,000 requests", price.s3_put),
        ]
    received, sent = _gigabytes(run, "GET "), _gigabytes(run, "PATCH ")
    # From S3 to the client: not through the balancer.
    redirected = _gigabytes(run, "GET redirected ")
    return [
        *found,
        _cost("traffic to clients", received, "GB", price.traffic_gb),
        _cost("load balancer", received - redirected + sent, "GB", price.balancer_gb),
    ]


def _gigabytes(run: Run, names: str) -> float:
    """What requests moved whose names begin so."""
    return sum(one.bytes for name, one in run.figures.items() if name.startswith(names)) / GIGABYTE


def _cost(what: str, amount: float, unit: str, price: float) -> Cost:
    return Cost(what=what, amount=amount, unit=unit, price=price, dollars=amount * price)
