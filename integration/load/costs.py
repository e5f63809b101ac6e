"""Cost of a run on AWS in requests and traffic: counts times prices."""

from pydantic import BaseModel

from integration.load.run_results import Run
from scripts.capacity.figures import GIGABYTE, Prices


class Cost(BaseModel):
    """One line of a bill."""

    item: str
    amount: float
    unit: str
    price: float
    dollars: float


def costs(run: Run, price: Prices) -> list[Cost]:
    """Return the bill of a run: S3 requests where they were counted, and traffic."""
    found = []
    if run.s3_requests is not None:
        reads = sum(run.s3_requests.get(kind, 0) for kind in ("GET", "HEAD"))
        writes = sum(run.s3_requests.get(kind, 0) for kind in ("PUT", "POST", "LIST"))
        found += [
            _cost("S3 GET and HEAD", reads / 1000, "1,000 requests", 1000 * price.s3_get),
            _cost("S3 PUT, POST and LIST", writes / 1000, "1,000 requests", 1000 * price.s3_put),
        ]
    received, sent = _gigabytes(run, "GET "), _gigabytes(run, "PATCH ")
    # From S3 to the client: not through the balancer.
    redirected = _gigabytes(run, "GET redirected ")
    balanced = received - redirected + sent
    return [
        *found,
        _cost("traffic to clients", received, "GB", price.client_traffic),
        _cost("load balancer", balanced, "GB", price.balancer_traffic),
        _cost("between zones", balanced * price.zone_share, "GB", price.zone_traffic),
    ]


def _gigabytes(run: Run, names: str) -> float:
    """Return the gigabytes of the requests whose names begin with ``names``."""
    named = (figures for name, figures in run.figures.items() if name.startswith(names))
    return sum(figures.bytes for figures in named) / GIGABYTE


def _cost(item: str, amount: float, unit: str, price: float) -> Cost:
    return Cost(item=item, amount=amount, unit=unit, price=price, dollars=amount * price)
