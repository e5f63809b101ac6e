"""Images of random bytes: as a layout on disk for client programs, or in memory from a seed."""

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = f"{LAYER}+gzip"

#: Docker's media types of the same documents, older than OCI's.
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

#: The media types of every manifest, for an ``Accept`` header.
MANIFESTS = ", ".join([DOCKER_MANIFEST, DOCKER_LIST, MANIFEST, INDEX])

MEGABYTE = 1_000_000
#: Bytes of a chunk in which content is generated, sent, received and hashed.
CHUNK = 64 * 1024


def digest_of(data: bytes) -> str:
    """Return the digest of bytes, as registries write digests."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def describe(media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    """Return the descriptor of a blob or manifest, with further fields such as ``platform``."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def encode(document: Any) -> bytes:
    """Return a document as JSON, the same bytes for the same document."""
    return json.dumps(document, sort_keys=True).encode()


def config_of(diff_ids: Sequence[str], architecture: str = "amd64") -> bytes:
    """Return the configuration of an image with uncompressed layers of these digests."""
    rootfs = {"type": "layers", "diff_ids": list(diff_ids)}
    return encode({"architecture": architecture, "os": "linux", "rootfs": rootfs})


def manifest_of(
    config: dict[str, Any], layers: Sequence[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """Return an OCI manifest of these descriptors, with further fields such as ``subject``."""
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": list(layers),
        **more,
    }


@dataclass(frozen=True)
class Layer:
    """A layer of random bytes, which is never whole in memory and contains no archive.

    Attributes:
        seed: decides the content.
        size: in bytes.
    """

    seed: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the content. Chunks differ in their first bytes, so no store deduplicates them."""
        filling = random.Random(self.seed).randbytes(CHUNK)  # noqa: S311  (no secret)
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

    @property
    def descriptor(self) -> dict[str, Any]:
        """The entry of the layer in a manifest."""
        return {"mediaType": LAYER, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Image:
    """An image in memory, for clients that do not unpack it.

    Attributes:
        repository: its repository.
        tag: its tag.
        layers: from the lowest up.
    """

    repository: str
    tag: str
    layers: tuple[Layer, ...]

    @classmethod
    def from_seed(cls, repository: str, tag: str, sizes: Sequence[int], seed: str) -> "Image":
        """Return an image with layers of these sizes in bytes."""
        layers = (Layer(f"{seed}/{number}", size) for number, size in enumerate(sizes))
        return cls(repository, tag, tuple(layers))

    @property
    def config(self) -> bytes:
        """The configuration, which names the layers."""
        return config_of([layer.digest for layer in self.layers])

    @property
    def manifest(self) -> bytes:
        """The manifest."""
        layers = [layer.descriptor for layer in self.layers]
        return encode(manifest_of(describe(CONFIG, self.config), layers))


def make_image(directory: Path, layers: Sequence[int], seed: int | None = None) -> str:
    """Write the OCI layout of an image that container engines can unpack; return its digest.

    Args:
        directory: of the layout; created.
        layers: size of each layer in bytes. The content is random, so it does not compress.
        seed: the same seed and sizes make the same image. Without a seed the image is new:
            clients do not push blobs that the registry has.
    """
    source = random.Random(seed)  # noqa: S311  (no secret)
    layout = _Layout(directory)
    return layout.finish(layout.add_image([source.randbytes(size) for size in layers]))


def make_index(directory: Path, architectures: Sequence[str]) -> str:
    """Write the OCI layout of an image for several architectures; return the digest of its index.

    Each image has a layer of its own, and a layer that all images share.
    """
    layout = _Layout(directory)
    manifests = [
        layout.add_image([b"shared", name.encode()], name)
        | {"platform": {"os": "linux", "architecture": name}}
        for name in architectures
    ]
    index = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    return layout.finish(layout.add(INDEX, index))


def manifest_in(layout: Path) -> bytes:
    """Return the manifest or index that a layout on disk contains."""
    entry = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    return (layout / "blobs" / str(entry["digest"]).replace(":", "/")).read_bytes()


def layout_digest(layout: Path) -> str:
    """Return the digest of the manifest in a layout, computed from its bytes."""
    return digest_of(manifest_in(layout))


class _Layout:
    """An OCI layout on disk that is being written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._blobs = directory / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)

    def add(self, media_type: str, data: bytes) -> dict[str, Any]:
        """Write a blob; return its descriptor."""
        descriptor = describe(media_type, data)
        (self._blobs / descriptor["digest"].removeprefix("sha256:")).write_bytes(data)
        return descriptor

    def add_image(self, layers: Sequence[bytes], architecture: str = "amd64") -> dict[str, Any]:
        """Write an image with a file of these bytes in each layer; return its descriptor."""
        tars = [_tar(data) for data in layers]
        config = config_of([digest_of(tar) for tar in tars], architecture)
        manifest = manifest_of(
            self.add(CONFIG, config),
            # mtime: otherwise the same layer has another digest a second later.
            [self.add(LAYER_GZIP, gzip.compress(tar, 1, mtime=0)) for tar in tars],
        )
        return self.add(MANIFEST, encode(manifest))

    def finish(self, descriptor: dict[str, Any]) -> str:
        """Write the files that make the folder a layout of a manifest; return its digest."""
        index = encode({"schemaVersion": 2, "manifests": [descriptor]})
        (self._directory / "index.json").write_bytes(index)
        (self._directory / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))
        return str(descriptor["digest"])


def _tar(data: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("data")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()
