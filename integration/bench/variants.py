"""The registries that are compared, all on this machine at the same time."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from integration.bench.comparisons import Comparisons
from integration.bench.object_store import BUCKET
from integration.bench.rig import Rig, registry_version
from integration.bench.variant import Variant, process
from integration.local.network.s3_log import S3Log
from integration.local.registry import PROXY_IMAGE, REPOSITORY, LocalRegistry

#: GiB of each host's cache: a quarter of it is the largest layer that is cached.
CACHE_SIZE = 4


class BenchRig(Rig):
    """Wharf on a local cloud, hosts like its own to compare with, and one S3 for all.

    Args:
        directory: of all files.
        report: gets a line for each step.

    Usage:

        with BenchRig(Path("build/bench"), print) as rig:
            rig.variants["cache"].cpu()
    """

    def __init__(self, directory: Path, report: Callable[[str], None]) -> None:
        super().__init__(directory, report)
        #: A folder that variant "static" serves; deleted at the end.
        self.static = self._directory / "static"
        self.variants: dict[str, Variant] = {}

    @property
    def registry(self) -> LocalRegistry:
        """The Wharf with a cache; pushes through it fill the shared bucket."""
        return self._registry

    @property
    def s3_log(self) -> S3Log:
        """The requests of variant "cache" to S3."""
        return self.registry.cloud.endpoints.s3_log

    @contextmanager
    def slow_s3(self, milliseconds: int) -> Iterator[None]:
        """Let S3 wait so long before each response, for every variant."""
        with self.registry.cloud.endpoints.slow(milliseconds):
            yield

    def fetched_bytes(self, digest: str) -> list[int]:
        """Return the bytes of a blob that each host of variant "cache" has fetched from S3."""
        key = f"/{digest.removeprefix('sha256:')}/data"
        sizes = {host.address: 0 for host in self.variants["cache"].hosts}
        for request in self.s3_log:
            if request.method == "GET" and request.path.partition("?")[0].endswith(key):
                sizes[request.client] = sizes.get(request.client, 0) + request.bytes
        return list(sizes.values())

    def push_image(self, repository: str, layers: Sequence[int]) -> str:
        """Push an image that no host has, of these bytes a layer; return ``repository:tag``."""
        self.registry.deployment.push_image(f"{repository}:new", layers)
        return f"{repository}:new"

    @property
    def version(self) -> str:
        """The version of distribution under measurement, such as ``3.1.1``."""
        return registry_version(self.variants["cache"].hosts[0])

    def _start(self) -> None:
        self._podman, images = self._prepare("cache")
        self.static.mkdir(exist_ok=True)
        self._stack.callback(shutil.rmtree, self.static)
        # Before the cloud, which would build it while it deploys.
        images.prepare([PROXY_IMAGE], {PROXY_IMAGE: REPOSITORY / "nginx-proxy"})
        self._report("Starting SeaweedFS")
        self._store = self._serve_images(self._podman, "bench")
        self._registry = LocalRegistry(
            self._directory / "cache",
            variables={"aws_registry_bucket": BUCKET, "cache_size": CACHE_SIZE},
            report=self._report,
            stores={BUCKET: self._store.address},
        )
        self._stack.callback(self._registry.cloud.down)
        self._registry.up()
        cloud = self._registry.cloud
        front = process(self._podman, f"{cloud.network.cloud}-endpoints-haproxy")
        s3 = [process(self._podman, self._store.container), front]
        self.variants["cache"] = self._wharf(s3)
        self._report("Starting the hosts to compare with")
        certificates = self._directory / "certificates"
        certificates.mkdir(exist_ok=True)
        made = Comparisons(self._podman, self._registry, certificates, self.static, s3).make()
        self.variants |= {variant.name: variant for variant in made}

    def _wharf(self, s3: Sequence[int]) -> Variant:
        cloud, deployment = self._registry.cloud, self._registry.deployment
        assert deployment.ca  # noqa: S101  (a local registry has one)
        return Variant(
            name="cache",
            url=deployment.url,
            trust=deployment.ca,
            authorization=deployment.authorization,
            hosts=cloud.hosts,
            containers=["registry", "nginx"],
            others={
                "balancer": [process(self._podman, f"{cloud.balancer.name}-haproxy")],
                "s3": s3,
            },
            names=cloud.names,
        )
