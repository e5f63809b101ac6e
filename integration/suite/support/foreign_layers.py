"""Manifests with a layer that is not in the registry."""

import httpx

from integration.clients.deployment import Deployment
from integration.clients.image_builder import DOCKER_MANIFEST, MANIFEST, describe, manifest_of

#: Of a layer that is elsewhere.
ELSEWHERE = "https://mcr.example.com/v2/windows/blobs/"
FOREIGN = {
    MANIFEST: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    DOCKER_MANIFEST: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
}


def put_foreign(deployment: Deployment, repository: str, kind: str, url: str) -> httpx.Response:
    """Push a manifest whose only layer is at a URL."""
    deployment.push_blob(repository, b"{}")
    layer = describe(FOREIGN[kind], b"elsewhere", urls=[url])
    manifest = manifest_of(describe("application/json", b"{}"), [layer], mediaType=kind)
    with deployment.client() as client:
        path = f"/v2/{repository}/manifests/1"
        return client.put(path, json=manifest, headers={"Content-Type": kind})
