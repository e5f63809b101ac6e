"""Terraform's destroy with hosts that ECS would drain: nobody completes its hook any more."""

import json
from pathlib import Path

import pytest

from integration.local.api.draining import HOOK
from integration.local.api.inventory import inventory
from integration.local.emulator.process import Emulator
from integration.local.registry import synthesize
from integration.local.terraform import STACK, Terraform

REGION = "us-east-1"
#: What Terraform waits for a group to end. Its default is 10 minutes; here a group ends at once.
PATIENCE = "30s"
#: Makes the group, its hosts and what drains them, and nothing that takes long.
TARGET = "aws_ecs_cluster_capacity_providers"


@pytest.fixture
def hosts(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terraform:
    """Return the hosts of a stack and what they need, applied without the rest."""
    stack = synthesize(tmp_path / "cdktf.out", {})
    resources = json.loads((stack / STACK).read_text())["resource"]
    impatient = {
        name: {"timeouts": {"delete": PATIENCE}} for name in resources["aws_autoscaling_group"]
    }
    override = {"resource": {"aws_autoscaling_group": impatient}}
    (stack / "patience_override.tf.json").write_text(json.dumps(override))
    (target,) = resources[TARGET]
    monkeypatch.setenv("TF_CLI_ARGS_apply", f"-target={TARGET}.{target}")
    variables = {"proxy_image": "localhost/proxy:1", "minimum_hosts": 2, "maximum_hosts": 2}
    terraform = Terraform(stack, emulator, REGION, variables, tmp_path / "terraform.log")
    terraform.init()
    return terraform


def test_destroy_waits_for_no_host(hosts: Terraform, emulator: Emulator) -> None:
    before = inventory(emulator.session())
    hosts.apply()
    scaling = emulator.session().client("autoscaling")
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    hooks = scaling.describe_lifecycle_hooks(AutoScalingGroupName=group["AutoScalingGroupName"])
    assert [hook["LifecycleHookName"] for hook in hooks["LifecycleHooks"]] == [HOOK]
    assert len(group["Instances"]) == 2
    hosts.destroy()
    assert inventory(emulator.session()) == before
