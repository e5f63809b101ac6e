"""Each action that the task role may do in the image bucket is needed.

The table in `docs/permissions.md` is written by this test: what fails when an action is taken away.
Each series of distribution has a column there, and a run checks the column of the series that it
tests.
"""

import copy
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, digest_of
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry
from integration.suite.support.registry_version import SERIES, RegistryVersion

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"
POLICY = "task_storage"
#: The text of a cell of which no run has said anything.
UNTRIED = "not tried"
#: More than distribution's part of 10 MB, and than S3's smallest of 5 MB.
SIZE = 12 * MEGABYTE


def push(_: LocalRegistry, deployment: Deployment, repository: str) -> None:
    """Push a layer in several parts; pull it from S3 through the other host."""
    first, second = deployment.hosts
    data = os.urandom(SIZE)
    digest = deployment.push_blob(repository, data, first)
    with deployment.repository(repository, second) as client:
        assert client.blob(digest) == SIZE


def push_through_two_hosts(_: LocalRegistry, deployment: Deployment, repository: str) -> None:
    """Upload through two hosts: the second has to find the bytes that the first received."""
    first, second = deployment.hosts
    data = os.urandom(2 * SIZE)
    with deployment.repository(repository, first) as client, deployment.client(second) as other:
        upload = client.begin()
        upload.patch(data[:SIZE])
        upload = upload.at(other)
        upload.patch(data[SIZE:])
        upload.at(client.http).finish(digest_of(data))


def cancel(registry: LocalRegistry, deployment: Deployment, repository: str) -> None:
    """Cancel an upload; nothing of the upload stays in S3."""
    with deployment.repository(repository, deployment.hosts[0]) as client:
        upload = client.begin()
        upload.patch(os.urandom(SIZE))
        upload.cancel()
    s3 = registry.cloud.session.client("s3")
    uploads = s3.list_multipart_uploads(Bucket=registry.cloud.outputs["image_bucket"])
    assert not [
        upload for upload in uploads.get("Uploads", []) if f"/{repository}/" in upload["Key"]
    ]


def delete(_: LocalRegistry, deployment: Deployment, repository: str) -> None:
    """Delete a layer; the layer is absent afterwards."""
    url = deployment.hosts[0]
    digest = deployment.push_blob(repository, b"layer", url)
    with deployment.client(url) as client:
        client.delete(f"/v2/{repository}/blobs/{digest}").raise_for_status()
        assert client.get(f"/v2/{repository}/blobs/{digest}").status_code == 404


WORK: dict[str, Callable[[LocalRegistry, Deployment, str], None]] = {
    "a push of a layer of 12 MB, and its pull": push,
    "a push whose parts go through different hosts": push_through_two_hosts,
    "an upload that is cancelled": cancel,
    "the deletion of a layer": delete,
}


def first_failure(registry: LocalRegistry, repository: str) -> str | None:
    """Return the first of the registry's work that fails."""
    deployment = registry.deployment
    for name, work in WORK.items():
        try:
            work(registry, deployment, repository)
        except (httpx.HTTPError, AssertionError):
            return name
    return None


class Policy:
    """The task role's policy for the two buckets."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._iam = cloud.session.client("iam")
        ecs = cloud.session.client("ecs")
        (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
        task = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        self._role = task["taskRoleArn"].rpartition("/")[2]
        self._bucket = cloud.outputs["image_bucket"]
        self._document = self._iam.get_role_policy(RoleName=self._role, PolicyName=POLICY)[
            "PolicyDocument"
        ]

    def _of_images(self, document: Any) -> list[Any]:
        return [
            statement
            for statement in document["Statement"]
            if f":{self._bucket}" in str(statement["Resource"])
        ]

    @property
    def actions(self) -> list[str]:
        """Return the actions that the policy allows in the image bucket."""
        return [
            action
            for statement in self._of_images(self._document)
            for action in statement["Action"]
        ]

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        """Take an action away for a while."""
        less = copy.deepcopy(self._document)
        for statement in self._of_images(less):
            statement["Action"] = [other for other in statement["Action"] if other != action]
        less["Statement"] = [statement for statement in less["Statement"] if statement["Action"]]
        self._put(less)
        try:
            yield
        finally:
            self._put(self._document)

    def _put(self, document: Any) -> None:
        self._iam.put_role_policy(
            RoleName=self._role, PolicyName=POLICY, PolicyDocument=json.dumps(document)
        )


@pytest.fixture
def policy(cloud: LocalCloud) -> Policy:
    return Policy(cloud)


def test_every_action_is_needed_and_the_page_says_for_what(
    policy: Policy,
    registry: LocalRegistry,
    repository: str,
    registry_version: RegistryVersion,
) -> None:
    assert first_failure(registry, repository) is None, "all of them together are enough"
    needed = {}
    for number, action in enumerate(policy.actions):
        with policy.without(action):
            needed[action] = first_failure(registry, f"{repository}/{number}")
    assert not [action for action, work in needed.items() if work is None], "needed by nothing"
    before = PAGE.read_text()
    page = written(needed, registry_version.series, before)
    if before != page:
        PAGE.write_text(page)
        pytest.fail(
            f"{PAGE.name} is not what distribution {registry_version.series} shows; its column was "
            "written anew: commit it"
        )


#: A column for each series.
COLUMNS = [".".join(map(str, series)) for series in SERIES]


def written(needed: dict[str, str | None], series: str, before: str) -> str:
    """Return the page ``before`` with another column for one series; its text stays."""
    rows = [
        ["Action", *(f"distribution {column}" for column in COLUMNS)],
        ["---"] * (len(COLUMNS) + 1),
    ]
    for action, work in needed.items():
        cells = dict(zip(COLUMNS, _cells(before, action), strict=True))
        cells[series] = work or UNTRIED
        rows.append([f"`{action}`", *cells.values()])
    head, found, rest = before.partition("| Action |")
    # The other tables of the page come after a line that belongs to none.
    tail = rest.partition("\n\n")[2] if found else ""
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows) + (tail and f"\n{tail}")


def _cells(page: str, action: str) -> list[str]:
    """Return the cells of an action's row; a page without that row has tried nothing."""
    for line in page.splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if name == f"`{action}`" and len(cells) == len(COLUMNS):
            return cells
    return [UNTRIED] * len(COLUMNS)
