"""A browser for tests of pages: Google Chrome or Chromium, whichever is on the PATH."""

import shutil

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

#: Google Chrome first: on Ubuntu the others are a snap, which cannot read files in /tmp.
BROWSERS = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")


def find_browser() -> str:
    """Return the path of the first browser.

    Raises:
        RuntimeError: no browser is installed.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError(
            "No browser is installed for this test; install Google Chrome, "
            "or on Debian the packages chromium and chromium-driver"
        )
    return found


def start_browser(*arguments: str) -> Chrome:
    """Start the browser without a window, and with its logs."""
    options = ChromeOptions()
    options.binary_location = find_browser()
    # Tests run as root, for whom Chromium has no sandbox.
    for argument in ("headless=new", "no-sandbox", *arguments):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Without a driver on the PATH, Selenium downloads the one of the browser's version.
    return Chrome(options, Service(shutil.which("chromedriver")))
