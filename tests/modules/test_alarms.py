"""Metrics, alarms and the dashboard."""

import json
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Stack = dict[str, Any]
Synthesize = Callable[..., Stack]
LOGGING = Path(__file__).resolve().parents[2] / "nginx-proxy" / "logging.conf"
KINDS = ("aws_cloudwatch_metric_alarm", "aws_sns_topic", "aws_cloudwatch_dashboard")
#: What the proxy's own programs log beside the requests.
EVENT_FIELDS = {"event", "days_left", "percent_left"}


def alarms(stack: Stack) -> dict[str, Any]:
    found = stack["resource"]["aws_cloudwatch_metric_alarm"]
    return {name.removeprefix("alarms_"): alarm for name, alarm in found.items()}


def filters(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = stack["resource"]["aws_cloudwatch_log_metric_filter"]
    return found


def test_every_alarm_goes_to_the_topic_and_names_a_remedy(stack: Stack) -> None:
    for alarm in alarms(stack).values():
        assert alarm["alarm_actions"] == ["${aws_sns_topic.alarms_topic.arn}"]
        assert ": " in alarm["alarm_description"]


def test_the_alarms_watch_hosts_and_requests(stack: Stack) -> None:
    assert set(alarms(stack)) == {
        "unhealthy_hosts",
        "no_healthy_host",
        "hosts_at_maximum",
        "disk",
        "server_errors",
        "storage_errors",
        "mirrors",
        "configuration_refused",
        "certificate",
    }


def test_missing_metrics_raise_the_alarm_if_there_should_be_hosts(
    stack: Stack,
) -> None:
    silent = {name: alarm["treat_missing_data"] for name, alarm in alarms(stack).items()}
    assert silent.pop("no_healthy_host") == (
        '${var.minimum_hosts > 0 ? "breaching" : "notBreaching"}'
    )
    assert set(silent.values()) == {"notBreaching"}


def test_every_alarm_on_a_log_has_a_filter_that_counts(stack: Stack) -> None:
    counted = {filter_["metric_transformation"]["name"] for filter_ in filters(stack).values()}
    watched = {
        alarm["metric_name"]
        for alarm in alarms(stack).values()
        if alarm["namespace"].startswith("Wharf") and alarm["metric_name"] != "disk_used_percent"
    }
    assert watched <= counted


def test_filters_ask_for_fields_that_the_proxy_logs(stack: Stack) -> None:
    logged = set(re.findall(r'"(\w+)":', LOGGING.read_text())) | EVENT_FIELDS
    for filter_ in filters(stack).values():
        text = filter_["pattern"] + filter_["metric_transformation"]["value"]
        assert set(re.findall(r"\$\.(\w+)", text)) <= logged


def test_every_filter_reads_the_log_of_the_proxy(stack: Stack) -> None:
    # In the registry's log there is text of clients in the same fields as its own.
    groups = {filter_["log_group_name"] for filter_ in filters(stack).values()}
    assert groups == {"${aws_cloudwatch_log_group.service_nginx_logs.name}"}


def test_no_filter_reads_text_of_a_client(stack: Stack) -> None:
    for filter_ in filters(stack).values():
        # A term outside of braces is looked for in the whole line.
        pattern = filter_["pattern"]
        assert re.fullmatch(r"\{ .* \}", pattern), f"{pattern} may be anywhere in a line"
        fields = set(re.findall(r"\$\.([\w.]+)", pattern))
        assert not fields & {"user", "method", "uri", "repository"}


@pytest.mark.parametrize("status", [499, 500, 501, 502, 503, 504, 505, 507])
def test_a_status_for_an_error_of_a_client_is_no_server_error(stack: Stack, status: int) -> None:
    pattern = filters(stack)["alarms_count_ServerErrors"]["pattern"]
    comparisons = re.findall(r"\$\.status (>=|!=) (\d+)", pattern)
    others = [' && ($.failure != "client*")', ' && ($.failure != "mirror*")']
    assert pattern.count("&&") == len(comparisons) - 1 + len(others)
    assert all(term in pattern for term in others)
    operations = {">=": operator.ge, "!=": operator.ne}
    counted = all(operations[name](status, int(number)) for name, number in comparisons)
    assert counted == (status not in (499, 501, 505))


@pytest.mark.parametrize(
    ("kind", "namespace", "dimensions"),
    [
        ("network", "AWS/NetworkELB", {"LoadBalancer", "TargetGroup"}),
        ("classic", "AWS/ELB", {"LoadBalancerName"}),
    ],
)
def test_health_is_that_of_the_balancer_there_is(
    synthesize: Synthesize, kind: str, namespace: str, dimensions: set[str]
) -> None:
    alarm = alarms(synthesize(load_balancer=kind))["unhealthy_hosts"]
    assert (alarm["namespace"], set(alarm["dimensions"])) == (namespace, dimensions)


def test_hosts_report_their_disk_under_the_name_that_is_watched(stack: Stack) -> None:
    (template,) = stack["resource"]["aws_launch_template"].values()
    alarm = alarms(stack)["disk"]
    assert f'\\"namespace\\": \\"{alarm["namespace"]}\\"' in template["user_data"]
    for dimension, value in alarm["dimensions"].items():
        assert f'\\"{dimension}\\": \\"{value}\\"' in template["user_data"]
    policy = json.loads(
        stack["resource"]["aws_iam_role_policy"]["permissions_host_metrics"]["policy"]
    )
    (statement,) = policy["Statement"]
    assert statement["Condition"]["StringEquals"]["cloudwatch:namespace"] == alarm["namespace"]


def test_the_dashboard_shows_every_metric_of_the_logs(stack: Stack) -> None:
    (dashboard,) = stack["resource"]["aws_cloudwatch_dashboard"].values()
    shown = {
        metric[1]
        for widget in json.loads(dashboard["dashboard_body"])["widgets"]
        for metric in widget["properties"]["metrics"]
    }
    counted = {filter_["metric_transformation"]["name"] for filter_ in filters(stack).values()}
    assert counted - shown == {"ConfigurationRefused"}


def test_none_of_it_where_it_is_not_wanted(synthesize: Synthesize) -> None:
    stack = synthesize(alarms=False)
    assert not [kind for kind in KINDS if kind in stack["resource"]]
    assert "permissions_host_metrics" not in stack["resource"]["aws_iam_role_policy"]
    (template,) = stack["resource"]["aws_launch_template"].values()
    assert "cloudwatch" not in template["user_data"]
