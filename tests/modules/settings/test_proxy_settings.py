"""The proxy accepts the values of the stack: both have the same defaults and limits."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.settings import DELIVERIES, ORIGINS, ProxySettings, variables

from modules.settings.limits import rules_of, whole_rules_of
from modules.settings.rules import Count, Within
from modules.settings.settings import Settings
from tests.support.containers import environment
from tests.support.terraform_console import evaluate

Stack = dict[str, Any]

#: The largest of EC2, u-24tb1.112xlarge.
LARGEST_HOST = 24 * 1024 * 1024
ORIGINS_TRIED = [
    *("https://ui.example.com", "https://ui.example.com:8443", "http://localhost:8000"),
    *("http://127.0.0.1", "https://ui.example.com:443", "http://localhost:80", "http://a.example"),
    *("https://UI.example.com", "https://ui.example.com/", "https://ui.example.com:0", "ui", "*"),
    *("https://-a.example", f"https://{'a' * 253}", f"https://{'a' * 254}", "null"),
]


def fed_by_settings(stack: Stack) -> dict[str, str]:
    """Return the settings by variable of the proxy: ``NGINX_CACHE_GIGABYTES: cache_size``."""
    return {
        name: found[1]
        for name, value in environment(stack, "nginx").items()
        if name.startswith("NGINX_") and (found := re.fullmatch(r"\$\{var\.(\w+)\}", value))
    }


def test_numbers_have_the_defaults_and_limits_of_their_settings(stack: Stack) -> None:
    of_stack = {}
    for name, setting in fed_by_settings(stack).items():
        if name == "NGINX_PAGE":
            continue
        field = Settings.model_fields[setting]
        (rule,) = rules_of(field)
        assert isinstance(rule, Within)
        of_stack[name] = (rule.low, rule.high, field.default)
    defaults = {field.name: field.default for field in fields(ProxySettings)}
    of_proxy = {
        variable.name: (variable.low, variable.high, defaults[field])
        for field, variable in variables().items()
        if variable.name in of_stack
    }
    assert len(of_stack) == 5
    assert of_proxy == of_stack


def test_the_proxy_takes_both_values_of_the_page(stack: Stack, tmp_path: Path) -> None:
    text = environment(stack, "nginx")["NGINX_PAGE"]
    given = {"NGINX_CONFIG_BUCKET": "c", "NGINX_IMAGE_BUCKET": "i"}
    for value in (True, False):
        # With a blank, Terraform makes a text of the value, as in the definition of a container.
        page = evaluate(f'"{text.replace("var.page", json.dumps(value))} "', tmp_path).strip()
        assert ProxySettings.from_environment({**given, "NGINX_PAGE": page}).page == value
    # The task of an older stack does not set it, and its role has no rights for the page.
    assert not ProxySettings.from_environment(given).page


def test_the_deliveries_and_their_default_are_those_of_the_stack() -> None:
    field = Settings.model_fields["blob_delivery"]
    assert sorted(get_args(field.annotation)) == sorted(DELIVERIES)
    assert {field.name: field.default for field in fields(ProxySettings)}[
        "blob_delivery"
    ] == field.default


@pytest.mark.parametrize("origin", ORIGINS_TRIED)
def test_both_accept_the_same_origins(origin: str) -> None:
    (rule,) = rules_of(Settings.model_fields["browser_origins"])

    def is_accepted() -> bool:
        given = {"NGINX_CONFIG_BUCKET": "c", "NGINX_IMAGE_BUCKET": "i"}
        try:
            ProxySettings.from_environment({**given, "NGINX_BROWSER_ORIGINS": origin})
        except ConfigurationError:
            return False
        return True

    assert is_accepted() == rule.accepts(origin)


def test_both_take_as_many_origins() -> None:
    (rule,) = whole_rules_of(Settings.model_fields["browser_origins"])
    assert isinstance(rule, Count)
    assert (rule.low, rule.high) == (0, ORIGINS)


@pytest.mark.parametrize("memory", [512, LARGEST_HOST])
def test_uploads_of_the_smallest_and_of_the_largest_host_are_taken(
    stack: Stack, tmp_path: Path, memory: int
) -> None:
    types = json.dumps({"type": {"memory_size": memory}})
    code = re.sub(
        r"data[.]aws_ec2_instance_type[.]\w+", types, environment(stack, "nginx")["NGINX_UPLOADS"]
    )
    uploads = evaluate(f'"{code}"', tmp_path)
    assert variables()["uploads"].read(str(uploads)) == int(uploads)


def test_the_proxy_takes_the_other_variables_of_the_task(
    synthesize: Callable[..., Stack],
) -> None:
    for delivery in DELIVERIES:
        task = environment(synthesize(blob_delivery=delivery), "nginx")
        plain = {name: text for name, text in task.items() if "{" not in text}
        given = {"NGINX_CONFIG_BUCKET": "c", "NGINX_IMAGE_BUCKET": "i"} | plain
        found = ProxySettings.from_environment(given)
        assert (found.blob_delivery, found.notice_seconds) == (delivery, 30)
