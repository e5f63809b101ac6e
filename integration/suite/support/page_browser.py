"""The page of a registry in a headless browser, with the login of a user."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until

#: https://github.com/dequelabs/axe-core, as package.json pins it.
AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHECK = """
const [rules, done] = arguments;
axe.run(document, {runOnly: rules}).then(
    found => done(found.violations.map(one => one.id + ": " + one.nodes[0].html)),
    error => done([String(error)]));
"""
#: A cell, or a list, that still waits for a response.
UNFINISHED = """
return [...document.querySelectorAll("main span, main p")]
    .some(one => ["…", "Loading…"].includes(one.textContent));
"""
PHONE, DESK = 390, 1200
PATIENCE = 30


@dataclass
class Page:
    """The page, in a browser that trusts each certificate.

    Attributes:
        browser: of :func:`tests.support.browser.start_browser`.
        deployment: the registry, with the login of a user.
    """

    browser: Chrome
    deployment: Deployment

    def log_in(self) -> None:
        """Give the browser the login, as a person does in its dialog."""
        login = f"{quote(self.deployment.username)}:{quote(self.deployment.password)}"
        self.browser.get(f"https://{login}@{urlsplit(self.deployment.url).netloc}/")

    def open(self, view: str = "#/", width: int = DESK) -> "Page":
        """Load a view, and wait until it is complete."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        # Another fragment alone would load nothing.
        self.browser.get("about:blank")
        self.browser.get(f"{self.deployment.url}/{view}")
        self.wait_for(view)
        return self

    def wait_for(self, view: str) -> None:
        """Wait until a view is complete."""
        look = 'return document.getElementById("main").dataset.ready'
        wait_until(f"the view {view}", lambda: self.browser.execute_script(look), view, PATIENCE)
        wait_until("all cells", lambda: self.browser.execute_script(UNFINISHED), False, PATIENCE)

    @property
    def text(self) -> str:
        """The text that a reader sees, without the header."""
        return self.find("main").text

    def find(self, selector: str) -> WebElement:
        """Return the first element of a CSS selector."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Return all elements of a CSS selector."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def press(self, label: str) -> None:
        """Press the first button with a label that is seen."""
        next(
            entry for entry in self.all("button") if entry.text == label and entry.is_displayed()
        ).click()

    def violations(self) -> list[str]:
        """Return what axe finds, in light and in dark colours."""
        self.browser.execute_script(AXE.read_text())
        found = []
        for scheme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            found += [
                f"{scheme}: {entry}" for entry in self.browser.execute_async_script(CHECK, RULES)
            ]
        return found

    def is_too_wide(self) -> bool:
        """Return whether a reader would have to scroll sideways."""
        look = "return document.documentElement.scrollWidth > innerWidth"
        return bool(self.browser.execute_script(look))

    def errors(self) -> list[str]:
        """Return what the browser has logged since the last call, such as a violated policy."""
        return [entry["message"] for entry in self.browser.get_log("browser")]  # type: ignore[no-untyped-call]

    def origins(self) -> set[str]:
        """Return where requests went since the last call."""
        log = self.browser.get_log("performance")  # type: ignore[no-untyped-call]
        events = [json.loads(entry["message"])["message"] for entry in log]
        urls = [
            urlsplit(entry["params"]["request"]["url"])
            for entry in events
            if entry["method"] == "Network.requestWillBeSent"
        ]
        return {f"{url.scheme}://{url.netloc}" for url in urls}
