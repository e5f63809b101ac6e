"""An operator's first deployment on a local cloud: ``wharf image`` and ``wharf start``."""

import base64
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import trustme

from integration.clients.deployment import with_hosts_file
from integration.console.processes import run
from integration.console.waiting import wait_until
from integration.local.errors import LocalCloudError
from integration.local.hosts.container_images import BASE, Images
from integration.local.machine import podman, terraform_program
from integration.local.registry import (
    PROXY_IMAGE,
    REGION,
    REPOSITORY,
    USERNAME,
    LocalRegistry,
    operator,
    program,
)
from integration.local.terraform import Terraform

#: Each checkout has its own tag: all share the images of the machine.
TAG = PROXY_IMAGE.rpartition(":")[2]
#: ECR of moto's account. moto has its API; a registry in its place keeps the images.
ECR = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{ECR}/nginx-proxy:{TAG}"
REGISTRY_IMAGE = "public.ecr.aws/docker/library/registry:3.1.1"
#: Seconds; most of them are the provider's fixed waits.
DEPLOY_TIMEOUT = 600
#: Seconds that the registry in ECR's place has to start.
PATIENCE = 30


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its status, what it said, and its errors."""

    status: int
    output: str
    errors: str


class FirstDeployment:
    """The commands of a first deployment, in a shell where AWS's names resolve.

    Args:
        registry: whose stack is deployed.
        environment: of the settings.
    """

    def __init__(self, registry: LocalRegistry, environment: str) -> None:
        self.registry = registry
        self._podman = podman(registry.directory)
        self._ecr = f"ecr-{TAG}"
        self._folder = registry.directory.resolve() / "first"
        self._folder.mkdir(exist_ok=True)
        for old in ("wharf.toml", "users", "auth.json"):
            (self._folder / old).unlink(missing_ok=True)
        self.settings = self._folder / "wharf.toml"
        self.settings.write_text(f'name = "{environment}"\n')

    def __enter__(self) -> Self:
        try:
            self.registry.cloud.up()
            self.broken = self._start_with_a_broken_file()
            self.started = self._start_anew()
            if self.started.status != 0:
                raise LocalCloudError(f"wharf start failed: {self.started.errors}")
            self.registry.cloud.reconcile()
        except BaseException:
            self._end()
            raise
        return self

    def push_image(self) -> None:
        """Build and push the image, twice; leave on this machine only what was pushed."""
        self._start_ecr()
        self._image()
        self.pushed_again = self._image()
        self._pull_image()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self.registry.cloud.down()
        if self._podman.container.exists(self._ecr):
            self._podman.container.remove(self._ecr, force=True)
        if self._podman.image.exists(IMAGE):
            self._podman.image.remove(IMAGE, force=True)

    @property
    def domain(self) -> str:
        """The address of the load balancer; no name of the registry resolves."""
        return self.registry.cloud.network.address(3)

    def _start_ecr(self) -> None:
        """Run a registry under the name of ECR, which lets in who has the token of ECR's API."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self._folder / "trust.pem"))
        certificate = authority.issue_cert(ECR)
        certificate.private_key_and_cert_chain_pem.write_to_path(str(self._folder / "ecr.pem"))
        ecr = self.registry.cloud.session.client("ecr")
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        users = str(self._folder / "users")
        program("users", "add", users, user, "--cost", "4", "--password-stdin", text=password)
        Path(users).chmod(0o644)
        log = self._folder / "images.log"
        Images(self._podman, log, lambda _: None).prepare([REGISTRY_IMAGE], {})
        address = self.registry.cloud.network.gateway
        self._podman.container.run(
            REGISTRY_IMAGE,
            name=self._ecr,
            detach=True,
            networks=["host"],
            volumes=[(self._folder, "/ecr", "ro")],
            envs={
                "REGISTRY_HTTP_ADDR": f"{address}:443",
                "REGISTRY_HTTP_TLS_CERTIFICATE": "/ecr/ecr.pem",
                "REGISTRY_HTTP_TLS_KEY": "/ecr/ecr.pem",
                "REGISTRY_HTTP_DEBUG": "{}",
                "REGISTRY_AUTH": "{htpasswd: {realm: ecr, path: /ecr/users}}",
                "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/tmp/registry",  # noqa: S108
                "OTEL_TRACES_EXPORTER": "none",
            },
        )

        def status() -> int:
            with suppress(httpx.HTTPError):
                # Only whether it runs: clients look at the certificate.
                return httpx.get(f"https://{address}/v2/", verify=False).status_code  # noqa: S501
            return 0

        wait_until("the registry in ECR's place", status, 401, PATIENCE)

    def _image(self) -> str:
        """Build and push the proxy's image; return what the command says."""
        options = ("--engine", "podman", "--base-image", BASE, "--tag", TAG)
        return self._done(self._wharf("image", *options, "--file", str(self.settings)))

    def _pull_image(self) -> None:
        """Forget the image that was built, and pull what was pushed, as a host does."""
        self._podman.image.remove(IMAGE, force=True)
        self._done(self._shell(["podman", "pull", "--quiet", IMAGE]))

    def _start_anew(self) -> Ended:
        """Run ``wharf start`` on the deployed stack, with a new password for the first user."""
        password = self.registry.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(16))
        folder = self.registry.directory / "configuration"
        shutil.rmtree(folder, ignore_errors=True)
        return self._start(folder, "--user", USERNAME, text=password.read_text())

    def _start_with_a_broken_file(self) -> Ended:
        """Run it where the bucket has users that no proxy can read; leave an empty bucket."""
        s3 = self.registry.cloud.session.client("s3")
        bucket = self.registry.cloud.outputs["configuration_bucket"]
        folder = self._folder / "broken"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        program("certificate", "create", "--domain", self.domain, "--directory", str(folder))
        (folder / "nginx.htpasswd").write_text("demo:no-hash\n")
        for file in folder.iterdir():
            s3.put_object(Bucket=bucket, Key=file.name, Body=file.read_bytes())
        ended = self._start(folder)
        for file in folder.iterdir():
            s3.delete_object(Bucket=bucket, Key=file.name)
        return ended

    def _start(self, directory: Path, *options: str, text: str = "") -> Ended:
        where = ("--file", str(self.settings), "--directory", str(directory))
        name = ("--domain", self.domain, "--password-stdin", "--minutes", "5")
        with self._wharf("start", *where, *name, *options) as command:
            assert command.stdin  # noqa: S101  (for mypy)
            command.stdin.write(text)
            command.stdin.close()
            command.stdin = None
            # What EC2 and ECS do by themselves.
            while command.poll() is None:
                with suppress(LocalCloudError):
                    self.registry.cloud.reconcile()
            output, errors = command.communicate()
        return Ended(command.returncode, output, errors)

    def _wharf(self, *arguments: str) -> subprocess.Popen[str]:
        return self._shell([sys.executable, "-m", "scripts.cli", *arguments])

    def _shell(self, command: Sequence[str]) -> subprocess.Popen[str]:
        cloud = self.registry.cloud
        resolved = {ECR: cloud.network.gateway}
        for balancer in cloud.session.client("elb").describe_load_balancers()[
            "LoadBalancerDescriptions"
        ]:
            resolved[balancer["DNSName"]] = self.domain
        return subprocess.Popen(
            [*with_hosts_file(self._folder / "hosts", resolved.items()), *command],
            cwd=REPOSITORY,
            env={
                **os.environ,
                **operator(cloud.emulator),
                "SSL_CERT_FILE": str(self._folder / "trust.pem"),
                "REGISTRY_AUTH_FILE": str(self._folder / "auth.json"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def _done(command: subprocess.Popen[str]) -> str:
        output, errors = command.communicate()
        if command.returncode != 0:
            raise LocalCloudError(f"{command.args!r}: {errors[-2000:]}")
        return output


def deploy_with_cdktf(terraform: Terraform) -> None:
    """Deploy what was synthesized with the cdktf command."""
    command = [
        "node_modules/.bin/cdktf",
        "deploy",
        terraform.directory.name,
        "--skip-synth",
        # Offline, cdktf's own lock of providers would ask the Terraform registry.
        "--skip-provider-lock",
        "--auto-approve",
        "--output",
        str(terraform.directory.parents[1]),
        "--var-file",
        str(terraform.directory / "local.tfvars.json"),
    ]
    environment = {
        "CHECKPOINT_DISABLE": "1",
        "CI": "1",
        "TERRAFORM_BINARY_NAME": terraform_program(),
    }
    done = run(command, DEPLOY_TIMEOUT, cwd=REPOSITORY, env={**os.environ, **environment})
    if done.returncode != 0:
        raise LocalCloudError(f"cdktf deploy failed: {done.stdout[-3000:]}{done.stderr[-1000:]}")
