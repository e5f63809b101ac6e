"""The choice of the bindings that make the stack, and their import in a second instead of ten.

``cdktf`` and its AWS provider are archived upstream; ``cdktn`` and ``cdktn-provider-aws`` carry
them on. ``CDKTF_BINDINGS=cdktn`` puts these in their place, under the names of the former.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from modules.errors import SettingsError

#: The variable that chooses, and for each choice the packages that replace those of cdktf.
SWITCH = "CDKTF_BINDINGS"
PROVIDER = "cdktf_cdktf_provider_aws"
PACKAGES = {"cdktf": ("cdktf", PROVIDER), "cdktn": ("cdktn", "cdktn_provider_aws")}
#: Makes node load only those files of the provider that are used.
PRELOADED = Path(__file__).with_suffix(".js")


def load_bindings() -> None:
    """Load the packages that ``modules/bindings/aws.py`` imports.

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
    """Start node by importing the first package of jsii; node serves all other packages."""
    # jsii's banner about Node 20's end of life would bury a real message.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    options = os.environ.get("NODE_OPTIONS")
    preload = f'--require "{str(PRELOADED).replace(chr(92), chr(92) * 2)}"'
    os.environ["NODE_OPTIONS"] = f"{options or ''} {preload}".strip()
    importlib.import_module("constructs")
    # Other programs of node keep their own options.
    if options is None:
        del os.environ["NODE_OPTIONS"]
    else:
        os.environ["NODE_OPTIONS"] = options


def _bare(package: str) -> ModuleType:
    """Return a package without its ``__init__``, which imports 2,200 submodules.

    Submodules are found by the package's path as before.
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
