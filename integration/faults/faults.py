"""What goes wrong: each fault by its name, for as long as its context lasts."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from integration.faults.wire import disturbed, lost, slow
from integration.local.cloud import LocalCloud
from integration.local.endpoints import BROKEN, BUSY, SKEWED, Refusal
from integration.local.host import Host
from integration.settled import settled

Fault = Callable[[LocalCloud, Host], AbstractContextManager[None]]

#: Where nginx keeps layers.
CACHE = "/var/cache/wharf"


@contextmanager
def host_killed(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """The host is gone, as when its power fails."""
    cloud.kill_host(host.id)
    yield


@contextmanager
def _container_killed(name: str, _cloud: LocalCloud, host: Host) -> Iterator[None]:
    os.kill(host.pid(name), signal.SIGKILL)
    # Until podman has noticed, nobody would start it again.
    settled(f"podman to see that {name} has ended", lambda: host.runs(name), False)
    yield


@contextmanager
def s3_cut(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """Packets between the host and S3 are lost."""
    with disturbed(cloud.network.pid(host.pod), lost(cloud.endpoints.address)):
        yield


@contextmanager
def s3_slow(cloud: LocalCloud, host: Host) -> Iterator[None]:
    """The way between the host and S3 is narrow, and loses what is too much."""
    with disturbed(cloud.network.pid(host.pod), slow(cloud.endpoints.address)):
        yield


@contextmanager
def _s3_refuses(refusal: Refusal, cloud: LocalCloud, host: Host) -> Iterator[None]:
    with cloud.endpoints.refusing(host.address, refusal):
        yield


@contextmanager
def balancer_resets(cloud: LocalCloud, _host: Host) -> Iterator[None]:
    """The load balancer breaks off all connections, to clients and to hosts."""
    cloud.balancer.reset()
    yield


@contextmanager
def disk_full(_cloud: LocalCloud, host: Host) -> Iterator[None]:
    """The disk for layers has 8 MB, which is less than one of them may take."""
    enter = ["nsenter", "--all", f"--target={host.pid('nginx')}"]
    small = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=1777", "tmpfs", CACHE]
    subprocess.run([*enter, *small], check=True)
    try:
        settled("nginx to see that its disk is full", lambda: disk_is_full(host), True)
        yield
    finally:
        # Gone from the tree at once, though nginx may still be writing to it.
        subprocess.run([*enter, "umount", "--lazy", CACHE], check=True)
    settled("nginx to see that its disk has room", lambda: disk_is_full(host), False)


def disk_is_full(host: Host) -> bool:
    """Whether the nginx of a host has noticed that its disk for layers is full."""
    return Path(f"/proc/{host.pid('nginx')}/root/var/lib/wharf/cache-full").exists()


@contextmanager
def emulator_restarted(cloud: LocalCloud, _host: Host) -> Iterator[None]:
    """All of AWS is away, every connection to it broken; it comes back with its state."""
    with cloud.emulator.away():
        yield


FAULTS: Mapping[str, Fault] = {
    "host killed": host_killed,
    "nginx killed": partial(_container_killed, "nginx"),
    "registry killed": partial(_container_killed, "registry"),
    "S3 cut off": s3_cut,
    "S3 slow": s3_slow,
    "S3 answers 500": partial(_s3_refuses, BROKEN),
    "S3 answers 503": partial(_s3_refuses, BUSY),
    # No program can be given another clock here: Go reads the kernel's by itself, past libfaketime,
    # and a time namespace has no clock of its own for the time of day. What depends on it is
    # whether S3 takes the signature, so this is what S3 says of one that is an hour off.
    "clock an hour off": partial(_s3_refuses, SKEWED),
    "balancer resets": balancer_resets,
    "disk full": disk_full,
    # The last: the others may call the AWS API to begin.
    "emulator restarted": emulator_restarted,
}
#: What ends something that AWS then starts again.
ENDS = frozenset({"host killed", "nginx killed", "registry killed"})
#: What is over when it has happened; the others last.
HAPPEN = ENDS | {"balancer resets"}
