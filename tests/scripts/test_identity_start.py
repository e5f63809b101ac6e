"""``wharf start`` where the certificate comes from an ACME authority."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.certificate import certificate
from tests.scripts.test_start import DOMAIN, account, contents, refused, run
from tests.support.deployed_account import Account

pytestmark = pytest.mark.slow

__all__ = ["account"]  # a fixture


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "WHARF_DOMAIN": DOMAIN,
        "WHARF_DNS_ZONE_ID": "Z0123456789",
        "WHARF_ACME_EMAIL": "a@example.com",
    }.items():
        monkeypatch.setenv(name, value)


def make_pair(domain: str = DOMAIN) -> dict[str, bytes]:
    Path("pair").mkdir()
    made = CliRunner().invoke(certificate, ["create", "--domain", domain, "--directory", "pair"])
    assert made.exit_code == 0, made.output
    return {name: Path("pair", name).read_bytes() for name in ("domain.crt", "domain.key")}


def test_users_are_made_and_no_certificate(account: Account) -> None:
    account.run_certificate_task()
    said = refused(run("--user", "alice"))
    assert f"no certificate for {DOMAIN} within 0 minutes: 0 running, 0 pending" in said
    assert f"/wharf/{account.name}/certificate" in said
    assert account.objects().keys() == contents().keys() == {"nginx.htpasswd"}


def test_what_the_task_says_is_shown(account: Account) -> None:
    line = {"event": "certificate_failed", "message": "let the parent of the zone"}
    account.run_certificate_task("first", json.dumps(line))
    assert "minutes: let the parent of the zone (log" in refused(run("--user", "alice"))


def test_with_the_certificate_the_registry_is_waited_for(account: Account) -> None:
    account.run_certificate_task()
    account.publish(make_pair())
    result = run("--user", "alice")
    assert "no response within 0 minutes" in refused(result)
    assert f"https://{DOMAIN}/ on {account.host}" in result.stdout


def test_half_a_pair_is_not_enough(account: Account) -> None:
    account.run_certificate_task()
    account.publish({"domain.crt": make_pair()["domain.crt"]})
    assert f"no certificate for {DOMAIN} within 0 minutes" in refused(run("--user", "alice"))


def test_after_a_change_of_the_domain_the_next_certificate_is_waited_for(account: Account) -> None:
    account.run_certificate_task()
    account.publish(make_pair("old.example.com"))
    assert f"no certificate for {DOMAIN} within 0 minutes" in refused(run("--user", "alice"))


def test_a_certificate_in_the_folder_is_refused(account: Account) -> None:
    Path("registry").mkdir()
    Path("registry", "domain.crt").write_bytes(make_pair()["domain.crt"])
    assert "domain.crt: is there, and acme_email is given" in refused(run("--user", "alice"))
    assert account.objects() == {}
    assert contents().keys() == {"domain.crt"}


def test_another_domain_is_refused(account: Account) -> None:
    said = refused(run("--user", "alice", "--domain", "other.example.com"))
    assert "--domain 'other.example.com'" in said
    assert account.objects() == {}


def test_a_stack_without_the_task_is_refused(account: Account) -> None:
    said = refused(run("--user", "alice"))
    assert f"no service {account.name}-certificate: deploy the stack with acme_email" in said
