"""The way from a deployed stack to a registry that responds: ``wharf start``."""

import time
from collections.abc import Mapping
from pathlib import Path

import click
from wharf_proxy.bucket import Bucket
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import CERTIFICATE, KEY, NAMES, USERS, needed, read
from wharf_proxy.users_file import check_name, check_users

from scripts.aws import account, one_line_aws_errors
from scripts.certificate import create, general_name
from scripts.deployed import Deployed
from scripts.errors import one_line_errors
from scripts.options import Finite
from scripts.publish import publish
from scripts.settings import chosen_environment, of_environment
from scripts.users import read_password, set_password
from scripts.waiting import Login, await_certificate, await_response, is_for, names_of

PAIR = (CERTIFICATE, KEY)


@click.command()
@of_environment
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="registry",
    show_default=True,
    help=f"Folder for {', '.join(NAMES)}; files that it has are used.",
)
@click.option(
    "--domain",
    help="Name of the registry, for which the certificate is.  "
    "[default: the setting domain, or the first name of the certificate]",
)
@click.option("--user", help="Name of the first user, who is added unless the folder has the user.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file with the authorities that clients trust; checks the certificate against them.",
)
@click.option(
    "--minutes",
    type=Finite(0),
    default=20,
    show_default=True,
    help="Time that the registry has to respond.",
)
@click.pass_context
@one_line_errors()
def start(
    context: click.Context,
    environment: str | None,
    file: Path,
    directory: Path,
    domain: str | None,
    user: str | None,
    password_stdin: bool,
    ca: Path | None,
    minutes: float,
) -> None:
    """Make users and a certificate, publish them, and wait for the registry.

    With the setting acme_email no certificate is made: the command waits for that of the authority.

    ENVIRONMENT is a table of the settings; it can be left out if there is only one. Nothing that
    exists is replaced, in the folder or in the bucket, so the command can be run again after an
    interruption. While it waits, it tells what AWS is doing; if the registry does not respond, it
    shows the last lines of the log that says why.
    """
    settings = chosen_environment(file, environment)
    wanted = checked(domain) if domain is not None else settings.domain or None
    acme = bool(settings.acme_email)
    if acme and wanted != settings.domain:
        raise ConfigurationError(
            f"--domain {domain!r}: the authority's certificate is for the setting domain, "
            f"{settings.domain}: leave --domain out"
        )
    end = time.monotonic() + minutes * 60
    with one_line_aws_errors():
        deployed = Deployed(account(settings.aws_region), settings.name)
        bucket = Bucket(deployed.bucket, region=settings.aws_region)
        ours = [name for name in NAMES if not acme or name not in PAIR]
        there = {name: bucket.download_optional(name) for name in ours}
        files = {name: content for name, content in there.items() if content is not None}
        login = None
        if {*needed(files)} & {*ours} <= files.keys():
            click.echo(f"{', '.join(files)}: are in s3://{bucket.name}, and stay as they are")
            warn(bucket.name, files, directory, user)
        else:
            for name in different(directory, files):
                raise ConfigurationError(
                    f"s3://{bucket.name}/{name}: differs from {directory / name}, and is not "
                    "replaced: put the published one there, or run `wharf publish`"
                )
            login = complete(context, directory, wanted, user, password_stdin, acme=acme)
            region = settings.aws_region
            where = {"bucket": bucket.name, "directory": directory, "region": region}
            context.invoke(publish, ca=ca, acme=acme, **where)
            files = read(directory)
        if acme:
            files[CERTIFICATE] = await_certificate(deployed, bucket, settings.domain, minutes)
        name = covered(files[CERTIFICATE], wanted, directory)
        left = max(0, round((end - time.monotonic()) / 60, 1))
        await_response(deployed, name, files[CERTIFICATE], login, left)
    click.echo(f"The registry responds: docker login {name}")
    if not acme:
        click.echo(
            f"DNS: make {name} a CNAME of {deployed.host}, unless the stack makes the record"
        )
        click.echo(f"Clients need a self-signed certificate as /etc/docker/certs.d/{name}/ca.crt")


