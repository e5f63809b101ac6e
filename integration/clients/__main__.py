"""Make the root file system of the current clients: ``python -m integration.clients``."""

import sys
from pathlib import Path

from integration.clients.root import root_file_system
from integration.clients.table import PACKAGES
from integration.interrupts import ends_on_signals
from integration.messages import run


def main() -> None:
    """Make the file system if it is absent or old; print where it is."""
    with ends_on_signals():
        print(root_file_system(PACKAGES))


if __name__ == "__main__":
    sys.exit(run(main, Path("build/error.log")))
