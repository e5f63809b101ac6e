"""From ``terraform apply`` to a pull, and nobody makes a user or a certificate."""

import json
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from botocore.exceptions import ClientError

from integration.clients.deployment import Deployment
from integration.clients.image_builder import MEGABYTE, make_image
from integration.console.signals import ends_on_signals
from integration.console.waiting import wait_until
from integration.local.cloud import apply_with_terraform
from integration.suite.support.acme_registry import DOMAIN, PATIENCE, TASK, AcmeRegistry
from integration.suite.support.reporting import Figure

IMAGE = "servers/app:1"
#: Concurrent clients while the certificate changes, every second with a connection of its own.
CLIENTS = 4


@pytest.fixture(scope="module")
def said() -> dict[str, dict[str, str]]:
    """Return what the task of the certificate printed, by what had happened to it."""
    return {}


@pytest.fixture(scope="module")
def acme(
    request: pytest.FixtureRequest,
    only_local: None,  # noqa: ARG001
    report: Callable[[str], None],
    logs: Callable[[Path], None],
    said: dict[str, dict[str, str]],
    folder: Path,
) -> Iterator[AcmeRegistry]:
    """Deploy, with a zone that nothing delegates at first; then interrupt the next attempt."""
    directory: Path = request.config.getoption("--directory")
    logs(directory / "logs")
    with ends_on_signals(), AcmeRegistry(directory, report, apply_with_terraform) as acme:
        acme.start()
        report("The zone is not delegated")
        wait_until("a line", lambda: bool(acme.printed()), True, PATIENCE)
        (said["not delegated"],) = acme.printed()
        acme.zones.delegated = True
        acme.zones.responds.clear()
        report("The task is ended while the authority looks for the record")
        asked = len(acme.zones.asked)
        acme.restart_task()
        wait_until("a query", lambda: len(acme.zones.asked) > asked, True, PATIENCE)
        acme.end_task()
        acme.zones.responds.set()
        acme.start()
        assert acme.files() == set()
        said["issued"] = acme.run_again()
        acme.publish(folder, acme.role)
        acme.serve(folder)
        yield acme


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the server."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture
def deployment(acme: AcmeRegistry, folder: Path) -> Deployment:
    return acme.deployment(folder)


@pytest.fixture(scope="module")
def pushed(acme: AcmeRegistry, folder: Path) -> None:
    """Push an image with nothing but the role."""
    layout = folder / "image"
    make_image(layout, [5 * MEGABYTE, 100_000, 1], seed=19)
    to = f"docker://{DOMAIN}/{IMAGE}"
    acme.server.skopeo(acme.deployment(folder), "copy", f"oci:{layout}", to)


def test_a_server_pulls_with_nothing_but_its_role(
    acme: AcmeRegistry,
    deployment: Deployment,
    pushed: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    image = f"docker://{DOMAIN}/{IMAGE}"
    acme.server.skopeo(deployment, "copy", image, f"oci:{tmp_path / 'out'}")
    (manifest,) = json.loads((tmp_path / "out" / "index.json").read_text())["manifests"]
    blobs = tmp_path / "out" / "blobs" / "sha256"
    content = json.loads((blobs / manifest["digest"].removeprefix("sha256:")).read_text())
    assert acme.server.podman_pull(deployment, IMAGE) == content["config"]["digest"]
    assert acme.files() == {"domain.crt", "domain.key", "identities.toml"}


@pytest.mark.usefixtures("acme")
def test_the_log_says_what_to_do_about_a_zone_that_is_not_delegated(
    said: dict[str, dict[str, str]],
) -> None:
    assert said["not delegated"]["event"] == "certificate_failed"
    assert "let the parent of the zone name the name" in said["not delegated"]["message"]


def test_an_interrupted_run_leaves_no_record(
    acme: AcmeRegistry, said: dict[str, dict[str, str]]
) -> None:
    assert said["issued"]["event"] == "certificate_issued"
    assert acme.zones.texts(f"_acme-challenge.{DOMAIN}") == []


def test_the_task_may_change_its_record_and_no_other(acme: AcmeRegistry) -> None:
    iam = acme.cloud.session.client("iam")
    (role,) = [role for role in iam.list_roles()["Roles"] if TASK in role["RoleName"]]
    mine = acme.cloud.emulator.assume_role(role["Arn"])
    route53 = acme.cloud.emulator.session(mine).client("route53")

    def change(action: str, name: str, kind: str = "TXT", value: str = '"a"') -> str:
        record = {"Name": name, "Type": kind, "TTL": 10, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        try:
            route53.change_resource_record_sets(HostedZoneId=acme.zone, ChangeBatch=batch)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    record = f"_acme-challenge.{DOMAIN}"
    assert change("UPSERT", record) == ""
    assert change("DELETE", record) == ""
    assert change("UPSERT", f"_acme-challenge.other.{DOMAIN}") == "AccessDenied"
    assert change("UPSERT", record, "CNAME", "elsewhere.example.com") == "AccessDenied"
    assert change("UPSERT", DOMAIN, "A", "192.0.2.1") == "AccessDenied"
    s3 = acme.cloud.emulator.session(mine).client("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=acme.bucket, Key="identities.toml")


def test_a_renewal_after_an_outage_of_the_authority_fails_no_request(
    acme: AcmeRegistry,
    deployment: Deployment,
    pushed: None,  # noqa: ARG001
    figure: Figure,
) -> None:
    (first,) = acme.certificates()
    over, context = Event(), ssl.create_default_context(cafile=deployment.ca)

    def pull(number: int) -> list[int]:
        found = []
        with acme.client(deployment, context, keep=bool(number % 2)) as client:
            manifest = client.get(f"/v2/servers/app/manifests/{IMAGE.partition(':')[2]}").json()
            digest = manifest["layers"][0]["digest"]
            while not over.is_set():
                found.append(client.get(f"/v2/servers/app/blobs/{digest}").status_code)
        return found

    with ThreadPoolExecutor(CLIENTS) as clients:
        pulls = [clients.submit(pull, number) for number in range(CLIENTS)]
        try:
            acme.pebble.stop()
            down = acme.run_again("domain")
            kept = acme.certificates()
            acme.pebble.start()
            # After each start its root is another.
            context.load_verify_locations(cadata=acme.pebble.root)
            issued = acme.run_again("account")
            wait_until("the new pair", lambda: first in acme.certificates(), False, PATIENCE)
        finally:
            over.set()
    responses = [status for client in pulls for status in client.result()]
    figure("requests while a certificate is renewed", len(responses), "")
    assert "the authority does not respond" in down["message"]
    assert kept == {first}
    assert issued["event"] == "certificate_issued"
    assert len(acme.certificates()) == 1
    assert len(responses) > CLIENTS
    assert set(responses) == {200}


@pytest.mark.usefixtures("pushed")
def test_another_host_renews_the_certificate_when_the_first_dies(acme: AcmeRegistry) -> None:
    died = acme.place.id
    acme.cloud.kill_host(died)
    acme.cloud.reconcile()
    assert acme.place.id != died
    assert acme.run_again("domain")["event"] == "certificate_issued"
