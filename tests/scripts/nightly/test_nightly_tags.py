"""Resources of a night have the tag of the night, and the tags of the environment."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from wharf_proxy.errors import ConfigurationError

from modules.errors import SettingsError
from scripts.nightly.targets import night_tags

SINCE = datetime(2026, 1, 31, 1, 17, tzinfo=UTC)
NIGHT = {"wharf-nightly": "2026-01-31T01:17:00+00:00"}
FILE = """
tags = { owner = "platform" }
backend = "s3"
backend_bucket = "states"

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
    assert json.loads(night_tags(environment, SINCE, variables)) == {**others, **NIGHT}


def test_an_unknown_environment_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"--environment mightly: missing .*; known: nightly, other$"
    ):
        night_tags("mightly", SINCE, {})


def test_an_invalid_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="minimum_hosts = "):
        night_tags("nightly", SINCE, {"WHARF_MINIMUM_HOSTS": "many"})


def test_a_state_that_is_lost_with_the_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r'^backend = "local": .*; set backend = "s3"'):
        night_tags("nightly", SINCE, {"WHARF_BACKEND": "local"})
