"""All that is measured, standing on this machine at the same time."""

import base64
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from integration.bench.comparisons import Comparisons
from integration.bench.variant import Variant, process
from integration.local.registry import PROXY_IMAGE, REPOSITORY, LocalRegistry
from integration.rig import Rig
from integration.store import BUCKET

#: Wharf's ways to deliver a layer, each of which is a stack of its own here.
MODES = ("cache", "proxy", "redirect")
#: GiB of each host's cache: a quarter of it is the largest layer that is cached.
CACHE_SIZE = 4


class BenchRig(Rig):
    """A local cloud for each delivery mode, what they are compared with, and one S3 for all.

    Args:
        directory: for everything that it writes.
        report: gets a line for each step.

    Usage:

        with BenchRig(Path("build/bench"), print) as rig:
            rig.variants["cache"].cpu()
    """

    def __init__(self, directory: Path, report: Callable[[str], None]) -> None:
        super().__init__(directory, report)
        #: A folder that variant "static" serves, and that goes with the rig.
        self.static = self._directory / "static"
        self.variants: dict[str, Variant] = {}

    @property
    def registry(self) -> LocalRegistry:
        """The Wharf with a cache, through which to fill the bucket that all share."""
        return self._registries["cache"]

    def fetches(self, digest: str) -> list[int]:
        """How often each host of variant "cache" has fetched a blob from S3."""
        hexadecimal = digest.removeprefix("sha256:")
        lines = (self.registry.cloud.logs / "endpoints" / "haproxy.log").read_text().splitlines()
        gets = [line for line in lines if "GET " in line and f"/{hexadecimal}/data" in line]
        return [
            sum(f" {host.address}:" in line for line in gets)
            for host in self.variants["cache"].hosts
        ]

    def s3(self, registry: LocalRegistry) -> list[int]:
        """The processes that are S3 to a registry: SeaweedFS, and the TLS front of its cloud."""
        front = f"{registry.cloud.network.cloud}-endpoints-haproxy"
        return [process(self._podman, self._store.container), process(self._podman, front)]

    def _start(self) -> None:
        self._podman, images = self._prepare(*MODES)
        self.static.mkdir(exist_ok=True)
        self._stack.callback(shutil.rmtree, self.static)
        # Before the clouds, which then all find it built.
        images.prepare([PROXY_IMAGE], {PROXY_IMAGE: REPOSITORY / "nginx-proxy"})
        self._report("Starting SeaweedFS")
        self._store = self._serve_images(self._podman, "bench")
        self._registries = {mode: self._registry(mode) for mode in MODES}
        self._report("Deploying a stack for each delivery mode (about 2 minutes)")
        with ThreadPoolExecutor(len(MODES)) as pool:
            list(pool.map(LocalRegistry.up, self._registries.values()))
        for mode in MODES:
            self.variants[mode] = self._wharf(mode)
        self._report("Starting what they are compared with")
        certificates = self._directory / "certificates"
        certificates.mkdir(exist_ok=True)
        base = self._registries["proxy"]
        made = Comparisons(self._podman, base, certificates, self.static, self.s3(base)).make()
        self.variants |= {variant.name: variant for variant in made}

    def _registry(self, mode: str) -> LocalRegistry:
        def report(line: str) -> None:
            self._report(f"{mode:8}  {line}")

        registry = LocalRegistry(
            self._directory / mode,
            shape={"WHARF_BLOB_DELIVERY": mode},
            variables={"aws_registry_bucket": BUCKET, "cache_size": CACHE_SIZE},
            report=report,
            stores={BUCKET: self._store.address},
        )
        # A cloud that comes up is taken down whatever becomes of the others.
        self._stack.callback(registry.cloud.down)
        return registry

    def _wharf(self, mode: str) -> Variant:
        registry = self._registries[mode]
        cloud, deployment = registry.cloud, registry.deployment
        assert deployment.ca  # noqa: S101  (a local registry has one)
        pair = f"{deployment.username}:{deployment.password}"
        balancer = cloud.balancer
        return Variant(
            name=mode,
            url=deployment.url,
            trust=deployment.ca,
            authorization=f"Basic {base64.b64encode(pair.encode()).decode()}",
            hosts=cloud.hosts,
            containers=["registry", "nginx"],
            others={
                "balancer": [process(self._podman, f"{balancer.name}-haproxy")],
                "s3": self.s3(registry),
            },
            names=cloud.names,
        )
