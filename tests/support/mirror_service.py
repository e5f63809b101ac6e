"""The service of mirrors, as nginx calls it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wharf_proxy.mirror_service import Mirrors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "configuration"
REPOSITORY = "docker.io/library/app"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Answer:
    """A response of the service."""

    status: int
    state: str
    seconds: int
    body: str


@dataclass(frozen=True)
class Service:
    """The service under test."""

    mirrors: Mirrors
    metrics: Path

    def ask(self, kind: str, repository: str, reference: str, *, fresh: bool = True) -> Answer:
        """Repeat a request until there is a result, as nginx does; first forget results."""
        if fresh:
            self.mirrors.forget(0)
        for _ in range(600):
            answer = self._try(kind, repository, reference)
            if answer.status != 202:
                return answer
            time.sleep(0.02)
        raise AssertionError("no result")

    def has_result(self, kind: str, repository: str, reference: str) -> bool:
        """Send one request; return whether there is a result already."""
        return self._try(kind, repository, reference).status != 202

    def _try(self, kind: str, repository: str, reference: str) -> Answer:
        environment = {
            "HTTP_X_WHARF_KIND": kind,
            "HTTP_X_WHARF_REPOSITORY": repository,
            "HTTP_X_WHARF_REFERENCE": reference,
        }
        got: list[tuple[str, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            got.append((status, dict(headers)))

        body = b"".join(self.mirrors(environment, start))
        status, headers = got[-1]
        state, seconds = headers.get("X-Wharf-State", ""), headers.get("X-Wharf-Seconds", "0")
        return Answer(int(status[:3]), state, int(seconds), body.decode())


def keys(s3: "S3Client") -> set[str]:
    """Return the keys of the objects that are kept."""
    return {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}
