"""Mirrors of a public registry: an upstream that this test controls, and two hosts."""

import json
import os
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from integration.clients.containers import Skopeo
from integration.clients.ctr import Ctr
from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, digest_of
from integration.clients.program import Can, Pulls
from integration.clients.sandbox import TRUST
from integration.console.waiting import wait_until
from integration.faults.faults import disk_full
from integration.local.cloud import LocalCloud
from integration.local.mirrored_hosts import LOGIN, TAG_SECONDS
from integration.local.upstream import Faults, Upstream
from integration.suite.support.client_fixtures import Find, clients
from integration.suite.support.configuration_files import PERMISSIONS, ConfigurationFiles
from integration.suite.support.image_bucket import ImageBucket
from integration.suite.support.logs import await_logs
from integration.suite.support.mirror_clients import event_lines, get, mirrored_meanwhile, pull
from integration.suite.support.reporting import Figure

#: More seconds than a tag is not looked up again: its time is counted in whole seconds.
LATER = TAG_SECONDS + 1.5
CLIENTS = 50
#: Seconds without requests that the upstream asks for when it refuses.
RETRY_AFTER = 1


@pytest.fixture(scope="module")
def mirrored(cloud: LocalCloud) -> Iterator[Upstream]:
    """Yield the upstream of docker.io; before and after, the hosts have no mirror."""
    with mirrored_meanwhile(cloud) as upstream:
        yield upstream


@pytest.fixture
def upstream(mirrored: Upstream) -> Iterator[Upstream]:
    """Yield the upstream without faults; the end of the test takes its faults away."""
    mirrored.count()
    yield mirrored
    was_refused = mirrored.faults.status
    mirrored.faults = Faults()
    if was_refused:
        # Hosts that were refused send nothing for as long as the upstream has said.
        time.sleep(RETRY_AFTER + 1)


@pytest.fixture
def name() -> str:
    """Return the name of a repository that no other test has."""
    return f"library/app-{os.urandom(4).hex()}"


def test_image_is_fetched_once_for_all_hosts(
    deployment: Deployment, upstream: Upstream, name: str
) -> None:
    image = upstream.add(name, "1", [os.urandom(100_000), os.urandom(1000)])
    first, _ = (pull(deployment, f"docker.io/{name}", image, door) for door in deployment.hosts)
    assert first.headers["Wharf-Mirror"] == "fetched"
    counted = upstream.count()
    assert counted["GET manifests"] == 1
    assert counted["GET blobs"] == 3
    assert counted["HEAD manifests"] == 2, "each host looks the tag up"


def test_tag_is_looked_up_once_in_a_time(
    deployment: Deployment, upstream: Upstream, name: str
) -> None:
    image = upstream.add(name, "1", [b"one"])
    door = deployment.hosts[0]
    path = f"docker.io/{name}/manifests/1"
    began = time.monotonic()
    states = [get(deployment, path, door).headers["Wharf-Mirror"] for _ in range(5)]
    assert upstream.count()["HEAD manifests"] <= 1 + (time.monotonic() - began) // TAG_SECONDS
    assert states[0] == "fetched"
    moved = upstream.add(name, "1", [b"two"])
    time.sleep(LATER)
    shown = get(deployment, path, door, **{"Sec-Fetch-Site": "same-origin"})
    assert digest_of(shown.content) == image.manifest, "a page in a browser moves the tag"
    assert digest_of(get(deployment, path, door).content) == moved.manifest


@pytest.mark.parametrize("status", [429, 503])
def test_image_survives_its_upstream(
    cloud: LocalCloud, deployment: Deployment, upstream: Upstream, name: str, status: int
) -> None:
    repository = f"docker.io/{name}"
    image = upstream.add(name, "1", [os.urandom(1000)])
    pull(deployment, repository, image, deployment.hosts[0])
    upstream.faults = Faults(status, retry_after=str(RETRY_AFTER))
    time.sleep(LATER)
    for door in deployment.hosts:
        tag = pull(deployment, repository, image, door)
        assert tag.headers["Wharf-Mirror"].startswith("stale; seen=20")
        by_digest = get(deployment, f"{repository}/manifests/{image.manifest}", door)
        assert by_digest.headers["Wharf-Mirror"] == "hit"
    unknown = get(deployment, f"{repository}/manifests/2")
    assert unknown.status_code == status
    assert "docker.io cannot be used now" in unknown.text
    await_logs(cloud, deployment)
    stale = [
        line for line in event_lines(cloud, "mirror_stale") if f"{repository}:1" in line["message"]
    ]
    assert len(stale) >= len(deployment.hosts)


