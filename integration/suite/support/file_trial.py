"""A proxy to try configuration files: real nginx, real verifier, the programs of the image.

Only the registry behind it is a stand-in: files are tried here, not images.
"""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self, cast

from integration.local.machine import ulimits

PORT = 8443
#: Runs in the image: reads files from standard input, a line of JSON each, and serves with them.
DRIVER = Path(__file__).with_name("file_driver.py")


class FileTrial:
    """A container of the proxy's image that starts its nginx anew with each set of files.

    Args:
        command: what starts Python in the image.
        enter: what a client's command needs before it to be in the container's network; ``PID``
            stands for the process of the container's first program.

    Usage:
        with FileTrial.of_image("localhost/wharf/nginx-proxy:1") as trial:
            refusal = trial.serve(files)
    """

    def __init__(self, command: Sequence[str], enter: Sequence[str]) -> None:
        self._program = subprocess.Popen(
            [*command, "python3", "-u", "-c", DRIVER.read_text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._requests = cast("IO[str]", self._program.stdin)
        self._responses = cast("IO[str]", self._program.stdout)
        process = str(self._response()["pid"])
        self._enter = [word.replace("PID", process) for word in enter]

    @classmethod
    def of_image(cls, image: str) -> Self:
        """Run an image with podman, without any network but loopback."""
        place = ("--network", "none", "--add-host", "registry:127.0.0.1", "--read-only")
        folders = ("--tmpfs", "/var/lib/wharf:mode=1777", "--tmpfs", "/var/cache/wharf:mode=1777")
        limits = [f"--ulimit={limit}" for limit in ulimits()]
        # The host's numbers of processes, for nsenter.
        entry = ("--entrypoint", "/usr/bin/env", "--pid", "host")
        return cls(
            ["podman", "run", "--rm", "--interactive", *place, *folders, *limits, *entry, image],
            ["nsenter", "--net=/proc/PID/ns/net"],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._program.wait(30)
        self._responses.close()

    def serve(self, files: Mapping[str, bytes]) -> str | None:
        """Start with these files; return why the proxy refuses them, or None."""
        line = json.dumps({name: b64encode(content).decode() for name, content in files.items()})
        print(line, file=self._requests, flush=True)
        refused = self._response()["refused"]
        return None if refused is None else str(refused)

    def client(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a client's command beside the proxy, which it reaches as localhost:8443."""
        return subprocess.run(
            [*self._enter, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def _response(self) -> Mapping[str, object]:
        line = self._responses.readline()
        if not line:
            sys.exit(f"the proxy of the trial ended with status {self._program.wait(10)}")
        found: Mapping[str, object] = json.loads(line)
        return found
