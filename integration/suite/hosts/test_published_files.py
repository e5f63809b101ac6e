"""Publishing accepts the files that a started proxy serves, and refuses all others."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import check

from integration.local.machine import podman
from integration.local.registry import PROXY_IMAGE, LocalRegistry
from integration.suite.support.file_samples import DOMAIN, PASSWORD, USER, folders
from integration.suite.support.file_trial import PORT, FileTrial

#: Requests, and the least right that each takes, by its place in RIGHTS.
REQUESTS = [("GET", "manifests/1", 0), ("PUT", "manifests/1", 1), ("DELETE", "manifests/1", 2)]
RIGHTS = ["pull", "push", "delete"]


@pytest.fixture(scope="module")
def trial(registry: LocalRegistry) -> Iterator[FileTrial]:
    """Yield the proxy's image, which the local cloud has built."""
    podman(registry.directory)  # configures what the trial calls, too
    with FileTrial.of_image(PROXY_IMAGE) as trial:
        yield trial


def refusal(files: dict[str, bytes]) -> str | None:
    """Return the reason why publishing refuses the files, None if it accepts them."""
    try:
        check(files)
    except ConfigurationError as error:
        return str(error)
    return None


def allowed(permissions: bytes | None, right: int, repository: str) -> bool:
    """Return whether the user has a right, by the description of the file in docs/proxy.md."""
    if permissions is None:
        return True
    for line in permissions.decode().splitlines():
        words = line.split()
        if len(words) != 3 or line.lstrip().startswith("#") or RIGHTS.index(words[1]) < right:
            continue
        if words[2] in ("*", repository) or (
            words[2].endswith("/*") and repository.startswith(words[2][:-1])
        ):
            return True
    return False


def serves(trial: FileTrial, permissions: bytes | None, folder: Path) -> None:
    """Let curl, OpenSSL and a client in Go connect and show the password."""
    ca = str(folder / "ca.crt")
    for version in ("-tls1_2", "-tls1_3"):
        connect = ["-connect", f"127.0.0.1:{PORT}", "-servername", DOMAIN, "-CAfile", ca]
        strict = ["-verify_return_error", "-verify_hostname", DOMAIN, "-partial_chain"]
        done = trial.client("openssl", "s_client", version, *connect, *strict)
        assert done.returncode == 0, done.stderr
    login = ["skopeo", "login", "--cert-dir", str(folder), "--authfile", str(folder / "auth")]
    done = trial.client(*login, "-u", USER, "-p", PASSWORD, f"{DOMAIN}:{PORT}")
    assert done.returncode == 0, done.stderr
    for method, path, right in REQUESTS:
        for repository in ("team/a", "other"):
            url = f"https://{DOMAIN}:{PORT}/v2/{repository}/{path}"
            show = ["--output", "/dev/null", "--write-out", "%{http_code}", "--silent"]
            request = ["--cacert", ca, "--user", f"{USER}:{PASSWORD}", "--request", method]
            done = trial.client("curl", *show, *request, url)
            wanted = "200" if allowed(permissions, right, repository) else "403"
            assert (done.returncode, done.stdout) == (0, wanted), (method, repository)


def test_what_publishing_accepts_is_served_and_nothing_else(
    trial: FileTrial, tmp_path: Path
) -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=100,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(folder=folders())
    def each_folder(folder: dict[str, bytes]) -> None:
        files = {name: content for name, content in folder.items() if name != "ca"}
        (tmp_path / "ca.crt").write_bytes(folder["ca"])
        refused = refusal(files)
        by_proxy = trial.serve(files)
        assert (refused is None) == (by_proxy is None), f"{refused} / {by_proxy}"
        if refused is None:
            serves(trial, files.get("nginx.permissions"), tmp_path)
        else:
            assert "\n" not in refused
            assert refused.startswith(("nginx.", "domain."))
        seen["refused" if refused else "served"] += 1

    each_folder()
    # Otherwise the test would try nothing.
    assert min(seen["refused"], seen["served"]) > 20, seen
