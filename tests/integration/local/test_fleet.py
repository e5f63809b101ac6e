"""Addresses of hosts, as instances come."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from integration.local.api.blueprint import Blueprint
from integration.local.api.instances import Instance
from integration.local.hosts.fleet import Fleet
from integration.local.hosts.host import ADDRESS, INSTANCE


def test_new_hosts_get_free_addresses_and_pods_are_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Mock(cloud="wharf-test", address="10.89.0.{}".format)
    network.pods.return_value = {
        "balancer": {},
        "running": {INSTANCE: "i-2", ADDRESS: "10.89.0.10"},
        "leaving": {INSTANCE: "i-gone", ADDRESS: "10.89.0.12"},
    }
    start = Mock()
    monkeypatch.setattr(Fleet, "_start", start)
    podman = Mock()
    podman.container.list.return_value = []
    fleet = Fleet(podman, network, Mock(), Mock(), tmp_path, print)
    instances = [Instance(name, "wharf", "", ()) for name in ("i-1", "i-2", "i-3")]
    hosts = fleet.reconcile(Blueprint(instances, [], [], []))
    found = {host.id: host.address for host in hosts}
    assert found == {"i-1": "10.89.0.11", "i-2": "10.89.0.10", "i-3": "10.89.0.13"}
    assert [call.args[0].id for call in start.call_args_list] == ["i-1", "i-3"]
    network.pods.assert_called_once()
