"""Clients of hosts that mirror docker.io."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from integration.clients.deployment import ClientError, Deployment
from integration.clients.image_builder import MANIFESTS, digest_of
from integration.local.cloud import LocalCloud
from integration.local.mirrored_hosts import mirrored_hosts
from integration.local.upstream import Upstream, UpstreamImage


@contextmanager
def mirrored_meanwhile(cloud: LocalCloud) -> Iterator[Upstream]:
    """Let the hosts mirror docker.io until the end of the block; yield its upstream."""
    before = cloud.endpoints.trust.read_bytes()
    with mirrored_hosts(cloud) as upstream:
        try:
            yield upstream
        finally:
            cloud.endpoints.trust.write_bytes(before)
            cloud.terraform.apply()
            cloud.reconcile()


def get(
    deployment: Deployment, path: str, url: str | None = None, **headers: str
) -> httpx.Response:
    """Request a path below ``/v2/``, of a host if its URL is given."""
    with deployment.client(url) as client:
        return client.get(f"/v2/{path}", headers={"Accept": MANIFESTS, **headers})


def pull(
    deployment: Deployment, repository: str, image: UpstreamImage, url: str | None = None
) -> httpx.Response:
    """Pull by tag; return the response for the tag.

    Raises:
        ClientError: a manifest or layer is not the one of the image.
    """
    tag = get(deployment, f"{repository}/manifests/1", url)
    if digest_of(tag.content) != image.manifest:
        raise ClientError(f"{repository}:1: status {tag.status_code}: {tag.text[:300]}")
    for digest in (image.config, *image.layers):
        layer = get(deployment, f"{repository}/blobs/{digest}", url)
        if digest_of(layer.content) != digest:
            raise ClientError(f"{repository}@{digest}: status {layer.status_code}")
    return tag


def event_lines(cloud: LocalCloud, event: str) -> list[dict[str, Any]]:
    """Return the lines of all hosts with an event."""
    lines = [line for host in cloud.hosts for line in host.log("nginx").read_text().splitlines()]
    return [json.loads(line[line.index("{") :]) for line in lines if f'"event": "{event}"' in line]
