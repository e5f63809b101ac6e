"""The workflows of GitHub, which nothing here can run: its own validator and zizmor check them."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.nightly.nightly_command import WORKLOADS

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
NIGHTLY = REPOSITORY / ".github/workflows/nightly.yml"
CHECK = REPOSITORY / ".github/workflows/check.yml"


def check(*command: str) -> str:
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def zizmor_says(file: Path) -> str:
    return check(".venv/bin/zizmor", "--offline", "--no-progress", "--persona=regular", str(file))


def github_says(file: Path) -> str:
    return check("node", "tests/workflow_check.mjs", str(file))


def changed(directory: Path, right: str, wrong: str) -> Path:
    """Write the nightly workflow with a mistake."""
    text = NIGHTLY.read_text()
    assert right in text
    file = directory / "wrong.yml"
    file.write_text(text.replace(right, wrong))
    return file


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_nothing_is_found(workflow: Path) -> None:
    assert github_says(workflow) == ""
    assert zizmor_says(workflow) == ""


def test_a_wrong_key_is_found(tmp_path: Path) -> None:
    wrong = changed(tmp_path, "runs-on:", "run-on:")
    assert "failed to validate" in zizmor_says(wrong)
    assert "Unexpected value 'run-on'" in github_says(wrong)


def test_a_secret_in_a_command_line_is_found(tmp_path: Path) -> None:
    wrong = changed(tmp_path, "$WORKLOAD", "${{ github.head_ref }}")
    assert "template-injection" in zizmor_says(wrong)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("if: always()", "if: alwys()", "Unrecognized function: 'alwys'"),
        ("if: always()", "if: always(", "Unexpected end of expression"),
        ("17 1 * * *", "77 1 * * *", "Invalid cron expression"),
        ("inputs.workload", "input.workload", "Unrecognized named-value: 'input'"),
        ("options: [", "optionz: [", "Unexpected value 'optionz'"),
        ("steps.night.outcome", "steps.nihgt.outcome", "might be invalid: nihgt"),
        ("needs.begin.outputs.since", "needs.begin.outputs.sinse", "might be invalid: sinse"),
        ("needs: begin", "needs: begun", "unknown job 'begun'"),
        ("retention-days:", "retention:", "Invalid action input 'retention'"),
        ("          path: build", "          pathh: build", "Invalid action input 'pathh'"),
        ("          path: build", "          # path: build", "Missing required input `path`"),
        ("actions/cache/save@", "actions/cache/sav@", "Unable to resolve action"),
    ],
)
def test_a_mistake_is_found(right: str, wrong: str, says: str, tmp_path: Path) -> None:
    assert says in github_says(changed(tmp_path, right, wrong))


def test_a_night_can_be_started_with_each_workload_that_an_account_takes() -> None:
    (options,) = re.findall(r"options: \[(.*)\]", NIGHTLY.read_text())
    assert {*options.split(", "), "soak"} == set(WORKLOADS)


def test_the_last_steps_of_a_night_run_whatever_failed() -> None:
    night, _, clean = NIGHTLY.read_text().partition("\n  clean:\n")
    closing = night.partition("id: night\n")[2].split("\n      - ")[1:]
    assert len(closing) == 2
    assert all("\n        if: always()" in step for step in closing)
    assert "\n    if: always()" in clean
    assert (
        clean.index("--destroy-only --unlock")
        < clean.index("if: always()\n")
        < clean.index("wharf sweep --since")
    )


def test_a_night_ends_before_its_credentials() -> None:
    text = NIGHTLY.read_text()
    seconds = int(re.findall(r"role-duration-seconds: (\d+)", text)[0])
    (minutes,) = map(int, re.findall(r"timeout --signal=INT (\d+)m\n", text))
    job = int(re.findall(r"timeout-minutes: (\d+)", text.partition("\n  nightly:\n")[2])[0])
    assert minutes * 60 + 20 * 60 <= seconds <= job * 60


def test_unit_tests_run_on_every_python_that_the_setup_accepts() -> None:
    oldest, newest = map(
        int,
        re.findall(
            r"\(3, (\d+)\) <= sys.version_info\[:2\] <= \(3, (\d+)\)",
            (REPOSITORY / "scripts/setup").read_text(),
        )[0],
    )
    (versions,) = re.findall(r"python: \[(.*)\]", CHECK.read_text())
    assert versions.split(", ") == [f'"3.{minor}"' for minor in range(oldest, newest + 1)]


def test_a_check_reads_the_repository_only_and_ends_in_time() -> None:
    text = CHECK.read_text()
    jobs = re.split(r"\n  (?=\w+:\n)", text.partition("\njobs:")[2])[1:]
    assert len(jobs) == 2
    assert "\npermissions: {}\n" in text
    for job in jobs:
        assert re.findall(r"permissions:\n((?: {6}.*\n)+)", job) == ["      contents: read\n"]
        assert re.search(r"\n    timeout-minutes: \d+\n", job)
