"""Number of hosts that change their tasks concurrently, and draining."""

from unittest.mock import Mock

import pytest

from integration.local.api.blueprint import Blueprint, Service
from integration.local.api.draining import classic_drain
from integration.local.api.instances import Instance
from integration.local.api.task import Task
from integration.local.errors import LocalCloudError
from integration.local.hosts.rollout import Rollout, batches
from integration.local.network.network import Network


def service(minimum_healthy: int) -> Service:
    task = Task({"networkMode": "bridge", "containerDefinitions": []})
    return Service("wharf", "wharf", task, (), minimum_healthy)


@pytest.mark.parametrize(
    ("hosts", "minimum_healthy", "sizes"),
    [(4, 50, [2, 2]), (3, 50, [1, 1, 1]), (2, 50, [1, 1]), (1, 0, [1]), (3, 0, [3])],
)
def test_as_many_tasks_change_at_a_time_as_may_be_unhealthy(
    hosts: int, minimum_healthy: int, sizes: list[int]
) -> None:
    found = batches(service(minimum_healthy), hosts, list(range(hosts)))
    assert [len(batch) for batch in found] == sizes


def test_no_task_changes_where_none_may_be_unhealthy() -> None:
    with pytest.raises(LocalCloudError, match="50 percent have to stay healthy"):
        list(batches(service(50), 1, [1]))


def test_nothing_has_to_change() -> None:
    assert list(batches(service(100), 1, [])) == []


class Failing(Rollout):
    """A rollout whose new hosts do not become healthy."""

    def settle(self, *_: object) -> None:
        raise LocalCloudError("not healthy")


@pytest.mark.parametrize(("hooked", "ended"), [(True, False), (False, True)])
def test_old_hosts_stay_for_new_ones_that_do_not_serve_only_with_a_launch_hook(
    hooked: bool, ended: bool
) -> None:
    plan = Blueprint([], [], [], [], hooked=frozenset({"wharf"} if hooked else ()))
    old, fleet = Mock(), Mock()
    old.instance.group = "wharf"
    fleet.connections.return_value = 0
    with pytest.raises(LocalCloudError, match="not healthy"):
        Failing(lambda: plan, fleet, Mock()).bring_in(plan, [], [old])
    assert fleet.end.called == ended


def test_host_without_completed_launch_hook_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integration.local.hosts.rollout.HOOK_TIMEOUT", 0)
    waiting = Instance("i-1", "wharf", "", (), waits=True)
    plan = Blueprint([waiting], [], [], [], hooked=frozenset({"wharf"}))
    with pytest.raises(LocalCloudError, match=r"has not completed its launch hook.*: i-1 "):
        Rollout(lambda: plan, Mock(), Mock()).bring_in(plan, [], [])


@pytest.mark.parametrize(("enabled", "seconds"), [(True, 300), (False, 0)])
def test_a_classic_load_balancer_drains_only_if_it_is_told_to(enabled: bool, seconds: int) -> None:
    attributes = {"ConnectionDraining": {"Enabled": enabled, "Timeout": 300}}
    assert classic_drain(attributes) == seconds


def test_a_host_that_never_ran_a_task_need_not_be_drained() -> None:
    assert Network(Mock(), "wharf-test").connections("a-pod", []) == 0
