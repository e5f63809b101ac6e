"""Registries that a night can test: one in an AWS account, or one on this machine."""

import json
import secrets
import shutil
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed
from wharf_proxy.errors import ConfigurationError

from modules.settings.file import load_environments
from scripts.nightly.steps import REPOSITORY, Steps, say
from scripts.nightly.terraform import Terraform
from scripts.sweep.leftovers import TAG

SETTINGS = Path("wharf.toml")
USERNAME = "nightly"
#: Seconds until hosts have started, pulled their images, and passed the health check.
START_TIMEOUT = 900.0
#: Hours after which a tagged resource belongs to no running night, which ends within six hours.
OLD = 12
CDKTF = str(REPOSITORY / "node_modules" / ".bin" / "cdktf")


@dataclass(frozen=True)
class Access:
    """Address and login of a running registry.

    Attributes:
        bucket: bucket of the registry's images.
        environment: variables with which an AWS SDK reaches the bucket; empty for AWS itself.
    """

    url: str
    username: str
    password: str = field(repr=False)
    ca: str
    hosts: int
    bucket: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Target(ABC):
    """A registry for a night.

    Attributes:
        name: name of the target in the summary.
        suite: options of pytest for this target.

    Raises:
        ConfigurationError: from each method that fails; some resources may exist.
    """

    name: str
    suite: tuple[str, ...] = ()

    def check(self) -> None:  # noqa: B027
        """Check that no other night uses the target."""

    @abstractmethod
    def deploy(self) -> Access:
        """Deploy the registry with one user, and return the login."""

    @abstractmethod
    def load(self, access: Access) -> tuple[str, ...]:
        """Return the options of ``wharf load`` for this registry."""

    @abstractmethod
    def destroy(self) -> None:
        """Destroy the registry; an absent registry is no error."""

    def unlock(self) -> None:  # noqa: B027
        """Delete the lock that a killed night left on the state."""

    def sweep(self) -> None:  # noqa: B027
        """Delete the resources that earlier nights left."""


class Local(Target):
    """A registry on this machine.

    Args:
        steps: runs programs.
        directory: directory of the local cloud.
    """

    name = "local"

    def __init__(self, steps: Steps, directory: Path) -> None:
        self._steps = steps
        self._directory = directory

    def check(self) -> None:
        """Check that no registry runs in the directory."""
        if self._exists():
            raise ConfigurationError(
                f"--directory {self._directory.parent}: a registry runs there, of a night that "
                "runs or was killed; add --destroy-only to end it"
            )

    def deploy(self) -> Access:
        """Start the local cloud, and return the login."""
        directory = ("--directory", str(self._directory))
        self._steps.python("deploy", "scripts.cli", "local", "up", *directory)
        program = ("scripts.cli", "local", "status", "--json", *directory)
        return Access(**json.loads(self._steps.python("deploy", *program, shown=False)))

    def load(self, _: Access) -> tuple[str, ...]:
        """Return the cloud's directory, for figures of hosts and S3, and half the usual clients."""
        return "--cloud", str(self._directory), "--users", "10"

    def destroy(self) -> None:
        """Stop the local cloud, if one runs; a cloud that failed to start has stopped itself."""
        if self._exists():
            program = ("scripts.cli", "local", "down", "--directory", str(self._directory))
            self._steps.python("destroy", *program)

    def _exists(self) -> bool:
        return (self._directory / "cloud.json").exists()


def night_tags(environment: str, since: datetime, variables: Mapping[str, str]) -> str:
    """Return ``WHARF_TAGS`` for a night: the tags of the environment, and the tag of the night.

    Raises:
        SettingsError: the settings are invalid.
        ConfigurationError: they lack the environment, or keep its state in a file, which is lost
            with the machine.
    """
    environments = {each.name: each for each in load_environments(SETTINGS, variables)}
    if environment not in environments:
        raise ConfigurationError(
            f"--environment {environment}: missing in {SETTINGS} and WHARF_NAME; "
            f"known: {', '.join(environments)}"
        )
    settings = environments[environment]
    if settings.backend == "local":
        raise ConfigurationError(
            f'backend = "local": the state of {environment} would be lost with this machine; '
            'set backend = "s3" and backend_bucket, or backend = "cloud"'
        )
    return json.dumps({**settings.tags, TAG: since.isoformat(timespec="seconds")})


