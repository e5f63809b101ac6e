"""The service of lists: where a list begins, and a failure of S3.

A list may begin behind any text: what S3 does not accept is replaced by an equal position.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from wharf_proxy import service
from wharf_proxy.service import LONGEST_NAME, _position

NAMES = st.from_regex("[a-zA-Z0-9_][a-zA-Z0-9._/-]{0,5}", fullmatch=True)
#: Such a text is a name, with something in it that no name has.
TEXTS = st.tuples(NAMES, st.text(max_size=2), NAMES).map("".join) | st.text()


@given(names=st.lists(NAMES), last=TEXTS)
def test_the_position_is_equal(names: list[str], last: str) -> None:
    behind = [name for name in names if name > last]
    assert [name for name in names if name > _position(last)] == behind


@given(last=TEXTS | st.text(min_size=1000))
def test_s3_accepts_the_position(last: str) -> None:
    position = _position(last)
    assert position.isascii()
    assert not position or position.isprintable()
    assert len(position) <= LONGEST_NAME


def test_a_name_is_its_own_position() -> None:
    assert _position("team-a/base_1.0") == "team-a/base_1.0"


def test_a_failure_of_s3_is_said_to_the_client_and_to_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Failing:
        def list_objects_v2(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": "SlowDown"}}, "ListObjectsV2")

    got: list[Any] = []
    environment = {
        "QUERY_STRING": "",
        "HTTP_X_WHARF_ROUTE": "catalog",
        "HTTP_X_WHARF_READABLE": "*",
        service.DISCONNECTED: lambda: False,
    }
    failing: Any = Failing()
    (content,) = service.Lists(failing, "images")(environment, lambda *given: got.extend(given))
    assert got[0] == "503 Service Unavailable"
    assert json.loads(content)["errors"][0]["code"] == "UNAVAILABLE"
    event = json.loads(capsys.readouterr().out)
    assert event["event"] == "list_failed"
    assert "SlowDown" in event["message"]
    assert "SlowDown" not in content.decode()


def test_a_list_ends_when_its_client_has_gone() -> None:
    pages: list[object] = []

    class Endless:
        def list_objects_v2(self, **page: object) -> dict[str, object]:
            pages.append(page)
            return {"IsTruncated": True, "NextContinuationToken": "next"}

    got: list[Any] = []
    environment = {
        "QUERY_STRING": "",
        "HTTP_X_WHARF_ROUTE": "tags",
        "HTTP_X_WHARF_REPOSITORY": "app",
        service.DISCONNECTED: lambda: len(pages) == 3,
    }
    endless: Any = Endless()
    assert service.Lists(endless, "images")(environment, lambda *given: got.extend(given)) == []
    assert got[0] == "499 Client Closed Request"
    assert len(pages) == 3
