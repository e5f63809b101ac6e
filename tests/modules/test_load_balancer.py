"""The name of the registry, and what protects and logs its load balancer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.errors import SettingsError
from modules.settings.file import load_environments
from tests.support.containers import only

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]


@pytest.mark.parametrize(
    ("kind", "balancer"),
    [("network", "aws_lb.load_balancer_balancer"), ("classic", "aws_elb.load_balancer_balancer")],
)
def test_a_record_where_there_is_a_zone(synthesize: Synthesize, kind: str, balancer: str) -> None:
    stack = synthesize(load_balancer=kind)
    record = only(stack, "aws_route53_record")
    assert record["for_each"] == '${toset(var.dns_zone_id == "" ? [] : [var.domain])}'
    assert record["alias"]["name"] == f"${{{balancer}.dns_name}}"
    assert record["alias"]["zone_id"] == f"${{{balancer}.zone_id}}"


def test_the_url_has_the_name_that_clients_use(stack: Stack) -> None:
    url = stack["output"]["registry_url"]["value"]
    own = "aws_lb.load_balancer_balancer.dns_name"
    assert url == f'https://${{var.domain == "" ? {own} : var.domain}}'


def test_a_zone_needs_a_name() -> None:
    with pytest.raises(SettingsError) as raised:
        load_environments(Path("none"), {"WHARF_DNS_ZONE_ID": "Z0123456789"})
    assert str(raised.value) == 'domain = "": it must be given where dns_zone_id is given'


def test_two_environments_cannot_have_one_name(tmp_path: Path) -> None:
    file = tmp_path / "wharf.toml"
    file.write_text('domain = "r.example.com"\n[environments.first]\n[environments.second]\n')
    with pytest.raises(SettingsError, match="first and second cannot share it"):
        load_environments(file, {})


@pytest.mark.parametrize(("kind", "resource"), [("network", "aws_lb"), ("classic", "aws_elb")])
def test_either_balancer_can_be_internal(synthesize: Synthesize, kind: str, resource: str) -> None:
    assert only(synthesize(load_balancer=kind), resource)["internal"] == "${var.internal}"


def test_a_network_balancer_can_be_protected(stack: Stack) -> None:
    balancer = only(stack, "aws_lb")
    assert balancer["enable_deletion_protection"] == "${var.deletion_protection}"


def test_a_classic_balancer_logs_where_it_has_a_bucket(synthesize: Synthesize) -> None:
    logs = only(synthesize(load_balancer="classic"), "aws_elb")["dynamic"]["access_logs"]
    assert logs["for_each"] == '${var.access_log_bucket == "" ? [] : [var.access_log_bucket]}'
    assert logs["content"]["bucket"] == "${access_logs.value}"
