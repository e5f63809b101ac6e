"""Clients push and pull through the load balancer."""

import hashlib
import random
from pathlib import Path

from integration.deployment import Deployment
from integration.images import MEGABYTE, digest_of, make_image
from integration.uploads import Upload


def test_an_image_comes_back_with_its_digest(
    deployment: Deployment, repository: str, image: Path, tmp_path: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert digest_of(tmp_path / "pulled") == digest_of(image)


def test_an_image_of_many_layers(deployment: Deployment, repository: str, tmp_path: Path) -> None:
    digest = make_image(tmp_path / "image", [10_000] * 40)
    deployment.skopeo().push(tmp_path / "image", f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert digest_of(tmp_path / "pulled") == digest


def test_a_layer_larger_than_one_part_of_an_upload(
    deployment: Deployment, repository: str, tmp_path: Path
) -> None:
    # The registry sends S3 parts of 10 MB.
    digest = make_image(tmp_path / "image", [64 * MEGABYTE])
    deployment.skopeo().push(tmp_path / "image", f"{repository}:1")
    deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert digest_of(tmp_path / "pulled") == digest


def test_a_blob_in_chunks_through_the_load_balancer(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    # Every request on a connection of its own: the load balancer spreads them over the hosts.
    data = random.randbytes(6 * MEGABYTE)
    upload = Upload.begin(deployment, deployment.url, repository)
    for start in range(0, len(data), 2 * MEGABYTE):
        upload.send(deployment.url, data[start : start + 2 * MEGABYTE])
    digest = upload.finish(deployment.url, data)
    with deployment.client() as client:
        answer = client.get(f"/v2/{repository}/blobs/{digest}")
    assert hashlib.sha256(answer.content).hexdigest() == hashlib.sha256(data).hexdigest()


def test_the_urls_of_an_upload_lead_back_to_the_registry(
    deployment: Deployment, repository: str
) -> None:
    with deployment.client() as client:
        answer = client.post(
            f"/v2/{repository}/blobs/uploads/",
            headers={"Forwarded": "host=evil.example;proto=http", "X-Forwarded-Host": "evil"},
        )
    assert answer.headers["Location"].startswith(f"{deployment.url}/v2/{repository}/blobs/")


def test_a_deleted_manifest_is_gone(deployment: Deployment, repository: str, image: Path) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    with deployment.client() as client:
        assert client.delete(f"/v2/{repository}/manifests/{digest_of(image)}").status_code == 202
        assert client.get(f"/v2/{repository}/manifests/{digest_of(image)}").status_code == 404


def test_a_blob_with_another_digest_is_refused(deployment: Deployment, repository: str) -> None:
    upload = Upload.begin(deployment, deployment.url, repository)
    upload.send(deployment.url, b"what was sent")
    answer = upload.put(deployment.url, "sha256:" + hashlib.sha256(b"another").hexdigest())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")