def warn(bucket: str, published: Mapping[str, bytes], directory: Path, user: str | None) -> None:
    """Tell what of the folder and the options is not published."""
    for name, content in local_files(directory).items():
        if published.get(name) != content:
            click.echo(
                f"Warning: {directory / name} is not what is in s3://{bucket}: "
                "`wharf publish` replaces that",
                err=True,
            )
    if user is not None and user not in users_of(published, f"s3://{bucket}"):
        click.echo(
            f"Warning: --user {user}: is not in s3://{bucket}/{USERS}: "
            "use `wharf users add` and `wharf publish`",
            err=True,
        )


def different(directory: Path, published: Mapping[str, bytes]) -> list[str]:
    """Return the names of published files of which the folder has no copy."""
    local = local_files(directory)
    return [name for name, content in published.items() if local.get(name) != content]


def local_files(directory: Path) -> dict[str, bytes]:
    """Return the files of the folder, which need not exist."""
    return read(directory) if directory.is_dir() else {}


def users_of(files: Mapping[str, bytes], place: str) -> list[str]:
    """Return the names in the users file, which is optional where identities can log in.

    Raises:
        ConfigurationError: a line of the file cannot be used.
    """
    return check_users(files[USERS], file=f"{place}/{USERS}") if USERS in files else []


def checked(domain: str) -> str:
    """Return a domain in lower case, in which certificates and clients compare names.

    Raises:
        ConfigurationError: it is not the name of one server.
    """
    if domain.startswith("*"):
        raise ConfigurationError(
            f"--domain {domain!r}: is a wildcard: give the name that clients use, and make a "
            "certificate for more names with `wharf certificate create`"
        )
    general_name(domain)
    return domain.lower()


def complete(
    context: click.Context,
    directory: Path,
    domain: str | None,
    user: str | None,
    from_stdin: bool,
    *,
    acme: bool,
) -> Login | None:
    """Make what the folder lacks; return the user that was added.

    With ``acme`` the certificate comes from an authority, and the folder must not have one.

    Raises:
        ConfigurationError: something is needed to make it; nothing is made.
    """
    local = local_files(directory)
    pair = {*PAIR} & local.keys()
    if acme and pair:
        raise ConfigurationError(
            f"{directory / min(pair)}: is there, and acme_email is given: remove one of them"
        )
    if len(pair) == 1:
        (name,) = pair
        raise ConfigurationError(
            f"{directory / name}: stands alone: put {CERTIFICATE} and {KEY} there, or neither"
        )
    if CERTIFICATE in local:
        covered(local[CERTIFICATE], domain, directory)
    elif domain is None:
        raise ConfigurationError("--domain is missing: give the name that clients use")
    known = users_of(local, str(directory))
    if user is None and USERS in needed(local) and not known:
        raise ConfigurationError("--user is missing: name the first user, who may do everything")
    login = None
    if user is not None and user not in known:
        check_name(user)
        login = Login(user, read_password(from_stdin, confirm=True))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not pair and not acme:
        context.invoke(create, names=(domain,), directory=directory)
    if login:
        set_password(directory / USERS, login.user, login.password)
    return login


def covered(certificate: bytes, domain: str | None, directory: Path) -> str:
    """Return the name of the registry, for which the certificate is.

    Raises:
        ConfigurationError: it is for other names, or for none that can be used.
    """
    names = names_of(certificate)
    plain = [name for name in names if not name.startswith("*")]
    if domain is None and plain:
        return plain[0]
    if domain is None or not is_for(names, domain):
        other = "" if domain is None else f", not for {domain}"
        raise ConfigurationError(
            f"{directory / CERTIFICATE}: is for {', '.join(names)}{other}: "
            "give one of its names as --domain, or another certificate"
        )
    return domain
