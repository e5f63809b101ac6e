"""Layers of tests: a path and its bytes."""

import os

from integration.clients.deployment import Deployment

Layer = tuple[str, bytes]
#: Bytes that nginx fetches with one request, by nginx.conf.
SLICE = 8 << 20


def push(deployment: Deployment, repository: str, size: int) -> Layer:
    """Push a layer of random bytes; return its path and the bytes."""
    data = os.urandom(size)
    return f"/v2/{repository}/blobs/{deployment.push_blob(repository, data)}", data
