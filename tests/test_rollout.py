"""How many hosts change their tasks at a time, and who is drained."""

from unittest.mock import Mock

import pytest

from integration.local.blueprint import Service
from integration.local.draining import classic_drain
from integration.local.errors import LocalCloudError
from integration.local.network import Network
from integration.local.rollout import batches


def service(minimum_healthy: int) -> Service:
    return Service("wharf", "wharf", {}, (), minimum_healthy)


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


@pytest.mark.parametrize(("enabled", "seconds"), [(True, 300), (False, 0)])
def test_a_classic_load_balancer_drains_only_if_it_is_told_to(enabled: bool, seconds: int) -> None:
    attributes = {"ConnectionDraining": {"Enabled": enabled, "Timeout": 300}}
    assert classic_drain(attributes) == seconds


def test_a_host_that_never_ran_a_task_need_not_be_drained() -> None:
    assert Network(Mock(), "wharf-test").connections("a-pod", []) == 0
