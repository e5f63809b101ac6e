"""One suite for two targets: a local cloud, brought up once a session, or a live deployment."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.deployment import Deployment
from integration.images import MEGABYTE, make_image
from integration.interrupts import ends_on_signals
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry

#: Times that tests wait for, and a limit that they reach: more than other tests ask for at a time.
QUICK = {
    "proxy_refresh_seconds": 1,
    "proxy_remember_seconds": 3,
    "proxy_connections_per_address": 80,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("registry", "a live deployment in the place of the local cloud")
    group.addoption("--registry", metavar="URL", help="such as https://registry.example.com")
    group.addoption("--username", help="the password is taken from REGISTRY_PASSWORD")
    group.addoption("--ca", type=Path, help="certificate to trust (PEM)")
    group.addoption(
        "--directory",
        type=Path,
        default=Path("build/integration"),
        help="of the local cloud; suites that run beside each other need one each",
    )
    group.addoption("--keep", action="store_true", help="leave the local cloud standing at the end")
    group.addoption("--reuse", action="store_true", help="use the one that stands, and leave it")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "destroys: leaves no registry behind, so it runs last")
    if config.getoption("--registry") and not os.environ.get("REGISTRY_PASSWORD"):
        raise pytest.UsageError("--registry needs the password in REGISTRY_PASSWORD")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--keep") or config.getoption("--reuse"):
        items[:] = [item for item in items if item.get_closest_marker("destroys") is None]
    items.sort(key=lambda item: item.get_closest_marker("destroys") is not None)


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say what a long fixture is doing."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def report(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  {line}", end="", flush=True)

    return report


@pytest.fixture(scope="session")
def only_local(request: pytest.FixtureRequest) -> None:
    """What takes a cloud of the suite's own: it ends hosts, changes what is published, deploys.

    A live deployment is somebody's, and gives neither its hosts nor its account.
    """
    if request.config.getoption("--registry"):
        pytest.skip("it takes a local cloud: it controls hosts, or looks into the account")


@pytest.fixture(scope="session")
def registry(
    request: pytest.FixtureRequest,
    report: Callable[[str], None],
    only_local: None,  # noqa: ARG001
) -> Iterator[LocalRegistry]:
    """Two hosts behind a network load balancer, on this machine."""
    directory: Path = request.config.getoption("--directory")
    if request.config.getoption("--reuse"):
        yield LocalRegistry.standing(directory, report)
        return
    with ends_on_signals():
        registry = LocalRegistry(directory, hosts=2, variables=QUICK, report=report)
        registry.up()
        try:
            yield registry
        finally:
            if request.config.getoption("--keep"):
                registry.cloud.emulator.leave()
            else:
                registry.cloud.down()


@pytest.fixture(scope="session")
def cloud(registry: LocalRegistry) -> LocalCloud:
    """What only the local cloud can do: end hosts, look into the account."""
    return registry.cloud


@pytest.fixture
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """The registry under test."""
    url = request.config.getoption("--registry")
    if url:
        return Deployment(
            url=url,
            username=request.config.getoption("--username") or "",
            password=os.environ["REGISTRY_PASSWORD"],
            ca=request.config.getoption("--ca"),
        )
    registry: LocalRegistry = request.getfixturevalue("registry")
    return registry.deployment


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """A repository that no other test and no other run uses."""
    name = request.node.name.lower().replace("_", "-").split("[")[0]
    return f"wharf-test/{name}-{os.urandom(3).hex()}"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image of three layers: 5 MB, 100 kB and one byte."""
    layout = tmp_path / "image"
    make_image(layout, [5 * MEGABYTE, 100_000, 1], seed=int.from_bytes(os.urandom(4)))
    return layout
