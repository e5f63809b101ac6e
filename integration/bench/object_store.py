"""The S3 of the benchmark: SeaweedFS, since the emulator's own would be what is measured."""

import shutil
import sys
from pathlib import Path
from typing import Self

import httpx
from python_on_whales import DockerClient
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from integration.local.hosts.container_images import BASE
from integration.local.machine import ulimits
from integration.local.network.network import Network

#: The bucket that all variants share, and the stack is told to use.
BUCKET = "wharf-bench-images"
PORT = 8333
#: Seconds until it answers; 5 to 10 are usual.
PATIENCE = 60
#: Names under which clients ask for the bucket; SeaweedFS has to know them.
DOMAINS = "s3.amazonaws.com,s3.us-east-1.amazonaws.com"


class Store:
    """SeaweedFS in a pod on a network of its own; gone with it.

    It has no identities, so it accepts whatever keys the emulator has given to a role.

    Args:
        podman: the container engine.
        name: of the network and the pod.
        directory: for the objects; emptied at the start and removed at the end.
    """

    def __init__(self, podman: DockerClient, name: str, directory: Path) -> None:
        self._podman = podman
        self._network = Network(podman, name)
        self._directory = directory
        self.pod = f"{name}-s3"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._network.remove()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def address(self) -> str:
        """``address:port`` for HTTP."""
        return f"{self._network.address(2)}:{PORT}"

    @property
    def container(self) -> str:
        """The container that it runs in."""
        return f"{self.pod}-weed"

    def _start(self) -> None:
        self.__exit__()
        self._directory.mkdir(parents=True)
        self._network.create()
        self._network.create_pod(self.pod, self._network.address(2))
        program = Path(sys.executable).with_name("weed").resolve()
        self._podman.container.run(
            BASE,
            [
                "/usr/bin/weed",
                "-logtostderr",
                "server",
                "-dir=/data",
                f"-ip={self._network.address(2)}",
                "-ip.bind=0.0.0.0",
                "-volume.max=100",
                "-master.volumeSizeLimitMB=1024",
                "-s3",
                f"-s3.port={PORT}",
                f"-s3.domainName={DOMAINS}",
            ],
            name=self.container,
            pod=self.pod,
            detach=True,
            ulimit=ulimits(),
            log_driver="k8s-file",
            log_options=[f"path={self._directory.with_suffix('.log')}"],
            volumes=[(program, "/usr/bin/weed", "ro"), (self._directory, "/data")],
        )
        Retrying(
            stop=stop_after_delay(PATIENCE),
            wait=wait_fixed(0.5),
            retry=retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )(self._make_bucket)

    def _make_bucket(self) -> None:
        httpx.put(f"http://{self.address}/{BUCKET}", timeout=5).raise_for_status()
