"""What the page shows of each host: each host writes its facts into the bucket of the images.

A load balancer chooses the host that responds to a browser, so no host can show itself by its own
``/metrics``, and hosts do not reach each other.
"""

import json
import math
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from wharf_proxy.log import report

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "page/hosts/"
"""In the bucket of the images, outside of what belongs to the registry."""

METRICS = "http://127.0.0.1:9113/metrics"
"""nginx.conf has the port."""

MINUTES = 60
"""Minutes of which errors are shown, at one look a minute."""

FORGOTTEN = timedelta(days=1)
"""After this time nothing is left of a host that was killed. One that stops says so by itself."""

SHOWN = 500
"""Maximum number of hosts on the page."""

NUMBERS = ("started", "time", "minutes", "requests", "requests_hour", "sent")
OPTIONAL_NUMBERS = ("connections", "cache_free", "certificate", "configuration_checked")
MAPS = ("errors", "refused", "cache")
LATER_MAPS = ("logins", "mirrors", "upstreams", "remaining")
"""Facts of which health.js needs the kind."""

Values = Counter[tuple[str, str]]


class Host:
    """The facts of this host.

    Args:
        name: of the host.

    Usage:
        Host("0123456789ab").facts(read_metrics())
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._started = time.time()
        # The first is of the start: nginx counts across a restart of its workers.
        self._past: deque[Values] = deque(maxlen=MINUTES + 1)

    def facts(self, metrics: str) -> dict[str, Any]:
        """Return the facts in the text of the metrics; to be called once a minute."""
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families(metrics):
            for sample in family.samples:
                labels = tuple(value for _, value in sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        responses: Values = Counter()
        for labels, value in found.get("wharf_requests_total", {}).items():
            _method, route, status = labels
            responses[route, status] += int(value)
        self._past.append(responses)
        hour = Counter(responses)
        # A series that began after the first look is in the last one only.
        hour.subtract(self._past[0])

        def single(name: str) -> float | None:
            return next(iter(found.get(name, {}).values()), None)

        return {
            "host": self.name,
            "started": self._started,
            "time": time.time(),
            "minutes": len(self._past) - 1,
            "requests": sum(responses.values()),
            "requests_hour": sum(hour.values()),
            "errors": _by_status(hour, "5"),
            "refused": _by_status(hour, "4", {"401", "403", "429"}),
            "sent": sum(found.get("wharf_sent_bytes_total", {}).values()),
            "connections": found.get("wharf_connections", {}).get(("active",)),
            "cache": {
                status: value
                for (status,), value in found.get("wharf_cache_requests_total", {}).items()
            },
            "logins": {
                f"{result} {kind}": value
                for (kind, result), value in found.get("wharf_logins_total", {}).items()
            },
            "mirrors": {
                f"{state} {mirror}": value
                for (mirror, state), value in found.get("wharf_mirror_requests_total", {}).items()
            },
            "upstreams": {
                f"{status} {kind} {mirror}": value
                for (kind, mirror, status), value in found.get(
                    "wharf_mirror_upstream_requests_total", {}
                ).items()
            },
            "remaining": {
                mirror: value
                for (mirror,), value in found.get("wharf_mirror_upstream_remaining", {}).items()
            },
            "cache_free": single("wharf_cache_free_bytes"),
            "certificate": single("wharf_certificate_expiry_timestamp_seconds"),
            "refused_configuration": single("wharf_configuration_refused") == 1,
            "configuration_checked": single("wharf_configuration_check_timestamp_seconds"),
        }


def _by_status(responses: Values, first: str, only: Iterable[str] = ()) -> dict[str, int]:
    """Return the number of responses by ``STATUS ROUTE``."""
    return {
        f"{status} {route}": number
        for (route, status), number in sorted(responses.items())
        if number > 0 and status.startswith(first) and (not only or status in only)
    }


def read_metrics() -> str:
    """Return the metrics of this host.

    Raises:
        OSError: nginx does not respond.
    """
    with urllib.request.urlopen(METRICS, timeout=5) as response:
        text: str = response.read().decode()
    return text


def write(client: "S3Client", bucket: str, facts: dict[str, Any]) -> None:
    """Write the facts of a host to the bucket.

    Raises:
        BotoCoreError, ClientError: S3 did not take them.
    """
    client.put_object(
        Bucket=bucket,
        Key=_key(facts["host"]),
        Body=json.dumps(facts).encode(),
        ContentType="application/json",
    )


def remove(client: "S3Client", bucket: str, name: str) -> None:
    """Remove what a host has written.

    Raises:
        BotoCoreError, ClientError: S3 did not remove it.
    """
    client.delete_object(Bucket=bucket, Key=_key(name))


def sweep(client: "S3Client", bucket: str) -> None:
    """Remove what hosts have written that are gone for long.

    Raises:
        BotoCoreError, ClientError: S3 did not list or remove it.
    """
    for item in _listed(client, bucket):
        if datetime.now(UTC) - item["LastModified"] > FORGOTTEN:
            client.delete_object(Bucket=bucket, Key=item["Key"])


def read(client: "S3Client", bucket: str) -> list[dict[str, Any]]:
    """Return the facts of all hosts, by name, without objects that have none.

    Raises:
        BotoCoreError, ClientError: S3 did not list or deliver them.
    """
    keys = [item["Key"] for item in _listed(client, bucket)]

    def facts(key: str) -> dict[str, Any] | None:
        try:
            return parse(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except client.exceptions.NoSuchKey:  # it has stopped since
            return None
        except ValueError as error:
            report("page_failed", f"s3://{bucket}/{key}: {error}")
            return None

    with ThreadPoolExecutor(8) as pool:
        return list(filter(None, pool.map(facts, keys)))


def parse(text: bytes) -> dict[str, Any]:
    """Return the facts that an object has.

    Raises:
        ValueError: the object has no facts of a host.
    """
    try:
        facts: dict[str, Any] = json.loads(text)
        numbers = [facts[name] for name in NUMBERS]
        numbers += [facts[name] or 0 for name in OPTIONAL_NUMBERS]
        numbers += [number for name in MAPS for number in facts[name].values()]
        # Of an older version, while hosts are replaced, there are none.
        numbers += [number for name in LATER_MAPS for number in facts.get(name, {}).values()]
        flawless = all(map(math.isfinite, numbers)) and isinstance(facts["host"], str)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"no facts: {type(error).__name__}: {error}") from None
    if not flawless:
        raise ValueError("no facts: a name or a number is none")
    return facts


def _listed(client: "S3Client", bucket: str) -> list[Any]:
    listed = client.list_objects_v2(Bucket=bucket, Prefix=PREFIX, MaxKeys=SHOWN)
    return [*listed.get("Contents", [])]


def _key(name: str) -> str:
    return f"{PREFIX}{name}.json"
