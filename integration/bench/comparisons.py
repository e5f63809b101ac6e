"""Comparisons of Wharf, on hosts like its own: same images, S3, balancer and firewall."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from python_on_whales import DockerClient

from integration.bench.variant import Variant, process
from integration.console.waiting import wait_until
from integration.local.api.blueprint import Balancer, Blueprint, HealthCheck
from integration.local.api.instances import Instance
from integration.local.api.task import Container
from integration.local.cloud import LocalCloud
from integration.local.hosts.host import Host
from integration.local.network.balancer import LocalBalancer
from integration.local.network.firewall import Firewall
from integration.local.network.haproxy import HaProxy
from integration.local.registry import PROXY_IMAGE, REPOSITORY, LocalRegistry, program

HERE = Path(__file__).resolve().parent / "templates"
#: Where containers find what a variant adds.
ETC, SRV = "/etc/bench", "/srv/bench"
#: The number of the first balancer's address; those of a variant's hosts come after it.
FIRST, STEP = 200, 5
HOSTS = 2
#: Seconds until a balancer finds both hosts; two checks take 10.
PATIENCE = 60
#: Wharf with other settings: what the environment of its nginx then has.
MODES = {
    "proxy": {"NGINX_BLOB_DELIVERY": "proxy"},
    "redirect": {"NGINX_BLOB_DELIVERY": "redirect"},
    "cache_kept": {"NGINX_CHECK_SECONDS": "5"},
}
#: The recipe's own password file, and the cost of its passwords.
RECIPE_COST = 5
#: They have no /ssl, so that the balancer asks only whether the port is open.
CHECK = HealthCheck("TCP", None, "/", interval=5, timeout=2, healthy=2, unhealthy=2, statuses="200")


class Comparisons:
    """Makes variants on the network of a local cloud; they go with it.

    Args:
        podman: the container engine.
        registry: the Wharf with a cache, whose task definition they start from.
        directory: for certificates and configurations.
        blobs: a folder as clients see it, for the static files.
        s3: the processes that are S3 to the registry.
    """

    def __init__(
        self,
        podman: DockerClient,
        registry: LocalRegistry,
        directory: Path,
        blobs: Path,
        s3: Sequence[int],
    ) -> None:
        self._podman = podman
        self._cloud: LocalCloud = registry.cloud
        self._blobs = blobs
        self._s3 = s3
        self._directory = directory
        self._plan = Blueprint.read(registry.cloud.session)
        self._task = self._plan.services[0].task
        self._deployment = registry.deployment
        makers: Sequence[tuple[str, Callable[[], list[Container]], Mapping[int, int]]] = (
            ("nginx_recipe", self._recipe, {443: 443}),
            ("registry_tls", self._registry_tls, {443: 5000}),
            ("static", self._static, {443: 443}),
            ("open", self._open, self._task.published),
            *((mode, partial(self._wharf, mode), self._task.published) for mode in MODES),
        )
        self._makers = makers
        self._balancers: list[LocalBalancer] = []

    def make(self) -> list[Variant]:
        """Start them all; return when each balancer finds its hosts healthy."""
        self._certificate()
        variants = [
            self._variant(FIRST + STEP * index, name, containers(), published)
            for index, (name, containers, published) in enumerate(self._makers)
        ]

        def states() -> set[str]:
            return {state for each in self._balancers for state in each.health().values()}

        wait_until("all hosts to be healthy", states, {"healthy"}, PATIENCE)
        return variants

    def _certificate(self) -> None:
        addresses = [
            self._cloud.network.address(FIRST + STEP * index) for index in range(len(self._makers))
        ]
        domains = [option for address in addresses for option in ("--domain", address)]
        program("certificate", "create", *domains, "--directory", str(self._directory), "--force")
        users = self._directory / "nginx.htpasswd"
        users.unlink(missing_ok=True)
        name, password = self._deployment.username, self._deployment.password
        cost = ("--cost", str(RECIPE_COST))
        program("users", "add", str(users), name, "--password-stdin", *cost, text=password)
        assert self._deployment.ca  # noqa: S101  (a local registry has one)
        own = (self._directory / "domain.crt").read_bytes()
        (self._directory / "trust.pem").write_bytes(self._deployment.ca.read_bytes() + own)
        # The containers' users are not this one.
        for file in self._directory.iterdir():
            file.chmod(0o644)

    def _variant(
        self,
        number: int,
        name: str,
        containers: Sequence[Container],
        published: Mapping[int, int],
    ) -> Variant:
        network, logs = self._cloud.network, self._cloud.logs
        hosts = []
        for index in range(1, HOSTS + 1):
            instance = Instance(f"{name}-{index}", group="", user_data="", security_groups=())
            address = network.address(number + index)
            host = Host(self._podman, network, instance, address, logs / "hosts" / instance.id)
            host.start(self._cloud.names, [self._task])
            Firewall((), published=published).enforce(network.pid(host.pod), (), {})
            for container in containers:
                host.run_container(container, self._cloud.trust)
            hosts.append(host)
        balancer = self._balancer(number, name, hosts)
        # The certificate of Wharf has this name.
        wharf = self._cloud.outputs["registry_url"].removeprefix("https://")
        return Variant(
            name=name,
            url=f"https://{wharf if name in MODES else balancer.address}",
            trust=self._directory / "trust.pem",
            authorization=self._deployment.authorization,
            hosts=hosts,
            containers=[container.name for container in containers],
            others={
                "balancer": [process(self._podman, f"{balancer.name}-haproxy")],
                "s3": self._s3,
            },
            names=[*self._cloud.names, (wharf, balancer.address)],
        )

    def _balancer(self, number: int, name: str, hosts: Sequence[Host]) -> LocalBalancer:
        network = self._cloud.network
        haproxy = HaProxy.named(self._podman, network, f"balancer-{name}", number, self._cloud.logs)
        local = LocalBalancer(haproxy, network.gateway)
        described = like(self._plan.balancers[0], name, [(host.id, 443) for host in hosts])
        addresses = {host.id: host.address for host in hosts}
        local.serve(described, addresses)
        Firewall(()).enforce(network.pid(local.name), (), {})
        self._balancers.append(local)
        return local

    def _containers(self) -> tuple[Container, Container]:
        """Return registry and nginx of the task, with the keys of its role in the environment."""
        emulator = self._cloud.emulator
        execution = emulator.assume_role(self._task.definition["executionRoleArn"])
        keys = emulator.assume_role(str(self._task.role), seconds=12 * 3600)
        environment = {
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": keys.token or "",
        }
        registry, nginx = (
            dataclasses.replace(
                container,
                environment=container.environment | environment,
                options=dict(container.options),
            )
            for container in self._task.containers(
                emulator.session(execution).client("secretsmanager")
            )
        )
        return registry, nginx

    def _files(self, *names: str) -> tuple[tuple[Path, str], ...]:
        return tuple((self._directory / name, f"{ETC}/{name}") for name in names)

    def _recipe(self) -> list[Container]:
        files = self._files("domain.crt", "domain.key", "nginx.htpasswd")
        return [self._containers()[0], plain_nginx("recipe.conf", files)]

    def _static(self) -> list[Container]:
        files = self._files("domain.crt", "domain.key")
        return [plain_nginx("static.conf", (*files, (self._blobs, SRV)))]

    def _registry_tls(self) -> list[Container]:
        registry = self._containers()[0]
        environment = {
            "REGISTRY_HTTP_TLS_CERTIFICATE": f"{ETC}/domain.crt",
            "REGISTRY_HTTP_TLS_KEY": f"{ETC}/domain.key",
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_REALM": "Registry",
            "REGISTRY_AUTH_HTPASSWD_PATH": f"{ETC}/nginx.htpasswd",
        }
        return [
            dataclasses.replace(
                registry,
                environment=registry.environment | environment,
                files=self._files("domain.crt", "domain.key", "nginx.htpasswd"),
            )
        ]

    def _open(self) -> list[Container]:
        """Return Wharf without the line that requires a password."""
        registry, nginx = self._containers()
        file = self._directory / "open.conf"
        file.write_text(without_password((REPOSITORY / "nginx-proxy" / "nginx.conf").read_text()))
        file.chmod(0o644)
        return [registry, dataclasses.replace(nginx, files=((file, "/etc/nginx/nginx.conf"),))]

    def _wharf(self, mode: str) -> list[Container]:
        """Return Wharf with other settings, as modules/service.py writes them."""
        registry, nginx = self._containers()
        direct = {"REGISTRY_STORAGE_REDIRECT_DISABLE": str(mode != "redirect").lower()}
        return [
            dataclasses.replace(registry, environment=registry.environment | direct),
            dataclasses.replace(nginx, environment=nginx.environment | MODES[mode]),
        ]


def without_password(configuration: str) -> str:
    """Return the proxy's configuration without the line that checks passwords.

    Raises:
        ValueError: it has no such line.
    """
    text, found = re.subn(
        r'^ *require\("wharf\.authentication"\)\.check\(\)\n', "", configuration, flags=re.MULTILINE
    )
    if found != 1:
        raise ValueError(f"nginx.conf checks passwords in {found} places, not in one")
    return text


def plain_nginx(configuration: str, files: Sequence[tuple[Path, str]]) -> Container:
    """Return an nginx from the proxy's image with another configuration, and no more of it."""
    return Container(
        name="nginx",
        image=PROXY_IMAGE,
        environment={},
        options={"entrypoint": "nginx", "user": "root", "ulimit": []},
        command=("-g", "daemon off;"),
        files=(*files, (HERE / configuration, "/etc/nginx/nginx.conf")),
    )


def like(balancer: Balancer, name: str, targets: Sequence[tuple[str, int]]) -> Balancer:
    """Return a balancer with the same listener and other targets, which anybody may reach."""
    listener = dataclasses.replace(balancer.listeners[0], targets=tuple(targets), check=CHECK)
    return dataclasses.replace(
        balancer, name=name, dns_name=name, security_groups=(), listeners=(listener,)
    )
