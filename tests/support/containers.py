"""Resources and containers, read from the synthesized stack."""

import json
import re
from typing import Any

Stack = dict[str, Any]


def only(stack: Stack, kind: str) -> Any:
    """Return the only resource of a kind."""
    (resource,) = stack["resource"][kind].values()
    return resource


def containers(stack: Stack) -> dict[str, Any]:
    """Return the containers by name; memory is Terraform's expression.

    Static keys and the logins of mirrors are left out.
    """
    text = only(stack, "aws_ecs_task_definition")["container_definitions"]
    text = re.sub(r"%\{ for number.*?%\{ endfor \}", "", text)
    text = re.sub(r"%\{ if .*?%\{ else \}(.*?)%\{ endif \}", r"\1", text)
    text = re.sub(r'"memory": (\$\{[^}]*\})', r'"memory": "\1"', text)
    return {container["name"]: container for container in json.loads(text)}


def environment(stack: Stack, container: str) -> dict[str, str]:
    """Return the environment of a container."""
    return {
        variable["name"]: variable["value"]
        for variable in containers(stack)[container]["environment"]
    }
