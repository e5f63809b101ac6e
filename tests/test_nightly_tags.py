"""What a night makes bears its tag, and all others that it would have without a night."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.nightly.steps import NightlyError
from scripts.nightly.tags import tagged

SINCE = datetime(2026, 1, 31, 1, 17, tzinfo=UTC)
NIGHT = {"wharf-nightly": "2026-01-31T01:17:00+00:00"}
FILE = """
tags = { owner = "platform" }

[environments.nightly]

[environments.other]
tags = { owner = "others" }
"""


@pytest.fixture(autouse=True)
def _beside_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wharf.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("environment", "variables", "others"),
    [
        ("nightly", {}, {"owner": "platform"}),
        ("other", {}, {"owner": "others"}),
        ("nightly", {"WHARF_TAGS": '{"of": "the scheduler"}'}, {"of": "the scheduler"}),
        ("nightly", {"WHARF_TAGS": '{"wharf-nightly": "for ever"}'}, {}),
    ],
)
def test_the_tags_of_a_night(
    environment: str, variables: dict[str, str], others: dict[str, str]
) -> None:
    assert json.loads(tagged(environment, SINCE, variables)) == {**others, **NIGHT}


def test_an_environment_that_is_not_there_is_named() -> None:
    with pytest.raises(NightlyError, match=r"--environment mightly: .*; there is nightly, other$"):
        tagged("mightly", SINCE, {})


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(NightlyError, match="minimum_hosts = "):
        tagged("nightly", SINCE, {"WHARF_MINIMUM_HOSTS": "many"})
