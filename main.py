"""The CDKTF application: settings in, one stack out. ``cdktf synth`` and ``deploy`` run it."""

import os
import sys
from pathlib import Path

from modules.settings import SettingsError, load_settings

SETTINGS = Path("wharf.toml")


def main() -> int:
    """Synthesize the stack; return the exit status."""
    try:
        settings = load_settings(SETTINGS, os.environ)
    except SettingsError as error:
        for line in str(error).splitlines():
            print(f"Error: {line}", file=sys.stderr)
        return 1
    # After the settings: loading the bindings takes seconds, a typing error should not.
    from modules.aws import App
    from modules.stack import RegistryStack

    app = App()
    RegistryStack(app, settings.name, settings)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
