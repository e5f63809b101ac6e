"""Descriptions of pods by podman 4 and podman 5."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from integration.local.network.network import described_pod

POD = {"Name": "wharf-1", "InfraContainerID": "0a1", "Containers": [{"Id": "0a1", "Name": "infra"}]}


@pytest.mark.parametrize("output", [POD, [POD]], ids=["podman 4", "podman 5"])
def test_pod_is_described_by_either_podman(
    output: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman = tmp_path / "podman"
    podman.write_text(f"#!/bin/sh\necho '{json.dumps(output)}'\n")
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert described_pod("wharf-1") == POD


def test_missing_pod_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = tmp_path / "podman"
    podman.write_text("#!/bin/sh\nexit 125\n")
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(subprocess.CalledProcessError):
        described_pod("wharf-1")
