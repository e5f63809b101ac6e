"""One suite for two targets: a local cloud, brought up once a session, or a live deployment."""

import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, make_image
from integration.console.signals import ends_on_signals
from integration.local.cloud import LocalCloud, apply_with_terraform
from integration.local.emulator.process import Emulator
from integration.local.registry import LocalRegistry
from integration.local.terraform import Terraform
from integration.suite.support.client_fixtures import (  # noqa: F401  (pytest finds fixtures here)
    current,
    find,
    index,
    sandbox,
    started_clients,
    traffic,
)
from integration.suite.support.configuration_files import ConfigurationFiles
from integration.suite.support.image_bucket import ImageBucket, check_access
from integration.suite.support.registry_version import RegistryVersion, UnknownVersionError
from integration.suite.support.removal import remove_images
from integration.suite.support.reporting import CLOUD, Figure, Reporting

#: A time that tests wait for, and a limit that they reach: more than other tests ask for at a time.
QUICK = {"proxy_refresh_seconds": 1, "proxy_connections_per_address": 80}
REPORTING = pytest.StashKey[Reporting]()
SEED = pytest.StashKey[int]()
VERSION = pytest.StashKey[RegistryVersion]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("registry", "a live deployment in the place of the local cloud")
    group.addoption("--registry", metavar="URL", help="such as https://registry.example.com")
    group.addoption("--username", help="the password is taken from REGISTRY_PASSWORD")
    group.addoption("--ca", type=Path, help="certificate to trust (PEM)")
    group.addoption(
        "--registry-version",
        metavar="NUMBER",
        default="3.1.1",
        help="Version of distribution that the live deployment runs; no response contains it.",
    )
    group.addoption(
        "--bucket", metavar="NAME", help="of its images, to look into with AWS credentials"
    )
    group.addoption(
        "--directory",
        type=Path,
        default=CLOUD,
        help="of the local cloud; suites that run beside each other need one each",
    )
    group.addoption("--keep", action="store_true", help="leave the local cloud standing at the end")
    group.addoption("--reuse", action="store_true", help="use the one that stands, and leave it")
    group.addoption("--seed", type=int, metavar="N", help="of all that is random in tests")
    group.addoption(
        "--large-layer", type=int, default=100, metavar="MB", help="size of the largest layer"
    )


# Before pytest and pytest-html look where their reports belong.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "destroys: leaves no registry behind, so it runs last")
    config.addinivalue_line("markers", "hosts: it takes the local cloud; skipped with --registry")
    if config.getoption("--registry") and not os.environ.get("REGISTRY_PASSWORD"):
        raise pytest.UsageError("--registry needs the password in REGISTRY_PASSWORD")
    if config.getoption("--bucket"):
        check_access(config.getoption("--registry"))
    given = config.getoption("--seed")
    config.stash[SEED] = secrets.randbits(32) if given is None else given
    config.stash[REPORTING] = Reporting(config, config.stash[SEED])
    config.pluginmanager.register(config.stash[REPORTING], "wharf-reporting")
    if config.getoption("--registry"):
        _note_version(config, _version_of_live(config))


def _version_of_live(config: pytest.Config) -> RegistryVersion:
    try:
        return RegistryVersion.of(config.getoption("--registry-version"))
    except UnknownVersionError as error:
        raise pytest.UsageError(f"--registry-version: {error}") from None


def _note_version(config: pytest.Config, version: RegistryVersion) -> None:
    config.stash[VERSION] = version
    config.stash[REPORTING].registry = str(version)


# Before -m selects by the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "only_local" in getattr(item, "fixturenames", ()):
            item.add_marker("hosts")
    if config.getoption("--keep") or config.getoption("--reuse"):
        items[:] = [item for item in items if item.get_closest_marker("destroys") is None]
    items.sort(key=lambda item: item.get_closest_marker("destroys") is not None)


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Report the steps of a long fixture."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def report(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  {line}", end="", flush=True)

    return report


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Return the value of ``--seed``, or a seed of this run; the header of the run shows it."""
    return request.config.stash[SEED]


@pytest.fixture(name="random")
def random_of_the_test(request: pytest.FixtureRequest, seed: int) -> random.Random:
    """Return randomness that depends on the seed and the test's name, not on earlier tests."""
    return random.Random(f"{seed} {request.node.nodeid}")  # noqa: S311  (nothing to hide)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Put a figure into the reports: ``figure("recovery of a killed host", 10.5, "s")``."""
    return lambda name, value, unit: record_property(name, f"{value:.4g} {unit}".rstrip())


