"""Measurement of the synthesis."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from scripts.bench_synth import Program, measure, run, summary
from scripts.synth_floor import blocks


def bodies(found: Any) -> list[str]:
    return sorted(
        json.dumps([type_, {key: value for key, value in body.items() if key != "//"}])
        for type_, body in found
    )


def test_the_floor_writes_the_same_blocks(stack: dict[str, Any], tmp_path: Path) -> None:
    original = tmp_path / "cdk.tf.json"
    original.write_text(json.dumps(stack))
    run(Program((sys.executable, "-m", "scripts.synth_floor", str(original))), tmp_path)
    floor = json.loads((tmp_path / "stacks/floor/cdk.tf.json").read_text())
    written = [
        (type_, body) for type_, named in floor["resource"].items() for body in named.values()
    ]
    assert len(written) > 100
    assert bodies(written) == bodies(blocks(stack))


def test_ratios_are_those_of_the_medians() -> None:
    stack = Program((), seconds=[2.0, 3.0, 90.0], cpu_seconds=[4.0, 1.0, 5.0])
    floor = Program((), seconds=[1.0, 2.0, 3.0], cpu_seconds=[2.0, 1.0, 2.0])
    found = summary({"stack": stack, "floor": floor})
    assert (found["ratio_to_floor"], found["cpu_ratio_to_floor"]) == (1.5, 2.0)


def test_a_program_is_measured_with_its_children(tmp_path: Path) -> None:
    program = Program((sys.executable, "-c", "import time; time.sleep(0.2); sum(range(10**7))"))
    measure(program, tmp_path)
    assert program.seconds[0] > 0.2
    assert 0.05 < program.cpu_seconds[0] < program.seconds[0]


def test_a_program_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    failing = Program((sys.executable, "-c", "raise SystemExit('no such thing')"))
    with pytest.raises(click.ClickException, match=r"no such thing$"):
        run(failing, tmp_path)
