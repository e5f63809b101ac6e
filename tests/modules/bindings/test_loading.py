"""The choice of the bindings, and how much of them is loaded."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modules.settings.settings import Settings
from scripts.terraform_modules.emission import emit

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]

#: Together these have every kind of resource.
ENVIRONMENTS = """
proxy_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1"

[environments.usual]

[environments.other]
load_balancer = "classic"
blob_delivery = "redirect"
host_network = "nat"
backend = "cloud"
backend_organization = "acme"

[environments.largest]
zones = 3
host_network = "endpoints"
registry_image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.1.1"
replica_bucket = "copies"
image_version_days = 30
backend = "s3"
backend_bucket = "states"
"""


def run_main(directory: Path, bindings: str) -> subprocess.CompletedProcess[str]:
    """Synthesize as ``cdktf synth`` does, in a directory with a ``wharf.toml``."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "main.py")],
        cwd=directory,
        env={**others, "CDKTF_BINDINGS": bindings, "CDKTF_OUTDIR": str(directory / bindings)},
        capture_output=True,
        text=True,
        check=False,
    )


def without_origin(part: Any) -> Any:
    """Leave out metadata and the source of the provider, which name the bindings."""
    if isinstance(part, list):
        return [without_origin(element) for element in part]
    if not isinstance(part, dict):
        return part
    return {
        name: without_origin(value)
        for name, value in part.items()
        if name not in ("//", "required_providers")
    }


def stacks(directory: Path) -> Mapping[str, Any]:
    """Return the synthesized stack of each environment."""
    files = directory.glob("stacks/*/cdk.tf.json")
    return {file.parent.name: without_origin(json.loads(file.read_text())) for file in files}


def test_cdktn_makes_the_same_stacks(tmp_path: Path) -> None:
    (tmp_path / "wharf.toml").write_text(ENVIRONMENTS)
    for bindings in ("cdktf", "cdktn"):
        done = run_main(tmp_path, bindings)
        assert done.returncode == 0, done.stderr
    ours, theirs = stacks(tmp_path / "cdktf"), stacks(tmp_path / "cdktn")
    assert ours.keys() == {"usual", "other", "largest"}
    assert theirs == ours


def test_cdktn_makes_the_same_modules(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "scripts.cli",
            "modules",
            "--defaults",
            "--directory",
            str(tmp_path),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "CDKTF_BINDINGS": "cdktn"},
        capture_output=True,
        check=True,
    )
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) > 50
    assert {str(name): path.read_text() for name, path in made.items()} == emit(Settings())


def test_the_switch_chooses_cdktn() -> None:
    program = (
        "from modules.bindings.aws import App, S3Bucket;"
        "print(App.__jsii_type__, S3Bucket.__jsii_type__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "CDKTF_BINDINGS": "cdktn"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["cdktn.App", "@cdktn/provider-aws.s3Bucket.S3Bucket"]


def test_other_bindings_are_refused(tmp_path: Path) -> None:
    done = run_main(tmp_path, "cdk")
    told = "Error: CDKTF_BINDINGS = cdk: it must be cdktf or cdktn\n"
    assert (done.returncode, done.stderr) == (1, told)
    assert not list(tmp_path.iterdir())


def test_node_loads_a_resource_type_when_it_is_first_used(tmp_path: Path) -> None:
    index = tmp_path / "provider-aws" / "lib" / "index.js"
    index.parent.mkdir(parents=True)
    index.write_text(
        "exports.vpc = exports.lb = exports.eip = void 0;\n"
        'exports.vpc = require("./vpc");\n'
        'exports.lb = Object.freeze(require("./lb"));\n'
        'exports.eip = require("./eip");\n'
    )
    for name in ("vpc", "lb", "eip"):
        index.with_name(f"{name}.js").write_text(f'console.log("{name}"); exports.is = "{name}";')
    program = (
        f"const index = require({json.dumps(str(index))}); console.log(Object.keys(index).join());"
        "console.log(index.lb === index.lb, index.lb.is, index.vpc.is);"
    )
    preloaded = REPOSITORY / "modules/bindings/loading.js"
    done = subprocess.run(
        ["node", "--require", preloaded, "--eval", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["eip,lb,vpc", "lb", "vpc", "true lb vpc"]
