"""Logins by identity: the Lua of the proxy in an nginx of its own."""

import base64
import socket
import time
from contextlib import ExitStack, suppress

import pytest

from integration.clients.deployment import Deployment
from integration.local.cloud import LocalCloud
from integration.suite.support.own_nginx import connect, own_nginx

pytestmark = pytest.mark.usefixtures("only_local")

#: The service of identities waits for STS: a second for servers, or longer than a turn is waited
#: for. The verifier does not.
#: A token ends with the second of its first use.
CONFIGURATION = """
    init_by_lua_block {
        require("wharf.authentication").init()
        require("wharf.proofs").has_kind = function(name) return name == "aws" or name == "oidc" end
        ends = {}
    }
    server {
        listen 127.0.0.1:8999;
        location / {
            set $credentials "";
            set $proof_kind "";
            set $identity "";
            access_by_lua_block { require("wharf.authentication").check() }
            content_by_lua_block { ngx.say("logged in") }
        }
        location = /.verify { internal; return 204; }
        location = /.identity {
            internal;
            content_by_lua_block {
                local token = ngx.var.credentials
                if ngx.var.proof_kind == "aws" then ngx.sleep(token:find("^server") and 1 or 30) end
                ends[token] = ends[token] or ngx.time() + 1
                if ngx.now() >= ends[token] then ngx.exit(401) end
                ngx.header["X-Wharf-User"] = "ci"
                ngx.header["X-Wharf-Identity"] = "job"
                ngx.header["X-Wharf-End"] = ends[token]
                ngx.status = 204
            }
        }
    }
"""


def request(user: str, password: str) -> bytes:
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"GET / HTTP/1.0\r\nAuthorization: Basic {login}\r\n\r\n".encode()


def status(client: socket.socket, user: str, password: str) -> int:
    """Return the status of a login, 0 if it takes longer than the client waits."""
    client.sendall(request(user, password))
    with suppress(TimeoutError):
        return int(client.recv(1 << 16).split()[1])
    return 0


def test_while_sts_hangs_all_others_log_in(cloud: LocalCloud, deployment: Deployment) -> None:
    """More proofs wait for STS than a worker verifies at a time, from several addresses."""
    with own_nginx(cloud, CONFIGURATION):
        waiting = [connect(cloud, f"127.0.0.{number}") for number in range(2, 22)]
        for number, client in enumerate(waiting):
            client.sendall(request("aws", f"proof-{number}"))
        for user in (deployment.username, "oidc"):
            with connect(cloud) as client:
                # A turn is waited for longer.
                client.settimeout(5)
                assert status(client, user, "secret") == 200
        for client in waiting:
            client.close()


def test_many_new_servers_of_one_address_log_in_at_the_same_time(cloud: LocalCloud) -> None:
    """Send a proof of each: by two at a time, the last would wait for longer than a turn."""
    with own_nginx(cloud, CONFIGURATION), ExitStack() as clients:
        servers = [clients.enter_context(connect(cloud)) for _ in range(36)]
        for number, client in enumerate(servers):
            client.sendall(request("aws", f"server-{number}"))
        responses = {client.recv(1 << 16).split()[1] for client in servers}
        assert responses == {b"200"}


def test_a_token_is_not_remembered_until_the_end_of_a_second(cloud: LocalCloud) -> None:
    with own_nginx(cloud, CONFIGURATION):
        # In the middle of a second.
        time.sleep((0.5 - time.time()) % 1)
        with connect(cloud) as client:
            assert status(client, "oidc", "short") == 200
        time.sleep(-time.time() % 1 + 0.1)
        with connect(cloud) as client:
            assert status(client, "oidc", "short") == 401
