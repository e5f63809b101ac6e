"""The service of mirrors, with an upstream that a test controls, and a bucket."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from wharf_proxy.mirror_store import MirrorStore

from integration.local.upstream import Faults, Upstream
from tests.support.mirror_service import BUCKET, MEGABYTE, REPOSITORY, Answer, Service, keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_image_is_fetched_once(service: Service, upstream: Upstream, s3: "S3Client") -> None:
    layer = os.urandom(100_000)
    image = upstream.add("library/app", "1", [layer])
    assert service.ask("tag", REPOSITORY, "1") == Answer(204, "fetched", 300, "")
    assert service.ask("layer", REPOSITORY, image.layers[0]).state == "fetched"
    assert service.ask("layer", REPOSITORY, image.layers[0]).state == "hit"
    assert service.ask("manifest", REPOSITORY, image.manifest).state == "hit"
    counted = upstream.count()
    assert counted == {
        "HEAD manifests": 1,
        "GET manifests": 1,
        "GET blobs": 1,
        "token repository:library/app:pull": 1,
    }
    encoded = image.layers[0].removeprefix("sha256:")
    key = f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data"
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == layer


def test_tag_is_looked_up_without_a_pull(service: Service, upstream: Upstream) -> None:
    upstream.add("library/app", "1", [b"one"])
    service.ask("tag", REPOSITORY, "1")
    upstream.count()
    assert service.ask("tag", REPOSITORY, "1") == Answer(204, "fresh", 300, "")
    assert upstream.count() == {"HEAD manifests": 1}


def test_official_images_of_docker_hub_have_two_names(service: Service, upstream: Upstream) -> None:
    upstream.add("library/app", "1", [b"one"])
    assert service.ask("tag", "docker.io/app", "1").status == 204


@pytest.mark.parametrize("size", [100_000, 8 * 1024 * 1024], ids=str)
@pytest.mark.parametrize("fault", [Faults(lies=True), Faults(cuts=True)], ids=["lies", "cuts"])
def test_broken_layer_leaves_nothing(
    service: Service, upstream: Upstream, s3: "S3Client", fault: Faults, size: int
) -> None:
    image = upstream.add("library/app", "1", [os.urandom(size)])
    upstream.faults = fault
    answer = service.ask("layer", REPOSITORY, image.layers[0])
    assert (answer.status, answer.state) == (503, "failed")
    assert keys(s3) == set()
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    upstream.faults = Faults()
    assert service.ask("layer", REPOSITORY, image.layers[0]).state == "fetched"


def test_manifest_with_another_digest_is_not_kept(
    service: Service, upstream: Upstream, s3: "S3Client"
) -> None:
    image = upstream.add("library/app", "1", [b"one"])
    upstream.faults = Faults(lies=True)
    assert service.ask("manifest", REPOSITORY, image.manifest).status == 503
    assert service.ask("tag", REPOSITORY, "1").status == 503
    assert keys(s3) == set()


@pytest.mark.parametrize("status", [429, 500, 503, 401, 403])
def test_tag_is_stale_while_the_upstream_fails(
    service: Service, upstream: Upstream, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.add("library/app", "1", [b"one"])
    service.ask("tag", REPOSITORY, "1")
    upstream.faults = Faults(status)
    answer = service.ask("tag", REPOSITORY, "1")
    assert (answer.status, answer.state, answer.seconds) == (204, "stale", 10)
    assert "mirror_stale" in capsys.readouterr().out
    unknown = service.ask("tag", REPOSITORY, "2")
    assert unknown.status == {429: 429, 401: 403, 403: 403}.get(status, 503)
    says = "DENIED" if unknown.status == 403 else "docker.io cannot be used now"
    assert says in unknown.body


def test_tag_that_moved_stays_where_it_was_while_pulls_are_limited(
    service: Service, upstream: Upstream, s3: "S3Client"
) -> None:
    old = upstream.add("library/app", "1", [b"one"])
    service.ask("tag", REPOSITORY, "1")
    upstream.add("library/app", "1", [b"two"])
    upstream.faults = Faults(429, only="GET manifests")
    assert service.ask("tag", REPOSITORY, "1").state == "stale"
    tag = MirrorStore(s3, BUCKET).tag(REPOSITORY, "1")
    assert tag is not None
    assert tag[0] == old.manifest


def test_limit_of_the_upstream_is_kept(service: Service, upstream: Upstream) -> None:
    image = upstream.add("library/app", "1", [b"one"])
    upstream.faults = Faults(429, retry_after="120")
    answer = service.ask("manifest", REPOSITORY, image.manifest)
    assert (answer.status, answer.seconds) == (429, 120)
    upstream.count()
    assert service.ask("layer", REPOSITORY, image.layers[0]).status == 429
    assert upstream.count() == {}


def test_absent_images_are_absent(service: Service, upstream: Upstream) -> None:
    upstream.add("library/app", "1", [b"one"])
    answer = service.ask("tag", REPOSITORY, "none")
    assert (answer.status, "MANIFEST_UNKNOWN" in answer.body) == (404, True)
    assert service.ask("layer", REPOSITORY, f"sha256:{'0' * 64}").status == 404


def test_concurrent_requests_share_a_fetch(service: Service, upstream: Upstream) -> None:
    image = upstream.add("library/app", "1", [os.urandom(MEGABYTE)])
    upstream.faults = Faults(bytes_a_second=4 * MEGABYTE)
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(
                lambda _: service.ask("layer", REPOSITORY, image.layers[0], fresh=False), range(20)
            )
        )
    assert {answer.status for answer in answers} == {204}
    assert upstream.count()["GET blobs"] == 1


def test_two_hosts_may_fetch_at_once(
    make: Callable[[], Service], upstream: Upstream, s3: "S3Client"
) -> None:
    image = upstream.add("library/app", "1", [os.urandom(9 * MEGABYTE)])
    upstream.faults = Faults(bytes_a_second=20 * MEGABYTE)
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda service: service.ask("layer", REPOSITORY, image.layers[0]), [make(), make()]
            )
        )
    assert [answer.state for answer in answers] == ["fetched", "fetched"]
    assert MirrorStore(s3, BUCKET).has(REPOSITORY, "_layers", image.layers[0])
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def test_metrics_say_what_the_upstream_allows(service: Service, upstream: Upstream) -> None:
    upstream.add("library/app", "1", [b"one"])
    upstream.remaining = 42
    service.ask("tag", REPOSITORY, "1")
    text = service.metrics.read_text()
    assert 'wharf_mirror_upstream_remaining{mirror="docker.io"} 42.0' in text
    assert (
        'wharf_mirror_upstream_requests_total{kind="manifests",mirror="docker.io",status="200"} 2.0'
        in text
    )


def test_login_is_in_no_log(
    service: Service, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.login = ("robot", "another")
    assert service.ask("tag", REPOSITORY, "1").status == 503
    output = capsys.readouterr().out
    assert "mirror_failed" in output
    assert "pass-of-robot" not in output
    assert "cm9ib3Q" not in output, "the login in base64"
