"""Write an environment's settings into its workspace of Terraform Cloud, as variables.

TFE_TOKEN=... python -m scripts.workspace production --role-arn arn:aws:iam::123456789012:role/wharf
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from modules.settings import SECRETS, SHAPE, Settings
from modules.settings_file import SettingsError, load_environments

#: Of Terraform Cloud; Terraform Enterprise has one of its own.
ADDRESS = "https://app.terraform.io"
MEDIA_TYPE = "application/vnd.api+json"


@dataclass(frozen=True)
class Variable:
    """A variable of a workspace; what is sensitive can be written there, but never read again."""

    key: str
    value: str
    category: str = "terraform"
    hcl: bool = False
    sensitive: bool = False


class Workspace:
    """A workspace, through the API: https://developer.hashicorp.com/terraform/cloud-docs/api-docs.

    Args:
        client: with the address and the token.
        organization: of the workspace.
        name: of the workspace, which exists.
    """

    def __init__(self, client: httpx.Client, organization: str, name: str) -> None:
        self._client = client
        found = self._ask("GET", f"organizations/{organization}/workspaces/{name}")
        self._variables = f"workspaces/{found['data']['id']}/vars"

    def write(self, variables: Iterable[Variable]) -> Iterable[tuple[Variable, str]]:
        """Make or change each; yield it and what was done: created, changed or unchanged."""
        there = {
            (one["attributes"]["category"], one["attributes"]["key"]): one
            for one in self._ask("GET", self._variables)["data"]
        }
        for variable in variables:
            present = there.get((variable.category, variable.key))
            attributes = vars(variable)
            if present is None:
                self._ask("POST", self._variables, attributes)
                yield variable, "created"
            elif all(present["attributes"].get(key) == attributes[key] for key in attributes):
                yield variable, "unchanged"
            else:
                self._ask("PATCH", f"{self._variables}/{present['id']}", attributes)
                yield variable, "changed"

    def _ask(self, method: str, path: str, attributes: dict[str, Any] | None = None) -> Any:
        content = None
        if attributes is not None:
            data: dict[str, Any] = {"type": "vars", "attributes": attributes}
            if method == "PATCH":
                data["id"] = path.rpartition("/")[2]
            content = json.dumps({"data": data})
        try:
            answer = self._client.request(method, path, content=content)
        except httpx.HTTPError as error:
            raise click.ClickException(f"{self._client.base_url}: {error}") from None
        if answer.is_error:
            raise click.ClickException(_refusal(answer))
        return answer.json()


def _refusal(answer: httpx.Response) -> str:
    path = answer.request.url.path
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return f"{path}: the token is refused; make one and give it as TFE_TOKEN"
    if answer.status_code == httpx.codes.NOT_FOUND:
        return f"{path}: it is not there, or the token may not see it; create the workspace first"
    try:
        detail = "; ".join(str(one.get("detail", one)) for one in answer.json()["errors"])
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = answer.text[:200]
    return f"{path}: status {answer.status_code}: {detail}"


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
    """Return the secrets that are given as ``TF_VAR_…``."""
    return [
        Variable(name, environment[f"TF_VAR_{name}"], sensitive=True)
        for name in SECRETS
        if environment.get(f"TF_VAR_{name}")
    ]


def credentials(role_arn: str | None, environment: dict[str, str] | None) -> list[Variable]:
    """Return how runs get at AWS: by a role that they assume, or by the access keys given."""
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
@click.argument("environment", required=False)
@click.option("--file", type=click.Path(path_type=Path), default="wharf.toml", show_default=True)
@click.option("--token", envvar="TFE_TOKEN", required=True, help="API token.  [env: TFE_TOKEN]")
@click.option("--address", envvar="TFE_ADDRESS", default=ADDRESS, show_default=True)
@click.option("--workspace", "name", help="Its name, where settings choose workspaces by tags.")
@click.option("--role-arn", help="Role that runs assume in AWS (dynamic credentials).")
@click.option("--access-keys", is_flag=True, help="Give runs this environment's AWS access keys.")
def main(
    environment: str | None,
    file: Path,
    token: str,
    address: str,
    name: str | None,
    role_arn: str | None,
    access_keys: bool,
) -> None:
    """Write the settings of ENVIRONMENT as variables of its workspace.

    Secrets given as TF_VAR_… are written as sensitive. What the workspace has beside is left alone.
    """
    settings = _chosen(file, environment)
    if settings.backend != "cloud":
        raise click.ClickException(f"backend = {settings.backend}: the workspace wants cloud")
    if settings.backend_tags and not name:
        raise click.ClickException("backend_tags choose the workspaces; name one by --workspace")
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


def _chosen(file: Path, environment: str | None) -> Settings:
    try:
        environments: Sequence[Settings] = load_environments(file, os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    found = [one for one in environments if environment in (None, one.name)]
    if len(found) != 1:
        names = ", ".join(one.name for one in environments)
        raise click.ClickException(f"{file}: choose one of its environments: {names}")
    return found[0]


if __name__ == "__main__":
    main(prog_name="python -m scripts.workspace")
