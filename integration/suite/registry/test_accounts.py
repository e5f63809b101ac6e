"""Rights of each user, by the permissions file in the configuration bucket."""

import dataclasses
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from integration.clients.deployment import ClientError, Deployment, request_head
from integration.clients.image_builder import layout_digest
from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.support.configuration_files import PERMISSIONS, ConfigurationFiles

ACCOUNTS = """
demo    delete  *
reader  pull    *
team    push    team-a/*
"""
DIGEST = "sha256:" + "0" * 64
PULLS = [
    ("GET", "/v2/_catalog"),
    ("GET", "/v2/team-a/x/tags/list"),
    ("HEAD", "/v2/team-a/x/manifests/1"),
    ("GET", f"/v2/team-a/x/blobs/{DIGEST}"),
    ("GET", "/v2/team-a/manifests/x/manifests/1"),
]
PUSHES = [
    ("PUT", "/v2/team-a/x/manifests/1"),
    ("POST", "/v2/team-a/x/blobs/uploads/"),
    ("GET", "/v2/team-a/x/blobs/uploads/1"),
    ("PATCH", "/v2/team-a/x/blobs/uploads/1"),
    ("PUT", "/v2/team-a/x/blobs/uploads/1"),
    ("DELETE", "/v2/team-a/x/blobs/uploads/1"),
]
DELETES = [
    ("DELETE", f"/v2/team-a/x/manifests/{DIGEST}"),
    ("DELETE", f"/v2/team-a/x/blobs/{DIGEST}"),
]

As = Callable[[str], Deployment]


