"""Images made on the spot: random bytes in as many layers as asked for, in OCI's own layout."""

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

#: The names that Docker gave to these before OCI did.
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

#: All of a manifest, for an ``Accept`` header.
MANIFESTS = ", ".join([DOCKER_MANIFEST, DOCKER_LIST, MANIFEST, INDEX])

MEGABYTE = 1_000_000


def make_image(directory: Path, layers: Sequence[int], seed: int | None = None) -> str:
    """Write an image layout; return the digest of its manifest.

    Args:
        directory: made for it.
        layers: the size of each layer in bytes; random, so that nothing compresses.
        seed: the same seed and sizes make the same image; without one it is new each time, since
            clients do not push what a registry has already.
    """
    source = random.Random(seed)  # noqa: S311  (bytes to move, not to hide)
    blobs = _blobs(directory)
    return _finish(directory, _image(blobs, [source.randbytes(size) for size in layers]))


def make_index(directory: Path, architectures: Sequence[str]) -> str:
    """Write a layout of one image for several architectures; return the digest of its index.

    Each has a layer of its own and one that all share.
    """
    blobs = _blobs(directory)
    manifests = [
        _image(blobs, [b"shared", one.encode()], one)
        | {"platform": {"os": "linux", "architecture": one}}
        for one in architectures
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    return _finish(directory, _write(blobs, INDEX, _json(index)))


def digest_of(layout: Path) -> str:
    """The digest of the manifest in a layout, recomputed from its bytes."""
    described = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    blob = layout / "blobs" / str(described["digest"]).replace(":", "/")
    return f"sha256:{_hex(blob.read_bytes())}"


def _blobs(directory: Path) -> Path:
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    return blobs


def _finish(directory: Path, described: dict[str, Any]) -> str:
    """Complete a layout around what it is a layout of; return the digest of that."""
    (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [described]}))
    (directory / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return str(described["digest"])


def _image(blobs: Path, layers: Sequence[bytes], architecture: str = "amd64") -> dict[str, Any]:
    tars = [_tar(data) for data in layers]
    config = {
        "architecture": architecture,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_hex(tar)}" for tar in tars]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _write(blobs, CONFIG, _json(config)),
        # mtime: otherwise the same layer has another digest a second later.
        "layers": [_write(blobs, LAYER, gzip.compress(tar, 1, mtime=0)) for tar in tars],
    }
    return _write(blobs, MANIFEST, _json(manifest))


def _tar(data: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("data")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()


def _write(blobs: Path, media_type: str, data: bytes) -> dict[str, Any]:
    (blobs / _hex(data)).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{_hex(data)}", "size": len(data)}


def _hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
