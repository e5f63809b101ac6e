"""The CDKTF application: settings in, one stack per environment out.

``cdktf synth`` and ``cdktf deploy`` run it.
"""

import os
import sys
from pathlib import Path

from modules.errors import SettingsError
from modules.settings.file import load_environments

SETTINGS = Path("wharf.toml")


def main() -> int:
    """Synthesize the stacks; return the exit status."""
    try:
        environments = load_environments(SETTINGS, os.environ)
        # After the settings: loading the bindings takes a second, a typing error should not.
        from modules.bindings.aws import App
        from modules.stack import RegistryStack
    except SettingsError as error:
        for line in str(error).splitlines():
            print(f"Error: {line}", file=sys.stderr)
        return 1

    app = App()
    for settings in environments:
        RegistryStack(app, settings.name, settings)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
