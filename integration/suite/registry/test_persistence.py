"""Nothing that matters lives on a host."""

import hashlib
import json
import random
from pathlib import Path

import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import digest_of, layout_digest, manifest_in
from integration.local.registry import LocalRegistry
from integration.suite.support.image_bucket import ROOT, ImageBucket


@pytest.mark.usefixtures("cloud")
def test_an_image_pushed_through_one_host_is_on_every_other(
    deployment: Deployment, repository: str, image: Path, tmp_path: Path
) -> None:
    first, *others = deployment.hosts
    assert others, "one host proves nothing"
    deployment.skopeo(first).push(image, f"{repository}:1")
    for number, host in enumerate(others):
        deployment.skopeo(host).pull(f"{repository}:1", tmp_path / str(number))
        assert layout_digest(tmp_path / str(number)) == layout_digest(image)


@pytest.mark.usefixtures("cloud")
def test_an_upload_goes_on_at_another_host(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    first, second = deployment.hosts[:2]
    data = random.randbytes(200_000)
    with deployment.repository(repository, first) as client, deployment.client(second) as other:
        upload = client.begin().at(other)
        upload.patch(data[:100_000])
        upload = upload.at(client.http)
        upload.patch(data[100_000:])
        assert client.blob(upload.at(other).finish(digest_of(data))) == len(data)


@pytest.mark.usefixtures("cloud")
def test_a_blob_deleted_through_one_host_is_gone_from_every_other(
    deployment: Deployment, repository: str, random: random.Random
) -> None:
    first, second = deployment.hosts[:2]
    data = random.randbytes(1000)
    path = f"/v2/{repository}/blobs/{deployment.push_blob(repository, data, first)}"
    with deployment.client(first) as first_client, deployment.client(second) as other:
        # Each has seen it, so each could remember it.
        assert [first_client.get(path).status_code, other.get(path).status_code] == [200, 200]
        assert first_client.delete(path).status_code == 202
        assert [first_client.get(path).status_code, other.get(path).status_code] == [404, 404]


# All blobs, which of a live registry may be terabytes.
@pytest.mark.usefixtures("cloud")
def test_every_blob_in_s3_has_the_digest_in_its_name(
    deployment: Deployment, image_bucket: ImageBucket, repository: str, image: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    keys = list(image_bucket.keys("blobs/"))
    assert any(layout_digest(image).removeprefix("sha256:") in key for key in keys)
    for key in keys:
        digest = hashlib.file_digest(image_bucket.open(key), "sha256").hexdigest()
        assert digest == key.split("/")[-2]


def test_s3_holds_what_the_layout_of_the_registry_says_and_nothing_else(
    deployment: Deployment, image_bucket: ImageBucket, repository: str, image: Path
) -> None:
    # https://pkg.go.dev/github.com/distribution/distribution/v3/registry/storage
    deployment.skopeo().push(image, f"{repository}:1")
    digest = layout_digest(image)
    manifest = json.loads(manifest_in(image))
    layers = [blob["digest"] for blob in (manifest["config"], *manifest["layers"])]
    here = f"{ROOT}/repositories/{repository}"
    links = {
        **{f"{here}/_layers/{blob.replace(':', '/')}/link": blob for blob in layers},
        f"{here}/_manifests/revisions/{digest.replace(':', '/')}/link": digest,
        f"{here}/_manifests/tags/1/current/link": digest,
        f"{here}/_manifests/tags/1/index/{digest.replace(':', '/')}/link": digest,
    }
    assert set(image_bucket.keys(f"repositories/{repository}/")) == links.keys()
    for key, wanted in links.items():
        assert image_bucket.open(key).read().decode() == wanted
        algorithm, _, text = wanted.partition(":")
        blob = image_bucket.open(f"{ROOT}/blobs/{algorithm}/{text[:2]}/{text}/data")
        assert blob.read() == (image / "blobs" / algorithm / text).read_bytes()


def test_images_outlive_all_hosts(
    registry: LocalRegistry, deployment: Deployment, repository: str, image: Path, tmp_path: Path
) -> None:
    deployment.skopeo().push(image, f"{repository}:1")
    cloud = registry.cloud
    before = {host.id for host in cloud.hosts}
    for host in before:
        cloud.kill_host(host)
    cloud.reconcile()
    after = {host.id for host in cloud.hosts}
    assert len(after) == len(before)
    assert not after & before
    registry.deployment.skopeo().pull(f"{repository}:1", tmp_path / "pulled")
    assert layout_digest(tmp_path / "pulled") == layout_digest(image)
