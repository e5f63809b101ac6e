"""Images whose bytes follow from a seed: whoever knows it can make, send and check them."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"

#: Bytes that are made, sent and hashed at a time.
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Layer:
    """A layer that is never whole in memory.

    Attributes:
        seed: another seed is another content.
        size: in bytes.
    """

    seed: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """The content. Each chunk differs in its first bytes, so that no store can join them."""
        filling = random.Random(self.seed).randbytes(CHUNK)  # noqa: S311  (bytes to move)
        for start in range(0, self.size, CHUNK):
            mark = start.to_bytes(8, "big")
            yield (mark + filling[len(mark) :])[: self.size - start]

    @cached_property
    def digest(self) -> str:
        """The digest of the content."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return f"sha256:{digest.hexdigest()}"


@dataclass(frozen=True)
class Image:
    """An image of some layers.

    Attributes:
        repository: its repository.
        tag: its tag.
        layers: from the lowest up.
    """

    repository: str
    tag: str
    layers: tuple[Layer, ...]

    @property
    def config(self) -> bytes:
        """The configuration, which names the layers."""
        diffs = [layer.digest for layer in self.layers]
        return _json(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": diffs},
            }
        )

    @property
    def manifest(self) -> bytes:
        """The manifest."""
        config = self.config
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
                "layers": [
                    {"mediaType": LAYER, "digest": layer.digest, "size": layer.size}
                    for layer in self.layers
                ],
            }
        )


def make_image(repository: str, tag: str, sizes: Sequence[int], seed: str) -> Image:
    """Describe an image with layers of these sizes in bytes."""
    layers = (Layer(f"{seed}/{number}", size) for number, size in enumerate(sizes))
    return Image(repository, tag, tuple(layers))


def digest_of(data: bytes) -> str:
    """The digest of what is in memory."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
