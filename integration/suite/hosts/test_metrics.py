"""Metrics that Prometheus reads on each host, past the load balancer."""

import itertools
import os
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from integration.clients.deployment import Deployment
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.support.configuration_files import REFUSED, ConfigurationFiles

PORT = 9113
#: Requests of one connection, of which nginx allows 1,000.
PIPELINED = 500
Scrape = Callable[..., float]
Series = Callable[[], dict[tuple[str, frozenset[tuple[str, str]]], float]]


@pytest.fixture
def series(cloud: LocalCloud) -> Series:
    """Return all series of one host: the value by name and labels."""
    host = cloud.hosts[0]

    def series() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        with cloud.network.inside(host.pod):
            response = httpx.get(f"http://127.0.0.1:{PORT}/metrics").raise_for_status()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }

    return series


@pytest.fixture
def scrape(series: Series) -> Scrape:
    """Return the sum of a metric, over its series with these labels, on one host."""

    def scrape(name: str, **labels: str) -> float:
        return sum(
            value
            for (other, own), value in series().items()
            if other == name and labels.items() <= dict(own).items()
        )

    return scrape


@pytest.fixture
def client(cloud: LocalCloud, deployment: Deployment) -> httpx.Client:
    return deployment.client(f"https://{cloud.balancer.door(cloud.hosts[0].address)}")


def test_requests_are_counted(scrape: Scrape, client: httpx.Client) -> None:
    labels = {"route": "manifest", "method": "GET", "status": "404"}
    names = ("wharf_requests_total", "wharf_sent_bytes_total", "wharf_received_bytes_total")
    before = [scrape(name, route="manifest") for name in names]
    with client:
        for _ in range(3):
            client.get("/v2/metrics/manifests/none")
    requests, sent, received = (
        scrape(name, route="manifest") - old for name, old in zip(names, before, strict=True)
    )
    assert requests == 3
    assert scrape("wharf_requests_total", **labels) >= 3
    assert 3 * 100 < sent < 3 * 2000
    assert 3 * 100 < received < 3 * 2000


def test_verified_logins_are_counted(
    scrape: Scrape, client: httpx.Client, deployment: Deployment
) -> None:
    before = scrape("wharf_logins_total", kind="password", result="wrong")
    wrong = (deployment.username, os.urandom(8).hex())
    with client:
        client.get("/v2/").raise_for_status()
        # The second one is known to be wrong, and not verified.
        for _ in range(2):
            assert client.get("/v2/", auth=wrong).status_code == 401
    assert scrape("wharf_logins_total", kind="password", result="right") >= 1
    assert scrape("wharf_logins_total", kind="password", result="wrong") == before + 1


def test_times_are_a_histogram(scrape: Scrape, client: httpx.Client) -> None:
    with client:
        client.get("/v2/")
    count = scrape("wharf_request_seconds_count", route="version")
    assert count == scrape("wharf_request_seconds_bucket", route="version", le="+Inf")
    assert count == scrape("wharf_requests_total", route="version")
    assert scrape("wharf_request_seconds_sum", route="version") > 0
    assert scrape("wharf_request_seconds_bucket", route="version", le="10") <= count


def test_what_nobody_knows_has_no_label_of_its_own(scrape: Scrape, client: httpx.Client) -> None:
    with client:
        client.request("BREW", "/v2/")
        client.get("/coffee")
    assert scrape("wharf_requests_total", method="BREW") == 0
    assert scrape("wharf_requests_total", route="other", status="404") >= 1


def test_invented_methods_add_no_series(
    series: Series, client: httpx.Client, deployment: Deployment, cloud: LocalCloud
) -> None:
    with client:
        client.get("/v2/metrics/manifests/none")
        client.request("BREW", "/coffee")
    before = series()
    url = f"https://{cloud.balancer.door(cloud.hosts[0].address)}"
    letters = itertools.product(string.ascii_uppercase, repeat=4)
    # The memory has room for about 4,000 series.
    for _ in range(20_000 // PIPELINED):
        methods = ["".join(letter) for letter in itertools.islice(letters, PIPELINED)]
        requests = [f"X{method} /coffee HTTP/1.1\r\nHost: registry\r\n\r\n" for method in methods]
        with deployment.connect(url) as attacker:
            attacker.sendall("".join(requests).encode())
            responses = attacker.makefile("rb")
            for _ in methods:
                while (line := responses.readline()) != b"\r\n":
                    assert line, "nginx has closed the connection"
                responses.readline()
    after = series()
    assert before.keys() - after.keys() == set()
    invented = sorted(dict(labels).get("method", "") for _, labels in after.keys() - before.keys())
    assert invented[:1] == []
    assert after["wharf_metrics_dropped_total", frozenset()] == 0
    other = {("route", "other"), ("method", "other"), ("status", "404")}
    requests_total = ("wharf_requests_total", frozenset(other))
    assert after[requests_total] - before[requests_total] == 20_000


def test_the_certificate_s_end(scrape: Scrape) -> None:
    left = scrape("wharf_certificate_expiry_timestamp_seconds") - datetime.now(UTC).timestamp()
    assert timedelta(days=30).total_seconds() < left < timedelta(days=400).total_seconds()


def test_a_refused_configuration_shows(
    scrape: Scrape, registry: LocalRegistry, tmp_path: Path
) -> None:
    configuration = ConfigurationFiles(registry, tmp_path / "files")
    refusals = scrape("wharf_configuration_refusals_total")
    assert scrape("wharf_configuration_refused") == 0
    try:
        with configuration.seen(REFUSED):
            configuration.put("domain.key", b"nonsense")
        assert scrape("wharf_configuration_refused") == 1
        assert scrape("wharf_configuration_refusals_total") > refusals
    finally:
        configuration.restore()
    assert scrape("wharf_configuration_refused") == 0


def test_the_load_balancer_does_not_reach_them(cloud: LocalCloud) -> None:
    host = cloud.hosts[0]
    assert cloud.network.reaches("127.0.0.1", PORT, pod=host.pod)
    assert not cloud.network.reaches(host.address, PORT, pod=cloud.balancer.name)
    assert not cloud.network.reaches(host.address, PORT), "this machine reaches the metrics"


def test_nothing_else_is_on_that_port(cloud: LocalCloud) -> None:
    with cloud.network.inside(cloud.hosts[0].pod):
        for path in ("/", "/v2/", "/v2/_catalog", "/ssl", "/.verify", "/metrics/"):
            assert httpx.get(f"http://127.0.0.1:{PORT}{path}").status_code == 404
