"""The settings of the proxy: variables of the container, checked once and passed on.

Limits and defaults are those of the stack's settings (``modules/settings/settings.py``), which this
package may not import: ``tests/modules/settings/test_proxy_settings.py`` compares them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NEEDED
from wharf_proxy.mirrors import Mirror
from wharf_proxy.mirrors import read as read_mirrors

DELIVERIES = ("cache", "proxy", "redirect")
ORIGINS = 50
"""Maximum number of origins."""

_HOST = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
ORIGIN = re.compile(
    rf"(https://{_HOST}|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{{0,4}})?", re.ASCII
)
USUAL_PORT = re.compile(r"https:.*:443|http:.*:80")


@dataclass(frozen=True)
class Variable:
    """The variable of a field that is a whole number, and its limits, both included."""

    name: str
    low: int
    high: int
    unit: str

    def read(self, text: str) -> int:
        """Return the number.

        Raises:
            ConfigurationError: the text is no number within the limits.
        """
        if not re.fullmatch("[0-9]+", text) or not self.low <= int(text) <= self.high:
            raise ConfigurationError(
                f"{self.name} = {text!r}: it must be {self.low} to {self.high} {self.unit}"
            )
        return int(text)


def _number(default: int, name: str, low: int, high: int, unit: str) -> Any:
    return field(default=default, metadata={"variable": Variable(name, low, high, unit)})


@dataclass(frozen=True, kw_only=True)
class ProxySettings:
    """The settings of the container, checked.

    Attributes:
        configuration_bucket: the bucket of the users, the certificate and the permissions.
        image_bucket: the bucket of the registry's images.
        region: of both; None leaves the choice to boto3.
        blob_delivery: where layers come from: this host's disk, the registry, or S3 by itself.
        browser_origins: of the web pages that may use the registry (CORS).
        page: whether there is a page for browsers. Not by default: the task of an older stack
            does not set the variable, and has no right to write the facts of the page.
        refresh_seconds: between two looks for changed files.
        remember_seconds: how long a verified password is remembered.
        check_seconds: how long the check of a layer or a manifest serves later requests.
        cache_gigabytes: size of the cache of layers, in GiB.
        connections_per_address: limit of concurrent requests of an address.
        uploads: limit of concurrent uploads.
        mirrors: the registries whose images are mirrored.
        notice_seconds: from a stop signal until nginx closes its ports; meanwhile ``/ssl`` fails.

    Usage:

        ProxySettings.from_environment(os.environ)
    """

    configuration_bucket: str
    image_bucket: str
    region: str | None = None
    blob_delivery: str = "cache"
    browser_origins: tuple[str, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    page: bool = False
    refresh_seconds: int = _number(60, "NGINX_REFRESH_SECONDS", 1, 3600, "seconds")
    remember_seconds: int = _number(60, "NGINX_REMEMBER_SECONDS", 1, 3600, "seconds")
    check_seconds: int = _number(0, "NGINX_CHECK_SECONDS", 0, 60, "seconds")
    cache_gigabytes: int = _number(15, "NGINX_CACHE_GIGABYTES", 1, 16_000, "GiB")
    connections_per_address: int = _number(
        1000, "NGINX_CONNECTIONS_PER_ADDRESS", 8, 1_000_000, "connections"
    )
    uploads: int = _number(50, "NGINX_UPLOADS", 1, 10_000, "uploads")
    notice_seconds: int = _number(0, "NGINX_NOTICE_SECONDS", 0, 600, "seconds")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings that these variables hold; a variable that is empty counts as unset.

        Raises:
            ConfigurationError: a variable is missing or wrong; one line with the remedy.
        """
        given = {name: text for name, text in environment.items() if text}
        numbers = {
            name: variable.read(given[variable.name])
            for name, variable in variables().items()
            if variable.name in given
        }
        return cls(
            configuration_bucket=required(
                given,
                "NGINX_CONFIG_BUCKET",
                f"the bucket that `wharf publish` writes {', '.join(NEEDED)} to",
            ),
            image_bucket=required(
                given, "NGINX_IMAGE_BUCKET", "the bucket of the registry's images"
            ),
            region=given.get("AWS_REGION"),
            blob_delivery=_delivery(given.get("NGINX_BLOB_DELIVERY", cls.blob_delivery)),
            browser_origins=_origins(given.get("NGINX_BROWSER_ORIGINS", "")),
            mirrors=read_mirrors(given.get("NGINX_MIRRORS", ""), given),
            page=_truth("NGINX_PAGE", given.get("NGINX_PAGE", "false")),
            **numbers,
        )

    def for_nginx(self) -> dict[str, str]:
        """Return the variables that the Lua code of nginx reads, all of them."""
        numbers = {
            variable.name: str(getattr(self, name)) for name, variable in variables().items()
        }
        return {
            "NGINX_BLOB_DELIVERY": self.blob_delivery,
            "NGINX_MIRRORS": " ".join(map(str, self.mirrors)),
            "NGINX_PAGE": str(self.page).lower(),
            **numbers,
        }


def variables() -> dict[str, Variable]:
    """Return the variables of whole numbers by the name of their field."""
    return {
        field.name: field.metadata["variable"]
        for field in fields(ProxySettings)
        if "variable" in field.metadata
    }


def required(given: Mapping[str, str], name: str, meaning: str) -> str:
    """Return a variable of the container.

    Raises:
        ConfigurationError: it is not set; the text says what to set it to.
    """
    if name not in given:
        raise ConfigurationError(f"{name} is not set: set it to {meaning}")
    return given[name]


def _truth(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ConfigurationError(f"{name} = {text!r}: it must be true or false")
    return text == "true"


def _delivery(text: str) -> str:
    if text not in DELIVERIES:
        raise ConfigurationError(
            f"NGINX_BLOB_DELIVERY = {text!r}: it must be {' or '.join(DELIVERIES)}"
        )
    return text


def _origins(text: str) -> tuple[str, ...]:
    # nginx refuses a map that has an origin twice.
    origins = tuple(dict.fromkeys(text.split()))
    for origin in origins:
        if not ORIGIN.fullmatch(origin) or USUAL_PORT.fullmatch(origin):
            raise ConfigurationError(
                f"NGINX_BROWSER_ORIGINS = {text!r}: {origin!r} must be an origin such as "
                "https://ui.example.com or http://localhost:8000, without the port that its "
                "scheme has anyway"
            )
    if len(origins) > ORIGINS:
        raise ConfigurationError(
            f"NGINX_BROWSER_ORIGINS = {text!r}: it must have 0 to {ORIGINS} origins"
        )
    return origins
