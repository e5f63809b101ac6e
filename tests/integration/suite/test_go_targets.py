"""The model of Go's code, against what Go 1.27.3 and distribution 3.1.1 read themselves."""

import pytest

from integration.suite.support.go_targets import Reading, read

DIGEST = "sha256:" + "0" * 64
MOUNT = {"mount": DIGEST, "from": "b"}


@pytest.mark.parametrize(
    ("target", "reading"),
    [
        ("/v2/", Reading("version")),
        ("/v2/?#", Reading("version")),
        (f"/v2/a/blobs/uploads/?#&mount={DIGEST}&from=b", Reading("uploads", "a", "", MOUNT)),
        (f"/v2/a/blobs/uploads/?x;y&%6dount={DIGEST}&from=b", Reading("uploads", "a", "", MOUNT)),
        (
            f"/v2/a/blobs/uploads/?from=%zz&mount={DIGEST}&from=b",
            Reading("uploads", "a", "", MOUNT),
        ),
        (
            "/v2/a/blobs/uploads/1?_state=a+b&_state=c",
            Reading("upload", "a", "1", {"_state": "a b"}),
        ),
        ("/v2/a%2Fb/manifests/1", Reading("manifest", "a/b", "1")),
        (f"https://host:1/v2/a/blobs/{DIGEST}", Reading("blob", "a", DIGEST)),
        (f"/v2/a/blobs/{DIGEST}%23/blobs/x", None),
        (f"/v2/a/blobs/{DIGEST}#/blobs/x", None),
        ("/v2/a/../b/tags/list", None),
        ("//host/v2/", None),
        ("*", None),
        ("/v2/%zz", None),
        ("/v2", None),
    ],
)
def test_reading(target: str, reading: Reading | None) -> None:
    assert read(target.encode()) == reading
