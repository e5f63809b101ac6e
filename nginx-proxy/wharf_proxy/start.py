"""The entry point of the proxy container: fetch and check the files, run nginx, renew the files.

NGINX_CONFIG_BUCKET=my-configuration AWS_REGION=eu-west-1 python3 -m wharf_proxy.start
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import NoReturn

from wharf_proxy import cache, cors, log, mirrors, tls, workers
from wharf_proxy.bucket import Bucket, sts_url
from wharf_proxy.configuration import Configuration
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.issuer_keys import IssuerKeys
from wharf_proxy.metrics import Metrics
from wharf_proxy.settings import ProxySettings
from wharf_proxy.supervisor import Supervisor

DIRECTORY = Path("/var/lib/wharf")
"""Where nginx.conf expects the files. It is in memory, so the key never reaches a disk."""

NGINX = ("nginx", "-e", "stderr", "-g", "daemon off;")
LAYERS = ("nginx", "-e", "stderr", "-c", "/etc/nginx/layers.conf", "-g", "daemon off;")
VERIFIER = ("nginx", "-e", "stderr", "-c", "/etc/nginx/verifier.conf", "-g", "daemon off;")

SERVICE = (sys.executable, "-m", "wharf_proxy.service", "--directory")
PAGE = (sys.executable, "-m", "wharf_proxy.page_service", "--directory")
IDENTITY = (sys.executable, "-m", "wharf_proxy.identity_service", "--directory")
MIRROR = (sys.executable, "-m", "wharf_proxy.mirror_service", "--directory")

PAGE_PLACE = -1
"""Its place in the list of programs, if it is there."""

STOPPING = "stopping"
"""The file with which ``/ssl`` fails; nginx's health.conf has its path."""

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
    """Fetch the files, run the programs, renew the files; return the exit status.

    Raises:
        ConfigurationError: a setting, an object or a file is missing or wrong; nothing runs.
        OSError: the directory cannot be written to, or there is no folder for the cache.
    """
    settings = ProxySettings.from_environment(environment)
    metrics = Metrics(directory)
    bucket = Bucket(settings.configuration_bucket, region=settings.region)
    configuration = Configuration(bucket, directory, metrics)
    configuration.fetch()
    write_settings(directory, settings)
    if settings.blob_delivery == "cache":
        cache.sweep()
    (directory / STOPPING).unlink(missing_ok=True)
    programs = Supervisor(
        [
            *(NGINX, LAYERS, VERIFIER),
            (*SERVICE, str(directory)),
            (*IDENTITY, str(directory), "--sts", sts_url(settings.region)),
            *([(*MIRROR, str(directory))] if settings.mirrors else []),
            *([(*PAGE, str(directory))] if settings.page else []),
        ],
        lambda: _leave(directory, settings, programs),
        {**environment, **settings.for_nginx()},
    )
    _in_background(IssuerKeys(directory).keep, settings.refresh_seconds)
    # The verifier reads the users on each request, and so does the service of identities.
    _in_background(configuration.keep, settings.refresh_seconds, lambda: _reload_nginx(programs))
    if settings.blob_delivery == "cache":
        _in_background(cache.watch, directory, metrics)
    return programs.wait()


def write_settings(directory: Path, settings: ProxySettings) -> None:
    """Write the files that nginx.conf includes."""
    text = cache.PATH.format(size=settings.cache_gigabytes) + tls.settings()
    text += cors.settings(settings.browser_origins) + mirrors.settings(settings.mirrors)
    (directory / SETTINGS).write_text(text)
    (directory / EVENTS).write_text(workers.settings())


def _leave(directory: Path, settings: ProxySettings, programs: Supervisor) -> None:
    """Serve until the load balancer has noticed that the host leaves.

    The page's program ends at once: requests under way may last until the host is killed, and the
    host would be shown as one that does not report.

    ECS may stop a task whose host still gets new clients:
    https://github.com/aws/amazon-ecs-agent/issues/2288
    """
    (directory / STOPPING).touch()
    if settings.page:
        programs.stop(PAGE_PLACE)
    time.sleep(settings.notice_seconds)


def _reload_nginx(programs: Supervisor) -> None:
    workers.end_oldest(programs.pid(0))
    programs.reload(0)


def _in_background(work: Callable[..., NoReturn], *arguments: object) -> None:
    Thread(target=work, args=arguments, daemon=True).start()


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    _end(f"{signal.Signals(number).name} before nginx was started")


def _end(message: str) -> NoReturn:
    log.report("start_failed", message)
    sys.exit(1)


if __name__ == "__main__":
    main()