@pytest.mark.parametrize("fault", [Faults(lies=True), Faults(cuts=True)], ids=["lies", "cuts"])
def test_broken_fetch_leaves_nothing(
    deployment: Deployment,
    upstream: Upstream,
    image_bucket: ImageBucket,
    name: str,
    fault: Faults,
) -> None:
    image = upstream.add(name, "1", [os.urandom(9 * MEGABYTE)])
    encoded = image.layers[0].removeprefix("sha256:")
    upstream.faults = fault
    path = f"docker.io/{name}/blobs/{image.layers[0]}"
    assert get(deployment, path, deployment.hosts[0]).status_code == 503
    assert not list(image_bucket.keys(f"blobs/sha256/{encoded[:2]}/{encoded}"))
    assert not list(image_bucket.keys(f"repositories/docker.io/{name}/_layers"))
    upstream.faults = Faults()
    layer = get(deployment, path, deployment.hosts[1])
    assert digest_of(layer.content) == image.layers[0]


def test_image_is_fetched_while_the_disk_is_full(
    cloud: LocalCloud, deployment: Deployment, upstream: Upstream, name: str
) -> None:
    image = upstream.add(name, "1", [os.urandom(9 * MEGABYTE)])
    with disk_full(cloud, cloud.hosts[0]):
        pull(deployment, f"docker.io/{name}", image, deployment.hosts[0])
    upstream.count()
    pull(deployment, f"docker.io/{name}", image, deployment.hosts[1])
    assert not upstream.count()["GET blobs"], "the layer was not kept"


def test_storm_of_a_new_image_is_one_fetch_a_host(
    deployment: Deployment, upstream: Upstream, name: str, figure: Figure
) -> None:
    image = upstream.add(name, "1", [os.urandom(4 * MEGABYTE)])
    upstream.faults = Faults(bytes_a_second=4 * MEGABYTE)
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: pull(deployment, f"docker.io/{name}", image), range(CLIENTS)))
    figure("50 clients pull a new image of 4 MB, upstream of 4 MB/s", time.monotonic() - began, "s")
    counted = upstream.count()
    assert counted["GET manifests"] <= len(deployment.hosts)
    assert counted["GET blobs"] <= 2 * len(deployment.hosts), "a configuration and a layer"


def test_host_killed_in_a_first_pull_leaves_the_image_to_others(
    cloud: LocalCloud,
    deployment: Deployment,
    upstream: Upstream,
    image_bucket: ImageBucket,
    name: str,
) -> None:
    image = upstream.add(name, "1", [os.urandom(20 * MEGABYTE)])
    upstream.faults = Faults(bytes_a_second=2 * MEGABYTE)
    path = f"docker.io/{name}/blobs/{image.layers[0]}"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(get, deployment, path, deployment.hosts[0])
        wait_until("the fetch to begin", lambda: upstream.requests["GET blobs"] > 0, True)
        cloud.kill_host(cloud.hosts[0].id)
        with pytest.raises(httpx.HTTPError):
            first.result()
    encoded = image.layers[0].removeprefix("sha256:")
    assert not list(image_bucket.keys(f"blobs/sha256/{encoded[:2]}/{encoded}"))
    upstream.faults = Faults()
    layer = get(deployment, path, deployment.hosts[1])
    assert digest_of(layer.content) == image.layers[0]
    cloud.reconcile()


def test_list_of_mirrors_is_closed(deployment: Deployment, upstream: Upstream, name: str) -> None:
    upstream.add(name, "1", [b"one"])
    assert get(deployment, f"{name}/manifests/1?ns=docker.io").status_code == 200
    refused = get(deployment, f"{name}/manifests/1?ns=ghcr.io")
    assert (refused.status_code, "no mirror" in refused.text) == (404, True)
    upstream.count()
    assert get(deployment, f"ghcr.io/{name}/manifests/1").status_code == 404
    assert not upstream.count()


def test_nobody_pushes_into_a_mirror(deployment: Deployment, upstream: Upstream, name: str) -> None:
    image = upstream.add(name, "1", [b"one"])
    repository = f"docker.io/{name}"
    pull(deployment, repository, image)
    with deployment.client() as client:
        upload = client.post(f"/v2/{repository}/blobs/uploads/")
        manifest = client.put(f"/v2/{repository}/manifests/1", content=b"{}")
        by_namespace = client.post(f"/v2/{name}/blobs/uploads/?ns=docker.io")
    for response in (upload, manifest, by_namespace):
        assert (response.status_code, "takes no pushes" in response.text) == (403, True)


