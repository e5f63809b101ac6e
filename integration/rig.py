"""What measurements run on: it comes up whole or not at all, and leaves nothing behind."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from python_on_whales import DockerClient

from integration.local.cloud import LocalCloud
from integration.local.images import Images
from integration.local.machine import check_machine, make_private, podman
from integration.store import Store


class Rig(ABC):
    """Local clouds whose images are in an S3 that is fast enough to measure with.

    Args:
        directory: for everything that it writes.
        report: gets a line for each step.
    """

    def __init__(self, directory: Path, report: Callable[[str], None]) -> None:
        self._directory = directory.resolve()
        self._report = report
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._report("Taking everything down")
        self._stack.close()

    @abstractmethod
    def _start(self) -> None:
        """Bring everything up; what ``_stack`` holds is taken down."""

    def _prepare(self, *clouds: str) -> tuple[DockerClient, Images]:
        """Take down what a run that was killed has left of these clouds; make what all need."""
        check_machine()
        make_private(self._directory)
        for cloud in clouds:
            LocalCloud.end_standing(self._directory / cloud, self._report)
        client = podman(self._directory)
        images = Images(client, self._directory / "images.log", self._report)
        images.prepare_own()
        return client, images

    def _serve_images(self, client: DockerClient, kind: str) -> Store:
        """An S3 for images. Its name is the same at each run here: one that was left is ended."""
        name = f"wharf-{kind}-{hashlib.sha256(bytes(self._directory)).hexdigest()[:8]}"
        return self._stack.enter_context(Store(client, name, self._directory / "s3"))
