"""nginx, Lua and the registry read a target alike: what was checked is what is sent on.

An echo server in the place of a host's registry records the targets that it gets. A model of Go's
code reads each of them, and the client's.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integration.clients.deployment import Deployment, request_head
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.support.configuration_files import PERMISSIONS, ConfigurationFiles
from integration.suite.support.echo import EchoServer, in_place_of_registry
from integration.suite.support.go_targets import Reading, read

pytestmark = pytest.mark.usefixtures("only_local")

USER, OWN, OTHER = "team", "team-a/x", "team-b/secret"
ACCOUNTS = f"demo delete *\n{USER} push team-a/*\n"
#: Of no layer: what the echo server responds gets into the cache of the host.
DIGEST = "sha256:" + "7e57" * 16
KNOWN = ["_state", "digest", "from", "mount"]

#: What one reader takes for a border, and another one does not.
SEAMS = st.sampled_from(
    ["#", "?", "&", "=", ";", "/", "//", "/./", "/../", "\\", ":", "%2f", "%2F", "%2e%2e", "%23",
     "%3f", "%3F", "%3a", "%3A", "%26", "%3d", "%3b", "%25", "%00", "%0a", "%zz", "%", "+", "%20",
     "&amp;", "*", "@", "\t", "\x00", "\x7f", "\xe9", "%c3%a9", "?#", "#?", "&&", "?&", ".", "..",
     "A", "x" * 200]
)  # fmt: skip
REPOSITORIES = st.sampled_from(
    [OWN, OWN, OWN, OWN, OTHER, "team-a", "team-a/blobs/uploads", "team-a/blobs", "team-a/UP"]
)
PATHS = st.builds(
    str.format,
    st.sampled_from(
        ["/v2/{0}/blobs/uploads/"] * 4 + ["/v2/{0}/blobs/uploads/1",
         "/v2/{0}/blobs/uploads/1", "/v2/{0}/blobs/{1}", "/v2/{0}/manifests/{1}",
         "/v2/{0}/manifests/latest", "/v2/{0}/tags/list", "/v2/", "/v2", "/v2/_catalog", "*"]
    ),
    REPOSITORIES,
    st.sampled_from([DIGEST, DIGEST.replace(":", "%3A")]),
)  # fmt: skip
NAMES = st.sampled_from([*KNOWN, "%6dount", "Mount", "n", "last", "x", ""])
VALUES = st.one_of(REPOSITORIES, st.sampled_from([DIGEST, "", "a+b", "a%2Bb", "=", "%3D%3D"]))
ARGUMENTS = st.lists(
    st.one_of(st.builds("{}={}".format, NAMES, VALUES), NAMES, st.just("&".join("a" * 150))),
    max_size=5,
).map("&".join)
BEGINNINGS = st.one_of(
    st.just(""),
    st.sampled_from(["", "https://registry", "https://registry:443/..", "//registry", "/."]),
)


@st.composite
def targets(draw: st.DrawFn) -> str:
    """Return a target of the API with seams at up to two places."""
    target = draw(BEGINNINGS) + draw(PATHS) + "?" + draw(ARGUMENTS)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(target)))
        target = target[:place] + draw(SEAMS) + target[place:]
    return target


@dataclass
class Proxy:
    """A host's nginx with the echo server behind it, for one user."""

    deployment: Deployment
    server: EchoServer

    def send(self, method: str, target: str) -> list[bytes]:
        """Send a target as it is; return those that came to the place of the registry."""
        self.server.seen.clear()
        login = f"Authorization: {self.deployment.authorization}"
        close = ("Connection: close", "Content-Length: 0")
        self.deployment.exchange(request_head(f"{method} {target} HTTP/1.1", login, *close))
        return list(self.server.seen)


@pytest.fixture(scope="module")
def proxy(
    registry: LocalRegistry, cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    host = cloud.hosts[0]
    configuration = ConfigurationFiles(registry, tmp_path_factory.mktemp("files"))
    configuration.add_user(USER, "secret")
    (configuration.folder / PERMISSIONS).write_text(ACCOUNTS)
    configuration.publish()
    user = dataclasses.replace(
        registry.deployment, url=registry.deployment.hosts[0], username=USER, password="secret"
    )
    with in_place_of_registry(cloud, host) as server:
        yield Proxy(user, server)
    configuration.restore()


def effect(reading: Reading) -> Reading:
    """Return the reading without half a mount, of which the registry takes no notice."""
    half = reading.route == "uploads" and not {"from", "mount"} <= reading.arguments.keys()
    return dataclasses.replace(reading, arguments={}) if half else reading


def permitted(sent: Reading) -> Reading:
    """Return what may come of a target: no mount from where the user may not read."""
    allowed = sent.arguments.get("from", "team-a/").startswith("team-a/")
    return sent if allowed else dataclasses.replace(sent, arguments={})


@settings(max_examples=500, deadline=None, database=None, report_multiple_bugs=False)
@given(target=targets())
@example(f"/v2/{OWN}/blobs/uploads/1?_state=a+b&_state=%3D&digest={DIGEST}")
@example(f"/v2/{OWN}/blobs/uploads/?#&mount={DIGEST}&from={OTHER}")
@example(f"/v2/{OWN}/blobs/uploads/?mount={DIGEST}&from={OWN}&from={OTHER}")
@example(f"/v2/{OWN}/blobs/uploads/?mount={DIGEST}&from={OTHER}&from={OWN}")
@example(f"/v2/{OWN}/blobs/uploads/?{'a&' * 150}mount={DIGEST}&from={OTHER}")
@example(f"/v2/{OWN}/blobs/uploads/?from=x;y&from={OTHER}&mount={DIGEST}")
@example(f"/v2/{OTHER}/blobs/{DIGEST}#/blobs/x")
def test_registry_gets_what_was_checked(proxy: Proxy, target: str) -> None:
    sent = read(target.encode("latin-1"))
    for method in ("GET", "POST"):
        for received in proxy.send(method, target):
            got = read(received)
            if got and got.route == "version":
                continue  # nginx takes "/v2" for "/v2/", where the registry redirects
            assert (got and effect(got)) == (sent and permitted(effect(sent)))
            assert got is None or got.repository.startswith("team-a/")
            names = [name for name, _ in parse_qsl(urlsplit(received.decode()).query, True)]
            assert len(set(names) & set(KNOWN)) == len(names), "an argument that nobody reads"


@pytest.mark.parametrize(
    ("method", "target", "wanted"),
    [
        ("GET", f"/v2/{OWN}/manifests/A_b.c-1?ns=docker.io", Reading("manifest", OWN, "A_b.c-1")),
        ("GET", f"/v2/{OWN}/blobs/{DIGEST.replace(':', '%3A')}", Reading("blob", OWN, DIGEST)),
        (
            "POST",
            f"/v2/{OWN}/blobs/uploads/?x&mount={DIGEST}&from=team-a%2Fy",
            Reading("uploads", OWN, "", {"mount": DIGEST, "from": "team-a/y"}),
        ),
        (
            "PUT",
            f"/v2/{OWN}/blobs/uploads/a-b_c.?_state=x-_%2B%2F%3D%3D&digest={DIGEST}&_state=y",
            Reading("upload", OWN, "a-b_c.", {"_state": "x-_+/==", "digest": DIGEST}),
        ),
    ],
    ids=["manifest", "blob", "mount", "upload"],
)
def test_registry_gets_all_that_it_reads(
    proxy: Proxy, method: str, target: str, wanted: Reading
) -> None:
    received = proxy.send(method, target)
    assert received
    assert [read(response) for response in received] == [wanted] * len(received)
