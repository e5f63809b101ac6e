"""What this tree holds, put into force on the local cloud that stands in it.

    python -m integration.mutants.roll_out [--stack] [--replace]

A program of its own, because its code must be that of the tree with the defect.
"""

import sys
from functools import partial
from pathlib import Path

import click

from integration.interrupts import ends_on_signals
from integration.local.blueprint import Blueprint
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry, publish, synthesize
from integration.messages import run
from integration.published import PERMISSIONS

#: Where in the tree the local cloud stands.
CLOUD = Path("build/integration")


@click.command()
@click.option("--stack", is_flag=True, help="Synthesize and apply the stack first.")
@click.option("--replace", is_flag=True, help="Replace the hosts, also where nothing asks for it.")
def roll_out(*, stack: bool, replace: bool) -> None:
    """Bring hosts, image and stack to what the files of this tree say."""
    with ends_on_signals():
        registry = LocalRegistry.standing(CLOUD)
        cloud = registry.cloud
        before = tasks(cloud)
        if replace:
            # First: hosts that the stack replaces itself would be drained, which takes time.
            kill_hosts(cloud)
        if stack:
            synthesize(CLOUD / "cdktf.out", {})
            cloud.terraform.apply()
        # What the last test has published and, if it failed, not taken back.
        bucket = cloud.outputs["configuration_bucket"]
        cloud.session.client("s3").delete_object(Bucket=bucket, Key=PERMISSIONS)
        publish(cloud, CLOUD / "configuration")
        if tasks(cloud) != before:
            kill_hosts(cloud)
        cloud.reconcile()


def kill_hosts(cloud: LocalCloud) -> None:
    """End all hosts; others come with the next reconcile."""
    for host in cloud.hosts:
        cloud.kill_host(host.id)


def tasks(cloud: LocalCloud) -> list[str]:
    """What the hosts run."""
    services = Blueprint.read(cloud.session).services
    return [service.task["taskDefinitionArn"] for service in services]


if __name__ == "__main__":
    sys.exit(run(partial(roll_out, standalone_mode=False), Path("build/error.log")))
