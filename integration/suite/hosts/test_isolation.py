"""Nothing of a host answers but what the security groups allow, on any of its 65,535 ports."""

import subprocess
from xml.etree import ElementTree

import pytest

from integration.local.cloud import LocalCloud
from integration.suite.support.reporting import Figure

#: Seconds for a scan; 10 to 20 are usual.
TIMEOUT = 120


def answering(cloud: LocalCloud, address: str, pod: str | None) -> set[int]:
    """Return the TCP ports of an address that answer with anything, even a refusal."""
    inside = ["nsenter", f"--net=/proc/{cloud.network.pid(pod)}/ns/net"] if pod else []
    # Unanswered probes are sent once more: where all is dropped, that is all that takes time.
    scan = ["nmap", "-sS", "-Pn", "-n", "-p-", "--min-rate=15000", "--max-retries=1", "-oX", "-"]
    done = subprocess.run(
        [*inside, *scan, address], capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    ports = ElementTree.fromstring(done.stdout).findall("host/ports/port")  # noqa: S314  (ours)
    found = {int(port.attrib["portid"]): port.find("state") for port in ports}
    return {
        port
        for port, state in found.items()
        if state is not None and state.attrib["state"] != "filtered"
    }


def test_the_load_balancer_reaches_port_443_and_no_other(cloud: LocalCloud, figure: Figure) -> None:
    found = answering(cloud, cloud.hosts[0].address, cloud.balancer.name)
    figure("ports that answer to the load balancer", len(found), "of 65535")
    assert found == {443}


@pytest.mark.parametrize("outsider", ["another host", "this machine"])
def test_nobody_else_reaches_anything(cloud: LocalCloud, outsider: str) -> None:
    first, second = cloud.hosts
    pod = first.pod if outsider == "another host" else None
    assert answering(cloud, second.address, pod) == set()


def test_of_the_load_balancer_only_the_listener_answers(cloud: LocalCloud) -> None:
    doors = {20000 + int(host.address.rpartition(".")[2]) for host in cloud.hosts}
    assert answering(cloud, cloud.balancer.address, None) - doors == {443}
    # The doors are the harness's own, for this machine.
    assert answering(cloud, cloud.balancer.address, cloud.hosts[0].pod) == {443}
