"""A client cannot tell the proxy from the registry itself, but for what is listed here.

- The proxy asks for a password.
- For a client that accepts every media type, the proxy asks the registry for all manifests
  (:data:`MANIFESTS`; ``test_accept.py``).
- Lists of tags and of repositories are not the registry's (``test_lists.py``).
- The body of an upload is no form, whatever its ``Content-Type`` (``test_accounts.py``).
- ``/v2`` is ``/v2/``, where the registry redirects.
- What the registry says of S3 is left out (``test_malformed.py``).
"""

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from integration.deployment import Deployment
from integration.images import MANIFEST, MANIFESTS
from integration.local.cloud import LocalCloud

#: What nginx says of itself and its connection. Of layers in its cache, it says Accept-Ranges only
#: of whole ones; test_cache.py looks at that.
OWN = {"date", "server", "connection", "transfer-encoding", "strict-transport-security"} | {
    "accept-ranges"
}
BLOB = b"x" * 100_000
EMPTY = b"{}"
NOBODY = f"sha256:{'0' * 64}"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest(*layers: str) -> bytes:
    layer = {"mediaType": "application/octet-stream", "size": len(BLOB)}
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": digest(EMPTY),
                "size": len(EMPTY),
            },
            "layers": [{**layer, "digest": one} for one in layers],
        }
    ).encode()


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

    def ask(self, what: str, method: str, path: str, **more: object) -> httpx.Response:
        path = urlsplit(path)._replace(scheme="", netloc="").geturl()
        if not path.startswith("/"):
            path = f"/v2/{self.repository}/{path}"
        answer = self.client.request(method, path, **more)  # type: ignore[arg-type]
        headers = {k: self.plain(v) for k, v in answer.headers.items() if k not in OWN}
        self.said[what] = (answer.status_code, headers, self.plain(answer.text))
        return answer

    def plain(self, text: str) -> str:
        """Without what is another in each conversation."""
        text = text.replace(self.repository, "REPOSITORY")
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
        # Spaces take the place of what the registry says of S3.
        text = re.sub(r'"detail":("s3aws: [^"]*"|null *)', '"detail":null', text)
        return re.sub(r"_state=[\w%-]+", "_state=STATE", text)

    def begin(self, what: str, **parameters: str) -> str:
        return self.ask(what, "POST", "blobs/uploads/", params=parameters).headers["Location"]

    def put(self, what: str, location: str, digest: str, **more: object) -> httpx.Response:
        url = httpx.URL(location).copy_merge_params({"digest": digest})
        return self.ask(what, "PUT", str(url), **more)

    def versions_and_names(self) -> None:
        self.ask("version", "GET", "/v2/")
        self.ask("version, HEAD", "HEAD", "/v2/")
        self.ask("manifest of no repository", "GET", "manifests/latest")
        self.ask("blob of no repository", "GET", f"blobs/{NOBODY}")

    def uploads(self) -> None:
        self.ask("upload at once", "POST", f"blobs/uploads/?digest={digest(EMPTY)}", content=EMPTY)
        location = self.begin("upload")
        self.put("upload in one", location, digest(EMPTY), content=EMPTY)
        location = self.begin("upload in parts")
        for number, part in enumerate((BLOB[:60_000], BLOB[60_000:])):
            start = number * 60_000
            headers = {
                "Content-Range": f"{start}-{start + len(part) - 1}",
                "Content-Type": "application/octet-stream",
            }
            answer = self.ask(f"part {number}", "PATCH", location, content=part, headers=headers)
            location = answer.headers["Location"]
            self.ask(f"status after part {number}", "GET", location)
        self.put("end of the parts", location, digest(BLOB))
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
        self.ask("mount", "POST", f"blobs/uploads/?mount={digest(BLOB)}&from={self.repository}")
        self.ask("mount of nothing", "POST", f"blobs/uploads/?mount={NOBODY}&from=nowhere")

    def manifests(self) -> None:
        good = manifest(digest(BLOB))
        kind = {"Content-Type": MANIFEST}
        self.ask("manifest", "PUT", "manifests/latest", content=good, headers=kind)
        self.ask("by digest", "PUT", f"manifests/{digest(good)}", content=good, headers=kind)
        self.ask("other digest", "PUT", f"manifests/{NOBODY}", content=good, headers=kind)
        self.ask("no JSON", "PUT", "manifests/bad", content=b"{", headers=kind)
        self.ask("no layer", "PUT", "manifests/bad", content=manifest(NOBODY), headers=kind)
        self.ask("no kind", "PUT", "manifests/bad", content=good)
        for method in ("GET", "HEAD"):
            accept = {"Accept": MANIFEST}
            self.ask(f"{method} tag", method, "manifests/latest", headers=accept)
            self.ask(f"{method} digest", method, f"manifests/{digest(good)}", headers=accept)
            everything = {"Accept": self.everything}
            self.ask(f"{method} everything", method, "manifests/latest", headers=everything)
            self.ask(f"{method} no tag", method, "manifests/none", headers=accept)
            tag = {"If-None-Match": f'"{digest(good)}"', **accept}
            self.ask(f"{method} if changed", method, "manifests/latest", headers=tag)

    def blobs(self) -> None:
        for method in ("GET", "HEAD"):
            for data in (BLOB, EMPTY):
                self.ask(f"{method} {len(data)} bytes", method, f"blobs/{digest(data)}")
            self.ask(f"{method} no blob", method, f"blobs/{NOBODY}")
            # Not beyond the end: there the registry announces a length that it does not send.
            for asked in ("bytes=10-19", "bytes=-5", "bytes=99990-"):
                self.ask(
                    f"{method} {asked}", method, f"blobs/{digest(BLOB)}", headers={"Range": asked}
                )
            changed = {"If-None-Match": f'"{digest(BLOB)}"'}
            self.ask(f"{method} if changed", method, f"blobs/{digest(BLOB)}", headers=changed)
        self.ask("another algorithm", "GET", f"blobs/md5:{'0' * 32}")

    def deletions(self) -> None:
        good = manifest(digest(BLOB))
        self.ask("delete", "DELETE", f"manifests/{digest(good)}")
        self.ask("delete again", "DELETE", f"manifests/{digest(good)}")
        self.ask("delete no tag", "DELETE", "manifests/none")
        self.ask("delete blob", "DELETE", f"blobs/{digest(BLOB)}")
        self.ask("delete blob again", "DELETE", f"blobs/{digest(BLOB)}")
        self.ask("deleted blob", "GET", f"blobs/{digest(BLOB)}")

    def hold(self) -> dict[str, object]:
        self.versions_and_names()
        self.uploads()
        self.manifests()
        self.blobs()
        self.deletions()
        return self.said


