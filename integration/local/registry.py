"""A whole registry on this machine: synthesized, deployed, configured, and healthy."""

import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from integration.clients.deployment import Deployment
from integration.local.cloud import LocalCloud, apply_with_terraform
from integration.local.emulator.process import Emulator
from integration.local.errors import LocalCloudError
from integration.local.terraform import Terraform
from scripts.programs import output_of

REPOSITORY = Path(__file__).resolve().parents[2]

#: What the stack is told to pull, and what is built from nginx-proxy/: each checkout has its own.
PROXY_IMAGE = (
    f"localhost/wharf/nginx-proxy:{hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:12]}"
)
USERNAME = "demo"
#: Where the stack is, unless its shape names another region.
REGION = "us-east-1"
#: Where the registry stands that ``make up`` and ``make demo`` leave.
STANDING = Path("build/local")


class LocalRegistry:
    """The stack of this repository on a local cloud, with a certificate and a user.

    Args:
        directory: for everything that it writes.
        hosts: how many.
        shape: settings of the stack, as ``WHARF_…`` variables give them.
        variables: further values for the stack's Terraform variables.
        report: gets a line for each step.
        deploy: applies the stack.
        stores: buckets that another S3 keeps than the emulator's, and its ``address:port``.
        builds: whether the proxy's image is built first; otherwise it is pulled, or here already.

    Usage:

        with LocalRegistry(Path("build/local"), hosts=2) as registry:
            registry.deployment.client().get("/v2/")
    """

    def __init__(
        self,
        directory: Path,
        *,
        hosts: int = 2,
        shape: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        report: Callable[[str], None] = print,
        deploy: Callable[[Terraform], None] = apply_with_terraform,
        stores: Mapping[str, str] | None = None,
        builds: bool = True,
    ) -> None:
        self.directory = directory
        report("Synthesizing the stack")
        stack = synthesize(directory / "cdktf.out", shape or {})
        image = str((variables or {}).get("proxy_image", PROXY_IMAGE))
        self.cloud = LocalCloud(
            directory,
            stack,
            {
                "proxy_image": image,
                "minimum_hosts": hosts,
                # A single host cannot grow: see the setting.
                "maximum_hosts": hosts + 2 if hosts > 1 else 1,
                # The images of a test are not worth a failed destroy.
                "force_destroy": True,
                **(variables or {}),
            },
            contexts={image: REPOSITORY / "nginx-proxy"} if builds else {},
            report=report,
            deploy=deploy,
            stores=stores,
            region=(shape or {}).get("WHARF_AWS_REGION", REGION),
        )

    @classmethod
    def standing(cls, directory: Path, report: Callable[[str], None] = print) -> Self:
        """Take over the registry that another process left standing in ``directory``.

        Raises:
            LocalCloudError: there is none.
        """
        registry = cls.__new__(cls)
        registry.directory = directory
        registry.cloud = LocalCloud.standing(directory, report)
        return registry

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.cloud.down()

    def up(self) -> None:
        """Deploy, publish the configuration, and wait until every host is healthy.

        Raises:
            LocalCloudError: something failed; nothing is left running.
        """
        self.cloud.up()
        try:
            publish(self.cloud, self._configuration())
            self.cloud.reconcile()
        except BaseException:
            self.cloud.down()
            raise

    def _configuration(self) -> Path:
        directory = self.directory / "configuration"
        directory.mkdir(exist_ok=True)
        address = self.cloud.network.address(3)
        names = [address, self.cloud.outputs["registry_url"].removeprefix("https://")]
        domains = [option for name in names for option in ("--domain", name)]
        program("certificate", "create", *domains, "--directory", str(directory), "--force")
        password = secrets.token_urlsafe(16)
        (self.directory / "password").write_text(password)
        (self.directory / "password").chmod(0o600)
        users = directory / "nginx.htpasswd"
        users.unlink(missing_ok=True)
        program("users", "add", str(users), USERNAME, "--password-stdin", text=password)
        return directory

    @property
    def deployment(self) -> Deployment:
        """Address and login of the registry."""
        return deployment(self.cloud, self.directory)


def deployment(cloud: LocalCloud, directory: Path) -> Deployment:
    """Describe a standing cloud that a :class:`LocalRegistry` brought up in ``directory``."""
    balancer = cloud.balancer
    certificate = (directory / "configuration" / "domain.crt").resolve()
    # Clients that are sent to S3 have to trust that, too.
    trust = directory.resolve() / "trust.pem"
    trusted = certificate.read_bytes() + cloud.trust.read_bytes()
    # Not each time: clients that work meanwhile would find it empty.
    if not trust.exists() or trust.read_bytes() != trusted:
        trust.write_bytes(trusted)
    return Deployment(
        url=f"https://{balancer.address}",
        username=USERNAME,
        password=(directory / "password").read_text(),
        ca=trust,
        hosts=[f"https://{balancer.door(host.address)}" for host in cloud.hosts],
        names=cloud.names,
    )


def directions(cloud: LocalCloud, directory: Path) -> str:
    """Tell a person where a standing registry is and how to look around, line by line."""
    found = deployment(cloud, directory)
    password = directory / "password"
    health = cloud.balancer.health()
    end = "make down" if directory == STANDING else f"wharf local down --directory {directory}"
    return "\n".join(
        [
            f"Registry  {found.url}",
            f"Log in    as {USERNAME}, with the password in {password}",
            f"Trust     {found.ca}",
            *(
                f"Host {number:<4} {host.id} at {host.address}: {health.get(host.id, 'unknown')}"
                for number, host in enumerate(cloud.hosts, 1)
            ),
            f"AWS API   {cloud.emulator.endpoint}",
            f"Logs      {cloud.logs}",
            f"Try       curl --cacert {found.ca} --user {USERNAME}:$(cat {password}) "
            f"{found.url}/v2/_catalog",
            f"End it    {end}",
        ]
    )


def synthesize(directory: Path, shape: Mapping[str, str]) -> Path:
    """Run ``main.py`` as ``cdktf synth`` does; return the directory of the stack.

    What was chosen for AWS, in ``wharf.toml`` or the environment, does not count here.

    Raises:
        LocalCloudError: the settings were refused; the text says why.
    """
    directory.mkdir(parents=True, exist_ok=True)
    others = {name: text for name, text in os.environ.items() if not name.startswith("WHARF_")}
    environment = {**others, **shape, "CDKTF_OUTDIR": str(directory.resolve())}
    command = [sys.executable, str(REPOSITORY / "main.py")]
    output_of("Synthesis", command, LocalCloudError, cwd=directory, env=environment)
    name = shape.get("WHARF_NAME", "wharf")
    return directory / "stacks" / name


def publish(cloud: LocalCloud, directory: Path) -> None:
    """Publish the proxy's files with the operator's own program."""
    program(
        "publish",
        "--bucket",
        cloud.outputs["configuration_bucket"],
        "--directory",
        str(directory),
        environment=operator(cloud.emulator),
    )


def operator(emulator: Emulator) -> dict[str, str]:
    """Return the environment of an administrator who uses a local account with an AWS SDK."""
    return {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": emulator.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": emulator.credentials.secret_access_key,
        "AWS_DEFAULT_REGION": emulator.region,
    }


def program(
    name: str, *arguments: str, text: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """Run an operator's command of ``wharf``; return its output.

    Raises:
        LocalCloudError: it failed; the text is what it said.
    """
    return output_of(
        f"wharf {name}",
        [sys.executable, "-m", "scripts.cli", name, *arguments],
        LocalCloudError,
        text=text,
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
    )
