"""The synthesized stack, made once for each shape: loading the bindings takes seconds."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from modules.settings.settings import Settings

if TYPE_CHECKING:
    from integration.local.emulator.process import Emulator
    from tests.support.memory_store import MemoryStore

Synthesize = Callable[..., dict[str, Any]]

# How long an example takes says something of the machine only.
hypothesis.settings.register_profile("wharf", deadline=None)
hypothesis.settings.load_profile("wharf")


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGTERM interrupt the tests as Ctrl-C does, so that fixtures end what they started.

    The controller of pytest-xdist starts nothing else than workers, which interrupt themselves when
    the controller has ended.
    """
    if not config.getoption("numprocesses", None):
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize a stack with these settings; return ``cdk.tf.json``."""
    made: dict[str, dict[str, Any]] = {}

    def synthesize(**choices: Any) -> dict[str, Any]:
        from modules.bindings.aws import App
        from modules.stack import RegistryStack

        key = repr(sorted(choices.items()))
        if key not in made:
            directory: Path = tmp_path_factory.mktemp("synth")
            app = App(outdir=str(directory))
            RegistryStack(app, "test", Settings(**choices))
            app.synth()
            made[key] = json.loads((directory / "stacks/test/cdk.tf.json").read_text())
        return made[key]

    return synthesize


@pytest.fixture(scope="session")
def stack(synthesize: Synthesize) -> dict[str, Any]:
    """Return the stack with all defaults."""
    return synthesize()


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Yield buckets called images and copy, in moto."""
    from tests.support import bucket_registry

    with bucket_registry.buckets(monkeypatch):
        yield


@pytest.fixture
def store() -> "MemoryStore":
    """Return a small registry."""
    from tests.support import bucket_registry

    return bucket_registry.small()


@pytest.fixture
def good() -> "MemoryStore":
    """Return a registry of one image."""
    from tests.support import bucket_registry

    return bucket_registry.good()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Emulator"]:
    """Yield an emulator of the AWS API."""
    from integration.local.emulator.process import Emulator

    emulator = Emulator.start(tmp_path_factory.mktemp("emulator") / "log")
    yield emulator
    emulator.stop()
