"""A deployed registry as AWS sees it: hosts, tasks, targets, and the log with the reason."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from botocore.exceptions import ClientError

#: The variable of a container that names the configuration bucket, and so the proxy.
BUCKET = "NGINX_CONFIG_BUCKET"
#: Lines of a log that are shown.
LINES = 10
#: What a host writes while it boots, before it joins the cluster.
BOOT_LOGS = "/var/log/cloud-init-output.log and /var/log/ecs/ecs-agent.log"

#: Of a task whose containers never ran. ECS waits longer after each, until the task is another one:
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
NEVER_RAN = (
    "none, ECS says all there is; if an image is missing, `wharf image --tag NEW` and a deployment "
    "also end the pause of up to 27 minutes between attempts"
)


@dataclass(frozen=True)
class Ended:
    """A task that ECS has stopped: its identifier, why, and the container that ended first."""

    id: str
    reason: str
    container: str | None


@dataclass(frozen=True)
class Reason:
    """Why a registry does not respond: what AWS says, where the log is, and its last lines."""

    text: str
    log: str
    lines: tuple[str, ...] = ()


class Deployed:
    """A registry that was deployed, by whatever way: it is found by the name of its environment.

    Args:
        session: of boto3, in the region of the registry.
        name: of the environment.

    Raises:
        click.ClickException: there is none, or the name is that of another service.

    Exposes ``bucket``, the configuration bucket, and ``host``, the DNS name of the load balancer.
    """

    def __init__(self, session: Any, name: str) -> None:
        self._clients = {
            service: session.client(service)
            for service in ("ecs", "autoscaling", "elbv2", "elb", "logs", "ec2")
        }
        self._name = name
        service = self._service()
        if service is None:
            raise click.ClickException(
                f"{session.region_name} has no registry {name}: deploy it with "
                f"`npx cdktf deploy {name}`, or correct name and aws_region of the settings"
            )
        task = self._clients["ecs"].describe_task_definition(
            taskDefinition=service["taskDefinition"]
        )["taskDefinition"]
        self._family = task["family"]
        self._containers = {each["name"]: each for each in task["containerDefinitions"]}
        environment = {
            each["name"]: each["value"]
            for container in self._containers.values()
            for each in container.get("environment", ())
        }
        if BUCKET not in environment or len(service["loadBalancers"]) != 1:
            raise click.ClickException(
                f"{session.region_name}: the ECS service {name} is no registry of Wharf: "
                "correct name and aws_region of the settings"
            )
        self.bucket = str(environment[BUCKET])
        (self._target,) = service["loadBalancers"]
        self.host = self._host()

    def _service(self) -> Any:
        try:
            found = self._clients["ecs"].describe_services(
                cluster=self._name, services=[self._name]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ClusterNotFoundException":
                raise
            return None
        return next((each for each in found["services"] if each["status"] == "ACTIVE"), None)

    def _host(self) -> str:
        classic = self._target.get("loadBalancerName")
        if classic:
            found = self._clients["elb"].describe_load_balancers(LoadBalancerNames=[classic])
            return str(found["LoadBalancerDescriptions"][0]["DNSName"])
        client = self._clients["elbv2"]
        groups = client.describe_target_groups(TargetGroupArns=[self._target["targetGroupArn"]])
        arns = groups["TargetGroups"][0]["LoadBalancerArns"]
        return str(
            client.describe_load_balancers(LoadBalancerArns=arns)["LoadBalancers"][0]["DNSName"]
        )

    def state(self) -> dict[str, str]:
        """Return a line for each part: hosts, their replacement, tasks, targets."""
        service = self._service() or {}
        (deployment, *_) = service.get("deployments") or [{}]
        group = self._group()
        lines = {
            "hosts": _counted(each["LifecycleState"] for each in group.get("Instances", ()))
            + f" of {group.get('DesiredCapacity', 0)}",
            "tasks": f"{service.get('runningCount', 0)} running, "
            f"{service.get('pendingCount', 0)} pending; deployment "
            f"{deployment.get('rolloutState', 'unknown')}",
            "targets": _counted(self._targets().values()),
        }
        for refresh in self._clients["autoscaling"].describe_instance_refreshes(
            AutoScalingGroupName=self._name, MaxRecords=1
        )["InstanceRefreshes"]:
            said = f"{refresh['Status']}, {refresh.get('PercentageComplete', 0)} % of the hosts"
            lines["refresh"] = ": ".join(filter(None, (said, refresh.get("StatusReason"))))
        return lines

    def _group(self) -> Any:
        found = self._clients["autoscaling"].describe_auto_scaling_groups(
            AutoScalingGroupNames=[self._name]
        )["AutoScalingGroups"]
        return found[0] if found else {}

    def _targets(self) -> dict[str, str]:
        """Return the health of each target, with the reason why it is not healthy."""
        classic = self._target.get("loadBalancerName")
        if classic:
            client = self._clients["elb"]
            states = client.describe_instance_health(LoadBalancerName=classic)["InstanceStates"]
            return {each["InstanceId"]: _health(each) for each in states}
        described = self._clients["elbv2"].describe_target_health(
            TargetGroupArn=self._target["targetGroupArn"]
        )["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: _health(each["TargetHealth"]) for each in described}

    def events(self, since: datetime) -> Iterator[tuple[str, str]]:
        """Yield an identifier and a line for what ECS and the autoscaling group did since."""
        for activity in self._failed_starts(since):
            yield activity["ActivityId"], f"group: {activity['StatusMessage']}"
        for event in reversed((self._service() or {}).get("events", [])):
            if event["createdAt"] >= since:
                yield event["id"], f"ECS: {event['message']}"
        for ended in self.ended(since):
            yield ended.id, f"task ended: {ended.reason}"

    def _failed_starts(self, since: datetime) -> list[Any]:
        activities = self._clients["autoscaling"].describe_scaling_activities(
            AutoScalingGroupName=self._name
        )["Activities"]
        failed = [each for each in activities if each["StatusCode"] in ("Failed", "Cancelled")]
        return [each for each in failed if each["StartTime"] >= since and "StatusMessage" in each]

    def ended(self, since: datetime) -> list[Ended]:
        """Return the tasks that ECS has started since and stopped again, the oldest first."""
        client = self._clients["ecs"]
        # Not those of the certificate's service, which is in the cluster, too.
        arns = client.list_tasks(cluster=self._name, family=self._family, desiredStatus="STOPPED")[
            "taskArns"
        ]
        if not arns:
            return []
        tasks = client.describe_tasks(cluster=self._name, tasks=arns)["tasks"]
        started = [each for each in tasks if each["createdAt"] >= since]
        return [_ended(each) for each in sorted(started, key=lambda each: each["createdAt"])]

    def certificate(self) -> Reason:
        """Return what the task that gets the certificate said last; before that, its state.

        Raises:
            click.ClickException: the stack has no such task.
        """
        name = f"{self._name}-certificate"
        services = self._clients["ecs"].describe_services(cluster=self._name, services=[name])
        for service in services["services"]:
            if service["status"] == "ACTIVE":
                break
        else:
            raise click.ClickException(
                f"the cluster {self._name} has no service {name}: deploy the stack with acme_email"
            )
        task = self._clients["ecs"].describe_task_definition(
            taskDefinition=service["taskDefinition"]
        )
        (container,) = task["taskDefinition"]["containerDefinitions"]
        state = f"{service['runningCount']} running, {service['pendingCount']} pending"
        reason = self._of_log(container, state)
        return Reason(_message(reason.lines[-1]), reason.log) if reason.lines else reason

    def reason(self, since: datetime) -> Reason:
        """Return why the registry does not respond, as far as AWS says it."""
        ended = self.ended(since)
        if ended:
            last = ended[-1]
            if last.container is None:
                return Reason(last.reason, NEVER_RAN)
            return self._of_container(last.container, last.reason)
        running = (self._service() or {}).get("runningCount", 0)
        states = self._targets()
        if "healthy" in states.values() or "InService" in states.values():
            return Reason(
                "AWS counts hosts as healthy, but this machine gets no response",
                "none: check that allowed_networks has this machine's address, and that it is in "
                "the network of an internal load balancer",
            )
        if running or states:
            return self._of_container(
                self._proxy, f"no target is healthy: {_counted(states.values())}"
            )
        return self._of_hosts(since)

    @property
    def _proxy(self) -> str:
        (name,) = (
            str(name)
            for name, each in self._containers.items()
            if any(pair["name"] == BUCKET for pair in each.get("environment", ()))
        )
        return name

    def _of_container(self, name: str, text: str) -> Reason:
        return self._of_log(self._containers[name], text)

    def _of_log(self, container: Any, text: str) -> Reason:
        group = container["logConfiguration"]["options"]["awslogs-group"]
        client = self._clients["logs"]
        streams = client.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=1
        )["logStreams"]
        lines: list[str] = []
        for stream in streams:
            events = client.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], limit=LINES
            )["events"]
            lines = [event["message"].rstrip() for event in events]
        return Reason(text, f"the log group {group}", tuple(lines))

    def _of_hosts(self, since: datetime) -> Reason:
        failed = self._failed_starts(since)
        if failed:
            text = str(failed[0]["StatusMessage"])
            return Reason(text, "the activity of the autoscaling group is all there is")
        hosts = [each["InstanceId"] for each in self._group().get("Instances", ())]
        if not hosts:
            return Reason("the autoscaling group has no host", f"the activities of {self._name}")
        console = self._clients["ec2"].get_console_output(InstanceId=hosts[0]).get("Output", "")
        return Reason(
            f"no task runs on {', '.join(hosts)}",
            f"{BOOT_LOGS} of a host; its console has",
            tuple(console.splitlines()[-LINES:]),
        )


def _ended(task: Any) -> Ended:
    """Describe a stopped task; the container that failed is the one with a status but 0."""
    # The proxy first: ECS then ends the registry, too. Told to end, the proxy has the status 0.
    containers = sorted(task["containers"], key=lambda each: each["name"])
    failed = [each for each in containers if each.get("exitCode") or each.get("reason")]
    reasons = [str(task.get("stoppedReason", "no reason"))]
    for each in failed:
        status = f"status {each['exitCode']}" if "exitCode" in each else ""
        said = ", ".join(filter(None, (status, each.get("reason"))))
        reasons.append(f"{each['name']}: {said}")
    ran = [each["name"] for each in failed if "exitCode" in each]
    return Ended(task["taskArn"], "; ".join(reasons), ran[0] if ran else None)


def _message(line: str) -> str:
    """Return the text of a line of the proxy's log, which is an object of JSON."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line


def _health(described: Any) -> str:
    reason = described.get("Description")
    state = str(described["State"])
    return f"{state} ({reason})" if reason and reason != "N/A" else state


def _counted(states: Any) -> str:
    counts = Counter(states)
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