@pytest.fixture(scope="module", autouse=True)
def _accounts(registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    configuration = ConfigurationFiles(registry, tmp_path_factory.mktemp("files"))
    for name in ("reader", "team", "guest"):
        configuration.add_user(name, f"password of {name}")
    (configuration.folder / PERMISSIONS).write_text(ACCOUNTS)
    configuration.publish()
    yield
    configuration.restore()


@pytest.fixture
def login(registry: LocalRegistry) -> As:
    """Return the registry, for another user."""
    deployment = registry.deployment

    def login(name: str) -> Deployment:
        return dataclasses.replace(deployment, username=name, password=f"password of {name}")

    return login


@pytest.fixture
def forbidden(login: As) -> Callable[[str, str, str], bool]:
    """Return whether a request is denied to a user, with a registry's response."""

    def forbidden(user: str, method: str, path: str) -> bool:
        with login(user).client() as client:
            response = client.request(method, path)
        assert response.status_code != 401
        if response.status_code == 403 and method != "HEAD":
            assert response.json()["errors"][0]["code"] == "DENIED"
        return response.status_code == 403

    return forbidden


Forbidden = Callable[[str, str, str], bool]


@pytest.mark.parametrize(("method", "path"), PULLS)
def test_pull_lets_read(forbidden: Forbidden, method: str, path: str) -> None:
    assert not forbidden("reader", method, path)


@pytest.mark.parametrize(("method", "path"), [*PUSHES, *DELETES])
def test_pull_lets_nothing_else(forbidden: Forbidden, method: str, path: str) -> None:
    assert forbidden("reader", method, path)


@pytest.mark.parametrize(("method", "path"), [*PULLS[1:], *PUSHES])
def test_push_lets_read_and_write_below_its_prefix(
    forbidden: Forbidden, method: str, path: str
) -> None:
    assert not forbidden("team", method, path)
    for other in ("team-b/", "team-a-b/", "x/team-a/", ""):
        assert forbidden("team", method, path.replace("team-a/", other, 1))


@pytest.mark.parametrize(("method", "path"), DELETES)
def test_push_does_not_let_delete(forbidden: Forbidden, method: str, path: str) -> None:
    assert forbidden("team", method, path)


def test_the_catalog_lists_what_its_reader_may_pull(
    login: As, registry: LocalRegistry, others_layer: tuple[str, str]
) -> None:
    others, _ = others_layer
    own = f"team-a/{os.urandom(3).hex()}"
    registry.deployment.push_blob(own, b"layer")
    found = {user: catalog(login(user)) for user in ("team", "reader")}
    assert own in found["team"]
    foreign = [name for name in found["team"] if not name.startswith("team-a/")]
    assert not foreign, f"the catalog names what may not be pulled: {foreign}"
    assert {own, others} <= set(found["reader"])


def test_the_client_cannot_choose_what_the_catalog_lists(
    login: As, others_layer: tuple[str, str]
) -> None:
    others, _ = others_layer
    with login("team").client() as client:
        response = client.get("/v2/_catalog", headers={"X-Wharf-Readable": "*"})
    assert others not in response.json()["repositories"]


@pytest.mark.parametrize(
    ("header", "body"),
    [("Content-Length: 4", b"body"), ("Transfer-Encoding: chunked", b"0\r\n\r\n")],
    ids=["length", "chunks"],
)
def test_a_body_changes_nothing_in_the_catalog(
    login: As, registry: LocalRegistry, header: str, body: bytes
) -> None:
    """Expect the proxy's list: that of the registry has all repositories."""
    own = f"team-a/{os.urandom(3).hex()}"
    for name in (own, "team-b/other"):
        registry.deployment.push_blob(name, b"layer")
    team = login("team")
    authorization = f"Authorization: {team.authorization}"
    request = request_head("GET /v2/_catalog HTTP/1.1", header, "Connection: close", authorization)
    response = team.exchange(request + body)
    names = json.loads(response.partition(b"\r\n\r\n")[2])["repositories"]
    foreign = [name for name in names if not name.startswith("team-a/")]
    assert not foreign, f"the catalog names with a body what may not be pulled: {foreign}"
    assert own in names


def catalog(deployment: Deployment) -> list[str]:
    with deployment.client() as client:
        names: list[str] = client.get("/v2/_catalog").json()["repositories"]
    return names


@pytest.mark.parametrize(("method", "path"), [*PULLS, *PUSHES, *DELETES])
def test_a_user_without_a_line_may_log_in_and_no_more(
    forbidden: Forbidden, method: str, path: str
) -> None:
    assert not forbidden("guest", "GET", "/v2/")
    assert forbidden("guest", method, path)


def test_real_clients_are_told(login: As, image: Path, tmp_path: Path) -> None:
    name = f"team-a/{os.urandom(3).hex()}:1"
    login("team").skopeo().push(image, name)
    login("reader").skopeo().pull(name, tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)
    with pytest.raises(ClientError, match=r"denied"):
        login("reader").skopeo().push(image, name)
    # skopeo 1.18 has the status only.
    with pytest.raises(ClientError, match=r"denied|Forbidden|StatusCode: 403"):
        login("team").skopeo().push(image, name.replace("team-a", "team-b"))


@pytest.fixture
def others_layer(registry: LocalRegistry) -> tuple[str, str]:
    """Return a repository that the team may not read, and a layer in it."""
    data = os.urandom(1000)
    deployment, name = registry.deployment, f"team-b/{os.urandom(3).hex()}"
    return name, deployment.push_blob(name, data)


def mount(deployment: Deployment, target: str, source: str, digest: str) -> int:
    """Ask for a layer of another repository; 201 gives it, 202 wants it uploaded."""
    with deployment.client() as client:
        return client.post(
            f"/v2/{target}/blobs/uploads/", params={"mount": digest, "from": source}
        ).status_code


def test_a_layer_that_may_not_be_read_cannot_be_mounted(
    login: As, others_layer: tuple[str, str]
) -> None:
    source, digest = others_layer
    assert mount(login("team"), "team-a/thief", source, digest) == 202
    with login("team").client() as client:
        assert client.head(f"/v2/team-a/thief/blobs/{digest}").status_code == 404


@pytest.mark.parametrize("way", ["behind many arguments", "in a form", "over another source"])
def test_nor_by_a_trick(login: As, others_layer: tuple[str, str], way: str) -> None:
    source, digest = others_layer
    wanted = {"mount": digest, "from": source}
    query = {
        "behind many arguments": "&".join(["a"] * 200 + [f"{k}={v}" for k, v in wanted.items()]),
        "in a form": "",
        "over another source": f"mount={digest}&from=team-a/source",
    }[way]
    with login("team").client() as client:
        form = None if way == "behind many arguments" else wanted
        response = client.post(f"/v2/team-a/trick/blobs/uploads/?{query}", data=form)
        assert response.status_code == 202
        assert client.head(f"/v2/team-a/trick/blobs/{digest}").status_code == 404


@pytest.mark.parametrize("hidden", ["?#&{}", "?x=1#&{}", "#?{}", "?%23&a#&{}"])
def test_no_argument_is_hidden_behind_a_fragment(
    login: As, others_layer: tuple[str, str], hidden: str
) -> None:
    source, digest = others_layer
    target = "/v2/team-a/loot/blobs/uploads/" + hidden.format(f"mount={digest}&from={source}")
    with login("team").client() as client:
        response = client.post("/", extensions={"target": target.encode()})
        assert response.status_code == 404
        assert client.head(f"/v2/team-a/loot/blobs/{digest}").status_code == 404


def test_no_repository_is_read_by_a_fragment(login: As, registry: LocalRegistry) -> None:
    deployment, data = registry.deployment, os.urandom(1000)
    path = f"/v2/team-a/blobs/{deployment.push_blob('team-a', data)}"
    # The first request brings the layer into the cache of the host.
    for url in deployment.hosts:
        with deployment.client(url) as client:
            client.get(path).raise_for_status()
        with dataclasses.replace(login("team"), url=url).client() as client:
            assert client.get(path).status_code == 403
            response = client.get("/", extensions={"target": f"{path}#/blobs/x".encode()})
            assert response.status_code == 404


def test_a_layer_that_may_be_read_can_be_mounted(
    login: As, registry: LocalRegistry, others_layer: tuple[str, str]
) -> None:
    source, digest = others_layer
    assert mount(registry.deployment, "team-a/source", source, digest) == 201
    assert mount(login("team"), "team-a/target", "team-a/source", digest) == 201


def test_permissions_that_cannot_be_read_change_nothing(cloud: LocalCloud, login: As) -> None:
    host = cloud.hosts[0]
    supervisor = psutil.Process(host.pid("nginx"))
    file = Path(f"/proc/{supervisor.pid}/root/var/lib/wharf/files", PERMISSIONS)
    problem = "nginx.permissions: Permission denied"
    before = host.log("nginx").read_text().count(problem)
    file.chmod(0)
    try:
        supervisor.children()[0].send_signal(signal.SIGHUP)
        wait_until(
            "nginx to say that it cannot read the permissions",
            lambda: host.log("nginx").read_text().count(problem) > before,
            True,
        )
    finally:
        file.chmod(0o600)
    with login("guest").client(f"https://{cloud.balancer.door(host.address)}") as client:
        assert client.get("/v2/team-a/x/tags/list").status_code == 403
