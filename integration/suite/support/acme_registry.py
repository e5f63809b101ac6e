"""A registry whose certificate comes from an ACME authority, on a local cloud."""

import json
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.console.waiting import wait_until
from integration.local.errors import LocalCloudError
from integration.local.hosts.host import Host
from integration.local.machine import podman
from integration.local.registry import REGION, LocalRegistry, operator, program
from integration.local.terraform import Terraform
from integration.suite.support.acme_authority import Pebble, Zones
from integration.suite.support.identities import Server

DOMAIN, ZONE = "registry.example.com", "example.com"
AUTHORITY = "acme.example.com"
#: Not HTTPS's: the stack has to let its hosts out.
PORT = 14000
#: The ECS service's container.
TASK = "certificate"
#: Seconds until the task has printed a line: certbot takes 5 on a quiet machine.
PATIENCE = 60
#: Seconds until all hosts serve, after their configuration is complete.
READY = 90


class AcmeRegistry:
    """A deployed stack, for which nobody makes a user or a certificate.

    Args:
        directory: of the local cloud.
        report: gets a line for each step.
        deploy: applies the stack.

    Exposes ``server``, which has an instance role and nothing else.
    """

    server: Server

    def __init__(
        self, directory: Path, report: Callable[[str], None], deploy: Callable[[Terraform], None]
    ) -> None:
        self._deploy = deploy
        self._running = ExitStack()
        directory.mkdir(parents=True, exist_ok=True)
        self.zones = Zones(lambda: self.registry.cloud.session.client("route53"), delegated=False)
        self.pebble = Pebble(directory, self.zones, name=AUTHORITY, port=PORT)
        shape = {
            "WHARF_DOMAIN": DOMAIN,
            # Known when the AWS API runs.
            "WHARF_DNS_ZONE_ID": "Z0",
            "WHARF_ACME_EMAIL": "registry@example.com",
            "WHARF_ACME_DIRECTORY": self.pebble.directory,
            "WHARF_ACME_TRUST": self.pebble.trust,
        }
        self.registry = LocalRegistry(
            directory,
            hosts=2,
            shape=shape,
            variables={"proxy_refresh_seconds": 1},
            report=report,
            deploy=self._apply,
        )
        self.cloud = self.registry.cloud
        self._podman = podman(directory)

    def __enter__(self) -> Self:
        try:
            self._running.callback(self.cloud.down)
            self.cloud.up()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    def _apply(self, terraform: Terraform) -> None:
        """Make what the account has before the stack, and apply that."""
        route53, address = self.cloud.session.client("route53"), self.cloud.network.gateway
        made = route53.create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]["Id"]
        self.zone = made.rpartition("/")[2]
        record = {"Name": AUTHORITY, "Type": "A", "TTL": 60}
        change = {**record, "ResourceRecords": [{"Value": address}]}
        route53.change_resource_record_sets(
            HostedZoneId=self.zone,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": change}]},
        )
        self._running.enter_context(self.zones)
        self.pebble.address = address
        self._running.enter_context(self.pebble)
        environment = self._running.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("TF_VAR_dns_zone_id", self.zone)
        self._deploy(terraform)

    @property
    def bucket(self) -> str:
        """The configuration bucket."""
        return str(self.cloud.outputs["configuration_bucket"])

    @property
    def place(self) -> Host:
        """The only host that runs the task of the certificate."""
        (host,) = [host for host in self.cloud.hosts if TASK in host.containers]
        return host

    def printed(self) -> list[dict[str, str]]:
        """Return the lines of the task so far."""
        lines = self.place.log(TASK).read_text().splitlines()
        return [json.loads(line[line.index("{") :]) for line in lines]

    def files(self) -> set[str]:
        """Return the names of the objects that hosts may read."""
        listed = self.cloud.session.client("s3").list_objects_v2(Bucket=self.bucket)
        names = {item["Key"] for item in listed.get("Contents", [])}
        return {name for name in names if not name.startswith("acme/")}

    def forget(self, *names: str) -> None:
        """Delete objects of the task, as an operator does who has mended something."""
        for name in names:
            s3 = self.cloud.session.client("s3")
            s3.delete_object(Bucket=self.bucket, Key=f"acme/{name}.json")

    def start(self) -> None:
        """Start what is missing of hosts and tasks, as EC2 and ECS do; nginx has no certificate.

        Raises:
            LocalCloudError: nothing has failed, or something else has.
        """
        try:
            self.cloud.reconcile()
        except LocalCloudError as error:
            if "Container nginx of host" not in str(error):
                raise
            return
        raise LocalCloudError("hosts serve without a certificate")

    def end_task(self) -> None:
        """End the task of the certificate at once, as the memory limit of the host may."""
        self._podman.container.kill(self.place.container(TASK))

    def run_again(self, *forgotten: str) -> dict[str, str]:
        """Delete objects of the task, start it again, and return the next line that it prints."""
        before = len(self.printed())
        self.restart_task(*forgotten)
        wait_until("a line of the task", lambda: len(self.printed()) > before, True, PATIENCE)
        return self.printed()[before]

    def restart_task(self, *forgotten: str) -> None:
        """Delete objects of the task and start it again, so that it looks at once."""
        self.forget("attempts", *forgotten)
        self._podman.container.restart(self.place.container(TASK))

    def publish(self, folder: Path, role: str) -> None:
        """Publish who may log in, with the operator's own program; no user and no certificate."""
        text = f'registry = "{DOMAIN}"\n[[aws]]\narn = "{role}"\nuser = "servers"\n'
        (folder / "identities.toml").write_text(text)
        where = ("--bucket", self.bucket, "--directory", str(folder))
        program("publish", "--acme", *where, environment=operator(self.cloud.emulator))

    def serve(self, folder: Path) -> None:
        """Wait until the hosts serve, and let a server with an instance role know them."""
        role = self.role
        end = time.monotonic() + READY
        while True:
            try:
                self.server = Server.in_account(self.cloud, role, folder)
            except LocalCloudError:
                if time.monotonic() > end:
                    raise
            else:
                return

    @property
    def role(self) -> str:
        """The ARN of the role of the hosts: the account's only one for EC2."""
        iam = self.cloud.session.client("iam")
        return str(iam.get_role(RoleName=f"wharf-host-{REGION}")["Role"]["Arn"])

    def deployment(self, folder: Path) -> Deployment:
        """Return the registry as the server sees it, by its name."""
        trust = folder / "root.pem"
        trust.write_text(self.pebble.root)
        names = [(DOMAIN, self.cloud.balancer.address)]
        proof = self.server.proof(DOMAIN)
        return Deployment(f"https://{DOMAIN}", "aws", proof, trust, names=names)

    def certificates(self) -> set[str]:
        """Return the certificates that the hosts show."""
        found = set()
        for host in self.cloud.hosts:
            address, _, port = self.cloud.balancer.door(host.address).partition(":")
            found.add(ssl.get_server_certificate((address, int(port))))
        return found

    def client(
        self, deployment: Deployment, context: ssl.SSLContext, *, keep: bool
    ) -> httpx.Client:
        """Return a client by name; it makes a new connection for each request, or keeps one."""
        address = self.cloud.balancer.address
        limits = httpx.Limits(max_keepalive_connections=1 if keep else 0)
        return httpx.Client(
            base_url=f"https://{address}",
            verify=context,
            auth=(deployment.username, deployment.password),
            headers={"Host": DOMAIN},
            limits=limits,
            timeout=30,
            event_hooks={"request": [_by_name]},
        )


def _by_name(request: httpx.Request) -> None:
    request.extensions = {**request.extensions, "sni_hostname": DOMAIN}
