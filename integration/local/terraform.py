"""Terraform on the synthesized stack, with an override file that points it to the emulator."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from python_terraform import IsFlagged
from python_terraform import Terraform as PythonTerraform

from integration.console.processes import end_all
from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError
from integration.local.machine import make_private, terraform_program
from integration.local.provider_mirror import configure_command_line

STACK = "cdk.tf.json"
OVERRIDE = "local_override.tf.json"
STATE = "terraform.tfstate"
#: Files that may hold keys: states and their backups, plans, values of variables, the override.
PRIVATE = ("*.tfstate*", "*.tfplan", "*.tfvars.json", OVERRIDE)

#: Services that the stack's resources call. Without an endpoint of its own EC2 alone costs 24 s.
SERVICES = (
    "autoscaling",
    "cloudwatch",
    "ec2",
    "ecs",
    "elb",
    "elbv2",
    "iam",
    "logs",
    "route53",
    "s3",
    "secretsmanager",
    "sns",
    "ssm",
    "sts",
)


#: Lines of an error of Terraform's that go into a message.
ERROR_LINES = 12


class Terraform:
    """Applies a directory that ``cdktf synth`` wrote, as it is, to an emulator.

    Args:
        directory: with ``cdk.tf.json``; the override file and the state go beside it.
        emulator: the AWS API.
        region: AWS region.
        variables: values for the stack's variables.
        log: gets what Terraform prints.
    """

    def __init__(
        self,
        directory: Path,
        emulator: Emulator,
        region: str,
        variables: Mapping[str, Any],
        log: Path,
    ) -> None:
        self.directory = directory
        self.emulator = emulator
        self.variables = dict(variables)
        self._log = log
        configure_command_line(log.parent)
        make_private(directory)
        (directory / OVERRIDE).write_text(json.dumps(_override(emulator, region), indent=2))
        file = directory / "local.tfvars.json"
        file.write_text(json.dumps(self.variables))
        self._close_files()
        self._terraform = PythonTerraform(
            working_dir=str(directory),
            var_file=file.name,
            terraform_bin_path=terraform_program(),
        )

    def init(self) -> None:
        """Install the provider, from the mirror on this machine where there is no registry."""
        self._run("init", var_file=None)

    def apply(self) -> None:
        """Create or change what the stack describes."""
        self._run("apply", skip_plan=True)

    @property
    def described(self) -> int:
        """Number of resources that the stack describes."""
        stack = json.loads((self.directory / STACK).read_text())
        return sum(len(kind) for kind in stack["resource"].values())

    @property
    def applied(self) -> int:
        """Number of resources in the state; it grows during an apply."""
        return sum(resource["mode"] == "managed" for resource in self._state().get("resources", ()))

    def destroy(self) -> None:
        """Remove everything that the stack created."""
        self._run("destroy", force=None, auto_approve=True)

    def changes(self) -> list[str]:
        """Plan again; return a line for each thing that Terraform would change."""
        status, output = self._call("plan", detailed_exitcode=IsFlagged)
        if status not in (0, 2):
            raise self._error("plan", output)
        lines = output.splitlines() if status == 2 else []
        return [line.strip(" #") for line in lines if line.startswith("  # ")]

    def plan(self) -> dict[str, Any]:
        """Plan; return what ``terraform show -json`` tells of the plan.

        https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
        """
        file = "plan.tfplan"
        self._run("plan", out=file, detailed_exitcode=None)
        status, out, err = self._terraform.show(file, json=IsFlagged)
        if status != 0:
            raise self._error("show", f"{out}{err}")
        described: dict[str, Any] = json.loads(out)
        return described

    def outputs(self) -> dict[str, Any]:
        """Return the values of the stack's outputs, as the state has them.

        Tests read outputs at every turn, and each ``terraform output`` takes 0.6 s of CPU time.

        Raises:
            LocalCloudError: the stack is not applied, or just being applied.
        """
        values = self._state().get("outputs")
        if not values:
            raise LocalCloudError(f"Terraform has no outputs to give: {self._log}")
        return {name: output["value"] for name, output in values.items()}

    def _state(self) -> dict[str, Any]:
        """Return the state, or nothing where it does not exist or is half written."""
        try:
            state: dict[str, Any] = json.loads((self.directory / STATE).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return state

    def _run(self, verb: str, **options: Any) -> None:
        status, output = self._call(verb, **options)
        if status != 0:
            raise self._error(verb, output)

    def _call(self, verb: str, **options: Any) -> tuple[int, str]:
        try:
            status, out, err = getattr(self._terraform, verb)(**options)
        except BaseException:
            end_children()
            raise
        finally:
            self._close_files()
        with self._log.open("a") as log:
            log.write(f"$ terraform {verb}\n{out}{err}\n")
        return status, f"{out}{err}"

    def _close_files(self) -> None:
        """Let only the owner read what may hold keys; Terraform writes its state for everybody."""
        for pattern in PRIVATE:
            for file in self.directory.glob(pattern):
                file.chmod(0o600)

    def _error(self, verb: str, output: str) -> LocalCloudError:
        return LocalCloudError(f"terraform {verb} failed: {first_error(output)} (log: {self._log})")


def first_error(output: str) -> str:
    """Return the first error in what Terraform printed, as one line."""
    _, found, rest = output.partition("Error: ")
    if not found:
        return "no error message"
    lines = (line.strip(" │╷╵") for line in rest.splitlines()[:ERROR_LINES])
    return " ".join(line for line in lines if line)


def end_children() -> None:
    """End the Terraform processes that this process started and an interrupt left behind."""
    end_all(
        [
            child
            for child in psutil.Process().children(recursive=True)
            if _name(child).startswith(("terraform", "tofu"))
        ]
    )


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _override(emulator: Emulator, region: str) -> dict[str, Any]:
    provider = {
        "region": region,
        "access_key": emulator.credentials.access_key_id,
        "secret_key": emulator.credentials.secret_access_key,
        "endpoints": [dict.fromkeys(SERVICES, emulator.endpoint)],
        "s3_use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": "true",
    }
    backend = {"local": {"path": STATE}}
    return {"provider": {"aws": [provider]}, "terraform": {"backend": backend}}