@pytest.fixture(scope="session")
def logs(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Show the logs of a cloud with the failures of tests: ``logs(directory / "logs")``."""
    return request.config.stash[REPORTING].logs.append


@pytest.fixture(scope="session")
def session_figure(
    request: pytest.FixtureRequest, record_testsuite_property: Callable[[str, object], None]
) -> Figure:
    """Return the same as ``figure`` for what a fixture of a session has measured."""

    def record(name: str, value: float, unit: str) -> None:
        text = f"{value:.4g} {unit}"
        record_testsuite_property(name, text)
        request.config.stash[REPORTING].add(name, text, "the local cloud")

    return record


@pytest.fixture(scope="session")
def only_local(request: pytest.FixtureRequest) -> None:
    """Skip a test on a live deployment: it ends hosts, changes configuration files, or deploys.

    A live deployment is somebody's, and gives neither its hosts nor its account. On the local cloud
    nothing is skipped.
    """
    if request.config.getoption("--registry"):
        pytest.skip("it takes a local cloud: it controls hosts, or changes or lists the account")


@pytest.fixture(scope="session")
def registry(
    request: pytest.FixtureRequest,
    report: Callable[[str], None],
    logs: Callable[[Path], None],
    session_figure: Figure,
    record_testsuite_property: Callable[[str, object], None],
    only_local: None,  # noqa: ARG001
) -> Iterator[LocalRegistry]:
    """Yield two hosts behind a network load balancer, on this machine."""
    directory: Path = request.config.getoption("--directory")

    def deploy(terraform: Terraform) -> None:
        began = time.monotonic()
        apply_with_terraform(terraform)
        session_figure("Terraform init and apply", time.monotonic() - began, "s")

    def note_version(registry: LocalRegistry) -> None:
        _note_version(request.config, RegistryVersion.deployed(registry.cloud))
        report(f"Under test: {request.config.stash[VERSION]}")
        record_testsuite_property("registry", str(request.config.stash[VERSION]))

    logs(directory / "logs")
    if request.config.getoption("--reuse"):
        registry = LocalRegistry.standing(directory, report)
        note_version(registry)
        yield registry
        return
    with ends_on_signals():
        began = time.monotonic()
        registry = LocalRegistry(directory, hosts=2, variables=QUICK, report=report, deploy=deploy)
        registry.up()
        session_figure("the local cloud ready, Terraform included", time.monotonic() - began, "s")
        try:
            note_version(registry)
            yield registry
        finally:
            if request.config.getoption("--keep"):
                registry.cloud.emulator.leave()
            else:
                registry.cloud.down()


@pytest.fixture(scope="module")
def emulator(
    only_local: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Emulator]:
    """Yield an AWS account with nothing in it; no hosts run there."""
    with ends_on_signals():
        emulator = Emulator.start(tmp_path_factory.mktemp("emulator") / "moto.log")
        try:
            yield emulator
        finally:
            emulator.stop()


@pytest.fixture(scope="session")
def cloud(registry: LocalRegistry) -> LocalCloud:
    """Return the local cloud, which can end hosts and read the account."""
    return registry.cloud


@pytest.fixture
def configuration(registry: LocalRegistry, tmp_path: Path) -> Iterator[ConfigurationFiles]:
    """Yield the configuration files, to change; the test's end restores them."""
    configuration = ConfigurationFiles(registry, tmp_path / "files")
    yield configuration
    configuration.restore()


@pytest.fixture
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Return the registry under test."""
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
def registry_version(request: pytest.FixtureRequest) -> RegistryVersion:
    """Return the version of the registry under test, with what is expected of it alone."""
    if not request.config.getoption("--registry"):
        request.getfixturevalue("registry")
    return request.config.stash[VERSION]


@pytest.fixture
def image_bucket(request: pytest.FixtureRequest) -> ImageBucket:
    """Return the image bucket of the registry under test, with the rights of its owner.

    Whoever may push to a live registry need not have the AWS credentials of its owner.
    """
    if not request.config.getoption("--registry"):
        cloud: LocalCloud = request.getfixturevalue("cloud")
        return ImageBucket(cloud.session.client("s3"), cloud.outputs["image_bucket"])
    bucket = request.config.getoption("--bucket")
    if not bucket:
        pytest.skip("it looks into S3: give --bucket, and AWS credentials")
    return ImageBucket(boto3.client("s3"), bucket)


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield a repository of this test and run alone; a live deployment does not keep it."""
    test = request.node.name.lower().replace("_", "-").split("[")[0]
    name = f"wharf-test/{test}-{os.urandom(3).hex()}"
    live: Deployment | None = None
    if request.config.getoption("--registry"):
        live = request.getfixturevalue("deployment")
    yield name
    if live:
        with live.client() as client:
            remove_images(client, name)


@pytest.fixture
def image(tmp_path: Path, random: random.Random) -> Path:
    """Return an image of three layers: 5 MB, 100 kB and one byte."""
    layout = tmp_path / "image"
    make_image(layout, [5 * MEGABYTE, 100_000, 1], seed=random.getrandbits(32))
    return layout
