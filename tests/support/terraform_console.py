"""Expressions of Terraform, evaluated by Terraform."""

import json
import subprocess
from pathlib import Path
from typing import Any

from integration.local.machine import terraform_program


def evaluate(expression: str, directory: Path) -> Any:
    """Return the value of an expression without references; the directory may be empty."""
    done = subprocess.run(
        [terraform_program(), f"-chdir={directory}", "console"],
        input=f"jsonencode({expression})",
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(json.loads(done.stdout))
