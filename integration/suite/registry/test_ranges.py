"""Ranges of layers: as the registry delivers them, whether the cache has the layer or not."""

import httpx
import pytest

from integration.suite.support.layers import Layer


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=1000000-1000999", slice(1_000_000, 1_001_000)),
        ("bytes=4999990-", slice(4_999_990, None)),
        ("bytes=-10", slice(-10, None)),
    ],
)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_ranges(client: httpx.Client, layer: Layer, warm: bool, asked: str, part: slice) -> None:
    if warm:
        client.get(layer[0])
    response = client.get(layer[0], headers={"Range": asked})
    assert (response.status_code, response.content) == (206, layer[1][part])
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_range_that_the_registry_refuses(client: httpx.Client, layer: Layer, warm: bool) -> None:
    if warm:
        client.get(layer[0])
    for asked in ("bytes=5000000-", "bytes=5-2", "bytes=-", "items=0-1", f"bytes=0-{'9' * 20}"):
        response = client.get(layer[0], headers={"Range": asked})
        assert (asked, response.status_code) == (asked, 416)
        assert response.json()["errors"][0]["code"] == "RANGE_INVALID"
