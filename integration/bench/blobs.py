"""Blobs to move: random bytes, under one path in every variant."""

import hashlib
import os
import subprocess
from dataclasses import dataclass

from integration.bench.client import LONGEST, curl
from integration.bench.rig import BenchRig
from integration.bench.variant import Variant
from integration.local.errors import LocalCloudError
from integration.uploads import Upload

REPOSITORY = "bench/layers"


@dataclass(frozen=True)
class Blob:
    """A layer in the bucket that all variants share; ``size`` in bytes."""

    digest: str
    size: int

    @property
    def path(self) -> str:
        """Where every variant serves it."""
        return f"/v2/{REPOSITORY}/blobs/{self.digest}"


def new_blob(rig: BenchRig, size: int) -> Blob:
    """Push a blob that no cache has, and put it among the static files."""
    data = os.urandom(size)
    deployment = rig.registry.deployment
    upload = Upload.begin(deployment, deployment.url, REPOSITORY)
    upload.send(deployment.url, data)
    blob = Blob(upload.finish(deployment.url, data), size)
    file = rig.static / blob.path.removeprefix("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return blob


def verify(variant: Variant, blob: Blob) -> None:
    """Pull a blob once from each host, nearly: twice in turn through the balancer.

    Raises:
        LocalCloudError: what comes has another digest.
    """
    for _ in variant.hosts:
        command = [*curl(variant), "--location", f"{variant.url}{blob.path}"]
        for name, address in variant.names:
            command += ["--resolve", f"{name}:443:{address}"]
        done = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
        digest = f"sha256:{hashlib.sha256(done.stdout).hexdigest()}"
        if done.returncode or digest != blob.digest:
            raise LocalCloudError(
                f"Variant {variant.name} serves {digest} as {blob.digest}: "
                f"{done.stderr.decode(errors='replace').strip()}"
            )
