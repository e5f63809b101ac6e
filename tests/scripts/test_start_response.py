"""What ``wharf start`` takes for a response of the registry."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scripts.certificate import certificate
from scripts.waiting import Login, no_response

pytestmark = pytest.mark.slow

DOMAIN = "registry.example.com"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders with a certificate each: that of the registry, and another for its name."""
    made = {}
    for name in ("published", "other"):
        made[name] = tmp_path_factory.mktemp(name)
        options = ["--domain", DOMAIN, "--directory", str(made[name])]
        assert CliRunner().invoke(certificate, ["create", *options]).exit_code == 0
    return made


@pytest.fixture(scope="module")
def balancer(certificates: dict[str, Path]) -> Iterator[str]:
    """Yield the address of a server with the certificate that responds as the proxy does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = certificates["published"]
    context.load_cert_chain(folder / "domain.crt", folder / "domain.key")
    asked = {"Docker-Distribution-Api-Version": "registry/2.0"}

    def respond(request: Request) -> Response:
        assert request.headers["Host"] == DOMAIN
        login = request.authorization
        known = login is not None and (login.username, login.password) == ("alice", "secret")
        return Response(status=200 if known else 401, headers=asked)

    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        server.expect_request("/v2/").respond_with_handler(respond)
        yield f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("login", "shown", "told"),
    [
        (None, "published", None),
        (Login("alice", "secret"), "published", None),
        (Login("alice", "wrong"), "published", "status 401 in place of 200"),
        (None, "other", "certificate verify failed"),
    ],
    ids=["without a login", "with one", "a wrong one", "another certificate"],
)
def test_a_registry_responds_with_what_was_published(
    balancer: str, certificates: dict[str, Path], login: Login | None, shown: str, told: str | None
) -> None:
    content = (certificates[shown] / "domain.crt").read_bytes()
    found = no_response(balancer, DOMAIN, content, login)
    assert (found is None) if told is None else (told in str(found))


def test_a_response_of_something_else_does_not_count(
    balancer: str, certificates: dict[str, Path]
) -> None:
    content = (certificates["published"] / "domain.crt").read_bytes()
    assert "certificate is not valid for" in str(
        no_response(balancer, "registry.other.com", content, None)
    )
    assert "no response" in str(no_response("127.0.0.1:1", DOMAIN, content, None))
