"""A push of a large layer, as docker does it: begin, send it in one stream, name its digest."""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from integration.bench.blobs import REPOSITORY
from integration.bench.load_generators import LONGEST, curl
from integration.bench.variant import Variant
from integration.clients.image_builder import MEGABYTE
from integration.local.errors import LocalCloudError
from scripts.programs import output_of

#: The registry's own port and nginx's, inside of a host.
REGISTRY, NGINX = "127.0.0.1:5000", "127.0.0.1:8443"


class Layer:
    """Random bytes that change with each push, since a registry keeps a layer only once.

    Args:
        file: for them.
        size: in bytes.
    """

    def __init__(self, file: Path, size: int) -> None:
        self._file = file
        self._size = size
        file.write_bytes(os.urandom(size))

    def push_through(self, variant: Variant) -> float:
        """Push through the nginx of the variant's first host; return MB a second."""
        balancer = urlsplit(variant.url).hostname
        return self._push(variant, variant.url, "--connect-to", f"{balancer}:443:{NGINX}")

    def push_directly(self, variant: Variant) -> float:
        """Push to the registry of that host without nginx, and without TLS; return MB a second."""
        return self._push(variant, f"http://{REGISTRY}")

    def _renew(self) -> str:
        with self._file.open("r+b") as file:
            file.write(os.urandom(32))
        with self._file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _push(self, variant: Variant, url: str, *options: str) -> float:
        digest = self._renew()
        host = variant.hosts[0]
        place = ["nsenter", f"--net=/proc/{host.pid('registry')}/ns/net", *curl(variant), *options]
        start = time.monotonic()
        location = _location([*place, "--request", "POST", f"{url}/v2/{REPOSITORY}/blobs/uploads/"])
        location = _location(
            [
                *place,
                *("--request", "PATCH", "--header", "Content-Type: application/octet-stream"),
                *("--header", "Expect:", "--upload-file", str(self._file), location),
            ]
        )
        joint = "&" if "?" in location else "?"
        _location(
            [*place, "--request", "PUT", "--data", "", f"{location}{joint}digest=sha256:{digest}"]
        )
        return self._size / MEGABYTE / (time.monotonic() - start)


def _location(command: Sequence[str]) -> str:
    """Run curl; return where the answer says that the upload goes on."""
    shown = [*command, "--output", "/dev/null", "--write-out", "%header{location}"]
    location = output_of("A push", shown, LocalCloudError, timeout=LONGEST)
    if not location:
        raise LocalCloudError("A push: no Location in the response")
    return location
