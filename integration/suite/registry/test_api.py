"""A client cannot tell the proxy from the registry itself, but for what is listed here.

- The proxy asks for a password.
- For a client that accepts every media type, the proxy asks the registry for all manifests
  (:data:`MANIFESTS`; ``test_accept.py``).
- Lists of tags and of repositories are not the registry's (``test_lists.py``).
- The body of an upload is no form, whatever its ``Content-Type`` (``test_accounts.py``).
- ``/v2`` is ``/v2/``, where the registry redirects.
- What the registry says of S3 is left out (``test_malformed.py``).
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import (
    MANIFEST,
    MANIFESTS,
    describe,
    digest_of,
    encode,
    manifest_of,
)
from integration.local.cloud import LocalCloud

#: What nginx says of itself and its connection.
OWN = {"date", "server", "connection", "transfer-encoding", "strict-transport-security"}
#: Of one part of a layer, which the disk of a host has; and what only the registry delivers.
RANGES = (
    *("bytes=10-19", "bytes=-5", "bytes=99990-", "bytes=99990-200000", "bytes=-200000"),
    *("bytes=0-1,5-6", "bytes=0-0,-1", "bytes= 0-1", "bytes=0-1,", "bytes=0-,0-,0-"),
)
#: nginx knows no date of a manifest, and would refuse the last one.
CONDITIONS = {
    "If-Match": '"x"',
    "If-Modified-Since": "Tue, 01 Jan 2019 00:00:00 GMT",
    "If-Unmodified-Since": "Tue, 01 Jan 2019 00:00:00 GMT",
}
BLOB = b"x" * 100_000
EMPTY = b"{}"
NOBODY = f"sha256:{'0' * 64}"


def manifest(layer: str) -> bytes:
    described = describe("application/octet-stream", BLOB) | {"digest": layer}
    return encode(manifest_of(describe("application/vnd.oci.empty.v1+json", EMPTY), [described]))


@dataclass
class Conversation:
    """Every call of the API, errors included, in a repository; ``said`` has what came back.

    Attributes:
        everything: the value of ``Accept`` with which a client gets every manifest.
    """

    client: httpx.Client
    repository: str
    everything: str

    def __post_init__(self) -> None:
        self.said: dict[str, object] = {}

    def ask(self, step: str, method: str, path: str, **more: object) -> httpx.Response:
        path = urlsplit(path)._replace(scheme="", netloc="").geturl()
        if not path.startswith("/"):
            path = f"/v2/{self.repository}/{path}"
        response = self.client.request(method, path, **more)  # type: ignore[arg-type]
        headers = {k: self.plain(v) for k, v in response.headers.items() if k not in OWN}
        self.said[step] = (response.status_code, headers, self.plain(response.text))
        return response

    def plain(self, text: str) -> str:
        """Return the text without the values that differ in each conversation."""
        text = text.replace(self.repository, "REPOSITORY")
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
        # Between the parts of several ranges.
        text = re.sub(r"[0-9a-f]{60}", "BOUNDARY", text)
        # Spaces take the place of what the registry says of S3.
        text = re.sub(r'"detail":("s3aws: [^"]*"|null *)', '"detail":null', text)
        return re.sub(r"_state=[\w%-]+", "_state=STATE", text)

    def begin(self, step: str, **parameters: str) -> str:
        return self.ask(step, "POST", "blobs/uploads/", params=parameters).headers["Location"]

    def put(self, step: str, location: str, digest: str, **more: object) -> httpx.Response:
        url = httpx.URL(location).copy_merge_params({"digest": digest})
        return self.ask(step, "PUT", str(url), **more)

    def versions_and_names(self) -> None:
        self.ask("version", "GET", "/v2/")
        self.ask("version, HEAD", "HEAD", "/v2/")
        self.ask("manifest of no repository", "GET", "manifests/latest")
        self.ask("blob of no repository", "GET", f"blobs/{NOBODY}")

    def uploads(self) -> None:
        path = f"blobs/uploads/?digest={digest_of(EMPTY)}"
        self.ask("upload at once", "POST", path, content=EMPTY)
        location = self.begin("upload")
        self.put("upload in one", location, digest_of(EMPTY), content=EMPTY)
        location = self.begin("upload in parts")
        for number, part in enumerate((BLOB[:60_000], BLOB[60_000:])):
            start = number * 60_000
            headers = {
                "Content-Range": f"{start}-{start + len(part) - 1}",
                "Content-Type": "application/octet-stream",
            }
            response = self.ask(f"part {number}", "PATCH", location, content=part, headers=headers)
            location = response.headers["Location"]
            self.ask(f"status after part {number}", "GET", location)
        self.put("end of the parts", location, digest_of(BLOB))
        self.ask("status of an ended upload", "GET", location)
        location = self.begin("upload of another digest")
        self.put("another digest", location, NOBODY, content=EMPTY)
        location = self.begin("upload of no digest")
        self.put("no digest", location, "sha256:x", content=EMPTY)
        location = self.begin("upload to be cancelled")
        self.ask("cancel", "DELETE", location)
        self.ask("cancel again", "DELETE", location)
        location = self.begin("upload with a gap")
        gap = {"Content-Range": "5-6", "Content-Type": "application/octet-stream"}
        self.ask("a gap", "PATCH", location, content=b"xx", headers=gap)
        unknown = "blobs/uploads/00000000-0000-0000-0000-000000000000"
        self.ask("an upload that is none", "GET", unknown)
        self.ask("mount", "POST", f"blobs/uploads/?mount={digest_of(BLOB)}&from={self.repository}")
        self.ask("mount of nothing", "POST", f"blobs/uploads/?mount={NOBODY}&from=nowhere")

    def manifests(self) -> None:
        good = manifest(digest_of(BLOB))
        kind = {"Content-Type": MANIFEST}
        self.ask("manifest", "PUT", "manifests/latest", content=good, headers=kind)
        self.ask("by digest", "PUT", f"manifests/{digest_of(good)}", content=good, headers=kind)
        self.ask("other digest", "PUT", f"manifests/{NOBODY}", content=good, headers=kind)
        self.ask("no JSON", "PUT", "manifests/bad", content=b"{", headers=kind)
        self.ask("no layer", "PUT", "manifests/bad", content=manifest(NOBODY), headers=kind)
        self.ask("no kind", "PUT", "manifests/bad", content=good)
        for method in ("GET", "HEAD"):
            accept = {"Accept": MANIFEST}
            self.ask(f"{method} tag", method, "manifests/latest", headers=accept)
            self.ask(f"{method} digest", method, f"manifests/{digest_of(good)}", headers=accept)
            everything = {"Accept": self.everything}
            self.ask(f"{method} everything", method, "manifests/latest", headers=everything)
            self.ask(f"{method} no tag", method, "manifests/none", headers=accept)
            tag = {"If-None-Match": f'"{digest_of(good)}"', **accept}
            self.ask(f"{method} if changed", method, "manifests/latest", headers=tag)
            for name, value in CONDITIONS.items():
                condition = {name: value, **accept}
                self.ask(f"{method} {name}", method, "manifests/latest", headers=condition)
            # Go reads no type here.
            odd = {"Accept": f"{MANIFEST}; ="}
            self.ask(f"{method} odd type", method, "manifests/latest", headers=odd)

    def blobs(self) -> None:
        for method in ("GET", "HEAD"):
            for data in (BLOB, EMPTY):
                self.ask(f"{method} {len(data)} bytes", method, f"blobs/{digest_of(data)}")
            self.ask(f"{method} no blob", method, f"blobs/{NOBODY}")
            # Not beyond the end: there the registry announces a length that it does not send.
            path = f"blobs/{digest_of(BLOB)}"
            for asked in RANGES:
                self.ask(f"{method} {asked}", method, path, headers={"Range": asked})
            for tag in (digest_of(BLOB), NOBODY):
                condition = {"Range": "bytes=0-1", "If-Range": f'"{tag}"'}
                self.ask(f"{method} if {tag}", method, path, headers=condition)
            changed = {"If-None-Match": f'"{digest_of(BLOB)}"'}
            self.ask(f"{method} if changed", method, path, headers=changed)
            since = {"If-Unmodified-Since": CONDITIONS["If-Unmodified-Since"]}
            self.ask(f"{method} if unmodified", method, path, headers=since)
        self.ask("another algorithm", "GET", f"blobs/md5:{'0' * 32}")

    def deletions(self) -> None:
        good = manifest(digest_of(BLOB))
        self.ask("delete", "DELETE", f"manifests/{digest_of(good)}")
        self.ask("delete again", "DELETE", f"manifests/{digest_of(good)}")
        self.ask("delete no tag", "DELETE", "manifests/none")
        self.ask("delete blob", "DELETE", f"blobs/{digest_of(BLOB)}")
        self.ask("delete blob again", "DELETE", f"blobs/{digest_of(BLOB)}")
        self.ask("deleted blob", "GET", f"blobs/{digest_of(BLOB)}")

    def hold(self) -> dict[str, object]:
        self.versions_and_names()
        self.uploads()
        self.manifests()
        self.blobs()
        self.deletions()
        return self.said


@pytest.fixture
def door(cloud: LocalCloud) -> str:
    """Return the address of one host's proxy."""
    return cloud.balancer.door(cloud.hosts[0].address)


