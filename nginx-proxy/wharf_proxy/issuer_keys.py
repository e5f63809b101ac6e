"""The keys of OIDC issuers: fetched again and again, and kept while an issuer does not respond."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from wharf_proxy import atomic_file, https
from wharf_proxy.atomic_file import AtomicFile
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import IDENTITIES
from wharf_proxy.identities_file import check_identities
from wharf_proxy.log import report
from wharf_proxy.oidc_token import usable_keys

FILE = "issuer-keys.json"
"""In the folder of the proxy: by issuer its document of keys. The identity service reads it."""

_DISCOVERY = "/.well-known/openid-configuration"


class IssuerKeys:
    """The keys in a file, which is written when they change.

    Args:
        directory: the proxy's own.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._keys: dict[str, object] = {}

    def keep(self, seconds: float) -> NoReturn:
        """Fetch the keys of all issuers, and again each so many seconds."""
        while True:
            try:
                self.renew(self._issuers())
            except Exception as error:  # the disk is full: the next round tries again
                report("issuer_keys_failed", f"{type(error).__name__}: {error}")
            time.sleep(seconds)

    def renew(self, issuers: Iterable[str]) -> None:
        """Fetch the keys of these issuers; of one that fails, the last good ones stay.

        Raises:
            OSError: the file cannot be written.
        """
        wanted = list(issuers)
        before = dict(self._keys)
        for issuer in wanted:
            try:
                self._keys[issuer] = fetch(issuer)
            except (https.FetchError, ValueError, RecursionError) as error:
                kept = "the last good keys stay" if issuer in self._keys else "there are none yet"
                report("issuer_keys_failed", f"{issuer}: {error}: {kept}")
        self._keys = {url: keys for url, keys in self._keys.items() if url in wanted}
        file = self._directory / FILE
        if self._keys != before or (self._keys and not file.exists()):
            atomic_file.write(AtomicFile(path=file, content=json.dumps(self._keys).encode()))
            report("issuer_keys_renewed", " ".join(sorted(self._keys)))

    def _issuers(self) -> list[str]:
        file = self._directory / "files" / IDENTITIES
        try:
            return [issuer.url for issuer in check_identities(file.read_bytes()).oidc]
        except (FileNotFoundError, ConfigurationError):  # nothing wrong is put into force
            return []


def fetch(issuer: str) -> Mapping[str, Any]:
    """Return the keys of an issuer, which its discovery document names.

    https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig

    Raises:
        FetchError: the issuer does not respond as it should.
        ValueError: a document is not what it should be.
    """
    discovery = _document(issuer.rstrip("/") + _DISCOVERY)
    if discovery.get("issuer") != issuer:
        raise ValueError("its discovery document is of another issuer")
    address = discovery.get("jwks_uri")
    if not isinstance(address, str):
        raise ValueError("its discovery document has no jwks_uri")
    keys = _document(address)
    if not usable_keys(keys):
        raise ValueError("none of its keys can verify a token")
    return keys


def _document(url: str) -> Mapping[str, Any]:
    status, body = https.get(url, {"Accept": "application/json"})
    if status != 200:
        raise ValueError(f"{url} responds with status {status}")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{url} has no JSON object")
    return document
