"""The faults, by their names; each lasts as long as its context."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from integration.console.waiting import wait_until
from integration.faults.wire import SLOW, disturbed, lost, slow
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.local.network.endpoints import BROKEN, BUSY, SKEWED, Refusal
from integration.local.upstream import Upstream

Fault = Callable[[LocalCloud, Host], AbstractContextManager[None]]

#: Requests that an upstream leaves without a response while it is down.
ALL = 10**9
#: Where nginx keeps layers.
CACHE = "/var/cache/wharf"


@contextmanager
def host_killed(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """Kill the host, as when its power fails."""
    cloud.kill_host(host.id)
    yield


@contextmanager
def _container_killed(name: str, _cloud: LocalCloud, host: Host) -> Iterator[None]:
    os.kill(host.pid(name), signal.SIGKILL)
    # The cloud starts a container again only after podman has noticed its end.
    wait_until(f"podman to see that {name} has ended", lambda: host.runs(name), False)
    yield


def s3_cut(cloud: LocalCloud, host: Host) -> AbstractContextManager[None]:
    """Lose the packets between the host and S3."""
    return disturbed(cloud.network.pid(host.pod), lost(cloud.endpoints.address))


def s3_slow(cloud: LocalCloud, host: Host) -> AbstractContextManager[None]:
    """Limit the rate between the host and S3; packets above it are lost."""
    return disturbed(cloud.network.pid(host.pod), slow(cloud.endpoints.address))


def _s3_refuses(refusal: Refusal, cloud: LocalCloud, host: Host) -> AbstractContextManager[None]:
    return cloud.endpoints.refusing(host.address, refusal)


@contextmanager
def balancer_resets(cloud: LocalCloud, _host: Host) -> Iterator[None]:
    """Break all connections of the load balancer, to clients and to hosts."""
    cloud.balancer.reset()
    yield


@contextmanager
def disk_full(_cloud: LocalCloud, host: Host) -> Iterator[None]:
    """Leave 8 MB on the disk for layers, which is less than a layer may take."""
    enter = ["nsenter", "--all", f"--target={host.pid('nginx')}"]
    small = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=1777", "tmpfs", CACHE]
    subprocess.run([*enter, *small], check=True)
    try:
        wait_until("nginx to see that its disk is full", lambda: disk_is_full(host), True)
        yield
    finally:
        # Lazy: nginx may still be writing to the file system.
        subprocess.run([*enter, "umount", "--lazy", CACHE], check=True)
    wait_until("nginx to see that its disk has room", lambda: disk_is_full(host), False)


def disk_is_full(host: Host) -> bool:
    """Return whether the nginx of a host has noticed that its disk for layers is full."""
    return Path(f"/proc/{host.pid('nginx')}/root/var/lib/wharf/cache-full").exists()


def emulator_restarted(cloud: LocalCloud, _host: Host) -> AbstractContextManager[None]:
    """Stop the whole emulated AWS and break its connections; it returns with its state."""
    return cloud.emulator.away()


@contextmanager
def _upstream_fails(
    changes: Mapping[str, Any], upstream: Upstream, _cloud: LocalCloud, _host: Host
) -> Iterator[None]:
    before = upstream.faults
    upstream.faults = replace(before, **changes)
    try:
        yield
    finally:
        upstream.faults = before


#: Faults of the registry that the hosts mirror, as fields of its ``Faults``.
UPSTREAM_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "upstream slow": {"bytes_a_second": SLOW},
    "upstream cuts off": {"cuts": True},
    "upstream lies": {"lies": True},
    "upstream responds 503": {"status": 503},
    "upstream limits": {"status": 429, "retry_after": "1"},
    "upstream down": {"hang_ups": ALL},
}

FAULTS: Mapping[str, Fault] = {
    "host killed": host_killed,
    "nginx killed": partial(_container_killed, "nginx"),
    "registry killed": partial(_container_killed, "registry"),
    "S3 cut off": s3_cut,
    "S3 slow": s3_slow,
    "S3 answers 500": partial(_s3_refuses, BROKEN),
    "S3 answers 503": partial(_s3_refuses, BUSY),
    # No program can have another clock here: Go reads the kernel's clock without libfaketime, and a
    # time namespace has no time of day. Only the signature for S3 depends on the clock, so S3
    # responds here as it does to a signature that is an hour off.
    "clock an hour off": partial(_s3_refuses, SKEWED),
    "balancer resets": balancer_resets,
    "disk full": disk_full,
    # The last fault of a trial to begin: other faults may call the AWS API to begin.
    "emulator restarted": emulator_restarted,
}


def all_faults(upstream: Upstream) -> Mapping[str, Fault]:
    """Return the faults, with those of the registry that the hosts mirror."""
    faults = dict(FAULTS)
    last = {name: faults.pop(name) for name in ("emulator restarted",)}
    of_upstream = {
        name: partial(_upstream_fails, changes, upstream)
        for name, changes in UPSTREAM_FAULTS.items()
    }
    return {**faults, **of_upstream, **last}


#: Faults that end a host or container, which AWS then starts again.
ENDS = frozenset({"host killed", "nginx killed", "registry killed"})
#: Faults that are events; the others last.
HAPPEN = ENDS | {"balancer resets"}
