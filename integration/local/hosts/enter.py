"""A shell in a container of a host, to look around."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from integration.local.errors import LocalCloudError
from integration.local.hosts.host import Host


def find_host(hosts: Sequence[Host], wanted: str) -> Host:
    """Return the host that ``wanted`` means: its number from 1, or how its instance id begins.

    Raises:
        LocalCloudError: there is none, or there are several.
    """
    listed = ", ".join(f"{number} {host.id}" for number, host in enumerate(hosts, 1)) or "none"
    if wanted.isdecimal():
        found = hosts[int(wanted) - 1 : int(wanted)] if int(wanted) else []
    else:
        found = [host for host in hosts if host.id.startswith(wanted)]
    if len(found) != 1:
        many = "Several hosts begin with" if found else "There is no host"
        raise LocalCloudError(f"{many} {wanted!r}; give a number or the beginning of one: {listed}")
    return found[0]


def enter(host: Host, container: str) -> NoReturn:
    """Become a shell in a container; it ends this program.

    Raises:
        LocalCloudError: the host has no such container.
    """
    if container not in host.containers:
        raise LocalCloudError(
            f"Host {host.id} has no container {container!r}; it has {', '.join(host.containers)}"
        )
    terminal = ["--tty"] if sys.stdin.isatty() else []
    command = ["podman", "exec", "--interactive", *terminal, host.container(container), "sh"]
    os.execvp(command[0], command)  # noqa: S606  (no shell in between, on purpose)
