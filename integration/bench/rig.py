"""Rig for measurements: it comes up whole or not at all, and leaves nothing behind."""

import hashlib
import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from python_on_whales import DockerClient

from integration.bench.object_store import Store
from integration.local.cloud import LocalCloud
from integration.local.hosts.container_images import Images
from integration.local.hosts.host import Host
from integration.local.machine import check_machine, make_private, podman


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
        """Return an S3 for images; its name is fixed, so that an S3 of a killed run is ended."""
        name = f"wharf-{kind}-{hashlib.sha256(bytes(self._directory)).hexdigest()[:8]}"
        return self._stack.enter_context(Store(client, name, self._directory / "s3"))


def registry_version(host: Host) -> str:
    """Return the version of distribution on a host, such as ``3.1.1``."""
    command = ["nsenter", f"--target={host.pid('registry')}", "--mount", "/proc/1/exe", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return str(re.findall(r"\d+\.\d+\.\d+", said)[0])
