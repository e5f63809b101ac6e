"""Wrong options of the integration suite: one line, and no test runs."""

import os
import sys

import pytest

from integration.console.processes import run
from integration.local.registry import REPOSITORY

pytestmark = pytest.mark.slow

LIVE = ("--registry", "https://127.0.0.1:1")
PASSWORD = {"REGISTRY_PASSWORD": "secret"}
#: boto3 looks nowhere else than in the environment.
NOWHERE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        (LIVE, {}, "--registry needs the password in REGISTRY_PASSWORD"),
        (("--bucket", "images"), {}, "--bucket is of a live registry: give its --registry, too"),
        (
            (*LIVE, "--bucket", "images"),
            PASSWORD,
            "--bucket needs AWS credentials, such as AWS_PROFILE or AWS_ACCESS_KEY_ID",
        ),
        (
            (*LIVE, "--registry-version", "new"),
            PASSWORD,
            "--registry-version: 'new': it must be a version such as 3.1.1",
        ),
    ],
    ids=["no password", "no registry", "no credentials", "no version"],
)
def test_what_is_missing_is_said(
    options: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    others = {
        name: text
        for name, text in os.environ.items()
        if name != "REGISTRY_PASSWORD" and not name.startswith("AWS_")
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "integration/suite/registry/test_persistence.py",
        *options,
    ]
    done = run(command, 60, cwd=REPOSITORY, env={**others, **NOWHERE, **environment})
    assert (done.returncode, done.stdout) == (pytest.ExitCode.USAGE_ERROR, "")
    assert done.stderr.strip() == f"ERROR: {said}"
