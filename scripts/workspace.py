"""Settings of an environment as variables of its workspace: ``wharf workspace production``."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from modules.settings.settings import Settings
from modules.settings.shape import SECRETS, SHAPE
from scripts.settings import chosen_environment, of_environment

#: Address of Terraform Cloud; Terraform Enterprise has another.
ADDRESS = "https://app.terraform.io"
MEDIA_TYPE = "application/vnd.api+json"


@dataclass(frozen=True)
class Variable:
    """A variable of a workspace; the API does not return the value of a sensitive variable."""

    key: str
    value: str
    category: str = "terraform"
    hcl: bool = False
    sensitive: bool = False


class Workspace:
    """A workspace, through the API: https://developer.hashicorp.com/terraform/cloud-docs/api-docs.

    Args:
        client: client with the address and the token.
        organization: organization of the workspace.
        name: name of an existing workspace.
    """

    def __init__(self, client: httpx.Client, organization: str, name: str) -> None:
        self._client = client
        found = self._request("GET", f"organizations/{organization}/workspaces/{name}")
        self._variables = f"workspaces/{found['data']['id']}/vars"

    def write(self, variables: Iterable[Variable]) -> Iterable[tuple[Variable, str]]:
        """Create or change variables; yield each and "created", "changed" or "unchanged"."""
        existing = {
            (each["attributes"]["category"], each["attributes"]["key"]): each
            for each in self._request("GET", self._variables)["data"]
        }
        for variable in variables:
            present = existing.get((variable.category, variable.key))
            attributes = vars(variable)
            if present is None:
                self._request("POST", self._variables, attributes)
                yield variable, "created"
            elif all(present["attributes"].get(key) == attributes[key] for key in attributes):
                yield variable, "unchanged"
            else:
                self._request("PATCH", f"{self._variables}/{present['id']}", attributes)
                yield variable, "changed"

    def _request(self, method: str, path: str, attributes: dict[str, Any] | None = None) -> Any:
        content = None
        if attributes is not None:
            data: dict[str, Any] = {"type": "vars", "attributes": attributes}
            if method == "PATCH":
                data["id"] = path.rpartition("/")[2]
            content = json.dumps({"data": data})
        try:
            response = self._client.request(method, path, content=content)
        except httpx.HTTPError as error:
            raise click.ClickException(f"{self._client.base_url}: {error}") from None
        if response.is_error:
            raise click.ClickException(_refusal(response))
        return response.json()


def _refusal(response: httpx.Response) -> str:
    path = response.request.url.path
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return f"{path}: the token is refused; create a token, and set TFE_TOKEN"
    if response.status_code == httpx.codes.NOT_FOUND:
        return f"{path}: absent, or hidden from this token; create the workspace first"
    try:
        detail = "; ".join(str(each.get("detail", each)) for each in response.json()["errors"])
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = response.text[:200]
    return f"{path}: status {response.status_code}: {detail}"


def variables_of(settings: Settings) -> list[Variable]:
    """Return the Terraform variables for every setting that does not shape the stack."""
    found = []
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name in SHAPE or value is None:
            continue
        is_text = isinstance(value, str)
        found.append(Variable(name, value if is_text else json.dumps(value), hcl=not is_text))
    return found


def secrets_of(environment: dict[str, str]) -> list[Variable]:
    """Return the secrets of the ``TF_VAR_…`` variables."""
    return [
        Variable(name, environment[f"TF_VAR_{name}"], sensitive=True)
        for name in SECRETS
        if environment.get(f"TF_VAR_{name}")
    ]


def credentials(role_arn: str | None, environment: dict[str, str] | None) -> list[Variable]:
    """Return the variables by which runs assume a role in AWS, or have access keys."""
    if role_arn:
        return [
            Variable("TFC_AWS_PROVIDER_AUTH", "true", category="env"),
            Variable("TFC_AWS_RUN_ROLE_ARN", role_arn, category="env"),
        ]
    if environment is None:
        return []
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise click.ClickException(f"--access-keys: {' and '.join(missing)} not in the environment")
    return [Variable(name, environment[name], category="env", sensitive=True) for name in names]


@click.command()
@of_environment
@click.option(
    "--token",
    envvar="TFE_TOKEN",
    required=True,
    help="API token of Terraform Cloud.  [default: TFE_TOKEN]",
)
@click.option(
    "--address",
    envvar="TFE_ADDRESS",
    default=ADDRESS,
    show_default=True,
    help="URL of Terraform Cloud or Enterprise; also taken from TFE_ADDRESS.",
)
@click.option(
    "--workspace",
    "name",
    help="Name of the workspace; required if the settings choose workspaces by tags.",
)
@click.option("--role-arn", help="ARN of the role that runs assume in AWS (dynamic credentials).")
@click.option(
    "--access-keys",
    is_flag=True,
    help="Write the AWS access keys of this shell, which runs then use.",
)
def main(
    environment: str | None,
    file: Path,
    token: str,
    address: str,
    name: str | None,
    role_arn: str | None,
    access_keys: bool,
) -> None:
    """Write settings as variables of a Terraform Cloud workspace.

    ENVIRONMENT is a table of the settings; it can be left out if there is only one. Secrets given
    as TF_VAR_… are written as sensitive. Other variables of the workspace stay unchanged.
    """
    settings = chosen_environment(file, environment)
    if settings.backend != "cloud":
        raise click.ClickException(
            f'backend = {settings.backend}: a workspace needs backend = "cloud"'
        )
    if settings.backend_tags and not name:
        raise click.ClickException(
            "backend_tags choose several workspaces; name one with --workspace"
        )
    wanted = [
        *variables_of(settings),
        *secrets_of(dict(os.environ)),
        *credentials(role_arn, dict(os.environ) if access_keys else None),
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    with httpx.Client(base_url=f"{address}/api/v2/", headers=headers, timeout=30) as client:
        workspace = Workspace(client, settings.backend_organization, name or settings.workspace)
        for variable, done in workspace.write(wanted):
            shown = "(sensitive)" if variable.sensitive else variable.value
            click.echo(f"{done:9} {variable.key} = {shown}")
