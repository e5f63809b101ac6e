"""The machine that a benchmark ran on, as far as its figures depend on it."""

import os
import platform
import subprocess
from pathlib import Path

import psutil

from integration.bench.measurements import Machine

PROGRAMS = {"podman": ["podman", "--version"], "curl": ["curl", "--version"], "wrk": ["wrk", "-v"]}


def describe() -> Machine:
    """Describe this machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return Machine(
        processor=(names or [platform.machine()])[0],
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9),
        kernel=platform.release(),
        versions={name: _version(command) for name, command in PROGRAMS.items()},
    )


def _version(command: list[str]) -> str:
    # wrk ends with status 1 and its version all the same.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:3])
