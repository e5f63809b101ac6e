"""Images for the tests of the page: with history and labels, of two platforms, signed, hostile."""

from typing import Any

from integration.clients.deployment import Deployment
from integration.clients.image_builder import (
    CONFIG,
    INDEX,
    LAYER_GZIP,
    MANIFEST,
    describe,
    encode,
    manifest_of,
)

#: A script, if a page takes it for markup; and a text that marks turn around.
MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
TURNED = "safe\u202egnp.exe\u2066\u200b"
#: The longest name of a repository that distribution takes: 255 characters.
LONGEST = "x" * 120 + "/" + "y" * 134
LONGEST_TAG = "t" * 128

PREDICATE = "https://slsa.dev/provenance/v1"


class Pusher:
    """Pushes images to one repository.

    Args:
        deployment: the registry.
        repository: its name.
    """

    def __init__(self, deployment: Deployment, repository: str) -> None:
        self._deployment = deployment
        self._repository = repository

    def image(self, tag: str, **config: Any) -> dict[str, Any]:
        """Push an image of two layers, the lower the same in all; return its descriptor."""
        layers = [self._layer(b"shared" * 2000), self._layer(f"only in {tag}".encode() * 100)]
        content = {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-11-20T10:00:00Z",
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
            "config": {"Cmd": ["/bin/app"], "Env": ["PATH=/bin"], "Labels": {"team": "payments"}},
            "history": [
                {"created": "2026-11-20T09:00:00Z", "created_by": "ADD rootfs.tar /"},
                {"created_by": "ENV PATH=/bin", "empty_layer": True},
                {"created": "2026-11-20T10:00:00Z", "created_by": "COPY app /bin/app"},
            ],
            **config,
        }
        return self.manifest(tag, self._blob(CONFIG, encode(content)), layers)

    def index(self, tag: str) -> dict[str, Any]:
        """Push an index of two platforms with an attestation of BuildKit."""
        images = [
            self.image(f"{tag}-{name}", architecture=name)
            | {"platform": {"os": "linux", "architecture": name}}
            for name in ("amd64", "arm64")
        ]
        proof = self.artifact(f"{tag}-proof", "application/vnd.in-toto+json", PREDICATE)
        proof |= {
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": images[0]["digest"],
            },
        }
        content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*images, proof]}
        return self._put(tag, encode(content), INDEX)

    def sign(self, image: dict[str, Any]) -> None:
        """Attach a signature as cosign does, and an SBOM as oras does where there is no API."""
        name = str(image["digest"]).replace(":", "-")
        self.artifact(f"{name}.sig", "application/vnd.dev.cosign.simplesigning.v1+json", "")
        bom = self.artifact("bom", "application/spdx+json", "https://spdx.dev/Document")
        bom |= {"artifactType": "application/spdx+json", "annotations": {"made-by": MARKUP}}
        content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [bom]}
        self._put(name, encode(content), INDEX)

    def artifact(self, tag: str, media_type: str, predicate: str) -> dict[str, Any]:
        """Push an artifact of one layer, which is no image."""
        layer = self._blob(media_type, b'{"artifact": true}')
        layer["annotations"] = {"in-toto.io/predicate-type": predicate} if predicate else {}
        empty = self._blob("application/vnd.oci.empty.v1+json", b"{}")
        return self.manifest(tag, empty, [layer])

    def hostile(self, tag: str) -> dict[str, Any]:
        """Push an image whose texts are markup, turned around, or of another type."""
        return self.image(
            tag,
            architecture=MARKUP,
            created=MARKUP,
            config={
                "Labels": {MARKUP: TURNED, "long": "z" * 9000, "number": 7},
                "Env": MARKUP,
                "Cmd": [MARKUP],
                "User": TURNED,
                "ExposedPorts": [MARKUP],
            },
            history=[{"created_by": MARKUP, "created": 7}, MARKUP, None, {"comment": TURNED}],
        )

    def manifest(
        self, tag: str, config: dict[str, Any], layers: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Push a manifest under a tag; return its descriptor."""
        return self._put(tag, encode(manifest_of(config, layers)), MANIFEST)

    def _layer(self, data: bytes) -> dict[str, Any]:
        return self._blob(LAYER_GZIP, data)

    def _blob(self, media_type: str, data: bytes) -> dict[str, Any]:
        self._deployment.push_blob(self._repository, data)
        return describe(media_type, data)

    def _put(self, tag: str, content: bytes, media_type: str) -> dict[str, Any]:
        with self._deployment.repository(self._repository) as client:
            client.put_manifest(tag, content, media_type)
        return describe(media_type, content)
