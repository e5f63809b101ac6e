"""What the agent of a host tells ECS and CloudWatch of a task that has ended."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

#: What ECS says of a task that ended because one of its containers did.
REASON = "Essential container in task exited"


@dataclass(frozen=True)
class EndedContainer:
    """A container that has ended: its name, its exit status, and what it printed at last."""

    name: str
    status: int
    output: Sequence[str]


def report_ended_task(
    session: Any,
    cluster: str,
    instance: str,
    definition: Mapping[str, Any],
    containers: Sequence[EndedContainer],
) -> None:
    """Add a stopped task to the API, and the output of its containers to their log groups."""
    ecs = session.client("ecs")
    task = ecs.start_task(
        cluster=cluster,
        taskDefinition=definition["taskDefinitionArn"],
        containerInstances=[_agent(ecs, cluster, instance)],
    )["tasks"][0]["taskArn"]
    ecs.submit_task_state_change(
        cluster=cluster,
        task=task,
        status="STOPPED",
        reason=REASON,
        containers=[
            {"containerName": container.name, "exitCode": container.status, "status": "STOPPED"}
            for container in containers
        ],
    )
    options = {
        container["name"]: container.get("logConfiguration", {}).get("options", {})
        for container in definition["containerDefinitions"]
    }
    for container in containers:
        group = options[container.name].get("awslogs-group")
        if group:
            _log(session.client("logs"), group, container)


def _agent(ecs: Any, cluster: str, instance: str) -> str:
    """Return the agent of a host, which registers when it is first needed."""
    arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    agents = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)[
        "containerInstances"
    ] if arns else []  # fmt: skip
    for agent in agents:
        if agent["ec2InstanceId"] == instance:
            return str(agent["containerInstanceArn"])
    document = json.dumps({"instanceId": instance})
    made = ecs.register_container_instance(cluster=cluster, instanceIdentityDocument=document)
    return str(made["containerInstance"]["containerInstanceArn"])


def _log(logs: Any, group: str, container: EndedContainer) -> None:
    stream = f"{container.name}/{container.name}/{uuid4().hex}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in container.output]
    if events:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
