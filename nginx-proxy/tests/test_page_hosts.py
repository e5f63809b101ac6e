"""What the page shows of hosts: the last hour of counters, and which hosts are shown."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from wharf_proxy import page_hosts
from wharf_proxy.page_hosts import Host

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

METRICS = """\
# TYPE wharf_requests_total counter
wharf_requests_total{{route="blob",method="GET",status="200"}} {good}
wharf_requests_total{{route="blob",method="GET",status="503"}} {failed}
wharf_requests_total{{route="version",method="GET",status="401"}} 7
wharf_requests_total{{route="tags",method="GET",status="404"}} 7
# TYPE wharf_sent_bytes_total counter
wharf_sent_bytes_total{{route="blob"}} 1000
wharf_sent_bytes_total{{route="tags"}} 24
# TYPE wharf_cache_requests_total counter
wharf_cache_requests_total{{status="HIT"}} 3
# TYPE wharf_connections gauge
wharf_connections{{state="active"}} 5
wharf_connections{{state="waiting"}} 2
# TYPE wharf_logins_total counter
wharf_logins_total{{kind="oidc",result="wrong"}} 6
# TYPE wharf_mirror_requests_total counter
wharf_mirror_requests_total{{mirror="docker.io",state="hit"}} 8
# TYPE wharf_mirror_upstream_requests_total counter
wharf_mirror_upstream_requests_total{{kind="tag",mirror="docker.io",status="429"}} 2
# TYPE wharf_mirror_upstream_remaining gauge
wharf_mirror_upstream_remaining{{mirror="docker.io"}} 76
# TYPE wharf_configuration_refused gauge
wharf_configuration_refused 1.0
# TYPE wharf_certificate_expiry_timestamp_seconds gauge
wharf_certificate_expiry_timestamp_seconds 1.8e+09
"""


def metrics(good: int = 0, failed: int = 0) -> str:
    return METRICS.format(good=good, failed=failed)


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="images")
        yield client


def test_facts_are_those_of_the_metrics() -> None:
    facts = Host("a").facts(metrics(good=10))
    assert facts["requests"] == 24
    assert (facts["sent"], facts["connections"], facts["cache"]) == (1024, 5, {"HIT": 3})
    assert (facts["certificate"], facts["refused_configuration"]) == (1.8e9, True)
    assert facts["logins"] == {"wrong oidc": 6}
    assert (facts["mirrors"], facts["upstreams"], facts["remaining"]) == (
        {"hit docker.io": 8},
        {"429 tag docker.io": 2},
        {"docker.io": 76},
    )
    # No cache has been watched.
    assert facts["cache_free"] is None


def test_errors_are_those_since_the_first_look() -> None:
    host = Host("a")
    assert host.facts(metrics(good=10, failed=2))["errors"] == {}
    facts = host.facts(metrics(good=15, failed=5))
    assert facts["errors"] == {"503 blob": 3}
    assert (facts["requests_hour"], facts["minutes"]) == (8, 1)
    # Those of before are not refused again.
    assert facts["refused"] == {}


def test_errors_of_more_than_an_hour_ago_are_forgotten() -> None:
    host = Host("a")
    host.facts(metrics())
    assert host.facts(metrics(failed=4))["errors"] == {"503 blob": 4}
    for _ in range(59):
        facts = host.facts(metrics(failed=4))
    assert (facts["errors"], facts["minutes"]) == ({"503 blob": 4}, 60)
    assert host.facts(metrics(failed=4))["errors"] == {}


def test_a_series_that_begins_later_counts_from_nothing() -> None:
    host = Host("a")
    host.facts("")
    assert host.facts(metrics())["refused"] == {"401 version": 7}


def test_a_host_that_stops_is_removed_and_one_that_is_killed_stays(s3: "S3Client") -> None:
    for name in ("a", "b"):
        page_hosts.write(s3, "images", Host(name).facts(metrics()))
    page_hosts.remove(s3, "images", "a")
    page_hosts.sweep(s3, "images")
    assert [host["host"] for host in page_hosts.read(s3, "images")] == ["b"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "null", "{}", '{"host": "b"}', "[" * 100_000),
        json.dumps(Host("b").facts("") | {"requests": None}),
        json.dumps(Host("b").facts("") | {"time": float("nan")}),
        json.dumps(Host("b").facts("") | {"host": {}}),
        json.dumps(Host("b").facts("") | {"errors": {"503 blob": "many"}}),
    ],
)
def test_an_object_without_facts_hides_itself_only(
    s3: "S3Client", capsys: pytest.CaptureFixture[str], text: str
) -> None:
    page_hosts.write(s3, "images", Host("a").facts(""))
    s3.put_object(Bucket="images", Key=f"{page_hosts.PREFIX}b.json", Body=text.encode())
    assert [host["host"] for host in page_hosts.read(s3, "images")] == ["a"]
    assert "page/hosts/b.json: " in json.loads(capsys.readouterr().out)["message"]


def test_a_host_that_is_gone_for_a_day_is_forgotten(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    page_hosts.write(s3, "images", Host("a").facts(metrics()))
    monkeypatch.setattr(page_hosts, "FORGOTTEN", -page_hosts.FORGOTTEN)
    page_hosts.sweep(s3, "images")
    assert page_hosts.read(s3, "images") == []
