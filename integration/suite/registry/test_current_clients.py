"""Current clients push, pull, mount, list, delete and sign: docs/clients.md."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from integration.clients.cosign import Cosign
from integration.clients.deployment import ClientError, Deployment
from integration.clients.image_builder import MANIFEST, layout_digest, make_image, manifest_in
from integration.clients.oras import Oras
from integration.clients.program import (
    Can,
    Client,
    Deletes,
    ListsTags,
    Mounts,
    Pulls,
    Pushes,
    PushesIndexes,
)
from integration.suite.support.client_fixtures import Find, Traffic, clients
from integration.suite.support.logs import Request

#: Names that hide each other in a list that compares beginnings, and an order that is not theirs.
TAGS = ["all", "allp", "v1", "v10", "0.1.2", "0.1.20", "1", "2", "10", "11"]
#: How clients report a wrong password.
REFUSED = (
    "(?i)unauthorized|401|authorization failed|authentication required|invalid username/password"
)


@pytest.fixture
def cosign(find: Find) -> Cosign:
    return find(Cosign)


@pytest.fixture
def image(tmp_path: Path, random: random.Random) -> Path:
    make_image(tmp_path / "image", [300_000, 1000], seed=random.getrandbits(32))
    return tmp_path / "image"


@clients(Can.PUSH)
def test_pushed_image_is_the_one_that_was_made(
    current: Pushes, deployment: Deployment, repository: str, image: Path
) -> None:
    current.push(image, f"{repository}:1")
    # Some clients compress layers again; the configuration names them uncompressed.
    pushed = _manifest(deployment, f"{repository}:1")
    assert pushed["config"]["digest"] == _content(image)["config"]["digest"]


@clients(Can.PULL)
def test_pull_into_an_empty_store(
    current: Pulls, deployment: Deployment, repository: str, image: Path, traffic: Traffic
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    assert current.pull(f"{repository}:1") == layout_digest(image)
    assert _blobs(_content(image)) <= _fetched(traffic(repository))


@clients(Can.PUSH)
def test_second_push_uploads_nothing(
    current: Pushes, repository: str, image: Path, traffic: Traffic
) -> None:
    current.push(image, f"{repository}:1")
    first = _uploads(traffic(repository))
    current.push(image, f"{repository}:2")
    assert len(first) == len(_blobs(_content(image)))
    assert _uploads(traffic(repository)) == first


@clients(Can.MOUNT)
def test_layers_are_mounted_from_another_repository(
    current: Mounts, repository: str, image: Path, traffic: Traffic
) -> None:
    current.push(image, f"{repository}:1")
    current.mount(f"{repository}:1", f"{repository}/copy:1")
    requests = traffic(f"{repository}/copy")
    assert len(_mounts(requests)) >= len(_content(image)["layers"])
    # Some clients upload the configuration.
    assert len(_uploads(requests)) <= 1


@clients(Can.INDEX)
def test_pushed_index_has_an_image_for_each_platform(
    current: PushesIndexes, deployment: Deployment, repository: str, index: Path
) -> None:
    current.push_index(index, f"{repository}:1")
    pushed = _manifest(deployment, f"{repository}:1")["manifests"]
    assert [entry["platform"]["architecture"] for entry in pushed] == ["amd64", "arm64"]
    for entry in pushed:
        image = _manifest(deployment, f"{repository}@{entry['digest']}")
        assert _exist(deployment, repository, _blobs(image))


@clients(Can.PULL)
def test_pull_from_an_index_takes_the_image_of_the_platform(
    current: Pulls, deployment: Deployment, repository: str, index: Path, traffic: Traffic
) -> None:
    deployment.skopeo().push(index, f"{repository}:1", "--all")
    # ctr reads the configuration of every platform.
    amd64, arm64 = (
        _manifest(deployment, f"{repository}@{entry['digest']}")["layers"][1]["digest"]
        for entry in _content(index)["manifests"]
    )
    current.pull(f"{repository}:1", "arm64")
    fetched = _fetched(traffic(repository))
    assert arm64 in fetched
    assert amd64 not in fetched


@clients(Can.TAGS)
def test_all_tags_are_listed(
    current: ListsTags, deployment: Deployment, repository: str, image: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:{TAGS[0]}")
    manifest = json.dumps(_manifest(deployment, f"{repository}:{TAGS[0]}"), sort_keys=True)
    with deployment.client() as http:
        for tag in TAGS[1:]:
            http.put(
                f"/v2/{repository}/manifests/{tag}",
                content=manifest,
                headers={"Content-Type": MANIFEST},
            ).raise_for_status()
    assert sorted(current.tags(repository)) == sorted(TAGS)


@clients(Can.DELETE)
def test_deleted_image_is_gone(
    current: Deletes, deployment: Deployment, repository: str, image: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    current.delete(repository, layout_digest(image))
    with deployment.client() as http:
        assert http.get(f"/v2/{repository}/manifests/{layout_digest(image)}").status_code == 404


@clients()
def test_wrong_password_is_an_error(
    current: Client, deployment: Deployment, repository: str, image: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    current.check_login(f"{repository}:1")
    try:
        with pytest.raises(ClientError, match=REFUSED):
            # Some clients try the password at the login, the others when they use it.
            _use(current, "wrong", f"{repository}:1")
    finally:
        current.login(deployment.password)


def _use(client: Client, password: str, image: str) -> None:
    client.login(password)
    client.check_login(image)


@pytest.mark.parametrize("bundle", [True, False], ids=["bundle", "tag"])
def test_signature_is_verified(
    cosign: Cosign, deployment: Deployment, repository: str, image: Path, *, bundle: bool
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    name = f"{repository}@{layout_digest(image)}"
    with pytest.raises(ClientError, match="no signatures found"):
        cosign.verify(name, bundle=bundle)
    cosign.sign(name, bundle=bundle)
    cosign.verify(name, bundle=bundle)


def test_attached_artifact_is_found(
    find: Find, deployment: Deployment, repository: str, image: Path, tmp_path: Path
) -> None:
    oras = find(Oras)
    deployment.skopeo().push(image, f"{repository}:1")
    (tmp_path / "note").write_text("of this image")
    assert oras.attached(f"{repository}:1") == []
    oras.attach(f"{repository}:1", tmp_path / "note")
    assert len(oras.attached(f"{repository}:1")) == 1


def _manifest(deployment: Deployment, image: str) -> dict[str, Any]:
    repository, _, reference = image.partition("@" if "@" in image else ":")
    with deployment.repository(repository) as client:
        return dict(json.loads(client.manifest(reference)))


def _content(layout: Path) -> dict[str, Any]:
    """Return the manifest or index that a layout contains."""
    return dict(json.loads(manifest_in(layout)))


def _exist(deployment: Deployment, repository: str, digests: set[str]) -> bool:
    with deployment.repository(repository) as client:
        return all(client.has(f"blobs/{digest}") for digest in digests)


def _blobs(manifest: dict[str, Any]) -> set[str]:
    return {blob["digest"] for blob in (manifest["config"], *manifest["layers"])}


def _fetched(requests: list[Request]) -> set[str]:
    """Return the blobs that were sent, by S3 if the status says so."""
    return {
        path.rpartition("/")[2]
        for method, path, status in requests
        if (method, status) in (("GET", 200), ("GET", 206), ("GET", 307)) and "/blobs/" in path
    }


def _uploads(requests: list[Request]) -> list[Request]:
    return [
        request
        for request in requests
        if request.method == "PUT" and "/blobs/uploads/" in request.path
    ]


def _mounts(requests: list[Request]) -> list[Request]:
    return [request for request in requests if request.method == "POST" and request.status == 201]
