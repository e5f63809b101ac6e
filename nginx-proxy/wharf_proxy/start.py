"""The entry point of the proxy container: fetch the three files, check them, become nginx.

NGINX_CONFIG_BUCKET=my-configuration AWS_REGION=eu-west-1 python3 -m wharf_proxy.start
"""

import argparse
import grp
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from wharf_proxy.atomic_file import AtomicFile, write
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import CERTIFICATE, KEY, NAMES, USERS, check

DIRECTORY = Path("/run/wharf")
"""Where nginx.conf expects the files. /run is in memory, so the key never reaches a disk."""

_NGINX_GROUP = "www-data"
_NGINX = ("nginx", "-e", "stderr", "-g", "daemon off;")


def main() -> NoReturn:
    """Become nginx, or end with status 1 and one line on standard error."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, default=DIRECTORY, help="for tests")
    directory: Path = arguments.parse_args().directory
    # The kernel ignores these for a container's first process unless it asks for them, and a stop
    # would wait for its full timeout. exec gives nginx the defaults back.
    signal.signal(signal.SIGQUIT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        prepare(os.environ, directory)
        become_nginx()
    except ConfigurationError as error:
        sys.exit(f"wharf-proxy: {error}")
    except OSError as error:
        sys.exit(f"wharf-proxy: {error.filename}: {error.strerror}: check the image and its mounts")


def prepare(environment: Mapping[str, str], directory: Path) -> None:
    """Fetch the three files from the bucket that NGINX_CONFIG_BUCKET names, check and write them.

    Raises:
        ConfigurationError: a setting, an object or a file is missing or wrong. Nothing is written.
        OSError: the directory cannot be written to.
    """
    name = environment.get("NGINX_CONFIG_BUCKET")
    if not name:
        raise ConfigurationError(
            "NGINX_CONFIG_BUCKET is not set: set it to the bucket that "
            f"`python -m scripts.publish` writes {', '.join(NAMES)} to"
        )
    # boto3 reads AWS_DEFAULT_REGION by itself, but not AWS_REGION.
    bucket = Bucket(name, region=environment.get("AWS_REGION"))
    files = {key: bucket.download(key) for key in NAMES}
    try:
        check(files)
    except ConfigurationError as error:
        raise ConfigurationError(f"s3://{name}/{error}") from None
    _write(files, directory)


def become_nginx() -> NoReturn:
    """Replace this process with nginx in the foreground, so that it is the one that gets signals.

    Raises:
        ConfigurationError: there is no nginx on the PATH.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file
    try:
        os.execvp(_NGINX[0], _NGINX)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise ConfigurationError(f"nginx: {error.strerror}: install it in the image") from None


def _write(files: Mapping[str, bytes], directory: Path) -> None:
    """Write for root, and the users also for nginx's workers, who read them on each request."""
    group = _group_of_workers()
    directory.mkdir(parents=True, exist_ok=True)
    os.chown(directory, -1, group)
    directory.chmod(0o750)
    write(
        AtomicFile(path=directory / USERS, content=files[USERS], mode=0o640, group=group),
        AtomicFile(path=directory / CERTIFICATE, content=files[CERTIFICATE]),
        AtomicFile(path=directory / KEY, content=files[KEY]),
    )


def _group_of_workers() -> int:
    """Return the group's number, or -1 where there is nothing to give away: outside the image."""
    try:
        return grp.getgrnam(_NGINX_GROUP).gr_gid if os.geteuid() == 0 else -1
    except KeyError:
        return -1


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(f"wharf-proxy: {signal.Signals(number).name} before nginx was started")


if __name__ == "__main__":
    main()
