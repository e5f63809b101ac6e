"""Where Terraform finds its provider on a machine that reaches no registry of providers."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

REGISTRY = "registry.terraform.io"

#: Where Terraform itself looks for a mirror when it has no configuration.
#: https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
IMPLIED = (
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)
#: Where people put software that no package manager installs: a mirror is one of their folders.
SOFTWARE = ("/opt", "/srv", "/usr/local", "/usr/local/lib", "/usr/local/share", "/var/lib", "~")


def configure_command_line(directory: Path) -> None:
    """Let Terraform find its provider where no registry answers.

    A configuration that exists is left alone. Where there is none, and no registry answers, a
    filesystem mirror on this machine is looked for and written down in ``directory``.
    """
    given = os.environ.get("TF_CLI_CONFIG_FILE")
    if given is not None and Path(given).exists():
        return
    if given is None and (Path.home() / ".terraformrc").exists():
        return
    file = directory / "terraform.rc"
    os.environ["TF_CLI_CONFIG_FILE"] = str(file.resolve())
    if file.exists():
        return
    text = ""
    if not _registry_answers() and (mirror := find_mirror()):
        text = (
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
    file.write_text(text)


def _registry_answers() -> bool:
    try:
        httpx.head(f"https://{REGISTRY}/.well-known/terraform.json", timeout=5)
    except httpx.HTTPError:
        return False
    return True


def find_mirror(
    implied: Iterable[str] = IMPLIED, software: Iterable[str] = SOFTWARE
) -> Path | None:
    """The first folder that is a filesystem mirror with the AWS provider in it, if there is one."""
    folders = (Path(folder).expanduser() for folder in (*implied, *software))
    candidates = (one for folder in folders for one in (folder, *_folders_in(folder)))
    return next(
        (one for one in candidates if (one / REGISTRY / "hashicorp" / "aws").is_dir()), None
    )


def _folders_in(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError:  # it is not there, or it is somebody else's
        return
