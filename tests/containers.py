"""The containers of the task, read from the synthesized stack."""

import json
import re
from typing import Any

Stack = dict[str, Any]


def containers(stack: Stack) -> dict[str, Any]:
    """Return the containers by name, without static keys; memory is Terraform's expression."""
    (task,) = stack["resource"]["aws_ecs_task_definition"].values()
    text = task["container_definitions"]
    text = re.sub(r"%\{ if .*?%\{ else \}(.*?)%\{ endif \}", r"\1", text)
    text = re.sub(r'"memory": (\$\{[^}]*\})', r'"memory": "\1"', text)
    return {one["name"]: one for one in json.loads(text)}


def environment(stack: Stack, container: str) -> dict[str, str]:
    """Return the environment of a container."""
    return {one["name"]: one["value"] for one in containers(stack)[container]["environment"]}
