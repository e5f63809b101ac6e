"""Real clients of different makers, each with images of its own kind."""

import json
import random
from pathlib import Path

from integration.clients.deployment import Deployment
from integration.clients.image_builder import (
    CONFIG,
    INDEX,
    MEGABYTE,
    layout_digest,
    make_image,
    make_index,
    manifest_in,
)
from integration.clients.installed import Oras, Podman


def test_podman_pushes_and_pulls(deployment: Deployment, repository: str, image: Path) -> None:
    configuration = json.loads(manifest_in(image))["config"]
    assert configuration["mediaType"] == CONFIG
    with Podman(deployment) as pusher, Podman(deployment) as another:
        pusher.push(image, f"{repository}:1")
        assert another.pull(f"{repository}:1") == configuration["digest"]


def test_podman_pulls_what_skopeo_pushed(
    deployment: Deployment, repository: str, image: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    with Podman(deployment) as podman:
        pulled = podman.pull(f"{repository}:1")
    assert pulled == json.loads(manifest_in(image))["config"]["digest"]


def test_oras_pushes_and_pulls_files(
    deployment: Deployment, repository: str, tmp_path: Path, random: random.Random
) -> None:
    files = {"model.bin": random.randbytes(9 * MEGABYTE), "notes é.txt": b"notes"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    oras = Oras(deployment)
    oras.push([tmp_path / name for name in files], f"{repository}:1")
    pulled = oras.pull(f"{repository}:1", tmp_path / "pulled")
    assert {file.name: file.read_bytes() for file in pulled} == files
    assert oras.tags(repository) == ["1"]


def test_an_image_of_one_layer(deployment: Deployment, repository: str, tmp_path: Path) -> None:
    digest = make_image(tmp_path / "image", [MEGABYTE])
    deployment.skopeo().push(tmp_path / "image", f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == digest


def test_an_image_for_several_architectures(
    deployment: Deployment, repository: str, tmp_path: Path
) -> None:
    digest = make_index(tmp_path / "image", ["amd64", "arm64", "s390x"])
    skopeo = deployment.skopeo()
    skopeo.push(tmp_path / "image", f"{repository}:1", "--all")
    skopeo.pull(f"{repository}:1", tmp_path / "pulled", "--all")
    assert layout_digest(tmp_path / "pulled") == digest
    with deployment.client() as client:
        response = client.get(f"/v2/{repository}/manifests/1", headers={"Accept": INDEX})
    assert response.headers["Content-Type"] == INDEX
    assert response.headers["Docker-Content-Digest"] == digest
    assert len(response.json()["manifests"]) == 3


def test_a_client_gets_the_image_of_its_architecture(
    deployment: Deployment, repository: str, tmp_path: Path
) -> None:
    make_index(tmp_path / "image", ["amd64", "arm64"])
    skopeo = deployment.skopeo()
    skopeo.push(tmp_path / "image", f"{repository}:1", "--all")
    wanted = json.loads(manifest_in(tmp_path / "image"))["manifests"][1]
    skopeo.pull(f"{repository}:1", tmp_path / "pulled", "--override-arch=arm64")
    assert wanted["platform"]["architecture"] == "arm64"
    assert layout_digest(tmp_path / "pulled") == wanted["digest"]