def test_permissions_hold_for_mirrors(
    deployment: Deployment, upstream: Upstream, configuration: ConfigurationFiles, name: str
) -> None:
    upstream.add(name, "1", [b"one"])
    configuration.add_user("reader", "reader-password")
    configuration.add_user("other", "other-password")
    lines = f"{deployment.username} delete *\nreader pull docker.io/*\nother pull team/*\n"
    (configuration.folder / PERMISSIONS).write_text(lines)
    configuration.publish()

    def statuses(user: str) -> list[int]:
        with deployment.client() as client:
            client.auth = httpx.BasicAuth(user, f"{user}-password")
            paths = (f"docker.io/{name}/manifests/1", f"{name}/manifests/1?ns=docker.io")
            return [client.get(f"/v2/{path}").status_code for path in paths]

    # A worker of nginx may go on for a moment with the users of before.
    wait_until("the reader's right to pull", lambda: statuses("reader"), [200, 200])
    wait_until("the other's lack of it", lambda: statuses("other"), [403, 403])


def test_login_is_in_no_log(
    cloud: LocalCloud, deployment: Deployment, upstream: Upstream, name: str
) -> None:
    upstream.add(name, "1", [b"one"])
    upstream.login = (LOGIN[0], "changed")
    try:
        assert get(deployment, f"docker.io/{name}/manifests/1").status_code == 503
    finally:
        upstream.login = LOGIN
    await_logs(cloud, deployment)
    assert event_lines(cloud, "mirror_failed")
    encoded = b64encode(":".join(LOGIN).encode()).decode()
    for host in cloud.hosts:
        text = host.log("nginx").read_text() + host.log("registry").read_text()
        assert LOGIN[1] not in text
        assert encoded not in text


def test_metrics_show_the_upstream(
    cloud: LocalCloud, deployment: Deployment, upstream: Upstream, name: str
) -> None:
    upstream.remaining = 7
    upstream.add(name, "1", [b"one"])
    get(deployment, f"docker.io/{name}/manifests/1", deployment.hosts[0])
    with cloud.network.inside(cloud.hosts[0].pod):
        text = httpx.get("http://127.0.0.1:9113/metrics").text
    assert 'wharf_mirror_upstream_remaining{mirror="docker.io"} 7' in text
    assert 'wharf_mirror_requests_total{mirror="docker.io",state="fetched"}' in text
    assert 'wharf_mirror_upstream_requests_total{kind="manifests",mirror="docker.io"' in text


@clients(Can.PULL)
def test_clients_pull_from_the_mirror(
    current: Pulls, upstream: Upstream, name: str, tmp_path: Path
) -> None:
    digest = upstream.add_new_layout(name, "1", tmp_path / "image")
    assert current.pull(f"docker.io/{name}:1") == digest


def test_containerd_takes_the_registry_for_a_mirror(
    find: Find, deployment: Deployment, upstream: Upstream, name: str, tmp_path: Path
) -> None:
    digest = upstream.add_new_layout(name, "1", tmp_path / "image")
    ctr = find(Ctr)
    token = b64encode(f"{deployment.username}:{deployment.password}".encode()).decode()
    ctr.sandbox.write(
        f"{ctr.home}/hosts/docker.io/hosts.toml",
        f"""
[host."{deployment.url}"]
  capabilities = ["pull", "resolve"]
  ca = "{TRUST}"
  [host."{deployment.url}".header]
    Authorization = ["Basic {token}"]
""",
    )
    image = f"docker.io/{name}:1"
    ctr.run("ctr", "images", "pull", f"--hosts-dir={ctr.home}/hosts", image)
    assert digest in ctr.run("ctr", "images", "list", f"name=={image}")


def test_podmans_relatives_take_the_registry_for_a_mirror(
    find: Find, upstream: Upstream, name: str, tmp_path: Path
) -> None:
    digest = upstream.add_new_layout(name, "1", tmp_path / "image")
    skopeo = find(Skopeo)
    file = f"{skopeo.home}/registries.conf"
    mirror = f'[[registry.mirror]]\nlocation = "{skopeo.registry}/docker.io"\n'
    skopeo.sandbox.write(file, f'[[registry]]\nlocation = "docker.io"\n{mirror}')
    # Without --no-tags it also requests the list of tags, of Docker Hub itself.
    inspect = ["skopeo", "--registries-conf", file, "inspect", "--no-tags"]
    assert json.loads(skopeo.run(*inspect, f"docker://docker.io/{name}:1"))["Digest"] == digest
