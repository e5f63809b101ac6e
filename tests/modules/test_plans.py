"""Terraform validates and plans every pair of choices that shape the stack, with provider 5.100.0.

The schema of the provider's version 6 is that of the bindings: mypy and synthesis check it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.local.emulator.process import Emulator
from integration.local.terraform import STACK, Terraform
from tests.modules.test_shapes import FIXED, SHAPES

pytestmark = pytest.mark.slow

REGION = "us-east-1"
#: Where hosts reach endpoints only, both images have to be in ECR.
VARIABLES = {"proxy_image": FIXED["registry_image"].replace("registry", "nginx-proxy")}
#: The smallest shape has about 60 resources.
FEWEST = 40


def test_every_shape_is_valid_and_planned(
    synthesize: Callable[..., dict[str, Any]], aws: Emulator, tmp_path: Path
) -> None:
    # Each shape is a module of one configuration: each plan would load the provider anew.
    shapes = {f"shape_{number}": shape for number, shape in enumerate(SHAPES)}
    for name, shape in shapes.items():
        stack = synthesize(**FIXED, **shape.choices)
        # Provider and state are those of the configuration.
        module = {
            part: text for part, text in stack.items() if part not in ("provider", "terraform")
        }
        (tmp_path / name).mkdir()
        (tmp_path / name / STACK).write_text(json.dumps(module))
    providers = stack["terraform"]["required_providers"]
    modules = {name: {"source": f"./{name}", **VARIABLES} for name in shapes}
    described = {"terraform": {"required_providers": providers}, "module": modules}
    (tmp_path / STACK).write_text(json.dumps(described))
    terraform = Terraform(tmp_path, aws, REGION, {}, tmp_path / "terraform.log")
    terraform.init()
    changes = terraform.changes()
    kinds = {change.partition(" will be ")[2] for change in changes}
    assert kinds <= {"created", "read during apply"}
    for name, shape in shapes.items():
        created = [
            change
            for change in changes
            if change.startswith(f"module.{name}.") and change.endswith("will be created")
        ]
        assert len(created) > FEWEST, shape
