"""Search for Terraform's provider on a machine that reaches no registry of providers."""

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
    if not _registry_responds() and (mirror := find_mirror()):
        text = (
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
    file.write_text(text)


def _registry_responds() -> bool:
    try:
        httpx.head(f"https://{REGISTRY}/.well-known/terraform.json", timeout=5)
    except httpx.HTTPError:
        return False
    return True


def find_mirror(
    implied: Iterable[str] = IMPLIED, software: Iterable[str] = SOFTWARE
) -> Path | None:
    """Return the first folder that is a filesystem mirror with the AWS provider, if any."""
    folders = (Path(folder).expanduser() for folder in (*implied, *software))
    candidates = (candidate for folder in folders for candidate in (folder, *_folders_in(folder)))
    provider = Path(REGISTRY, "hashicorp", "aws")
    return next((mirror for mirror in candidates if (mirror / provider).is_dir()), None)


def _folders_in(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:  # it is not there, or it is somebody else's
        return
