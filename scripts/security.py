"""Check the stack and its Terraform modules with checkov: ``python -m scripts.security``.

Its dependencies do not fit beside ours, so it lives in a virtual environment of its own, made here.
It fails for a finding that is not in ``EXCEPTIONS``, and for an exception that nothing needs.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
TOOL = REPOSITORY / ".tools" / "checkov"
VERSION = "3.3.30"

#: The two stacks that have, together, every kind of resource that Wharf makes.
SHAPES: dict[str, dict[str, str]] = {
    "default": {},
    "other": {
        "WHARF_LOAD_BALANCER": "classic",
        "WHARF_HOST_NETWORK": "nat",
        "WHARF_REPLICA_BUCKET": "copies",
        "WHARF_IMAGE_VERSION_DAYS": "30",
    },
}

#: Findings that stay, each with its reason. Of a module checkov sees the defaults of its variables.
EXCEPTIONS = {
    "CKV_AWS_18": "S3: every read and write comes from the task role, and nginx logs who asked",
    "CKV_AWS_19": "S3: it is encrypted; checkov does not see through the choice of the key",
    "CKV_AWS_21": "S3: images have versions on request (image_version_days)",
    "CKV_AWS_26": "SNS: on request (kms_key_arn); CloudWatch cannot publish under a key of AWS's",
    "CKV_AWS_91": "a network balancer logs TLS listeners only, and nginx ends TLS; nginx logs",
    "CKV_AWS_92": "on request: access_log_bucket",
    "CKV_AWS_127": "nginx ends TLS on the hosts; the balancer passes it through",
    "CKV_AWS_130": "public subnets are for the balancer; hosts leave them with host_network",
    "CKV_AWS_144": "on request: replica_bucket",
    "CKV_AWS_145": "on request: kms_key_arn",
    "CKV_AWS_150": "on request: deletion_protection",
    "CKV_AWS_153": "the tags of the group come from a map, which checkov does not read in JSON",
    "CKV_AWS_338": "on request: log_retention_days; a year of logs is not everybody's wish",
    "CKV_AWS_376": "nginx ends TLS on the hosts; the balancer passes it through",
    "CKV_AWS_394": "the zones are those of whatever region is chosen",
    "CKV2_AWS_5": "the security groups are attached in other modules; checkov does not follow",
    "CKV2_AWS_11": "VPC flow logs: nginx logs each request with its client's address",
    "CKV2_AWS_57": "the HTTP secret signs uploads that last hours, a rotation would break them; "
    "static keys are rotated where they come from",
    "CKV2_AWS_62": "S3: nothing would listen to events",
}


def main() -> int:
    """Print what is found beyond the exceptions; return the exit status."""
    if not (TOOL / "bin" / "checkov").exists():
        print(f"Installing checkov {VERSION} into {TOOL.relative_to(REPOSITORY)}")
        venv.create(TOOL, with_pip=True)
        pip = [str(TOOL / "bin" / "pip"), "install", "--quiet", f"checkov=={VERSION}"]
        subprocess.run(pip, check=True)
    with tempfile.TemporaryDirectory() as directory:
        for name, choices in SHAPES.items():
            write(Path(directory) / name, choices)
        failed = findings(Path(directory))
    unknown = {id: names for id, names in failed.items() if id not in EXCEPTIONS}
    for id, names in sorted(unknown.items()):
        print(f"Error: {id}: {', '.join(sorted(names))}", file=sys.stderr)
    for id in sorted(EXCEPTIONS.keys() - failed.keys()):
        print(f"Error: {id} is no finding any more: remove the exception", file=sys.stderr)
    return int(failed.keys() != EXCEPTIONS.keys())


def write(directory: Path, choices: dict[str, str]) -> None:
    """Write a stack, without what checkov cannot read, and its modules into a directory."""
    directory.mkdir()
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    path = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'nginx-proxy'}"}
    for program in ([str(REPOSITORY / "main.py")], ["-m", "scripts.modules"]):
        subprocess.run(
            [sys.executable, *program],
            cwd=directory,
            env={**others, **path, **choices},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    stack = directory / "cdktf.out" / "stacks" / "wharf" / "cdk.tf.json"
    read = json.loads(stack.read_text())
    stack.write_text(json.dumps(_readable(read)))


def _readable(part: Any) -> Any:
    """Leave out Terraform's own settings, ephemeral values, and blocks that depend on variables."""
    if isinstance(part, list):
        return [_readable(one) for one in part]
    if not isinstance(part, dict):
        return part
    unread = ("terraform", "ephemeral", "dynamic")
    return {key: _readable(value) for key, value in part.items() if key not in unread}


def findings(directory: Path) -> dict[str, set[str]]:
    """Return the failed checks and the resources that fail them."""
    done = subprocess.run(
        [
            str(TOOL / "bin" / "checkov"),
            *("--directory", str(directory), "--framework", "terraform", "terraform_json"),
            # They call modules that are checked by themselves.
            *("--skip-path", "examples"),
            *("--skip-download", "--quiet", "--compact", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,  # its status is that of the findings
    )
    failed: dict[str, set[str]] = {}
    for report in json.loads(done.stdout):
        if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
            raise SystemExit(f"Error: checkov could not read the stack: {done.stderr[-500:]}")
        for one in report["results"]["failed_checks"]:
            failed.setdefault(one["check_id"], set()).add(one["resource"])
    return failed


if __name__ == "__main__":
    sys.exit(main())
