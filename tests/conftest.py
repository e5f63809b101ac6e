"""The synthesized stack, made once for each shape: loading the bindings takes seconds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from modules.settings import Settings

if TYPE_CHECKING:
    from tests.memory_store import MemoryStore

Synthesize = Callable[..., dict[str, Any]]

# How long an example takes says something of the machine only.
hypothesis.settings.register_profile("wharf", deadline=None)
hypothesis.settings.load_profile("wharf")


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize a stack with these settings; return ``cdk.tf.json``."""
    made: dict[str, dict[str, Any]] = {}

    def synthesize(**choices: Any) -> dict[str, Any]:
        from modules.aws import App
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
    """The stack with all defaults."""
    return synthesize()


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Buckets called images and copy, in moto."""
    from tests import bucket_registry

    with bucket_registry.buckets(monkeypatch):
        yield


@pytest.fixture
def store() -> "MemoryStore":
    """A small registry."""
    from tests import bucket_registry

    return bucket_registry.small()


@pytest.fixture
def good() -> "MemoryStore":
    """A registry of one image."""
    from tests import bucket_registry

    return bucket_registry.good()
