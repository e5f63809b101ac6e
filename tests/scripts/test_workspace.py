"""Settings become variables of a workspace, through an API like Terraform Cloud's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scripts.workspace import main

SETTINGS = """\
backend = "cloud"
backend_organization = "acme"
minimum_hosts = 2
maximum_hosts = 4
[environments.staging]
[environments.production]
allowed_networks = ["10.0.0.0/8"]
"""
TOKEN = "token"
VARIABLES = "/api/v2/workspaces/ws-1/vars"


class Api:
    """Terraform Cloud with one workspace: wharf-production of acme."""

    def __init__(self, server: HTTPServer) -> None:
        self.variables: dict[str, dict[str, Any]] = {}
        self.address = server.url_for("").rstrip("/")
        workspace = "/api/v2/organizations/acme/workspaces/wharf-production"
        server.expect_request(workspace).respond_with_handler(self._guarded(self._workspace))
        server.expect_request(VARIABLES, method="GET").respond_with_handler(
            self._guarded(self._list)
        )
        server.expect_request(VARIABLES, method="POST").respond_with_handler(
            self._guarded(self._create)
        )
        for number in range(100):
            server.expect_request(f"{VARIABLES}/var-{number}", method="PATCH").respond_with_handler(
                self._guarded(self._change)
            )

    def value(self, key: str) -> Any:
        return next(
            variable["value"] for variable in self.variables.values() if variable["key"] == key
        )

    @staticmethod
    def _guarded(handler: Any) -> Any:
        def guarded(request: Request) -> Response:
            if request.headers["Authorization"] != f"Bearer {TOKEN}":
                return Response('{"errors": [{"title": "unauthorized"}]}', 401)
            return Response(json.dumps({"data": handler(request)}))

        return guarded

    def _workspace(self, _: Request) -> Any:
        return {"id": "ws-1"}

    def _list(self, _: Request) -> Any:
        return [self._shown(id) for id in self.variables]

    def _shown(self, id: str) -> Any:
        attributes = dict(self.variables[id])
        if attributes["sensitive"]:
            attributes["value"] = None
        return {"id": id, "type": "vars", "attributes": attributes}

    def _create(self, request: Request) -> Any:
        id = f"var-{len(self.variables)}"
        self.variables[id] = json.loads(request.data)["data"]["attributes"]
        return self._shown(id)

    def _change(self, request: Request) -> Any:
        data = json.loads(request.data)["data"]
        assert request.path.endswith(data["id"])
        self.variables[data["id"]] |= data["attributes"]
        return self._shown(data["id"])


@pytest.fixture
def api(httpserver: HTTPServer) -> Iterator[Api]:
    yield Api(httpserver)
    httpserver.check_assertions()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wharf.toml"
    path.write_text(SETTINGS)
    return path


def write(api: Api, file: Path, *arguments: str, token: str = TOKEN, **variables: str) -> Result:
    command = ["--file", str(file), "--address", api.address, *arguments]
    return CliRunner().invoke(main, command, env={"TFE_TOKEN": token, **variables})


def test_every_setting_that_is_a_variable_is_written(api: Api, file: Path) -> None:
    done = write(api, file, "production")
    assert done.exit_code == 0, done.output
    assert (api.value("name"), api.value("maximum_hosts")) == ("production", "4")
    assert json.loads(api.value("allowed_networks")) == ["10.0.0.0/8"]
    keys = {variable["key"] for variable in api.variables.values()}
    assert not keys & {"zones", "backend", "aws_access_key"}


def test_text_is_text_and_the_rest_is_an_expression(api: Api, file: Path) -> None:
    write(api, file, "production")
    hcl = {variable["key"]: variable["hcl"] for variable in api.variables.values()}
    assert (hcl["name"], hcl["maximum_hosts"], hcl["scheduled_hosts"]) == (False, True, True)


def test_secrets_are_sensitive_and_not_shown(api: Api, file: Path) -> None:
    done = write(
        api, file, "production", TF_VAR_aws_access_key="AKIA", TF_VAR_aws_secret_access_key="s3cr3t"
    )
    assert api.value("aws_secret_access_key") == "s3cr3t"
    sensitive = {variable["key"] for variable in api.variables.values() if variable["sensitive"]}
    assert sensitive == {"aws_access_key", "aws_secret_access_key"}
    assert "s3cr3t" not in done.output


def test_a_second_time_only_what_changed_is_written(api: Api, file: Path) -> None:
    write(api, file, "production")
    file.write_text(SETTINGS.replace("maximum_hosts = 4", "maximum_hosts = 6"))
    lines = write(api, file, "production").output.splitlines()
    assert [line for line in lines if not line.startswith("unchanged")] == [
        "changed   maximum_hosts = 6"
    ]
    assert api.value("maximum_hosts") == "6"


def test_a_role_for_the_runs(api: Api, file: Path) -> None:
    write(api, file, "production", "--role-arn", "arn:aws:iam::123456789012:role/wharf")
    assert api.value("TFC_AWS_PROVIDER_AUTH") == "true"
    assert api.value("TFC_AWS_RUN_ROLE_ARN").endswith("role/wharf")


def test_access_keys_for_the_runs_are_sensitive(api: Api, file: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
    write(api, file, "production", "--access-keys", **keys)
    kinds = {
        variable["key"]: (variable["category"], variable["sensitive"])
        for variable in api.variables.values()
    }
    assert kinds["AWS_SECRET_ACCESS_KEY"] == ("env", True)


def test_a_token_that_is_refused(api: Api, file: Path) -> None:
    done = write(api, file, "production", token="other")
    assert done.exit_code == 1
    assert done.output.endswith("the token is refused; create a token, and set TFE_TOKEN\n")
    assert len(done.output.splitlines()) == 1


def test_an_environment_has_to_be_chosen(api: Api, file: Path) -> None:
    assert write(api, file).output == (
        f"Error: {file}: has several environments: choose one of: staging, production\n"
    )


def test_a_workspace_is_for_the_cloud(api: Api, file: Path) -> None:
    file.write_text("zones = 3\n")
    assert (
        write(api, file).output == 'Error: backend = local: a workspace needs backend = "cloud"\n'
    )


def test_an_api_that_does_not_answer(api: Api, file: Path) -> None:
    done = write(api, file, "production", "--address", "http://127.0.0.1:1")
    assert done.output.startswith("Error: http://127.0.0.1:1/api/v2/: ")
    assert len(done.output.splitlines()) == 1
