"""A program that ends badly leaves one line for people, and the details in a file."""

from pathlib import Path

import click
import pytest

from integration.local.errors import LocalCloudError
from integration.local.terraform import first_error
from scripts.errors import run


def ending_with(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (LocalCloudError("no engine; install one"), 1, "Error: no engine; install one"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (click.Abort(), 130, "Interrupted"),
        (click.UsageError("no such option"), 2, "Error: no such option"),
    ],
    ids=repr,
)
def test_what_was_foreseen(
    error: BaseException, status: int, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda: ending_with(error), tmp_path / "log") == status
    assert capsys.readouterr().err == f"{line}\n"
    assert not (tmp_path / "log").exists()


def test_what_was_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "logs" / "error.log"
    assert run(lambda: ending_with(ValueError("first\nsecond")), log) == 1
    assert capsys.readouterr().err == f"Error: ValueError: first (details: {log})\n"
    assert "Traceback" in log.read_text()


def test_what_went_well(tmp_path: Path) -> None:
    assert run(lambda: None, tmp_path / "log") == 0


def test_an_error_of_terraform_is_one_line() -> None:
    output = "Planning\n╷\n│ Error: Invalid value\n│ \n│   on a.tf line 1:\n│ it must be 2.\n╵\n"
    assert first_error(output) == "Invalid value on a.tf line 1: it must be 2."
    assert first_error("nothing") == "no error message"
