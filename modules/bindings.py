"""Which bindings the stack is made with, and how they load in a second instead of ten.

``cdktf`` and its AWS provider are archived upstream; ``cdktn`` and ``cdktn-provider-aws`` carry
them on. ``CDKTF_BINDINGS=cdktn`` puts these in their place, under the names of the former.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from modules.settings_file import SettingsError

#: The variable that chooses, and for each choice the packages that stand for those of cdktf.
SWITCH = "CDKTF_BINDINGS"
PROVIDER = "cdktf_cdktf_provider_aws"
PACKAGES = {"cdktf": ("cdktf", PROVIDER), "cdktn": ("cdktn", "cdktn_provider_aws")}
#: Makes node load of the provider only what is used.
PRELOADED = Path(__file__).with_suffix(".js")


def load_bindings() -> None:
    """Load what ``modules/aws.py`` is about to import.

    Raises:
        SettingsError: the switch names no bindings.
        ModuleNotFoundError: they are not installed.
    """
    chosen = os.environ.get(SWITCH, "cdktf")
    if chosen not in PACKAGES:
        raise SettingsError(f"{SWITCH} = {chosen}: it must be {' or '.join(PACKAGES)}")
    core, provider = PACKAGES[chosen]
    _start_node()
    sys.modules["cdktf"] = importlib.import_module(core)
    sys.modules[PROVIDER] = _bare(provider)


def _start_node() -> None:
    """Import the first package of jsii's: that starts node, which serves all others."""
    # jsii's banner about Node 20's end of life would bury a real message.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    options = os.environ.get("NODE_OPTIONS")
    preload = f'--require "{str(PRELOADED).replace(chr(92), chr(92) * 2)}"'
    os.environ["NODE_OPTIONS"] = f"{options or ''} {preload}".strip()
    importlib.import_module("constructs")
    # Other programs of node are none of our business.
    if options is None:
        del os.environ["NODE_OPTIONS"]
    else:
        os.environ["NODE_OPTIONS"] = options


def _bare(package: str) -> ModuleType:
    """A package without what its ``__init__`` does: import 2,200 submodules.

    Its submodules are found by its path as before.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(
            f"{package} is not installed; run scripts/setup --development", name=package
        )
    module = ModuleType(PROVIDER)
    module.__path__ = list(spec.submodule_search_locations)
    module.__spec__ = spec
    return module
