"""The root file system that current client programs run in: packages of the next Debian."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from integration.clients.deployment import ClientError
from integration.console.processes import run

#: The next Debian. Its programs are the newest that Debian has.
SUITE = "forky"
#: Packages that a sandbox itself needs: a shell, ``mount``, ``env`` and ``cat``.
BASE = ("base-files", "coreutils", "dash", "mount")
#: Seconds until the file system is complete; 40 to 120 are usual.
LIMIT = 900

_BUILD = Path(__file__).resolve().parents[2] / "build"


def root_file_system(packages: Iterable[str], directory: Path = _BUILD / "clients") -> Path:
    """Return a directory with the packages unpacked; make the directory if it is absent or old.

    The directory is made once and then only read. A changed list of packages makes it anew.

    Raises:
        ClientError: mmdebstrap is missing or failed.
    """
    wanted = " ".join([SUITE, *sorted({*BASE, *packages})])
    made_of = directory / "packages"
    root = directory / "root"
    with _locked(directory):
        if not made_of.exists() or made_of.read_text() != wanted:
            made_of.unlink(missing_ok=True)
            shutil.rmtree(root, ignore_errors=True)
            _make(root, wanted.split()[1:], directory / "mmdebstrap.log")
            made_of.write_text(wanted)
    return root


def _make(root: Path, packages: Iterable[str], log: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise ClientError(
            "mmdebstrap is not installed, which unpacks the clients; run make setup-local"
        )
    command = [
        "mmdebstrap",
        "--mode=root",
        # Unpacked is enough for programs that need no service: no scripts run, nothing is mounted.
        "--variant=extract",
        # The Release file of a suite that is not published yet may be past its date on a mirror.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=APT::Install-Recommends "false"',
        f"--include={','.join(packages)}",
        SUITE,
        str(root),
    ]
    with log.open("w") as text:
        done = run(command, LIMIT, stdout=text, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise ClientError(f"mmdebstrap failed with status {done.returncode}; read {log}")


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time make the file system; the others wait for the result."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
