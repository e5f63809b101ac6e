"""A sandbox for client programs: files and processes of its own, the network of this machine."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from integration.clients.deployment import CLIENT_TIMEOUT, ClientError
from integration.console.waiting import wait_until
from scripts.programs import output_of

#: Seconds until a daemon accepts requests; one is usual.
START = 60
#: Seconds that the end of all processes may take; it takes less than one.
GRACE = 20
#: The registry's certificate, for programs that read a file which a variable names.
TRUST = "/etc/ssl/registry.pem"
#: Folders in which Docker, and podman with its relatives, look for a registry's certificate.
CERTIFICATES = ("/etc/docker/certs.d", "/etc/containers/certs.d")
#: Certificates of public authorities, on Debian and its relatives.
PUBLIC = Path("/etc/ssl/certs/ca-certificates.crt")

# Everything that is written goes to file systems in memory, which end with the mount namespace.
# /dev/shm is private: podman keeps its locks there, under a name that all podmans share.
_SCRIPT = """
root=$1; shared=$2; all=/mnt
mount -t tmpfs clients $all
mkdir $all/upper $all/work $all/root
mount -t overlay -o "lowerdir=$root,upperdir=$all/upper,workdir=$all/work" clients $all/root
cd $all/root
for directory in dev run tmp var/lib; do
    mkdir -p $directory
    mount -t tmpfs clients $directory
done
for device in full null random urandom zero; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/shm
mount -t proc proc proc
mount --rbind /sys sys
cp /etc/resolv.conf etc/
mkdir -p ".$shared"
mount --bind "$shared" ".$shared"
echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
echo ready
exec chroot . cat
"""


class Sandbox:
    """A PID and a mount namespace whose root is a copy-on-write view of a root file system.

    The first process reads a pipe from this process. It ends when this process does, in whatever
    way, and the kernel then kills all processes of the namespace and drops its mounts.

    Args:
        root: file system with the programs; only read.
        shared: directory that both sides see at the same path.

    Usage:

        with Sandbox(root, tmp_path) as sandbox:
            sandbox.run(["crane", "version"])
    """

    def __init__(self, root: Path, shared: Path) -> None:
        self._root = root.resolve()
        self._shared = shared.resolve()
        self._daemons: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        unshare = ["unshare", "--mount", "--pid", "--ipc", "--kill-child", "--fork"]
        self._first = subprocess.Popen(
            [*unshare, "sh", "-euc", _SCRIPT, "sandbox", str(self._root), str(self._shared)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._first.stdout  # noqa: S101  (for mypy)
        if self._first.stdout.readline() != "ready\n":
            _, said = self._first.communicate()
            raise ClientError(f"No namespace for client programs: {said.strip()}")
        self._pid = psutil.Process(self._first.pid).children()[0].pid
        return self

    def __exit__(self, *_: object) -> None:
        self._first.communicate(timeout=GRACE)
        for daemon in self._daemons:
            daemon.wait(timeout=GRACE)

    def write(self, path: str, text: str) -> None:
        """Write a file of the sandbox, readable by root only."""
        file = Path(f"/proc/{self._pid}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text)

    def trust(self, registry: str, certificate: Path | None) -> None:
        """Trust a registry's certificate; without one, those of public authorities."""
        public = PUBLIC.read_text() if PUBLIC.exists() else ""
        own = certificate.read_text() if certificate else public
        self.write(str(PUBLIC), public)
        self.write(TRUST, own)
        for folder in CERTIFICATES:
            self.write(f"{folder}/{registry}/ca.crt", own)

    def read(self, path: str) -> str:
        """Return the text of a file of the sandbox."""
        return Path(f"/proc/{self._pid}/root{path}").read_text()

    def run(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, text: str = ""
    ) -> str:
        """Run a program to its end; return its standard output.

        Args:
            command: the program and its arguments; no password, since processes are listed.
            environment: further variables.
            text: standard input.

        Raises:
            ClientError: the status is not zero; the text ends with the program's last line.
        """
        return output_of(
            command[0],
            self._inside(command),
            ClientError,
            text=text,
            env=_environment(environment),
            timeout=CLIENT_TIMEOUT,
        )

    def start(self, command: Sequence[str], log: str, ready: str = "") -> None:
        """Start a daemon that ends with the sandbox, and wait until it logs that it is ready.

        Args:
            command: the program and its arguments.
            log: file of the sandbox for its output.
            ready: text in the log, empty to wait for nothing.

        Raises:
            AssertionError: the text did not appear.
        """
        self.write(log, "")
        with Path(f"/proc/{self._pid}/root{log}").open("w") as output:
            self._daemons.append(
                subprocess.Popen(
                    self._inside(command),
                    env=_environment(None),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    text=True,
                )
            )

        wait_until(
            f"{command[0]} to log {ready!r}",
            lambda: ready in self.read(log) or self.read(log),
            True,
            START,
        )

    def _inside(self, command: Sequence[str]) -> list[str]:
        nsenter = ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--ipc", "--root"]
        return [*nsenter, "--wd", *command]


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """Return the variables of a program: none of this process but the search path."""
    own = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    return {**own, **(more or {})}
