"""The tag by which the sweep knows what nights have made, and how old it is."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from modules.settings_file import SettingsError, load_environments
from scripts.nightly.steps import NightlyError

TAG = "wharf-nightly"
SETTINGS = Path("wharf.toml")


def tagged(environment: str, since: datetime, variables: Mapping[str, str]) -> str:
    """``WHARF_TAGS`` for a night: the tags that the environment has anyway, and the night's.

    Raises:
        NightlyError: the settings cannot be used, or have no such environment.
    """
    try:
        environments = load_environments(SETTINGS, variables)
    except SettingsError as error:
        raise NightlyError(str(error)) from None
    tags = {one.name: one.tags for one in environments}
    if environment not in tags:
        raise NightlyError(
            f"--environment {environment}: there is none of this name in {SETTINGS} or WHARF_NAME; "
            f"there is {', '.join(tags)}"
        )
    return json.dumps({**tags[environment], TAG: since.isoformat(timespec="seconds")})
