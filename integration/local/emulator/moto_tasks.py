"""Corrections of moto 5.2.5 about tasks of ECS: what the agent of a host reports of them.

See moto_corrections.py, which applies them with the others.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.models import Task
from moto.ecs.responses import EC2ContainerServiceResponse

from integration.local.emulator.replacing import after


def apply_task_corrections() -> None:
    """Correct moto in this process."""
    tasks_have_the_time_of_their_creation()
    agents_report_tasks_that_ended()


def tasks_have_the_time_of_their_creation() -> None:
    """DescribeTasks returns no ``createdAt``, which every task has."""

    def note(task: Any, _: Any) -> None:
        task.created_at = utcnow()

    after(Task, "__init__", note)


def agents_report_tasks_that_ended() -> None:
    """moto does not know SubmitTaskStateChange, by which the ECS agent tells that a task ended.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SubmitTaskStateChange.html
    """

    def submit(response: Any) -> ActionResult:
        backend = response.ecs_backend
        cluster, arn = response._get_param("cluster"), response._get_param("task")
        if response._get_param("status") == "STOPPED":
            backend.stop_task(cluster, arn, response._get_param("reason"))
        (task,) = backend.describe_tasks(cluster, [arn])
        task.containers = [
            {
                "name": container["containerName"],
                "lastStatus": container["status"],
                "exitCode": container["exitCode"],
            }
            for container in response._get_param("containers", [])
        ]
        return ActionResult({"acknowledgment": "ACCEPT"})

    EC2ContainerServiceResponse.submit_task_state_change = submit  # type: ignore[attr-defined]
