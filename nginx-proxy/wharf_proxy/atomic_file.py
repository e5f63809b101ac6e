"""Files that are replaced together: all old or all new."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class AtomicFile:
    """A file to write: the default mode is for secrets, the group is a number, -1 keeps it.

    Usage:
        write(AtomicFile(path=Path("domain.key"), content=key))
    """

    path: Path
    content: bytes
    mode: int = 0o600
    group: int = -1


def write(*files: AtomicFile) -> None:
    """Write all files or none: each is complete on disk before the first replaces its old version.

    A symbolic link stays a link; the file that it points to is replaced.

    Raises:
        OSError: a file cannot be written. The error's `filename` is that file's path.
    """
    with ExitStack() as cleanup:
        drafts = []
        for file in files:
            target = Path(os.path.realpath(file.path))
            draft = _draft(file, target)
            cleanup.callback(_remove, draft)
            drafts.append((draft, target))
        for draft, target in drafts:
            os.replace(draft, target)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other program holds `path`, then hold it: read, change, write.

    The lock is on the folder: each write makes a new file.

    Raises:
        OSError: the folder of `path` does not exist or cannot be read.
    """
    folder = os.open(Path(os.path.realpath(path)).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _draft(file: AtomicFile, target: Path) -> str:
    """Write the content to a new file beside the target, which only its owner can open."""
    draft = None
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(file.content)
            stream.flush()
            os.fchown(descriptor, -1, file.group)
            os.fchmod(descriptor, file.mode)
            os.fsync(descriptor)
    except BaseException as error:
        if draft:
            _remove(draft)
        if isinstance(error, OSError):
            error.filename = str(file.path)  # not the draft's, or none when the disk is full
        raise
    return draft


def _remove(draft: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(draft)
