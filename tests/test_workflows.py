"""The workflows of GitHub, which nothing here can run: zizmor checks them."""

import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def check(*command: str) -> str:
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def zizmor_says(file: Path) -> str:
    return check(".venv/bin/zizmor", "--offline", "--no-progress", "--persona=regular", str(file))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_nothing_is_found(workflow: Path) -> None:
    assert zizmor_says(workflow) == ""


def test_a_wrong_key_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "run-on:"))
    assert "failed to validate" in zizmor_says(wrong)


def test_a_secret_in_a_command_line_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("$WORKLOAD", "${{ github.head_ref }}"))
    assert "template-injection" in zizmor_says(wrong)
