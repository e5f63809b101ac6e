"""Clients that push again and again, with layers that others push and delete, and keep account."""

import hashlib
import json
import random
from dataclasses import dataclass, field
from threading import Event, Thread

import httpx

from integration.deployment import Deployment
from integration.images import CONFIG, LAYER, MANIFEST

#: So few that most of what is pushed was there before, or has just become garbage; so many that
#: not all of them are in use.
LAYERS = [bytes([65 + number]) * 50_000 for number in range(16)]

#: Seconds between two pushes of a client.
PAUSE = 0.2


def digest_of(content: bytes) -> str:
    """The digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class PushingClient:
    """Pushes images of some layers under ever new tags, as clients do: what is there is not sent.

    Attributes:
        acknowledged: the manifest of each tag that the registry has taken.
        refused: how many pushes it has not taken, which the client then repeats.
    """

    deployment: Deployment
    repository: str
    seed: int
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    refused: int = 0

    def send_layers(self) -> None:
        """Send all layers, for no image: they are garbage."""
        with self.deployment.client() as client:
            for layer in LAYERS:
                self._send(client, layer)

    def push_until(self, stop: Event) -> None:
        """Push one image after the other."""
        source = random.Random(self.seed)  # noqa: S311  (what happens when, not a secret)
        number = 0
        with self.deployment.client() as client:
            # A client has other things to do as well, and every image has to be pulled in the end.
            while not stop.wait(PAUSE):
                number += 1
                layers = source.sample(LAYERS, 2)
                # The same image comes again and again, too.
                self._push(client, f"{number}", f"{source.randint(1, 9)}".encode(), layers)

    def _push(self, client: httpx.Client, tag: str, config: bytes, layers: list[bytes]) -> None:
        for blob in (config, *layers):
            self._send(client, blob)
        described = [
            {"mediaType": kind, "digest": digest_of(blob), "size": len(blob)}
            for kind, blob in ((CONFIG, config), *((LAYER, layer) for layer in layers))
        ]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described[0],
                "layers": described[1:],
            }
        ).encode()
        answer = client.put(
            f"/v2/{self.repository}/manifests/{tag}",
            content=manifest,
            headers={"Content-Type": MANIFEST},
        )
        if answer.status_code == httpx.codes.CREATED:
            self.acknowledged[tag] = manifest
        elif "MANIFEST_BLOB_UNKNOWN" in answer.text:
            self.refused += 1
        else:
            answer.raise_for_status()

    def _send(self, client: httpx.Client, blob: bytes) -> None:
        digest = digest_of(blob)
        if client.head(f"/v2/{self.repository}/blobs/{digest}").is_success:
            return
        begun = client.post(f"/v2/{self.repository}/blobs/uploads/").raise_for_status()
        where = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
        headers = {"Content-Type": "application/octet-stream"}
        client.put(where, content=blob, headers=headers).raise_for_status()

    def pull(self, client: httpx.Client, tag: str) -> None:
        """Pull what was pushed.

        Raises:
            httpx.HTTPStatusError: something is not there.
            ValueError: something is not what it was.
        """
        path = f"/v2/{self.repository}"
        answer = client.get(f"{path}/manifests/{tag}", headers={"Accept": MANIFEST})
        if answer.raise_for_status().content != self.acknowledged[tag]:
            raise ValueError(f"{path}:{tag} is another manifest")
        manifest = json.loads(answer.content)
        for one in (manifest["config"], *manifest["layers"]):
            blob = client.get(f"{path}/blobs/{one['digest']}").raise_for_status().content
            if digest_of(blob) != one["digest"]:
                raise ValueError(f"{path}: {one['digest']} has other bytes")


class Pushing:
    """Clients that push in the background.

    Usage:
        with Pushing([PushingClient(deployment, repository, seed)]): ...
    """

    def __init__(self, clients: list[PushingClient]) -> None:
        self._stop = Event()
        self._errors: list[Exception] = []
        self._threads = [Thread(target=self._run, args=[client]) for client in clients]

    def _run(self, client: PushingClient) -> None:
        try:
            client.push_until(self._stop)
        except Exception as error:
            self._errors.append(error)

    def __enter__(self) -> "Pushing":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
