"""All that is measured, standing on this machine at the same time."""

import base64
import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from integration.bench.comparisons import Comparisons
from integration.bench.store import BUCKET, Store
from integration.bench.variant import Variant, process
from integration.local.cloud import LocalCloud
from integration.local.images import Images
from integration.local.machine import check_machine, podman
from integration.local.registry import PROXY_IMAGE, REPOSITORY, LocalRegistry

#: Wharf's ways to deliver a layer, each of which is a stack of its own here.
MODES = ("cache", "proxy", "redirect")
#: GiB of each host's cache: a quarter of it is the largest layer that is cached.
CACHE_SIZE = 4


class Rig:
    """A local cloud for each delivery mode, what they are compared with, and one S3 for all.

    Args:
        directory: for everything that it writes.
        report: gets a line for each step.

    Usage:

        with Rig(Path("build/bench"), print) as rig:
            rig.variants["cache"].cpu()
    """

    def __init__(self, directory: Path, report: Callable[[str], None]) -> None:
        self._directory = directory.resolve()
        self._report = report
        self._stack = ExitStack()
        #: A folder that variant "static" serves, and that goes with the rig.
        self.static = self._directory / "static"
        self.variants: dict[str, Variant] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._report("Taking everything down")
        self._stack.close()

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
        check_machine()
        self._directory.mkdir(parents=True, exist_ok=True)
        self.static.mkdir(exist_ok=True)
        self._stack.callback(shutil.rmtree, self.static)
        for mode in MODES:
            LocalCloud.end_standing(self._directory / mode, self._report)
        self._podman = client = podman(self._directory)
        images = Images(client, self._directory / "images.log", self._report)
        images.prepare_own()
        # Before the clouds, which then all find it built.
        images.prepare([PROXY_IMAGE], {PROXY_IMAGE: REPOSITORY / "nginx-proxy"})
        self._report("Starting SeaweedFS")
        # The same at each run here: what a run has left that was killed is taken down.
        name = f"wharf-bench-{hashlib.sha256(bytes(self._directory)).hexdigest()[:8]}"
        self._store = self._stack.enter_context(Store(client, name, self._directory / "s3"))
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
        made = Comparisons(client, base, certificates, self.static, self.s3(base)).make()
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
