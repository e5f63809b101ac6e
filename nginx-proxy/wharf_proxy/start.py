"""The entry point of the proxy container: fetch and check the files, run nginx, renew the files.

NGINX_CONFIG_BUCKET=my-configuration AWS_REGION=eu-west-1 python3 -m wharf_proxy.start
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import NoReturn

from wharf_proxy.bucket import Bucket
from wharf_proxy.configuration import Configuration
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NEEDED
from wharf_proxy.supervisor import Supervisor

DIRECTORY = Path("/var/lib/wharf")
"""Where nginx.conf expects the files. It is in memory, so the key never reaches a disk."""

NGINX = ("nginx", "-e", "stderr", "-g", "daemon off;")
VERIFIER = ("nginx", "-e", "stderr", "-c", "/etc/nginx/verifier.conf", "-g", "daemon off;")

REFRESH = "NGINX_REFRESH_SECONDS"
REMEMBER = "NGINX_REMEMBER_SECONDS"
"""Settings in seconds, with 60 as the default; nginx reads the second by itself."""

DELIVERY = "NGINX_BLOB_DELIVERY"
DELIVERIES = ("proxy", "cache")
"""Where layers come from: the registry on each request, or this host's disk. nginx reads it."""

CACHE_FOLDER = Path("/var/cache/wharf")
CACHE_SIZE = "NGINX_CACHE_GIGABYTES"
CACHE = """\
proxy_cache_path /var/cache/wharf levels=1:2 keys_zone=blobs:16m max_size={size}g min_free=2g
    inactive=30d use_temp_path=off;
"""
"""What nginx.conf includes: the least used layers go when there are more, or the disk is full."""

HALF_FETCHED = "?/??/*.??????????"
"""Files that a killed nginx leaves in its cache, and that no nginx looks at again."""


def main() -> NoReturn:
    """Run until told to stop, or end with status 1 and one line on standard error."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, default=DIRECTORY, help="for tests")
    directory: Path = arguments.parse_args().directory
    # The kernel ignores these for a container's first process unless it asks for them, and a stop
    # during the first fetch would wait for its full timeout.
    signal.signal(signal.SIGQUIT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        sys.exit(run(os.environ, directory))
    except ConfigurationError as error:
        sys.exit(f"wharf-proxy: {error}")
    except OSError as error:
        sys.exit(f"wharf-proxy: {error.filename}: {error.strerror}: check the image and its mounts")


def run(environment: Mapping[str, str], directory: Path) -> int:
    """Fetch the files, run nginx and the verifier, renew the files; return the exit status.

    Raises:
        ConfigurationError: a setting, an object or a file is missing or wrong; nothing runs.
        OSError: the directory cannot be written to.
    """
    refresh = _number(environment, REFRESH, "60", 3600, "seconds")
    _number(environment, REMEMBER, "60", 3600, "seconds")
    size = _number(environment, CACHE_SIZE, "10", 16384, "gigabytes")
    if environment.get(DELIVERY, "proxy") not in DELIVERIES:
        raise ConfigurationError(
            f"{DELIVERY} = {environment[DELIVERY]!r}: it must be {' or '.join(DELIVERIES)}"
        )
    name = environment.get("NGINX_CONFIG_BUCKET")
    if not name:
        raise ConfigurationError(
            "NGINX_CONFIG_BUCKET is not set: set it to the bucket that "
            f"`python -m scripts.publish` writes {', '.join(NEEDED)} to"
        )
    # boto3 reads AWS_DEFAULT_REGION by itself, but not AWS_REGION.
    configuration = Configuration(Bucket(name, region=environment.get("AWS_REGION")), directory)
    configuration.fetch()
    (directory / "cache.conf").write_text(CACHE.format(size=size))
    for leftover in CACHE_FOLDER.glob(HALF_FETCHED):
        leftover.unlink()
    programs = Supervisor([NGINX, VERIFIER])
    # The verifier reads the users on each request.
    renew = Thread(target=configuration.keep, args=(refresh, lambda: programs.reload(0)))
    renew.daemon = True
    renew.start()
    return programs.wait()


def _number(environment: Mapping[str, str], name: str, default: str, most: int, unit: str) -> int:
    given = environment.get(name, default)
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise ConfigurationError(f"{name} = {given!r}: it must be 1 to {most} {unit}")
    return int(given)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(f"wharf-proxy: {signal.Signals(number).name} before nginx was started")


if __name__ == "__main__":
    main()
