"""All clients, and the table of docs/clients.md: ``wharf clients --table``."""

from integration.clients.containers import Buildah, Podman, Skopeo
from integration.clients.cosign import Cosign
from integration.clients.crane import Crane
from integration.clients.ctr import Ctr
from integration.clients.docker import DockerContainerd, DockerGraphDriver
from integration.clients.oras import Oras
from integration.clients.program import METHODS, Can, Client

CLIENTS: tuple[type[Client], ...] = (
    DockerGraphDriver,
    DockerContainerd,
    Ctr,
    Podman,
    Buildah,
    Skopeo,
    Crane,
    Oras,
    Cosign,
)
#: Debian packages of all clients.
PACKAGES = frozenset(package for client in CLIENTS for package in client.packages)


def able(can: Can) -> list[type[Client]]:
    """Return the clients that can do something."""
    return [client for client in CLIENTS if issubclass(client, METHODS[can])]


def table() -> str:
    """Return the table of what each client does in the suite, and why not the rest."""
    lines = [["client", *Can], ["---"] * (1 + len(Can))]
    lines += [
        [client.name, *("yes" if client in able(can) else "no" for can in Can)]
        for client in CLIENTS
    ]
    rows = [f"| {' | '.join(line)} |" for line in lines]
    reasons = [
        f"- {client.name}, {', '.join(cans)}: {reason}."
        for client in CLIENTS
        for reason, cans in _by_reason(client).items()
    ]
    return "\n".join([*rows, "", "What is not in the table, and why:", "", *reasons]) + "\n"


def _by_reason(client: type[Client]) -> dict[str, list[Can]]:
    found: dict[str, list[Can]] = {}
    for can, reason in client.cannot.items():
        found.setdefault(reason, []).append(can)
    return found
