"""The certificate that renews itself, from a real ACME authority by DNS-01 in emulated Route 53."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from pytest_httpserver import HTTPServer
from wharf_proxy.authority import Authority
from wharf_proxy.bucket import Bucket
from wharf_proxy.certificate import check_certificate
from wharf_proxy.errors import AuthorityError
from wharf_proxy.renewal import Renewal

from integration.local.emulator.process import Emulator
from integration.local.registry import operator
from integration.suite.support.acme_authority import Pebble, Zones

pytestmark = pytest.mark.slow

DOMAIN = "registry.example.com"
RECORD = f"_acme-challenge.{DOMAIN}"


@dataclass
class Rig:
    """An account with a zone and a bucket, an authority, and the program that gets certificates."""

    emulator: Emulator
    zones: Zones
    pebble: Pebble
    folder: Path

    @property
    def s3(self) -> Any:
        return self.emulator.session().client("s3")

    def renewal(self, *, directory: str = "", later: float = 0) -> Renewal:
        """Return the program in this process, with a clock that is some days ahead."""
        authority = Authority(
            directory or self.pebble.directory, "a@example.com", self.pebble.trust
        )
        return Renewal(
            Bucket("configuration", region="us-east-1"),
            DOMAIN,
            authority,
            self.folder,
            lambda: datetime.now(UTC) + timedelta(days=later),
        )

    def start(self) -> "subprocess.Popen[str]":
        """Start the program as the container does, for one look, in a process group of its own."""
        environment = {
            **os.environ,
            "NGINX_CONFIG_BUCKET": "configuration",
            "ACME_DOMAIN": DOMAIN,
            "ACME_EMAIL": "a@example.com",
            "ACME_DIRECTORY": self.pebble.directory,
            "ACME_TRUST": self.pebble.trust,
        }
        command = [sys.executable, "-m", "wharf_proxy.renewal", "--once"]
        return subprocess.Popen(
            [*command, "--directory", str(self.folder)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def objects(self) -> dict[str, bytes]:
        """Return the objects of the bucket."""
        listed = self.s3.list_objects_v2(Bucket="configuration").get("Contents", [])
        return {
            item["Key"]: self.s3.get_object(Bucket="configuration", Key=item["Key"])["Body"].read()
            for item in listed
        }

    def published(self) -> x509.Certificate:
        """Return the certificate that hosts would use."""
        files = self.objects()
        return check_certificate(files["domain.crt"], files["domain.key"])

    def forget(self, name: str) -> None:
        """Delete an object, as the log says."""
        self.s3.delete_object(Bucket="configuration", Key=f"acme/{name}.json")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator.start(tmp_path_factory.mktemp("emulator") / "moto.log")
    session = emulator.session()
    session.client("route53").create_hosted_zone(Name="example.com", CallerReference="acme")
    yield emulator
    emulator.stop()


@pytest.fixture
def rig(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    for name, value in operator(emulator).items():
        monkeypatch.setenv(name, value)
    session = emulator.session()
    s3 = session.client("s3")
    s3.create_bucket(Bucket="configuration")
    with (
        Zones(lambda: session.client("route53")) as zones,
        Pebble(tmp_path, zones) as pebble,
    ):
        yield Rig(emulator, zones, pebble, tmp_path)
    for listed in s3.list_objects_v2(Bucket="configuration").get("Contents", []):
        s3.delete_object(Bucket="configuration", Key=listed["Key"])
    s3.delete_bucket(Bucket="configuration")


def _wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_first_certificate_is_issued_and_nothing_stays_behind(rig: Rig) -> None:
    with rig.start() as process:
        printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert json.loads(printed)["event"] == "certificate_issued"
    rig.published()
    assert rig.objects().keys() == {
        *("domain.crt", "domain.key"),
        *("acme/domain.json", "acme/account.json", "acme/attempts.json"),
    }
    assert set(rig.zones.asked) == {RECORD}
    assert rig.zones.texts(RECORD) == []
    assert list(rig.folder.glob("acme-*")) == []


def test_a_certificate_is_renewed_once_and_with_the_same_account(rig: Rig) -> None:
    rig.renewal().look()
    first, account = rig.published(), rig.objects()["acme/account.json"]
    rig.renewal(later=59).look()
    assert rig.published() == first
    rig.renewal(later=61).look()
    second = rig.published()
    assert second != first
    assert second.public_key() != first.public_key()
    assert rig.objects()["acme/account.json"] == account
    asked = len(rig.zones.asked)
    # Due by this clock, but it was asked for just now.
    rig.renewal(later=61).look()
    assert rig.published() == second
    assert len(rig.zones.asked) == asked


def test_while_the_authority_is_down_the_old_certificate_stays(rig: Rig) -> None:
    rig.renewal().look()
    first = rig.published()
    rig.pebble.stop()
    with pytest.raises(AuthorityError, match=r"the authority does not respond.*next attempt is at"):
        rig.renewal(later=61).look()
    assert rig.published() == first
    # Until the next attempt, nothing is asked.
    rig.renewal(later=61).look()
    rig.pebble.start()
    rig.forget("attempts")
    with pytest.raises(AuthorityError, match=r"delete acme/account\.json"):
        rig.renewal(later=61).look()
    rig.forget("attempts")
    rig.forget("account")
    rig.renewal(later=61).look()
    assert rig.published() != first


def test_a_zone_that_is_not_delegated_is_named_and_the_account_is_kept(rig: Rig) -> None:
    rig.zones.delegated = False
    with pytest.raises(AuthorityError, match="let the parent of the zone name the name servers"):
        rig.renewal().look()
    assert "domain.crt" not in rig.objects()
    assert rig.zones.texts(RECORD) == []
    account = rig.objects()["acme/account.json"]
    assert json.loads(account)
    rig.zones.delegated = True
    rig.forget("attempts")
    rig.renewal().look()
    rig.published()
    assert rig.objects()["acme/account.json"] == account


def test_a_rate_limit_is_waited_for_six_hours(rig: Rig) -> None:
    with rig.pebble.client() as client:
        directory = client.get(rig.pebble.directory).json()
    context = rig.pebble.server_context("127.0.0.1")
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=context) as front:
        orders = front.url_for("/order")
        front.expect_request("/dir").respond_with_json({**directory, "newOrder": orders})
        front.expect_request("/order").respond_with_json(
            {
                "type": "urn:ietf:params:acme:error:rateLimited",
                "detail": "too many certificates (5) already issued for this exact set",
            },
            status=httpx.codes.TOO_MANY_REQUESTS,
            content_type="application/problem+json",
        )
        renewal = rig.renewal(directory=front.url_for("/dir"))
        with pytest.raises(AuthorityError, match="the authority's rate limit is reached: wait"):
            renewal.look()
        asked = len(front.log)
        renewal.look()
        assert len(front.log) == asked
    attempts = json.loads(rig.objects()["acme/attempts.json"])
    left = datetime.fromisoformat(attempts["next"]) - datetime.now(UTC)
    assert timedelta(hours=5.9) < left <= timedelta(hours=6)


def test_an_authority_that_is_not_trusted_is_named(rig: Rig) -> None:
    authority = Authority(rig.pebble.directory, "a@example.com")
    bucket = Bucket("configuration", region="us-east-1")
    with pytest.raises(AuthorityError, match="acme_trust"):
        Renewal(bucket, DOMAIN, authority, rig.folder).look()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_that_the_next_does_not_mend(
    rig: Rig, number: signal.Signals
) -> None:
    rig.zones.responds.clear()
    with rig.start() as process:
        _wait(lambda: rig.zones.asked)
        # ECS stops the first process, and it certbot; with its host, all end at once.
        if number == signal.SIGTERM:
            process.terminate()
            assert process.wait(90) == 128 + number
            assert rig.zones.texts(RECORD) == []
        else:
            os.killpg(process.pid, number)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    rig.zones.responds.set()
    assert "domain.crt" not in rig.objects()
    rig.renewal().look()
    assert "domain.crt" not in rig.objects()
    rig.forget("attempts")
    rig.renewal().look()
    rig.published()
    assert rig.zones.texts(RECORD) == []
