"""The entry point of the proxy container: fetch and check the files, run nginx, renew the files.

NGINX_CONFIG_BUCKET=my-configuration AWS_REGION=eu-west-1 python3 -m wharf_proxy.start
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import NoReturn

from wharf_proxy import cache, log, service, tls, workers
from wharf_proxy.bucket import Bucket
from wharf_proxy.configuration import Configuration
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NEEDED
from wharf_proxy.metrics import Metrics
from wharf_proxy.supervisor import Supervisor

DIRECTORY = Path("/var/lib/wharf")
"""Where nginx.conf expects the files. It is in memory, so the key never reaches a disk."""

NGINX = ("nginx", "-e", "stderr", "-g", "daemon off;")
VERIFIER = ("nginx", "-e", "stderr", "-c", "/etc/nginx/verifier.conf", "-g", "daemon off;")

REFRESH = "NGINX_REFRESH_SECONDS"
REMEMBER = "NGINX_REMEMBER_SECONDS"
"""Settings in seconds, with 60 as the default; nginx reads the second by itself."""

SERVICE = (sys.executable, "-m", "wharf_proxy.service", "--directory")

DELIVERY = "NGINX_BLOB_DELIVERY"
DELIVERIES = ("proxy", "cache", "redirect")
"""Where layers come from: the registry on each request, this host's disk, or S3 by itself. nginx
reads it."""

CACHE_SIZE = "NGINX_CACHE_GIGABYTES"
CONNECTIONS = "NGINX_CONNECTIONS_PER_ADDRESS"
UPLOADS = "NGINX_UPLOADS"
"""Limits of concurrent requests of an address, and of uploads; nginx reads them."""

SETTINGS, EVENTS = "settings.conf", "events.conf"
"""What nginx.conf includes: the second in its block ``events``."""


def main() -> NoReturn:
    """Run until told to stop, or report one line and end with status 1."""
    log.configure("start")
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
        _end(str(error))
    except OSError as error:
        _end(f"{error.filename}: {error.strerror}: check the image and its mounts")


def run(environment: Mapping[str, str], directory: Path) -> int:
    """Fetch the files, run nginx, the verifier and the service, renew the files.

    Return the exit status.

    Raises:
        ConfigurationError: a setting, an object or a file is missing or wrong; nothing runs.
        OSError: the directory cannot be written to.
    """
    refresh = _number(environment, REFRESH, "60", 3600, "seconds")
    _number(environment, REMEMBER, "60", 3600, "seconds")
    size = _number(environment, CACHE_SIZE, "10", 16384, "gigabytes")
    _number(environment, CONNECTIONS, "1000", 1_000_000, "connections")
    _number(environment, UPLOADS, "50", 10_000, "uploads")
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
    if not environment.get(service.IMAGES):
        raise ConfigurationError(
            f"{service.IMAGES} is not set: set it to the bucket of the registry's images, "
            "which tags and repositories are listed from"
        )
    # boto3 reads AWS_DEFAULT_REGION by itself, but not AWS_REGION.
    metrics = Metrics(directory)
    bucket = Bucket(name, region=environment.get("AWS_REGION"))
    configuration = Configuration(bucket, directory, metrics)
    configuration.fetch()
    write_settings(directory, size)
    cache.sweep()
    programs = Supervisor([NGINX, VERIFIER, (*SERVICE, str(directory))])
    # The verifier reads the users on each request.
    _in_background(configuration.keep, refresh, lambda: _reload_nginx(programs))
    if environment.get(DELIVERY) == "cache":
        _in_background(cache.watch, directory, metrics)
    return programs.wait()


def write_settings(directory: Path, cache_size: int) -> None:
    """Write the files that nginx.conf includes; ``cache_size`` is in gigabytes."""
    (directory / SETTINGS).write_text(cache.PATH.format(size=cache_size) + tls.settings())
    (directory / EVENTS).write_text(workers.settings())


def _reload_nginx(programs: Supervisor) -> None:
    workers.end_oldest(programs.pid(0))
    programs.reload(0)


def _in_background(work: Callable[..., NoReturn], *arguments: object) -> None:
    Thread(target=work, args=arguments, daemon=True).start()


def _number(environment: Mapping[str, str], name: str, default: str, most: int, unit: str) -> int:
    given = environment.get(name, default)
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise ConfigurationError(f"{name} = {given!r}: it must be 1 to {most} {unit}")
    return int(given)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    _end(f"{signal.Signals(number).name} before nginx was started")


def _end(message: str) -> NoReturn:
    log.report("start_failed", message)
    sys.exit(1)


if __name__ == "__main__":
    main()
