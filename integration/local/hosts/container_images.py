"""Images for the hosts: pulled where a container registry answers, else built from Debian."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

from integration.local.errors import LocalCloudError
from integration.local.network.haproxy import IMAGE as HAPROXY

#: The Debian of all that is built here, and of the hosts.
SUITE = "trixie"
DEBIAN = f"docker.io/library/debian:{SUITE}-slim"
#: What all built images stand on. The tag names the suite: a machine may also have the base of
#: another suite, from an earlier Wharf or for another checkout.
BASE = f"localhost/wharf/base:{SUITE}"
#: What user data runs in.
HOST = f"localhost/wharf/host:{SUITE}"

#: Label of a stand-in that does not ask the ECS credentials endpoint: it gets keys instead.
NEEDS_KEYS = "wharf.needs-keys"
#: Label of a stand-in: what it is.
STAND_IN = "wharf.stand-in"

_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parents[2]

#: Docker's official images, by their own name. AWS's public ECR has copies of them, and the stack
#: takes a copy from an ECR of one's own where hosts reach nothing else.
OFFICIAL = "docker.io/library/"

#: Packages that built images may expect beyond Debian's smallest system.
BASE_PACKAGES = "ca-certificates"


class Images:
    """The images that a local cloud runs.

    Args:
        podman: the container engine.
        log: gets what builds print.
        report: gets a line for each image: what is used and what that changes.
    """

    def __init__(self, podman: DockerClient, log: Path, report: Callable[[str], None]) -> None:
        self._podman = podman
        self._log = log
        self._report = report
        #: What stands behind the name of each image that hosts run.
        self.used: dict[str, str] = {}

    def prepare_own(self) -> None:
        """Make sure of what the cloud itself runs: Debian, and hosts and HAProxy on it.

        Raises:
            LocalCloudError: Debian can neither be pulled nor built.
        """
        with _one_at_a_time():
            self._base()
            self._build(HOST, _HERE / "images" / "host")
            self._build(HAPROXY, _HERE / "images" / "haproxy")

    def prepare(self, wanted: Iterable[str], contexts: Mapping[str, Path]) -> None:
        """Make sure that every image is there.

        Args:
            wanted: the images' names.
            contexts: for images of our own the folder with their Dockerfile, always built.

        Raises:
            LocalCloudError: an image can neither be pulled nor built.
        """
        for image in sorted(set(wanted) - self.used.keys()):
            with _one_at_a_time():
                self.used[image] = self._prepared(image, contexts)
            self._report(f"{image}: {self.used[image]}")

    def _prepared(self, image: str, contexts: Mapping[str, Path]) -> str:
        if image in contexts:
            self._build(image, contexts[image])
            return f"built from {contexts[image].name}/"
        return self._pulled(image) or self._stand_in(image)

    def _base(self) -> None:
        if self._pulled(DEBIAN):
            self._podman.image.tag(DEBIAN, BASE)
        elif not self._podman.image.exists(BASE):
            self._report("No container registry answers: building Debian with mmdebstrap")
            self._bootstrap()

    def _bootstrap(self) -> None:
        if shutil.which("mmdebstrap") is None:
            raise LocalCloudError(
                f"{DEBIAN} cannot be pulled and mmdebstrap is not installed to build a "
                "replacement; run make setup-local on Debian, or give this machine a container "
                "registry"
            )
        archive = self._log.with_suffix(".tar")
        command = ["mmdebstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", SUITE]
        try:
            with self._log.open("ab") as log:
                done = subprocess.run([*command, str(archive)], stdout=log, stderr=log, check=False)
            if done.returncode != 0:
                raise LocalCloudError(f"mmdebstrap failed: {self._log}")
            self._podman.image.import_(archive, tag=BASE)
        finally:
            archive.unlink(missing_ok=True)

    def _pulled(self, image: str) -> str | None:
        """Return how the real image came here, or None if it cannot be had."""
        if self._is_here(image):
            return "is on this machine"
        original = f"{OFFICIAL}{image.rpartition('/')[2]}"
        if self._is_here(original):
            self._podman.image.tag(original, image)
            return f"is {original} on this machine"
        try:
            self._podman.image.pull(image, quiet=True)
        except DockerException:
            return None
        return "pulled"

    def _is_here(self, image: str) -> bool:
        if not self._podman.image.exists(image):
            return False
        return STAND_IN not in (self._podman.image.inspect(image).config.labels or {})

    def _stand_in(self, image: str) -> str:
        """Build what is nearest to an image that cannot be pulled, under its name; say what."""
        name = image.rpartition("/")[2].partition(":")[0]
        context = _HERE / "images" / name
        if not context.is_dir():
            raise LocalCloudError(
                f"{image} cannot be pulled, and there is no stand-in for it in "
                f"{context.parent.relative_to(_REPOSITORY)}; pull or tag it first"
            )
        self._build(image, context)
        labels = self._podman.image.inspect(image).config.labels or {}
        return f"cannot be pulled; {labels[STAND_IN]}"

    def _build(self, image: str, context: Path) -> None:
        try:
            stream = self._podman.legacy_build(
                context, tags=[image], pull=False, build_args={"BASE_IMAGE": BASE}
            )
            del stream
        except DockerException as error:
            with self._log.open("a") as log:
                log.write(str(error))
            raise LocalCloudError(f"Building {image} failed: {self._log}") from None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Lock the builds: clouds that come up at the same time would build the same images twice."""
    folder = _REPOSITORY / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
