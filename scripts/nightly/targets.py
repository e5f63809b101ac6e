"""Where a night's registry is: an AWS account, or this machine."""

import json
import secrets
import shutil
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from scripts.nightly.steps import REPOSITORY, NightlyError, Steps, say

USERNAME = "nightly"
#: Seconds until hosts have started, pulled their images, and pass the health check.
START_TIMEOUT = 900.0
#: Hours after which what bears the tag is no running night's: a night ends within half of them.
OLD = 12
#: Terraform's wait for another's lock on the state: one of a night that was killed may be ending.
LOCK = "-lock-timeout=10m"


@dataclass(frozen=True)
class Access:
    """How to use a registry that is up.

    Attributes:
        bucket: where it keeps its images.
        environment: how an AWS SDK gets there, if not as it does anyway.
    """

    url: str
    username: str
    password: str = field(repr=False)
    ca: str
    hosts: int
    bucket: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Target(Protocol):
    """A registry for a night.

    Attributes:
        suite: options of the suite that only such a registry can take.
    """

    suite: tuple[str, ...]

    @property
    def name(self) -> str:
        """Tells it from other targets."""

    def deploy(self) -> Access:
        """Bring it up, with a user.

        Raises:
            NightlyError: it failed; parts of it may be there.
        """

    def load(self, access: Access) -> tuple[str, ...]:
        """How ``integration.load`` gets at it, and how much it bears."""

    def destroy(self) -> None:
        """Remove it, or what there is of it; nothing is no error.

        Raises:
            NightlyError: something stays.
        """

    def sweep(self) -> None:
        """Remove what earlier nights have left.

        Raises:
            NightlyError: something stays.
        """


class Local:
    """A registry on this machine.

    Args:
        steps: runs programs.
        directory: for its state.
    """

    name = "local"
    #: Its S3 would keep a larger layer in this machine's memory: docs/testing.md.
    suite: tuple[str, ...] = ()

    def __init__(self, steps: Steps, directory: Path) -> None:
        self._steps = steps
        self._directory = directory

    def deploy(self) -> Access:
        """Bring it up."""
        where = ("--directory", str(self._directory))
        self._steps.python("deploy", "integration.local", "up", *where)
        program = ("integration.local", "status", "--json", *where)
        return Access(**json.loads(self._steps.python("deploy", *program, shown=False)))

    def load(self, _: Access) -> tuple[str, ...]:
        """Through its folder, which tells of hosts and S3; of clients half of what a load has."""
        return "--cloud", str(self._directory), "--users", "10"

    def destroy(self) -> None:
        """Take it down; what failed to come up has taken itself down."""
        if (self._directory / "cloud.json").exists():
            program = ("integration.local", "down", "--directory", str(self._directory))
            self._steps.python("destroy", *program)

    def sweep(self) -> None:
        """Nothing: no account outlives it."""


class Account:
    """An environment in an AWS account, by Terraform here or in a workspace of Terraform Cloud.

    Args:
        steps: runs programs.
        environment: its name in ``wharf.toml``.
        directory: for its files.
        hosts: how many it has.
        role_arn: of the runs in the workspace, which then gets the variables first.
        synthesized: a folder that ``cdktf synth`` wrote, instead of synthesizing.
        var_file: with values of Terraform variables.
    """

    #: A layer of 1 GB.
    suite: tuple[str, ...] = ("--large-layer", "1000")

    def __init__(
        self,
        steps: Steps,
        environment: str,
        directory: Path,
        hosts: int,
        *,
        role_arn: str | None = None,
        synthesized: Path | None = None,
        var_file: Path | None = None,
    ) -> None:
        self._steps = steps
        self.name = f"account {environment}"
        self._environment = environment
        self._directory = directory.resolve()
        self._hosts = hosts
        self._role_arn = role_arn
        self._synthesized = synthesized
        self._var_file = var_file

    def deploy(self) -> Access:
        """Apply the stack, publish a user and a certificate, and wait for the hosts."""
        if self._role_arn:
            program = ("scripts.workspace", self._environment, "--role-arn", self._role_arn)
            self._steps.python("workspace", *program)
        outputs = self._directory / "outputs.json"
        self._cdktf("deploy", "--outputs-file", str(outputs))
        (values,) = json.loads(outputs.read_text()).values()
        access = self._publish(values)
        self._await(access)
        return access

    def load(self, access: Access) -> tuple[str, ...]:
        """By its address; nights are compared by the environment, since the address is new each."""
        login = ("--registry", access.url, "--username", access.username, "--ca", access.ca)
        return *login, "--hosts", str(access.hosts), "--target-name", self._environment

    def destroy(self) -> None:
        """Destroy whatever Terraform's state knows of."""
        self._cdktf("destroy")

    def sweep(self) -> None:
        """Remove what bears the nightly tag for longer than a night takes."""
        self._steps.python("sweep", "scripts.sweep", "--hours", str(OLD))

    def _cdktf(self, verb: str, *options: str) -> None:
        where = ("--output", str(self._synthesized.resolve())) if self._synthesized else ()
        # cdktf's own lock of providers would ask the Terraform registry.
        here = ("--skip-synth", "--skip-provider-lock") if self._synthesized else ()
        values = ("--var-file", str(self._var_file.resolve())) if self._var_file else ()
        cdktf = str(REPOSITORY / "node_modules" / ".bin" / "cdktf")
        command = [cdktf, verb, self._environment, "--auto-approve", *where, *here, *values]
        lock = {"TF_CLI_ARGS_apply": LOCK, "TF_CLI_ARGS_destroy": LOCK, "TF_CLI_ARGS_plan": LOCK}
        environment = {"CI": "1", "CHECKPOINT_DISABLE": "1", **lock}
        # The state, where it is a file.
        self._steps.run(verb, [*command, *options], environment, umask=0o077)

    def _publish(self, outputs: Mapping[str, str]) -> Access:
        url = outputs["registry_url"]
        folder = self._directory / "configuration"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        password = secrets.token_urlsafe(24)
        host = urlsplit(url).hostname or ""
        users = str(folder / "nginx.htpasswd")
        self._steps.python(
            "certificate",
            *("scripts.certificate", "create", "--domain", host, "--directory", str(folder)),
        )
        self._steps.python(
            "users",
            *("scripts.users", "add", users, USERNAME, "--password-stdin"),
            text=password,
        )
        self._steps.python(
            *("publish", "scripts.publish"),
            *("--bucket", outputs["configuration_bucket"], "--directory", str(folder)),
        )
        certificate = str(folder / "domain.crt")
        return Access(url, USERNAME, password, certificate, self._hosts, outputs["image_bucket"])

    def _await(self, access: Access) -> None:
        """Wait until the registry lets the user in."""
        context = ssl.create_default_context(cafile=access.ca)
        credentials = (access.username, access.password)

        def ask() -> None:
            with httpx.Client(verify=context, auth=credentials, timeout=10) as client:
                client.get(f"{access.url}/v2/").raise_for_status()

        say(f"Waiting until {access.url} answers")
        try:
            Retrying(
                stop=stop_after_delay(START_TIMEOUT),
                wait=wait_fixed(5),
                retry=retry_if_exception_type(httpx.HTTPError),
            )(ask)
        except RetryError as error:
            reason = error.last_attempt.exception()
            raise NightlyError(
                f"deploy: {access.url} does not answer after {START_TIMEOUT:g} s: {reason}"
            ) from None
