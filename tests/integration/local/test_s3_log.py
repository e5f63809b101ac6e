"""Requests to S3 in the log of the TLS front: by what AWS charges for, by host, and by object."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.local.network.s3_log import Request, S3Log, steps

HOST, OTHER = "10.89.2.10", "10.89.2.1"
LAYER = "/docker/registry/v2/blobs/sha256/ab/abcd/data"
BEGAN = datetime(2026, 11, 25, 2, 4, 20, tzinfo=UTC).timestamp()
#: Second, client, backend, request.
REQUESTS = [
    (19, HOST, "emulator/emulator", "PUT /docker/registry/v2/y"),
    (20, HOST, "emulator/emulator", "GET /?max-keys=1&prefix=docker%2Fregistry"),
    (20, HOST, "wharf-bench-images/s3", "GET /?list-type=2&prefix=docker%2Fregistry"),
    (20, HOST, "emulator/emulator", f"GET {LAYER}"),
    (21, HOST, "wharf-bench-images/s3", f"GET {LAYER}?x-id=GetObject"),
    (21, OTHER, "wharf-bench-images/s3", f"GET {LAYER}"),
    (21, HOST, "emulator/emulator", f"HEAD {LAYER}"),
    (21, HOST, "emulator/emulator", "PUT /docker/registry/v2/x?partNumber=1"),
    (21, HOST, "emulator/emulator", "GET /nginx.htpasswd"),
    (21, HOST, "emulator/emulator", "POST /?delete="),
    (21, HOST, "emulator/emulator", "POST /"),
]


@pytest.fixture
def log(tmp_path: Path) -> S3Log:
    lines = [
        f"2026-11-25T02:04:{second}.578238276+00:00 stdout F {client}:5 "
        f'[25/Nov/2026:02:04:{second}.578] api~ {backend} 0/0/1/2/3 200 9 - - "{request} HTTP/1.1"'
        for second, client, backend, request in REQUESTS
    ]
    file = tmp_path / "haproxy.log"
    file.write_text("\n".join(["2026-11-25T02:04:19+00:00 stderr F [NOTICE] started", *lines, ""]))
    return S3Log(file)


def test_requests_are_counted_by_price(log: S3Log) -> None:
    assert log.count() == {"LIST": 2, "GET": 3, "HEAD": 1, "PUT": 2}


def test_requests_before_the_load_are_not_counted(log: S3Log) -> None:
    assert log.count(since=BEGAN)["PUT"] == 1


def test_from_now_leaves_out_the_requests_so_far(log: S3Log) -> None:
    assert log.from_now().count() == {}


def test_requests_of_a_host_are_in_order(log: S3Log) -> None:
    assert log.requests(OTHER) == [f"GET {LAYER}"]
    assert log.requests(HOST)[0] == "PUT /docker/registry/v2/y"
    assert log.requests(HOST)[-1] == "POST /?delete="


def test_reads_of_an_object_are_counted_by_host(log: S3Log) -> None:
    assert [log.reads(host, "/abcd/data") for host in (HOST, OTHER)] == [2, 1]
    assert log.reads(HOST, "/bcd/data") == 0


def test_a_request_has_its_times_and_bytes(log: S3Log) -> None:
    first = next(iter(log))
    assert (first.end - first.begin, first.bytes, first.method) == (3, 9, "PUT")
    assert first.begin == (BEGAN - 1) * 1000 + 578


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], 0),
        ([(0, 20), (1, 21)], 1),
        ([(0, 20), (20, 40)], 2),
        # The clock of HAProxy has milliseconds.
        ([(0, 20), (19, 39)], 2),
        ([(0, 20), (0, 60), (22, 42), (44, 64)], 3),
    ],
)
def test_steps_are_requests_that_follow_one_another(
    times: list[tuple[float, float]], expected: int
) -> None:
    requests = [Request(end, begin, end, HOST, "GET", LAYER, 1) for begin, end in times]
    assert steps(requests) == expected
