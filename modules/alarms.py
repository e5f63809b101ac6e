"""Alarms and a dashboard: they show an operator that something is wrong."""

import json
from typing import Any

from modules.bindings.aws import (
    CloudwatchDashboard,
    CloudwatchLogMetricFilter,
    CloudwatchMetricAlarm,
    Construct,
    SnsTopic,
    SnsTopicSubscription,
)
from modules.expressions import CUSTOMER_KEY, number
from modules.load_balancer import ClassicLoadBalancer, NetworkLoadBalancer
from modules.metrics import DISK_DIMENSIONS, DISK_METRIC, LATE_CERTIFICATE, NAMESPACE, PROXY_METRICS

#: The alarms for hosts that do not serve, or serve badly.
OF_HOSTS = ("unhealthy_hosts", "no_healthy_host", "server_errors")

MINUTE = 60
DAY = 86400


class Alarms(Construct):
    """Alarms to one SNS topic, and a dashboard.

    Args:
        proxy_logs: the log group of nginx.
        balancer: the load balancer of the hosts to watch.
        group_name: the autoscaling group of the hosts.
        certificate_logs: the log group of the certificate's task, if there is such a task.

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
        certificate_logs: str | None,
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
        days_left = "CertificateDaysLeft"
        if certificate_logs:
            days_left, pattern, value = LATE_CERTIFICATE
            self._count(days_left, proxy_logs, pattern, value)
            self._watch_renewal(certificate_logs)
        self._watch_certificate(days_left)
        CloudwatchDashboard(
            self,
            "dashboard",
            dashboard_name="${var.name}-${var.aws_region}",
            dashboard_body=_dashboard(balancer, group_name, days_left),
        )

    def _count(self, metric: str, logs: str, pattern: str, value: str) -> None:
        """Create a metric from the log lines that match."""
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
            "No host is healthy: the registry is down.",
            metric="HealthyHostCount",
            statistic="Maximum",
            # Without hosts by choice there is nothing to miss.
            threshold=number("min(1, var.minimum_hosts)"),
            comparison="LessThanThreshold",
            periods=3,
            # A balancer without hosts reports no metric at all.
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
            "The registry responds with errors (5xx): see the logs of nginx and the registry.",
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
            "mirrors",
            "A registry that is mirrored cannot be used: see the events mirror_… of nginx's log.",
            metric="MirrorFailures",
            threshold=1,
            period=5 * MINUTE,
        )
        self._alarm(
            "configuration_refused",
            "Hosts refuse the published users, permissions or certificate: nginx's log says why.",
            metric="ConfigurationRefused",
            threshold=1,
            period=5 * MINUTE,
        )

    def _watch_certificate(self, metric: str) -> None:
        self._alarm(
            "certificate",
            "The certificate is about to expire: publish a new one, or see why it is not renewed.",
            metric=metric,
            statistic="Minimum",
            threshold=number("var.alarm_certificate_days"),
            comparison="LessThanOrEqualToThreshold",
            # Hosts report the days at their start and once a day.
            period=DAY,
        )

    def _watch_renewal(self, logs: str) -> None:
        self._count("CertificateFailures", logs, '{ $.event = "certificate_failed" }', "1")
        self._alarm(
            "renewal",
            "The certificate is not renewed: the log of its task says what to do.",
            metric="CertificateFailures",
            # Attempts become rarer, to one in six hours. A single one may fail for any reason.
            threshold=3,
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
        """Notify the topic when the metric exceeds its limit in all of the periods (seconds)."""
        CloudwatchMetricAlarm(
            self,
            name,
            alarm_name=alarm_name(name),
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


def alarm_name(name: str) -> str:
    """Return the name of an alarm in the account."""
    return f"${{var.name}}-{name}-${{var.aws_region}}"


def _dashboard(
    balancer: NetworkLoadBalancer | ClassicLoadBalancer, group_name: str, days_left: str
) -> str:
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
        ("Failures of mirrored registries", "Sum", [[NAMESPACE, "MirrorFailures"]]),
        (
            "Days left of the certificate",
            "Minimum",
            [[NAMESPACE, metric] for metric in sorted({"CertificateDaysLeft", days_left})],
        ),
    ]
    return json.dumps({"widgets": [_widget(index, *graph) for index, graph in enumerate(graphs)]})


def _widget(index: int, title: str, statistic: str, metrics: list[list[str]]) -> dict[str, Any]:
    """Return a graph; two fit in a row of the dashboard's 24 columns."""
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
