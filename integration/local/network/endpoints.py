"""AWS as containers see it: the API under its own names with TLS, and role credentials."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

from integration.local.api.aws_session import Credentials
from integration.local.api.vpc_endpoints import ENDPOINT_HEADER
from integration.local.network.firewall import METADATA_PORT, render
from integration.local.network.haproxy import CONNECTIONS, HaProxy
from integration.local.network.s3_log import S3Log

#: The services whose API containers may call by name.
SERVICES = ("s3", "sts", "secretsmanager", "ssm", "logs", "ecs", "ecr", "autoscaling")


@dataclass(frozen=True)
class Refusal:
    """The response of an S3 that refuses every request: status, and code of the error."""

    status: int
    code: str


# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
BROKEN = Refusal(500, "InternalError")
BUSY = Refusal(503, "SlowDown")
#: For signatures with a clock that is more than 15 minutes off.
SKEWED = Refusal(403, "RequestTimeTooSkewed")
REFUSALS = (BROKEN, BUSY, SKEWED)
#: The addresses whose requests to S3 are refused, and the code; empty but for tests of faults.
REFUSED = "refused.map"
#: Milliseconds that S3 waits before it responds; empty but for benchmarks.
LATENCY, LUA = "latency.map", "latency.lua"
#: By the address of each host what its metadata say: who it is, and the name of its role.
HOSTS = "hosts.json"


class Endpoints:
    """A TLS front of the emulator under the names of AWS, trusted by a bundle of its own.

    A task definition can say nothing that is true only here: its containers resolve
    ``BUCKET.s3.amazonaws.com`` and find the emulator, or for the buckets in ``stores`` the S3 that
    serves HTTP there (``address:port``).
    """

    def __init__(
        self, haproxy: HaProxy, region: str, stores: Mapping[str, str] | None = None
    ) -> None:
        self._haproxy = haproxy
        self._region = region
        self._stores = stores or {}
        self.address = haproxy.address
        #: Certificates that containers have to trust, in the place of the system's.
        self.trust = haproxy.directory / "trust.pem"
        self.s3_log = S3Log(haproxy.log)

    def serve(self, emulator: str, roles: dict[str, Credentials], s3_endpoint: str = "") -> None:
        """Start, or go on, with the emulator at a URL and the roles' credentials.

        ``s3_endpoint`` is what the requests of hosts to S3 come through, for policies. Clients on
        this machine are outside of the network.
        """
        directory = self._haproxy.directory
        directory.mkdir(parents=True, exist_ok=True)
        if not self.trust.exists():
            self._make_certificate(directory)
        (directory / REFUSED).touch()
        (directory / LATENCY).touch()
        (directory / LUA).write_text(render(LUA))
        documents = {role_id(arn): credentials_document(arn, key) for arn, key in roles.items()}
        for name, document in documents.items():
            (directory / name).write_text(document)
        self._haproxy.configure(
            render(
                "endpoints.cfg.j2",
                emulator=urlsplit(emulator).netloc,
                stores=self._stores,
                roles=list(documents),
                refusals=REFUSALS,
                region=self._region,
                endpoint_header=ENDPOINT_HEADER,
                s3_endpoint=s3_endpoint,
                gateway=self._haproxy.gateway,
                metadata_port=METADATA_PORT,
                hosts=self._hosts(),
                # HAProxy reads the documents when it starts: new ones need a new configuration.
                revision=hashlib.sha256("".join(documents.values()).encode()).hexdigest(),
                maxconn=CONNECTIONS,
            )
        )

    def introduce(self, address: str, instance: str, role: str, credentials: Credentials) -> None:
        """Let the metadata of the host at an address say who it is, from the next ``serve`` on.

        Args:
            address: of the host on the network.
            instance: identifier of the host.
            role: ARN of the host's role.
            credentials: of the role.
        """
        directory = self._haproxy.directory
        (directory / instance).write_text(credentials_document(role, credentials))
        hosts = self._hosts()
        hosts[address] = {"instance": instance, "role": role.rpartition("/")[2]}
        (directory / HOSTS).write_text(json.dumps(hosts))

    def _hosts(self) -> dict[str, dict[str, str]]:
        file = self._haproxy.directory / HOSTS
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def names(self, buckets: Iterable[str]) -> list[tuple[str, str]]:
        """Return names for a hosts file: of the services, and of each bucket in S3's two forms."""
        names = [f"{service}.{self._region}.amazonaws.com" for service in SERVICES]
        names += ["s3.amazonaws.com", "route53.amazonaws.com"]
        for bucket in buckets:
            names += [
                f"{bucket}.s3.amazonaws.com",
                f"{bucket}.s3.{self._region}.amazonaws.com",
            ]
        return [(name, self.address) for name in names]

    @contextmanager
    def refusing(self, address: str, refusal: Refusal) -> Iterator[None]:
        """Let S3 refuse every request from an address for a while, at once and until the end."""
        self._haproxy.command(f"add map /etc/haproxy/{REFUSED} {address} {refusal.code}")
        try:
            yield
        finally:
            self._haproxy.command(f"del map /etc/haproxy/{REFUSED} {address}")

    @contextmanager
    def slow(self, milliseconds: int) -> Iterator[None]:
        """Let the S3 of ``stores`` wait before each response, until the end of the context."""
        self._haproxy.command(f"add map /etc/haproxy/{LATENCY} s3 {milliseconds}")
        try:
            yield
        finally:
            self._haproxy.command(f"del map /etc/haproxy/{LATENCY} s3")

    def _make_certificate(self, directory: Path) -> None:
        authority = trustme.CA()
        region = self._region
        certificate = authority.issue_cert(
            "*.amazonaws.com",
            f"*.{region}.amazonaws.com",
            "*.s3.amazonaws.com",
            f"*.s3.{region}.amazonaws.com",
        )
        certificate.private_key_and_cert_chain_pem.write_to_path(str(directory / "endpoint.pem"))
        authority.cert_pem.write_to_path(str(self.trust))


def bucket_names(session: Any) -> list[str]:
    """Return the names of all buckets of the account."""
    return [bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]]


def role_id(arn: str) -> str:
    """Name a role in a path; ECS uses a random one."""
    return hashlib.sha256(arn.encode()).hexdigest()[:32]


def credentials_document(arn: str, credentials: Credentials) -> str:
    """Return what the ECS credentials endpoint answers."""
    return json.dumps(
        {
            "RoleArn": arn,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.token,
            "Expiration": credentials.expiration and credentials.expiration.isoformat(),
        }
    )