@pytest.fixture
def door(cloud: LocalCloud) -> str:
    """Where one host's proxy is."""
    return cloud.balancer.door(cloud.hosts[0].address)


@pytest.fixture
def wanted(cloud: LocalCloud, door: str, repository: str) -> dict[str, object]:
    """What the registry of that host says to those who are past its proxy."""
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
        f"{what}: the registry says {answer}, the proxy {given[what]}"
        for what, answer in wanted.items()
        if answer != given[what]
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
        answer = client.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"


def test_v2_without_a_slash_is_the_same(deployment: Deployment) -> None:
    with deployment.client(anonymous=True) as client:
        answers = [client.get(path) for path in ("/v2", "/v2/")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert [answer.headers["WWW-Authenticate"] for answer in answers] == [
        'Basic realm="Registry"'
    ] * 2
    with deployment.client() as client:
        answers = [client.get(path) for path in ("/v2", "/v2?n=1", "/v2/")]
        assert client.post("/v2").headers["Allow"] == "GET, HEAD"
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"{}")] * 3


@pytest.mark.parametrize(
    "path",
    ["/v2/a", "/v2/a/b/c", "/v2/a/manifests/", "/v2/a/blobs/", "/v2/a/tags", "/v2/_x", "/v1/"],
)
def test_paths_that_the_api_does_not_have(deployment: Deployment, path: str) -> None:
    with deployment.client() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "UNSUPPORTED")
