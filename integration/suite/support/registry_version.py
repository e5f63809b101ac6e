"""The version of distribution under test, and all that the tests expect of one version only.

Usage:
    RegistryVersion.of("docker-registry github.com/docker/distribution 2.8.3").facts
"""

import re
from dataclasses import dataclass
from typing import Self

import testinfra  # type: ignore[import-untyped]

from integration.console.errors import HarnessError
from integration.local.cloud import LocalCloud


@dataclass(frozen=True)
class Facts:
    """Behaviour that differs between series of distribution.

    Attributes:
        stores_empty_blobs: an upload of zero bytes to S3 can be ended.
        accepts_indexes_of_layers: an index may list layers, as BuildKit's cache did before 0.21.
        names_errors_of_s3: an error has the code of S3.
        deletes_tags: a tag can be deleted by its name.
    """

    stores_empty_blobs: bool
    accepts_indexes_of_layers: bool
    names_errors_of_s3: bool
    deletes_tags: bool


#: Series by their first version; a version belongs to the newest one not above it. 3.0 is untried.
SERIES = {
    (2, 8): Facts(
        stores_empty_blobs=False,
        accepts_indexes_of_layers=True,
        names_errors_of_s3=False,
        deletes_tags=False,
    ),
    (3, 1): Facts(
        stores_empty_blobs=True,
        accepts_indexes_of_layers=False,
        names_errors_of_s3=True,
        deletes_tags=True,
    ),
}


class UnknownVersionError(HarnessError):
    """No facts are known about a version; the text names it and the remedy."""


@dataclass(frozen=True)
class RegistryVersion:
    """A version of distribution.

    Attributes:
        number: such as ``3.1.1``.
        series: the newest of :data:`SERIES` that is not newer, such as ``3.1``.
        facts: of that series.
    """

    number: str
    series: str
    facts: Facts

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a version from the first number in a text.

        Raises:
            UnknownVersionError: there is no number, or the version is older than every series.
        """
        found = re.search(r"(\d+)\.(\d+)(\.\d+)?", text)
        if found is None:
            raise UnknownVersionError(f"{text!r}: it must be a version such as 3.1.1")
        version = (int(found[1]), int(found[2]))
        known = [series for series in SERIES if series <= version]
        if not known or version == (3, 0):
            tried = " and ".join(".".join(map(str, series)) for series in sorted(SERIES))
            raise UnknownVersionError(f"distribution {found[0]}: the suite knows {tried}")
        newest = max(known)
        return cls(found[0], ".".join(map(str, newest)), SERIES[newest])

    @classmethod
    def deployed(cls, cloud: LocalCloud) -> Self:
        """Ask the registry's program in a host of a local cloud."""
        container = testinfra.get_host(f"podman://{cloud.hosts[0].container('registry')}")
        return cls.of(container.check_output("/proc/1/exe --version"))

    def __str__(self) -> str:
        return f"distribution {self.number}"
