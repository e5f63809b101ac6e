"""Terraform in a synthesized stack, whose state is in S3 or in Terraform Cloud."""

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from scripts.nightly.steps import Steps, say

#: Wait for the lock on the state, which a night that ends on another machine may hold.
LOCK_TIMEOUT = "-lock-timeout=10m"
PLAIN = ("-input=false", "-no-color")
INIT = ("init", *PLAIN)
ENVIRONMENT = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}


class Terraform:
    """Applies and destroys a synthesized stack.

    A night runs Terraform itself, not by ``cdktf deploy``: cdktf passes SIGINT on and exits at
    once, which closes Terraform's terminal. The SIGHUP kills Terraform before it has written the
    state and deleted the lock.

    Args:
        steps: runs programs.
        directory: directory of the stack that ``cdktf synth`` wrote.
        var_file: file with values of Terraform variables.
    """

    def __init__(self, steps: Steps, directory: Path, var_file: Path | None) -> None:
        self._steps = steps
        self._directory = directory
        self._values = (f"-var-file={var_file.resolve()}",) if var_file else ()
        #: Start of an apply that has not succeeded: a killed Terraform leaves its lock.
        self._failed_since: datetime | None = None

    def apply(self) -> dict[str, Any]:
        """Apply the stack, and return its outputs."""
        self._failed_since = datetime.now(UTC)
        self._change("deploy", "apply")
        self._failed_since = None
        outputs = json.loads(self._run("outputs", "output", "-json", shown=False))
        return {name: output["value"] for name, output in outputs.items()}

    def destroy(self) -> None:
        """Destroy all resources in the state."""
        self._change("destroy", "destroy")

    def unlock(self) -> bool:
        """Delete the lock on the state in S3; the caller knows that its holder has ended.

        Returns:
            Whether there was a lock: its holder was killed, perhaps before it wrote the state.
        """
        lock = self._lock()
        if not lock:
            return False
        say(f"Deleting the lock {lock['ID']} of {lock['Who']}, created {lock['Created']}")
        self._run("init", *INIT)
        # Terraform deletes the lock only if the lock still has this ID.
        self._run("unlock", "force-unlock", "-force", lock["ID"])
        return True

    def unlock_own(self) -> bool:
        """Delete the lock that the failed apply of this process left; the apply has ended.

        Returns:
            Whether there was such a lock.
        """
        lock = self._lock() if self._failed_since else None
        if not lock or not self._failed_since:
            return False
        on_this_machine = lock["Who"].rpartition("@")[2] == socket.gethostname()
        after_the_start = datetime.fromisoformat(lock["Created"]) >= self._failed_since
        return on_this_machine and after_the_start and self.unlock()

    def _lock(self) -> dict[str, str] | None:
        """Return the lock on a state in S3.

        https://developer.hashicorp.com/terraform/language/backend/s3#state-locking
        """
        stack = json.loads((self._directory / "cdk.tf.json").read_text())
        backend = stack["terraform"].get("backend", {}).get("s3")
        if not backend:
            return None
        s3 = boto3.client("s3", region_name=backend["region"])
        try:
            key = f"{backend['key']}.tflock"
            found = s3.get_object(Bucket=backend["bucket"], Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        lock: dict[str, str] = json.loads(found)
        return lock

    def _change(self, name: str, verb: str) -> None:
        self._run(name, *INIT)
        self._run(name, verb, "-auto-approve", *PLAIN, LOCK_TIMEOUT, *self._values)

    def _run(self, name: str, *arguments: str, shown: bool = True) -> str:
        # cdktf reads the same variable.
        program = os.environ.get("TERRAFORM_BINARY_NAME", "terraform")
        command = [program, f"-chdir={self._directory}", *arguments]
        # Terraform writes plans, and a state that S3 refused, to files, with all secrets.
        return self._steps.run(name, command, ENVIRONMENT, shown=shown, umask=0o077)
