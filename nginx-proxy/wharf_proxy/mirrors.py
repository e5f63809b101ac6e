"""The public registries whose images this registry mirrors: a closed list, from the settings.

A repository whose name begins with one of these hosts is a copy of the upstream's repository:
``docker.io/library/nginx`` of ``library/nginx`` at Docker Hub.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wharf_proxy.errors import ConfigurationError

_HOST = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_ENTRY = re.compile(
    rf"(?P<host>{_HOST})=(?P<seconds>[1-9][0-9]{{0,5}})=(?P<url>(https://{_HOST}(:[1-9][0-9]{{0,4}})?)?)"
)

TAG_SECONDS = 86_400
"""Maximum of the seconds of a mirror; the setting has the same."""

LOGIN = "MIRROR_LOGIN_{number}"
"""The variable with the secret of a mirror, by its place in the order of the hosts."""

DOCKER_HUB = "docker.io"
"""The only registry whose images are named after another host than that of its API."""

_URLS = {DOCKER_HUB: "https://registry-1.docker.io"}

_NAMESPACES = """\
# A host of the list, or nothing.
map $namespace $listed_namespace {{
    default "";
{hosts}}}
"""


@dataclass(frozen=True)
class Mirror:
    """A registry whose images are mirrored.

    Attributes:
        host: the beginning of the names of its repositories here.
        url: ``https://HOST[:PORT]`` of its API.
        tag_seconds: for which what a tag names is not looked up again.
        username: of the login there; empty without a login.
        password: of the login there. It is in no text that this class makes.
    """

    host: str
    url: str
    tag_seconds: int = 300
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}={self.tag_seconds}={self.url}"

    def name_of(self, repository: str) -> str:
        """Return the upstream's name of a repository: Docker Hub has its own images in library/."""
        name = repository.removeprefix(f"{self.host}/")
        return f"library/{name}" if self.host == DOCKER_HUB and "/" not in name else name


def read(text: str, variables: Mapping[str, str]) -> tuple[Mirror, ...]:
    """Return the mirrors of ``NGINX_MIRRORS``, and their logins.

    Args:
        text: ``HOST=SECONDS=URL`` with spaces between them; an empty URL is that of the host.
        variables: those of the container, with the secrets.

    Raises:
        ConfigurationError: one line, which names no part of a secret.
    """
    found: list[Mirror] = []
    for entry in text.split():
        parts = _ENTRY.fullmatch(entry)
        if not parts or int(parts["seconds"]) > TAG_SECONDS:
            raise ConfigurationError(
                f"NGINX_MIRRORS = {text!r}: {entry!r} must be a host, 1 to {TAG_SECONDS} seconds "
                "and a URL, such as "
                "registry.example.com=300=https://registry.example.com:5000"
            )
        host, url = parts["host"], parts["url"]
        secret = variables.get(LOGIN.format(number=len(found)), "")
        found.append(
            Mirror(
                host,
                url or _URLS.get(host, f"https://{host}"),
                int(parts["seconds"]),
                *_login(host, secret),
            )
        )
    return tuple(found)


def _login(host: str, secret: str) -> tuple[str, str]:
    if not secret:
        return "", ""
    try:
        login = json.loads(secret)
        username, password = login["username"], login["password"]
    except (ValueError, KeyError, TypeError):
        username = password = None
    if not isinstance(username, str) or not isinstance(password, str):
        raise ConfigurationError(
            f"the secret of the mirror {host}: it must be JSON with two texts: "
            '{"username": "...", "password": "..."}'
        )
    return username, password


def settings(mirrors: Sequence[Mirror]) -> str:
    """Return the directives that nginx.conf includes."""
    return _NAMESPACES.format(
        hosts="".join(f"    {mirror.host} {mirror.host};\n" for mirror in mirrors)
    )
