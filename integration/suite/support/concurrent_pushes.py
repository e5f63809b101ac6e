"""Clients that push in the background, with layers that other programs delete meanwhile."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import httpx

from integration.clients.deployment import Deployment
from integration.clients.image_builder import Image, Layer
from integration.clients.registry_client import RegistryClient

#: So few that the registry has most layers of a push, or has just deleted them; so many that some
#: layers are unused.
LAYERS = [Layer(f"shared {number}", 50_000) for number in range(16)]

#: Seconds between two pushes of a client.
PAUSE = 0.2


@dataclass
class PushClient:
    """A client that pushes images under new tags, and sends only the blobs that are missing.

    Attributes:
        acknowledged: the manifest of each tag that the registry has accepted.
        refused: number of refused pushes. The client continues with another image.
    """

    deployment: Deployment
    repository: str
    seed: int
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    refused: int = 0

    def send_layers(self) -> None:
        """Send all layers, for no image: they are garbage."""
        with self.deployment.client() as http:
            for layer in LAYERS:
                _send(RegistryClient(http, self.repository), layer)

    def push_until(self, stop: Event) -> None:
        """Push images, one after the other."""
        source = random.Random(self.seed)  # noqa: S311  (no secret)
        number = 0
        with self.deployment.client() as http:
            client = RegistryClient(http, self.repository)
            # The pauses limit the number of images: all of them are pulled in the end.
            while not stop.wait(PAUSE):
                number += 1
                layers = tuple(source.sample(LAYERS, 2))
                self._push(client, Image(self.repository, str(number), layers))

    def _push(self, client: RegistryClient, image: Image) -> None:
        for layer in image.layers:
            _send(client, layer)
        client.upload_whole(image.config)
        try:
            client.put_manifest(image.tag, image.manifest)
        except httpx.HTTPStatusError as error:
            if "MANIFEST_BLOB_UNKNOWN" not in error.response.text:
                raise
            self.refused += 1
        else:
            self.acknowledged[image.tag] = image.manifest

    def pull(self, tag: str) -> None:
        """Pull an acknowledged image.

        Raises:
            httpx.HTTPStatusError: the manifest or a blob is missing.
            DigestMismatch: a blob has other bytes.
            ValueError: the tag has another manifest.
        """
        with self.deployment.repository(self.repository) as client:
            if client.manifest(tag) != self.acknowledged[tag]:
                raise ValueError(f"{client.path}:{tag} has another manifest")
            client.pull(tag)


def _send(client: RegistryClient, layer: Layer) -> None:
    """Upload a layer unless the registry has it."""
    try:
        exists = client.has(f"blobs/{layer.digest}")
    except httpx.HTTPStatusError as error:
        # distribution responds so to HEAD if a layer is deleted between its requests to S3.
        if error.response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
            raise
        exists = client.has(f"blobs/{layer.digest}")
    if not exists:
        client.upload_whole(b"".join(layer.chunks()))


@contextmanager
def concurrent_pushes(clients: Sequence[PushClient]) -> Iterator[None]:
    """Let clients push in the background meanwhile; raise the first error of a client."""
    stop = Event()
    with ThreadPoolExecutor(len(clients)) as pool:
        pushing = [pool.submit(client.push_until, stop) for client in clients]
        try:
            yield
        finally:
            stop.set()
    for client in pushing:
        client.result()
