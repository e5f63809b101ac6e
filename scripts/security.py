"""Check of the stack and its Terraform modules with checkov: ``wharf security``.

checkov's dependencies conflict with those of Wharf, so checkov gets a virtual environment of its
own. The check fails for a finding that is not in ``EXCEPTIONS``, and for an unused exception.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import click

from scripts.programs import output_of

REPOSITORY = Path(__file__).resolve().parents[1]
TOOL = REPOSITORY / ".tools" / "checkov"
VERSION = "3.3.30"

#: Two stacks that together have every kind of resource.
SHAPES: dict[str, dict[str, str]] = {
    "default": {},
    "other": {
        "WHARF_LOAD_BALANCER": "classic",
        "WHARF_HOST_NETWORK": "nat",
        "WHARF_REPLICA_BUCKET": "copies",
        "WHARF_IMAGE_VERSION_DAYS": "30",
        "WHARF_ACME_EMAIL": "a@example.com",
        "WHARF_DOMAIN": "registry.example.com",
        "WHARF_DNS_ZONE_ID": "Z0123456789",
    },
}

#: Accepted findings, with reasons. checkov uses the defaults of a module's variables.
EXCEPTIONS = {
    "CKV_AWS_18": "S3: every read and write comes from the task role, and nginx logs the client",
    "CKV_AWS_19": "S3: objects are encrypted; checkov does not evaluate the choice of the key",
    "CKV_AWS_26": "SNS: on request (kms_key_arn); CloudWatch cannot publish under a key of AWS",
    "CKV_AWS_91": "a network balancer logs TLS listeners only, and nginx ends TLS; nginx logs",
    "CKV_AWS_92": "on request: access_log_bucket",
    "CKV_AWS_127": "nginx ends TLS on the hosts; the balancer passes it through",
    "CKV_AWS_130": "public subnets are for the balancer; hosts leave them with host_network",
    "CKV_AWS_144": "on request: replica_bucket",
    "CKV_AWS_145": "on request: kms_key_arn",
    "CKV_AWS_150": "on request: deletion_protection",
    "CKV_AWS_153": "the tags of the group come from a map, which checkov does not read in JSON",
    "CKV_AWS_158": "on request: kms_key_arn",
    "CKV_AWS_260": "port 80 is for the check of the classic balancer, whose group the rule names",
    "CKV_AWS_376": "nginx ends TLS on the hosts; the balancer passes it through",
    "CKV2_AWS_5": "the security groups are attached in other modules; checkov does not follow",
    "CKV2_AWS_57": "the HTTP secret signs uploads that last hours, a rotation would break them; "
    "static keys are rotated by their owner",
    "CKV2_AWS_62": "S3: no program uses the events",
}


@click.command()
def security() -> None:
    """Check the stack and its modules with checkov.

    Fails for a finding that is no known exception, and for an exception that nothing needs.
    """
    if not (TOOL / "bin" / "checkov").exists():
        click.echo(f"Installing checkov {VERSION} into {TOOL.relative_to(REPOSITORY)}")
        venv.create(TOOL, with_pip=True)
        pip = [str(TOOL / "bin" / "pip"), "install", "--quiet", f"checkov=={VERSION}"]
        output_of("pip", pip, click.ClickException)
    with tempfile.TemporaryDirectory() as directory:
        for name, choices in SHAPES.items():
            write(Path(directory) / name, choices)
        failed = findings(Path(directory))
    unknown = {id: names for id, names in failed.items() if id not in EXCEPTIONS}
    for id, names in sorted(unknown.items()):
        click.echo(f"Error: {id}: {', '.join(sorted(names))}", err=True)
    for id in sorted(EXCEPTIONS.keys() - failed.keys()):
        click.echo(f"Error: {id} is not found: remove the exception", err=True)
    if failed.keys() != EXCEPTIONS.keys():
        raise SystemExit(1)


def write(directory: Path, choices: dict[str, str]) -> None:
    """Write a stack and its modules into a directory, without parts that checkov cannot read."""
    directory.mkdir()
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    path = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'nginx-proxy'}"}
    for program in ([str(REPOSITORY / "main.py")], ["-m", "scripts.cli", "modules"]):
        command = [sys.executable, *program]
        environment = {**others, **path, **choices}
        output_of(program[-1], command, click.ClickException, cwd=directory, env=environment)
    stack = directory / "cdktf.out" / "stacks" / "wharf" / "cdk.tf.json"
    read = json.loads(stack.read_text())
    stack.write_text(json.dumps(_readable(read)))


def _readable(part: Any) -> Any:
    """Remove Terraform's settings, ephemeral values, and blocks that depend on variables."""
    if isinstance(part, list):
        return [_readable(each) for each in part]
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
            # The examples call modules that are checked separately.
            *("--skip-path", "examples"),
            *("--skip-download", "--quiet", "--compact", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,  # the exit status is 1 with findings
    )
    failed: dict[str, set[str]] = {}
    for report in json.loads(done.stdout):
        if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
            raise click.ClickException(f"checkov could not read the stack: {done.stderr[-500:]}")
        for check in report["results"]["failed_checks"]:
            failed.setdefault(check["check_id"], set()).add(check["resource"])
    return failed
