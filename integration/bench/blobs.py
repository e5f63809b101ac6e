"""The blobs of the benchmark: random bytes, under the same path in every variant."""

import os
import subprocess
from dataclasses import dataclass

from integration.bench.load_generators import LONGEST, curl
from integration.bench.variant import Variant
from integration.bench.variants import BenchRig
from integration.clients.image_builder import digest_of
from integration.local.errors import LocalCloudError

REPOSITORY = "bench/layers"


@dataclass(frozen=True)
class Blob:
    """A layer in the bucket that all variants share; ``size`` in bytes."""

    digest: str
    size: int

    @property
    def path(self) -> str:
        """The path at which every variant serves the blob."""
        return f"/v2/{REPOSITORY}/blobs/{self.digest}"


def new_blob(rig: BenchRig, size: int, *, static: bool = True) -> Blob:
    """Push a blob that no cache has; write it to the static files if ``static``."""
    data = os.urandom(size)
    blob = Blob(rig.registry.deployment.push_blob(REPOSITORY, data), size)
    if not static:
        return blob
    file = rig.static / blob.path.removeprefix("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return blob


def verify(variant: Variant, blob: Blob) -> None:
    """Pull a blob through the balancer once for each host, since the balancer takes turns.

    Raises:
        LocalCloudError: the content has another digest.
    """
    for _ in variant.hosts:
        command = [*curl(variant), "--location", f"{variant.url}{blob.path}"]
        done = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)
        digest = digest_of(done.stdout)
        if done.returncode or digest != blob.digest:
            raise LocalCloudError(
                f"Variant {variant.name} serves {digest} as {blob.digest}: "
                f"{done.stderr.decode(errors='replace').strip()}"
            )
