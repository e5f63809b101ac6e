"""Archives of OCI layouts as ``docker save`` writes them: Docker and containerd load these."""

import io
import json
import tarfile
from pathlib import Path

from integration.clients.image_builder import MANIFEST


def archive(layout: Path, name: str) -> Path:
    """Write an OCI layout as a tar file beside it, with ``name`` for its image; return the file."""
    target = layout.with_suffix(".tar")
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"io.containerd.image.name": name}
    with tarfile.open(target, "w") as tar:
        _add(tar, "index.json", index)
        for manifest in index["manifests"]:
            if manifest["mediaType"] == MANIFEST:
                _add(tar, "manifest.json", [_docker_manifest(layout, manifest["digest"], name)])
        tar.add(layout / "oci-layout", "oci-layout")
        tar.add(layout / "blobs", "blobs")
    return target


def _docker_manifest(layout: Path, digest: str, name: str) -> dict[str, object]:
    """Return the entry of an image for Docker's graph drivers, which read no OCI index."""
    manifest = json.loads((layout / _blob(digest)).read_text())
    return {
        "Config": _blob(manifest["config"]["digest"]),
        "RepoTags": [name],
        "Layers": [_blob(layer["digest"]) for layer in manifest["layers"]],
    }


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(tar: tarfile.TarFile, name: str, content: object) -> None:
    data = json.dumps(content).encode()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
