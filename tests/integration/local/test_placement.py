"""The hosts on which ECS runs the tasks of a REPLICA service."""

from typing import Any

import pytest

from integration.local.api.blueprint import Blueprint, Service
from integration.local.api.task import Task
from integration.local.errors import LocalCloudError
from integration.local.hosts.placement import place


def task(version: int) -> Task:
    name = f"arn:aws:ecs:us-east-1:123456789012:task-definition/certificate:{version}"
    return Task({"networkMode": "bridge", "containerDefinitions": [], "taskDefinitionArn": name})


class FakeHost:
    """A host of the cluster; ``done`` has what happened on all hosts, in order."""

    def __init__(self, id: str, done: list[str], version: int | None = None) -> None:
        self.id, self.cluster, self._done = id, "wharf", done
        self.services = {"certificate": task(version).arn} if version else {}

    def stop(self, service: str) -> None:
        del self.services[service]
        self._done.append(f"stop {self.id}")

    def run(self, service: Service) -> None:
        self.services[service.name] = service.task.arn
        self._done.append(f"run {self.id}")


def placed(
    hosts: dict[str, int | None],
    leaving: dict[str, int | None] | None = None,
    *,
    replicas: int | None = 1,
) -> list[str]:
    """Return what is done about a service of version 2 with hosts that run other versions."""
    done: list[str] = []
    service = Service("certificate", "wharf", task(2), (), replicas=replicas)
    plan = Blueprint([], [service] if replicas != 0 else [], [], [])

    def of(versions: dict[str, int | None]) -> Any:
        return [FakeHost(id, done, version) for id, version in versions.items()]

    def run(host: Any, service: Service, _: Blueprint) -> None:
        host.run(service)

    place(plan, of(hosts), of(leaving or {}), run)
    return done


def test_one_host_runs_the_task_and_keeps_it() -> None:
    assert placed({"a": None, "b": None}) == ["run a"]
    assert placed({"a": None, "b": 2}) == []


def test_the_task_moves_when_its_host_goes() -> None:
    assert placed({"b": None}) == ["run b"]
    assert placed({"b": None}, {"a": 2}) == ["stop a", "run b"]


def test_a_task_of_the_old_version_ends_before_the_new_one_begins() -> None:
    assert placed({"a": None, "b": 1}) == ["stop b", "run b"]


def test_tasks_beyond_the_number_of_the_service_end() -> None:
    assert placed({"a": 2, "b": 2}) == ["stop b"]


def test_the_task_of_a_deleted_service_ends() -> None:
    assert placed({"a": 2}, replicas=0) == ["stop a"]


def test_tasks_of_daemon_services_stay() -> None:
    assert placed({"a": 1, "b": None}, replicas=None) == []


def test_more_tasks_than_hosts_are_refused() -> None:
    with pytest.raises(LocalCloudError, match="2 tasks for 1 hosts"):
        placed({"a": None}, replicas=2)
