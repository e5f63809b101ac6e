"""Requirements of the machine, and the configuration of podman."""

import os
import resource
import shutil
from pathlib import Path

from python_on_whales import DockerClient

from integration.local.errors import LocalCloudError

PROGRAMS = {
    "podman": "runs the hosts",
    "runc": "runs podman's containers",
    "nft": "enforces the security groups",
    "nsenter": "reaches the hosts' networks",
    "ip": "keeps the hosts' network in order",
}

#: Terraform, or its fork OpenTofu, whichever is on the PATH: the first is taken.
TERRAFORM = ("terraform", "tofu")


def check_machine() -> None:
    """Make sure that the machine can run the local cloud.

    Raises:
        LocalCloudError: a program is missing, or the user is not root.
    """
    for program, purpose in PROGRAMS.items():
        if shutil.which(program) is None:
            raise LocalCloudError(
                f"{program} is not installed, which {purpose}; run make setup-local"
            )
    terraform_program()
    if os.geteuid() != 0:
        raise LocalCloudError(
            "The local cloud makes networks and firewalls, which takes root; run it with sudo"
        )


def make_private(directory: Path) -> None:
    """Make a directory that only its owner may enter, or make such a one of it.

    What is below it has keys: of the emulator, of task roles, of certificates. Containers find
    their files all the same, because a mount does not ask for the way to it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)


def terraform_program() -> str:
    """Return the command that applies the stack.

    Raises:
        LocalCloudError: there is none.
    """
    for program in TERRAFORM:
        if shutil.which(program):
            return program
    raise LocalCloudError(
        f"Neither {' nor '.join(TERRAFORM)} is installed, which applies the stack; "
        "run make setup-local"
    )


def file_limit() -> int:
    """Open files that a process here may have at most."""
    return _limit(resource.RLIMIT_NOFILE, 65536)


def _limit(kind: int, most: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


def ulimits() -> list[str]:
    """Return limits for containers: podman's default is above what some machines allow."""
    # podman build refuses the highest number of processes that the machine allows.
    processes = _limit(resource.RLIMIT_NPROC, 4096)
    files = file_limit()
    return [f"nofile={files}:{files}", f"nproc={processes}:{processes}"]


def podman(directory: Path) -> DockerClient:
    """Return podman, configured by a file in ``directory`` for this process and its children.

    runc, because crun refuses machines with both versions of cgroups.
    """
    limits = ", ".join(f'"{limit}"' for limit in ulimits())
    configuration = directory / "containers.conf"
    configuration.write_text(
        f'[containers]\ndefault_ulimits = [{limits}]\n[engine]\nruntime = "runc"\n'
    )
    os.environ["CONTAINERS_CONF"] = str(configuration.resolve())
    return DockerClient(client_call=["podman"], client_type="podman")
