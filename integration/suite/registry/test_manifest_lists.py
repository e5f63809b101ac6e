"""Tags that hold an index, or a list as Docker made them before OCI: clients replace and extend."""

import json
from pathlib import Path
from typing import Any

import pytest

from integration.clients.crane import Crane
from integration.clients.ctr import Ctr
from integration.clients.deployment import ClientError, Deployment
from integration.clients.docker import DockerContainerd
from integration.clients.image_builder import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    describe,
    digest_of,
    encode,
    manifest_in,
)
from integration.clients.oras import Oras
from integration.suite.support.client_fixtures import Find
from integration.suite.support.registry_version import RegistryVersion

IMAGE_CACHE = ",mode=max,oci-mediatypes=true,"
DOCKERFILE = "FROM scratch\nCOPY data /\n"


@pytest.fixture
def docker(find: Find) -> DockerContainerd:
    return find(DockerContainerd)


@pytest.fixture
def docker_list(deployment: Deployment, repository: str, index: Path) -> list[str]:
    """Push a Docker manifest list as tag ``1``; return the digests of its images."""
    deployment.skopeo().push(index, f"{repository}:1", "--all")
    entries = _get(deployment, repository, "1")["manifests"]
    for entry in entries:
        image = _get(deployment, repository, entry["digest"]) | {"mediaType": DOCKER_MANIFEST}
        image["config"]["mediaType"] = DOCKER_CONFIG
        for layer in image["layers"]:
            layer["mediaType"] = DOCKER_LAYER
        entry |= _put(deployment, repository, None, image)
    _put(
        deployment,
        repository,
        "1",
        {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": entries},
    )
    return [entry["digest"] for entry in entries]


@pytest.mark.usefixtures("docker_list")
@pytest.mark.parametrize("kind", [DockerContainerd, Ctr, Crane, Oras])
def test_push_replaces_a_docker_list(
    find: Find,
    deployment: Deployment,
    repository: str,
    image: Path,
    kind: type[DockerContainerd | Ctr | Crane | Oras],
) -> None:
    # These look up the tag before they push.
    find(kind).push(image, f"{repository}:1")
    pushed = _get(deployment, repository, "1")
    assert pushed["config"]["digest"] == json.loads(manifest_in(image))["config"]["digest"]


@pytest.mark.parametrize("kind", [DockerContainerd, Ctr])
def test_push_of_an_image_of_the_list_moves_the_tag(
    find: Find,
    deployment: Deployment,
    repository: str,
    docker_list: list[str],
    kind: type[DockerContainerd | Ctr],
) -> None:
    client = find(kind)
    client.pull(f"{repository}@{docker_list[0]}")
    client.mount(f"{repository}@{docker_list[0]}", f"{repository}:1")
    assert _get(deployment, repository, "1")["mediaType"] == DOCKER_MANIFEST


def test_buildx_appends_to_a_docker_list(
    docker: DockerContainerd,
    deployment: Deployment,
    repository: str,
    docker_list: list[str],
    image: Path,
) -> None:
    docker.push(image, f"{repository}:2")
    docker.append(f"{repository}:1", f"{repository}:2")
    digests = [entry["digest"] for entry in _get(deployment, repository, "1")["manifests"]]
    assert len(digests) == len(docker_list) + 1


@pytest.mark.usefixtures("docker_list")
def test_buildx_replaces_a_docker_list_with_an_index(
    docker: DockerContainerd, deployment: Deployment, repository: str, source: Path
) -> None:
    docker.build(source, f"{repository}:1")
    entries = _get(deployment, repository, "1")["manifests"]
    platforms = {entry["platform"]["architecture"] for entry in entries}
    # Those that are unknown are records of the build.
    assert platforms - {"unknown"} == {"amd64", "arm64"}


def test_build_uses_the_cache_of_another_build(
    docker: DockerContainerd, deployment: Deployment, repository: str, source: Path
) -> None:
    cache = f"type=registry,ref={docker.reference(repository)}:cache"
    form = f"{IMAGE_CACHE}image-manifest=true"
    docker.build(source, f"{repository}:1", f"--cache-to={cache}{form}")
    assert _get(deployment, repository, "cache")["mediaType"] == MANIFEST
    docker.run("docker", "builder", "prune", "--all", "--force")
    assert "CACHED" in docker.build(source, f"{repository}:2", f"--cache-from={cache}")


def test_cache_as_an_index_of_layers_takes_a_registry_that_accepts_it(
    docker: DockerContainerd,
    deployment: Deployment,
    repository: str,
    source: Path,
    registry_version: RegistryVersion,
) -> None:
    cache = f"type=registry,ref={docker.reference(repository)}:cache"
    form = f"{IMAGE_CACHE}image-manifest=false"
    if registry_version.facts.accepts_indexes_of_layers:
        docker.build(source, f"{repository}:1", f"--cache-to={cache}{form}")
        assert _get(deployment, repository, "cache")["mediaType"] == INDEX
    else:
        with pytest.raises(ClientError, match="blob unknown to registry"):
            docker.build(source, f"{repository}:1", f"--cache-to={cache}{form}")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the source of an image that takes no base image to build."""
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "Dockerfile").write_text(DOCKERFILE)
    (directory / "data").write_text(str(directory))
    return directory


def _get(deployment: Deployment, repository: str, reference: str) -> dict[str, Any]:
    with deployment.repository(repository) as client:
        return dict(json.loads(client.manifest(reference)))


def _put(
    deployment: Deployment, repository: str, tag: str | None, manifest: dict[str, Any]
) -> dict[str, Any]:
    """Push a manifest; return the fields that describe it."""
    content, media_type = encode(manifest), manifest["mediaType"]
    with deployment.repository(repository) as client:
        client.put_manifest(tag or digest_of(content), content, media_type)
    return describe(media_type, content)
