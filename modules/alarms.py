"""What tells an operator that something is wrong: metrics from logs, alarms, one dashboard."""

import json
from typing import Any

from modules.aws import (
    CloudwatchDashboard,
    CloudwatchLogMetricFilter,
    CloudwatchMetricAlarm,
    Construct,
    SnsTopic,
    SnsTopicSubscription,
)
from modules.expressions import CUSTOMER_KEY, number
from modules.load_balancer import ClassicLoadBalancer, NetworkLoadBalancer

#: Where the registry's own metrics are in CloudWatch.
NAMESPACE = "Wharf/${var.name}"
#: Percent of a host's disk in use, as hosts report it for all of them together.
DISK_METRIC = "disk_used_percent"
DISK_DIMENSIONS = {"Environment": "${var.name}"}

MINUTE = 60
DAY = 86400

#: For each metric the pattern of the log lines that count, and what each of them adds.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
PROXY_METRICS = {
    "Requests": ("{ $.status = * }", "1"),
    "Unauthorized": ("{ $.status = 401 }", "1"),
    "Throttled": ("{ $.status = 429 }", "1"),
    # 501 and 505 are for what a client sent: other transfer encodings and versions of HTTP.
    "ServerErrors": ("{ ($.status >= 500) && ($.status != 501) && ($.status != 505) }", "1"),
    # The proxy copies the error out of the registry's response, without a word of the client. The
    # registry's own log cannot tell: CloudWatch reads no field with a dot in its name, such as
    # err.detail, and a word anywhere in a line can be from a client.
    "StorageErrors": ('{ $.failure = "s3aws*" }', "1"),
    "UpstreamTime": ("{ $.upstream_time >= 0 }", "$.upstream_time"),
    "ConfigurationRefused": ('{ $.event = "configuration_refused" }', "1"),
    "CertificateDaysLeft": ('{ $.event = "certificate" }', "$.days_left"),
}


