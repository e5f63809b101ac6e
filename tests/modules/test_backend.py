"""The place of Terraform's state."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.errors import SettingsError
from modules.settings.file import load_environments

Synthesize = Callable[..., dict[str, Any]]


def test_in_a_file_beside_the_application(stack: dict[str, Any]) -> None:
    assert set(stack["terraform"]["backend"]) == {"local"}


def test_in_s3_with_a_lock(synthesize: Synthesize) -> None:
    stack = synthesize(backend="s3", backend_bucket="states", name="staging")
    assert stack["terraform"]["backend"] == {
        "s3": {
            "bucket": "states",
            "key": "wharf/staging.tfstate",
            "region": "us-east-1",
            "encrypt": True,
            "use_lockfile": True,
        }
    }


@pytest.mark.parametrize(
    ("choice", "workspaces"),
    [
        ({}, {"name": "wharf-staging"}),
        ({"backend_workspace": "registry"}, {"name": "registry"}),
        ({"backend_tags": ("registry", "eu")}, {"tags": ["registry", "eu"]}),
    ],
)
def test_in_terraform_cloud(
    synthesize: Synthesize, choice: dict[str, Any], workspaces: dict[str, Any]
) -> None:
    stack = synthesize(backend="cloud", backend_organization="acme", name="staging", **choice)
    assert stack["terraform"]["cloud"] == {"organization": "acme", "workspaces": workspaces}
    assert "backend" not in stack["terraform"]


@pytest.mark.parametrize(
    ("backend", "line"),
    [
        ("s3", 'backend_bucket = "": it must be given where backend is s3'),
        ("cloud", 'backend_organization = "": it must be given where backend is cloud'),
    ],
)
def test_a_backend_needs_its_settings(backend: str, line: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_environments(Path("none"), {"WHARF_BACKEND": backend})
    assert str(raised.value) == line


def test_two_environments_cannot_share_a_workspace(tmp_path: Path) -> None:
    file = tmp_path / "wharf.toml"
    file.write_text('backend_workspace = "w"\n[environments.staging]\n[environments.production]\n')
    with pytest.raises(SettingsError, match='backend_workspace = "w": staging and production'):
        load_environments(file, {})
