"""The requests to S3 that a list costs, counted with the emulator's S3.

SeaweedFS, the S3 of the other workloads, knows no delimiter but ``/``; the catalog needs another.
"""

from collections.abc import Iterator

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from wharf_proxy import listing, service

from integration.bench.measurements import ListFigures
from integration.local.errors import LocalCloudError

#: Tags of a repository, pushes of each; repositories, layers of each.
TAGS, PUSHES, REPOSITORIES, LAYERS = 1000, 2, 1000, 3
BUCKET, REGION = "images", "us-east-1"


def list_requests() -> ListFigures:
    """Let the service of lists list 1,000 tags, and 1,000 repositories.

    Raises:
        LocalCloudError: a list is not complete.
    """
    with mock_aws():
        client = boto3.Session("key", "secret", region_name=REGION).client("s3")
        client.create_bucket(Bucket=BUCKET)
        for key in _keys():
            # Not through HTTP: that would take a minute.
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(
                BUCKET, listing.REPOSITORIES + key, b""
            )
        requests: list[str] = []
        client.meta.events.register(
            "before-call.s3", lambda model, **_: requests.append(model.name)
        )
        figures = []
        for route, repository in (("tags", "tags/app"), ("catalog", "")):
            requests.clear()
            body = b"".join(
                service.Lists(client, BUCKET)(
                    {
                        "QUERY_STRING": "n=1000",
                        "HTTP_X_WHARF_ROUTE": route,
                        "HTTP_X_WHARF_REPOSITORY": repository,
                        "HTTP_X_WHARF_READABLE": "*",
                        service.DISCONNECTED: lambda: False,
                    },
                    lambda *_: None,
                )
            )
            if body.count(b'"') < TAGS * 2:
                raise LocalCloudError(f"The list of {route} is not complete: {body[:200]!r}")
            figures.append(len(requests))
    return ListFigures(tags=figures[0], catalog_for_each=figures[1] / REPOSITORIES)


def _keys() -> Iterator[str]:
    for tag in range(TAGS):
        folder = f"tags/app/_manifests/tags/{tag:04}"
        yield f"{folder}/current/link"
        yield from (f"{folder}/index/sha256/{number:064}/link" for number in range(PUSHES))
    for repository in range(REPOSITORIES - 1):
        layers = f"catalog/app-{repository:04}/_layers/sha256"
        yield from (f"{layers}/{number:064}/link" for number in range(LAYERS))