@pytest.fixture
def wanted(cloud: LocalCloud, door: str, repository: str) -> dict[str, object]:
    """Return the response of that host's registry to a request past its proxy."""
    headers = {"Host": door, "X-Forwarded-Proto": "https"}
    with (
        cloud.network.inside(cloud.hosts[0].pod),
        httpx.Client(headers=headers, timeout=60) as client,
    ):
        client.base_url = httpx.URL("http://127.0.0.1:5000")
        return Conversation(client, f"{repository}/a", MANIFESTS).hold()


def test_every_call_is_answered_as_by_the_registry(
    wanted: dict[str, object], door: str, deployment: Deployment, repository: str
) -> None:
    with deployment.client(f"https://{door}") as client:
        given = Conversation(client, f"{repository}/b", "*/*").hold()
    assert len(wanted) > 60
    different = [
        f"{step}: the registry says {response}, the proxy {given[step]}"
        for step, response in wanted.items()
        if response != given[step]
    ]
    assert not different, "\n".join(different)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/v2/", "GET, HEAD"),
        ("DELETE", "/v2/_catalog", "GET"),
        ("PUT", "/v2/a/tags/list", "GET"),
        ("POST", "/v2/a/manifests/latest", "DELETE, GET, HEAD, PUT"),
        ("PATCH", f"/v2/a/blobs/{NOBODY}", "DELETE, GET, HEAD"),
        ("PUT", "/v2/a/blobs/uploads/", "POST"),
        ("POST", "/v2/a/blobs/uploads/1", "DELETE, GET, HEAD, PATCH, PUT"),
    ],
)
def test_methods_that_a_path_does_not_have(
    deployment: Deployment, method: str, path: str, allowed: str
) -> None:
    with deployment.client() as client:
        response = client.request(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert response.json()["errors"][0]["code"] == "UNSUPPORTED"


def test_v2_without_a_slash_is_the_same(deployment: Deployment) -> None:
    with deployment.client(anonymous=True) as client:
        responses = [client.get(path) for path in ("/v2", "/v2/")]
    assert [response.status_code for response in responses] == [401, 401]
    assert [response.headers["WWW-Authenticate"] for response in responses] == [
        'Basic realm="Registry"'
    ] * 2
    with deployment.client() as client:
        responses = [client.get(path) for path in ("/v2", "/v2?n=1", "/v2/")]
        assert client.post("/v2").headers["Allow"] == "GET, HEAD"
    assert [(response.status_code, response.content) for response in responses] == [
        (200, b"{}")
    ] * 3


@pytest.mark.parametrize(
    "path",
    ["/v2/a", "/v2/a/b/c", "/v2/a/manifests/", "/v2/a/blobs/", "/v2/a/tags", "/v2/_x", "/v1/"],
)
def test_paths_that_the_api_does_not_have(deployment: Deployment, path: str) -> None:
    with deployment.client() as client:
        response = client.get(path)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "UNSUPPORTED")