class Alarms(Construct):
    """Alarms to one SNS topic, and a dashboard.

    Args:
        proxy_logs: the log group of nginx.
        balancer: whose hosts are watched.
        group_name: the autoscaling group of the hosts.

    Exposes ``topic_arn``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        proxy_logs: str,
        balancer: NetworkLoadBalancer | ClassicLoadBalancer,
        group_name: str,
    ) -> None:
        super().__init__(scope, id)
        topic = SnsTopic(self, "topic", name="${var.name}-alarms", kms_master_key_id=CUSTOMER_KEY)
        self.topic_arn = topic.arn
        emails = SnsTopicSubscription(
            self, "emails", topic_arn=topic.arn, protocol="email", endpoint="${each.value}"
        )
        emails.add_override("for_each", "${toset(var.alarm_emails)}")
        for metric, (pattern, value) in PROXY_METRICS.items():
            self._count(metric, proxy_logs, pattern, value)
        self._watch_hosts(balancer, group_name)
        self._watch_requests()
        CloudwatchDashboard(
            self,
            "dashboard",
            dashboard_name="${var.name}-${var.aws_region}",
            dashboard_body=_dashboard(balancer, group_name),
        )

    def _count(self, metric: str, logs: str, pattern: str, value: str) -> None:
        """Make a metric of the log lines that match."""
        CloudwatchLogMetricFilter(
            self,
            f"count_{metric}",
            name=metric,
            log_group_name=logs,
            pattern=pattern,
            metric_transformation={"name": metric, "namespace": NAMESPACE, "value": value},
        )

    def _watch_hosts(
        self, balancer: NetworkLoadBalancer | ClassicLoadBalancer, group_name: str
    ) -> None:
        of_balancer: dict[str, Any] = {
            "namespace": balancer.METRIC_NAMESPACE,
            "dimensions": balancer.metric_dimensions,
        }
        self._alarm(
            "unhealthy_hosts",
            "A host fails the load balancer's check: see its containers' logs.",
            metric="UnHealthyHostCount",
            statistic="Maximum",
            threshold=1,
            periods=5,
            **of_balancer,
        )
        self._alarm(
            "no_healthy_host",
            "No host answers: the registry is down.",
            metric="HealthyHostCount",
            statistic="Maximum",
            # Without hosts by choice there is nothing to miss.
            threshold=number("min(1, var.minimum_hosts)"),
            comparison="LessThanThreshold",
            periods=3,
            # A balancer that knows no host tells nothing at all.
            missing='${var.minimum_hosts > 0 ? "breaching" : "notBreaching"}',
            **of_balancer,
        )
        self._alarm(
            "hosts_at_maximum",
            "All hosts that scaling may start run: raise maximum_hosts if requests become slow.",
            metric="GroupInServiceInstances",
            namespace="AWS/AutoScaling",
            dimensions={"AutoScalingGroupName": group_name},
            statistic="Minimum",
            # Where there is no room to scale, all hosts always run.
            threshold=number("var.maximum_hosts + (var.maximum_hosts > var.minimum_hosts ? 0 : 1)"),
            periods=15,
        )
        self._alarm(
            "disk",
            "A host's disk is nearly full: raise volume_size or lower cache_size.",
            metric=DISK_METRIC,
            dimensions=DISK_DIMENSIONS,
            statistic="Maximum",
            threshold=90,
            periods=10,
        )

    def _watch_requests(self) -> None:
        self._alarm(
            "server_errors",
            "The registry answers with errors (5xx): see the logs of nginx and the registry.",
            metric="ServerErrors",
            threshold=10,
            period=5 * MINUTE,
        )
        self._alarm(
            "storage_errors",
            "The registry gets errors from S3: see nginx's log (failure), and S3's own health.",
            metric="StorageErrors",
            threshold=5,
            period=5 * MINUTE,
        )
        self._alarm(
            "configuration_refused",
            "Hosts refuse the published users, permissions or certificate: nginx's log says why.",
            metric="ConfigurationRefused",
            threshold=1,
            period=5 * MINUTE,
        )
        self._alarm(
            "certificate",
            "The certificate is about to expire: publish a new one.",
            metric="CertificateDaysLeft",
            statistic="Minimum",
            threshold=number("var.alarm_certificate_days"),
            comparison="LessThanOrEqualToThreshold",
            # Hosts tell at their start and once a day.
            period=DAY,
        )

    def _alarm(
        self,
        name: str,
        description: str,
        *,
        metric: str,
        threshold: float,
        namespace: str = NAMESPACE,
        dimensions: dict[str, str] | None = None,
        statistic: str = "Sum",
        comparison: str = "GreaterThanOrEqualToThreshold",
        period: int = MINUTE,
        periods: int = 1,
        missing: str = "notBreaching",  # no line in the log is no error
    ) -> None:
        """Tell the topic when the metric is out of its limit for all of the periods (seconds)."""
        CloudwatchMetricAlarm(
            self,
            name,
            alarm_name=f"${{var.name}}-{name}-${{var.aws_region}}",
            alarm_description=description,
            metric_name=metric,
            namespace=namespace,
            dimensions=dimensions,
            statistic=statistic,
            comparison_operator=comparison,
            threshold=threshold,
            period=period,
            evaluation_periods=periods,
            treat_missing_data=missing,
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
        )


def _dashboard(balancer: NetworkLoadBalancer | ClassicLoadBalancer, group_name: str) -> str:
    of_balancer = [pair for item in sorted(balancer.metric_dimensions.items()) for pair in item]
    of_group = ["AutoScalingGroupName", group_name]
    of_disk = [pair for item in DISK_DIMENSIONS.items() for pair in item]
    graphs = [
        (
            "Hosts",
            "Maximum",
            [
                [balancer.METRIC_NAMESPACE, "HealthyHostCount", *of_balancer],
                [balancer.METRIC_NAMESPACE, "UnHealthyHostCount", *of_balancer],
                ["AWS/AutoScaling", "GroupInServiceInstances", *of_group],
            ],
        ),
        (
            "Requests",
            "Sum",
            [
                [NAMESPACE, metric]
                for metric in ("Requests", "Unauthorized", "Throttled", "ServerErrors")
            ],
        ),
        ("Upstream time (s)", "p99", [[NAMESPACE, "UpstreamTime"]]),
        ("CPU (%)", "Average", [["AWS/EC2", "CPUUtilization", *of_group]]),
        ("Sent by the hosts (bytes)", "Sum", [["AWS/EC2", "NetworkOut", *of_group]]),
        ("Disk of the fullest host (%)", "Maximum", [[NAMESPACE, DISK_METRIC, *of_disk]]),
        ("Errors of S3", "Sum", [[NAMESPACE, "StorageErrors"]]),
        ("Days left of the certificate", "Minimum", [[NAMESPACE, "CertificateDaysLeft"]]),
    ]
    return json.dumps({"widgets": [_widget(index, *graph) for index, graph in enumerate(graphs)]})


def _widget(index: int, title: str, statistic: str, metrics: list[list[str]]) -> dict[str, Any]:
    """One graph: two in a row of the dashboard's 24 columns."""
    return {
        "type": "metric",
        "x": 12 * (index % 2),
        "y": 6 * (index // 2),
        "width": 12,
        "height": 6,
        "properties": {
            "title": title,
            "metrics": metrics,
            "stat": statistic,
            "period": MINUTE,
            "region": "${var.aws_region}",
        },
    }
