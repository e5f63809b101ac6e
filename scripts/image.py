"""The proxy's image, built and pushed to the account's ECR: ``wharf image``."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import httpx
from wharf_proxy.atomic_file import AtomicFile, write
from wharf_proxy.errors import ConfigurationError

from modules.settings.settings import Settings
from scripts.aws import account, one_line_aws_errors
from scripts.errors import one_line_errors
from scripts.settings import chosen_environment, of_environment

CONTEXT = Path(__file__).resolve().parents[1] / "nginx-proxy"
#: What the image is made from; .dockerignore has the same.
SOURCES = ("Dockerfile", "*.conf", "lua/wharf/*.lua", "page/*", "wharf_proxy/*.py")
PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
ENGINES = ("docker", "podman")
REPOSITORY = "nginx-proxy"
#: As ECR and Docker allow them:
#: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
REPOSITORIES = re.compile(
    r"(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*"
)
TAGS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
#: Of manifests; without them a registry may answer for another type, or not at all.
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def matching(pattern: re.Pattern[str], allowed: str) -> Callable[..., str | None]:
    """Return the check of an option whose value has to match."""

    def check(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
        if value is not None and not pattern.fullmatch(value):
            raise click.BadParameter(f"{value!r}: write {allowed}")
        return value

    return check


@click.command()
@of_environment
@click.option(
    "--repository",
    default=REPOSITORY,
    show_default=True,
    callback=matching(REPOSITORIES, "2 to 256 of a-z, 0-9 and ._-/, such as team/nginx-proxy"),
    help="Repository in ECR, which is created if it does not exist.",
)
@click.option(
    "--tag",
    callback=matching(TAGS, "up to 128 letters, digits and ._-, such as 2026-12-01"),
    help="Tag of the image; a new one builds the image again, with Debian's newest packages.  "
    "[default: the architecture and a digest of nginx-proxy/]",
)
@click.option("--base-image", help="Image of Debian to build on, in place of the Dockerfile's.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="Program that builds and pushes.  [default: docker, or podman if there is no docker]",
)
@one_line_errors()
def image(
    environment: str | None,
    file: Path,
    repository: str,
    tag: str | None,
    base_image: str | None,
    engine: str | None,
) -> None:
    """Build the proxy's image and push it to ECR.

    The name of the image becomes a line of wharf.toml, in the table of the environment if there are
    tables.

    ENVIRONMENT is a table of the settings; it can be left out if there is only one. The image goes
    to the region of the settings, in the account of the AWS credentials. An image whose tag is in
    ECR already is not built again.
    """
    settings = chosen_environment(file, environment)
    program = engine or next((each for each in ENGINES if shutil.which(each)), None)
    if program is None or shutil.which(program) is None:
        raise click.ClickException(
            f"{engine or 'neither docker nor podman'}: not on the PATH: install one, "
            "or set proxy_image to an image that was built elsewhere"
        )
    with one_line_aws_errors():
        ecr = Ecr(account(settings.aws_region).client("ecr"), repository)
        name = f"{ecr.address}/{repository}:{tag or content_tag(settings, base_image)}"
        if ecr.has(name):
            click.echo(f"{name} is in ECR already")
        else:
            build(program, name, settings, base_image)
            ecr.create()
            push(program, name, ecr)
    note(file, settings.name, name)


class Ecr:
    """A repository in the ECR of an account and a region.

    Args:
        client: boto3's.
        repository: its name; it need not exist.
    """

    def __init__(self, client: Any, repository: str) -> None:
        self._client = client
        self._repository = repository
        data = client.get_authorization_token()["authorizationData"][0]
        self._token = data["authorizationToken"]
        #: Of the registry, without https://.
        self.address = str(data["proxyEndpoint"]).removeprefix("https://")

    @property
    def password(self) -> str:
        """Return the password of the user AWS, which is valid for 12 hours."""
        return base64.b64decode(self._token).decode().partition(":")[2]

    def has(self, image: str) -> bool:
        """Return whether an image can be pulled.

        Raises:
            click.ClickException: ECR says neither yes nor no.
        """
        if not self._exists():
            return False
        url = f"https://{self.address}/v2/{self._repository}/manifests/{image.rpartition(':')[2]}"
        headers = {"Authorization": f"Basic {self._token}", "Accept": ACCEPT}
        try:
            response = httpx.head(url, headers=headers, timeout=30)
        except httpx.HTTPError as error:
            raise click.ClickException(f"{url}: {error}: check the network") from None
        status = response.status_code
        if status not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
            denied = status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
            remedy = (
                "allow ecr:BatchGetImage for the deploying user" if denied else "try again later"
            )
            raise click.ClickException(f"{url}: status {status}: {remedy}")
        return status == httpx.codes.OK

    def create(self) -> None:
        """Create the repository, unless it exists."""
        if self._exists():
            return
        self._client.create_repository(
            repositoryName=self._repository,
            # What a tag names never changes under a running stack.
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
        )
        click.echo(f"Created the repository {self._repository} in {self.address}")

    def _exists(self) -> bool:
        try:
            self._client.describe_repositories(repositoryNames=[self._repository])
        except self._client.exceptions.RepositoryNotFoundException:
            return False
        return True


def content_tag(settings: Settings, base_image: str | None) -> str:
    """Return a tag that changes whenever the image has to."""
    digest = hashlib.sha256((base_image or "").encode())
    for file in sorted(file for pattern in SOURCES for file in CONTEXT.glob(pattern)):
        digest.update(f"{file.relative_to(CONTEXT)}\0".encode() + file.read_bytes() + b"\0")
    return f"{settings.architecture}-{digest.hexdigest()[:12]}"


def build(program: str, name: str, settings: Settings, base_image: str | None) -> None:
    """Build the image for the architecture of the hosts."""
    arguments = ["--build-arg", f"BASE_IMAGE={base_image}"] if base_image else []
    platform = PLATFORMS[settings.architecture]
    click.echo(f"Building {name} for {platform}")
    run(program, "build", "--platform", platform, "--tag", name, *arguments, str(CONTEXT))


def push(program: str, name: str, ecr: Ecr) -> None:
    """Push the image, logged in as the credentials allow."""
    click.echo(f"Pushing {name}")
    login = ("login", "--username", "AWS", "--password-stdin", ecr.address)
    run(program, *login, text=ecr.password)
    run(program, "push", name)


def run(program: str, *arguments: str, text: str | None = None) -> None:
    """Run docker or podman; its output goes to standard error.

    Raises:
        click.ClickException: it failed.
    """
    done = subprocess.run([program, *arguments], input=text, text=True, stdout=2, check=False)
    if done.returncode != 0:
        raise click.ClickException(
            f"{program} {arguments[0]} ended with status {done.returncode}: its last lines are "
            "above; run wharf image again when that is solved"
        )


def note(file: Path, environment: str, name: str) -> None:
    """Write the setting into the file, and print it for those who give settings elsewhere."""
    old = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
    wanted = tomllib.loads(old)
    tables = wanted.get("environments", {})
    (tables[environment] if tables else wanted)["proxy_image"] = name
    new = with_line(old, environment if tables else None, f'proxy_image = "{name}"')
    if parsed(new) != wanted:
        raise ConfigurationError(
            f'{file}: proxy_image is written in a way that only you can change: set it to "{name}"'
        )
    if new != old:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
        write(AtomicFile(path=file, content=new.encode(), mode=mode))
    click.echo(f'{file}: proxy_image = "{name}"')
    if os.environ.get("WHARF_PROXY_IMAGE", name) != name:
        click.echo("Warning: WHARF_PROXY_IMAGE names another image, and wins: unset it", err=True)


def parsed(text: str) -> dict[str, Any]:
    """Return what a TOML file says, nothing if it is none any more."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def with_line(text: str, environment: str | None, line: str) -> str:
    """Return the text of a TOML file with a line that sets a key, in place of one that does.

    The line is in the table of an environment, or above all tables. A table that is written in
    another way than ``[environments.NAME]`` is not found: the text then stays as it is.
    """
    if environment is None:
        begin = 0
    else:
        header = rf"(?m)^\[environments\.{re.escape(environment)}\][ \t]*(#[^\r\n]*)?(\r?\n|\Z)"
        found = re.search(header, text)
        if found is None:
            return text
        begin = found.end()
    before, rest = text[:begin], text[begin:]
    next_table = re.search(r"(?m)^\[", rest)
    end = next_table.start() if next_table else len(rest)
    key = line.partition(" ")[0]
    settings, replaced = re.subn(rf"(?m)^{key}[ \t]*=[^\r\n]*", lambda _: line, rest[:end])
    if not replaced:
        # The header of a table may be the end of the file, without the end of its line.
        settings = ("\n" if before and not before.endswith("\n") else "") + f"{line}\n{settings}"
    return before + settings + rest[end:]
