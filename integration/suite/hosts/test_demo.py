"""The checks of `make demo`, on the registry that the suite has brought up."""

from collections.abc import Callable

import pytest

from integration.demo import Demonstration
from integration.local.registry import LocalRegistry


@pytest.mark.usefixtures("cloud")
def test_everything_that_the_demo_claims(
    registry: LocalRegistry, report: Callable[[str], None]
) -> None:
    facts = Demonstration(registry, report).run()
    assert facts.checks
    assert [claim for claim, holds in facts.checks.items() if not holds] == []
