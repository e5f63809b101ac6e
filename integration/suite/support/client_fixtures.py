"""Fixtures of the tests with current clients; conftest.py imports them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar, cast
from urllib.parse import urlsplit

import pytest

from integration.clients.deployment import Deployment, hosts_lines
from integration.clients.image_builder import make_index
from integration.clients.program import Can, Client
from integration.clients.root import root_file_system
from integration.clients.sandbox import Sandbox
from integration.clients.table import CLIENTS, PACKAGES, able
from integration.local.cloud import LocalCloud
from integration.suite.support.logs import Request, requests_for

T = TypeVar("T", bound=Client)


class Find(Protocol):
    """Return a client that is started and logged in."""

    def __call__(self, kind: type[T]) -> T:
        """Start and log in the client at its first use."""
        ...


#: Returns the requests for a repository that were logged so far.
Traffic = Callable[[str], list[Request]]


def clients(*wanted: Can) -> pytest.MarkDecorator:
    """Run a test with each client that can do all of this; the others are in docs/clients.md."""
    kinds = [kind for kind in CLIENTS if all(kind in able(can) for can in wanted)]
    names = [kind.__name__ for kind in kinds]
    return pytest.mark.parametrize("current", kinds, indirect=True, ids=names)


@pytest.fixture(scope="session")
def sandbox(
    only_local: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sandbox]:
    """Yield a sandbox with all clients. It takes root, as the local cloud does."""
    with Sandbox(root_file_system(PACKAGES), tmp_path_factory.getbasetemp()) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def started_clients() -> dict[type[Client], Client]:
    """Return the clients that are started and logged in."""
    return {}


@pytest.fixture
def find(
    sandbox: Sandbox, deployment: Deployment, started_clients: dict[type[Client], Client]
) -> Find:
    """Return a client, started and logged in at its first use."""

    def find(kind: type[T]) -> T:
        if kind not in started_clients:
            registry = urlsplit(deployment.url).netloc
            sandbox.trust(registry, deployment.ca)
            names = hosts_lines(deployment.names)
            sandbox.write("/etc/hosts", Path("/etc/hosts").read_text() + names)
            client = kind(sandbox, registry, deployment.username)
            client.start()
            client.login(deployment.password)
            started_clients[kind] = client
        return cast(T, started_clients[kind])

    return find


@pytest.fixture
def current(request: pytest.FixtureRequest, find: Find) -> Client:
    """Return the client that ``clients`` chose for this run of a test."""
    client: Client = find(request.param)
    return client


@pytest.fixture
def traffic(cloud: LocalCloud, deployment: Deployment) -> Traffic:
    """Return the requests for a repository so far."""
    return lambda repository: requests_for(cloud, deployment, repository)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Return a layout with an index of two platforms."""
    make_index(tmp_path / "index", ["amd64", "arm64"])
    return tmp_path / "index"