class Account(Target):
    """An environment in an AWS account, deployed by Terraform here or in Terraform Cloud.

    Args:
        steps: runs programs.
        environment: name of the environment in ``wharf.toml``.
        directory: directory for files of the night.
        hosts: number of hosts of the environment.
        since: value of the tag of the night's resources, if known.
        role_arn: role of the workspace's runs; the workspace first gets the variables.
        synthesized: output directory of ``cdktf synth``; None to synthesize.
        var_file: file with values of Terraform variables.
    """

    #: Megabytes of the largest layer; the emulated S3 of the local cloud keeps layers in memory.
    suite = ("--large-layer", "1000")

    def __init__(
        self,
        steps: Steps,
        environment: str,
        directory: Path,
        hosts: int,
        *,
        since: datetime | None = None,
        role_arn: str | None = None,
        synthesized: Path | None = None,
        var_file: Path | None = None,
    ) -> None:
        self._steps = steps
        self.name = f"account {environment}"
        self._environment = environment
        self._directory = directory.resolve()
        self._hosts = hosts
        self._since = since
        self._role_arn = role_arn
        self._synthesized = synthesized.resolve() if synthesized else None
        self._var_file = var_file
        self._terraform: Terraform | None = None

    def deploy(self) -> Access:
        """Apply the stack, publish a user and a certificate, and wait for the hosts."""
        if self._role_arn:
            program = ("scripts.cli", "workspace", self._environment, "--role-arn", self._role_arn)
            self._steps.python("workspace", *program)
        access = self._publish(self._stack().apply())
        self._wait(access)
        return access

    def load(self, access: Access) -> tuple[str, ...]:
        """Return the login, and the environment's name: each night has another address."""
        login = ("--registry", access.url, "--username", access.username, "--ca", access.ca)
        return *login, "--hosts", str(access.hosts), "--target-name", self._environment

    def destroy(self) -> None:
        """Destroy all resources in Terraform's state."""
        try:
            if self._stack().unlock_own():
                self._sweep_night()
        finally:
            self._stack().destroy()

    def sweep(self) -> None:
        """Delete tagged resources that are older than any running night."""
        self._steps.python("sweep", "scripts.cli", "sweep", "--hours", str(OLD))

    def unlock(self) -> None:
        """Delete the lock on the state in S3, which stays after Terraform was killed."""
        if self._stack().unlock():
            self._sweep_night()

    def _sweep_night(self) -> None:
        """Delete the resources of the night, of which a killed Terraform left some in no state.

        They would keep ``terraform destroy`` from deleting their network.
        """
        if self._since:
            since = self._since.isoformat(timespec="seconds")
            self._steps.python("sweep", "scripts.cli", "sweep", "--since", since)

    def _stack(self) -> Terraform:
        if not self._terraform:
            if not self._synthesized:
                folder = self._directory / "cdktf.out"
                command = [CDKTF, "synth", "--output", str(folder)]
                self._steps.run("synth", command, {"CI": "1", "CHECKPOINT_DISABLE": "1"})
                self._synthesized = folder
            stack = self._synthesized / "stacks" / self._environment
            self._terraform = Terraform(self._steps, stack, self._var_file)
        return self._terraform

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
            *("scripts.cli", "certificate", "create", "--domain", host, "--directory", str(folder)),
        )
        self._steps.python(
            "users",
            *("scripts.cli", "users", "add", users, USERNAME, "--password-stdin"),
            text=password,
        )
        self._steps.python(
            *("publish", "scripts.cli", "publish"),
            *("--bucket", outputs["configuration_bucket"], "--directory", str(folder)),
        )
        certificate = str(folder / "domain.crt")
        return Access(url, USERNAME, password, certificate, self._hosts, outputs["image_bucket"])

    def _wait(self, access: Access) -> None:
        """Poll until the registry accepts the user's login."""
        context = ssl.create_default_context(cafile=access.ca)
        credentials = (access.username, access.password)

        def request() -> None:
            with httpx.Client(verify=context, auth=credentials, timeout=10) as client:
                client.get(f"{access.url}/v2/").raise_for_status()

        say(f"Waiting for a response of {access.url}")
        try:
            Retrying(
                stop=stop_after_delay(START_TIMEOUT),
                wait=wait_fixed(5),
                retry=retry_if_exception_type(httpx.HTTPError),
            )(request)
        except RetryError as error:
            reason = error.last_attempt.exception()
            raise ConfigurationError(
                f"deploy: no response of {access.url} within {START_TIMEOUT:g} s: {reason}"
            ) from None
