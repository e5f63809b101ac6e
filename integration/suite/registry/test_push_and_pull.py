"""Clients push and pull through the load balancer."""

import random
from pathlib import Path

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, digest_of, layout_digest, make_image


def test_an_image_comes_back_with_its_digest(
    deployment: Deployment, repository: str, image: Path, tmp_path: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)


def test_an_image_of_many_layers(deployment: Deployment, repository: str, tmp_path: Path) -> None:
    digest = make_image(tmp_path / "image", [10_000] * 40)
    deployment.skopeo().push(tmp_path / "image", f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == digest


def test_a_layer_larger_than_one_part_of_an_upload(
    deployment: Deployment, repository: str, tmp_path: Path
) -> None:
    # The registry sends S3 parts of 10 MB.
    digest = make_image(tmp_path / "image", [64 * MEGABYTE])
    deployment.skopeo().push(tmp_path / "image", f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == digest


def test_a_blob_in_chunks_through_the_load_balancer(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    # Every request on a connection of its own: the load balancer spreads them over the hosts.
    data = random.randbytes(6 * MEGABYTE)
    with deployment.repository(repository) as client:
        upload = client.begin()
        for start in range(0, len(data), 2 * MEGABYTE):
            upload.patch(data[start : start + 2 * MEGABYTE])
        assert client.blob(upload.finish(digest_of(data))) == len(data)


def test_the_urls_of_an_upload_lead_back_to_the_registry(
    deployment: Deployment, repository: str
) -> None:
    with deployment.client() as client:
        response = client.post(
            f"/v2/{repository}/blobs/uploads/",
            headers={"Forwarded": "host=evil.example;proto=http", "X-Forwarded-Host": "evil"},
        )
    assert response.headers["Location"].startswith(f"{deployment.url}/v2/{repository}/blobs/")


def test_a_deleted_manifest_is_gone(deployment: Deployment, repository: str, image: Path) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    path = f"/v2/{repository}/manifests/{layout_digest(image)}"
    with deployment.client() as client:
        assert client.delete(path).status_code == 202
        assert client.get(path).status_code == 404


def test_a_blob_with_another_digest_is_refused(deployment: Deployment, repository: str) -> None:
    with deployment.repository(repository) as client:
        upload = client.begin()
        upload.patch(b"sent bytes")
        response = upload.put(digest_of(b"other bytes"))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")
