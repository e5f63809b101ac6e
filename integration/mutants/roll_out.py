"""Apply the stack and images of this tree to the local cloud that stands in it.

    python -m integration.mutants.roll_out [--stack] [--replace]

A program of its own, because its code must be that of the tree with the defect.
"""

import sys
from functools import partial
from pathlib import Path

import click

from integration.console.signals import ends_on_signals
from integration.local.api.blueprint import Blueprint
from integration.local.cloud import LocalCloud
from integration.local.registry import LocalRegistry, publish, synthesize
from integration.suite.support.configuration_files import PERMISSIONS
from scripts.errors import run

#: Where in the tree the local cloud stands.
CLOUD = Path("build/integration")


@click.command()
@click.option("--stack", is_flag=True, help="Synthesize and apply the stack first.")
@click.option("--replace", is_flag=True, help="Replace the hosts, even if nothing requires it.")
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
    """Return the versions of the task definitions that the hosts are to run."""
    services = Blueprint.read(cloud.session).services
    return [service.task.arn for service in services]


if __name__ == "__main__":
    sys.exit(run(partial(roll_out, standalone_mode=False), Path("build/error.log")))
