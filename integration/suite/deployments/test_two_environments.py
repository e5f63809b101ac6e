"""Two environments beside each other in one account: neither takes anything from the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from integration.local.api.inventory import inventory
from integration.local.emulator.process import Emulator
from integration.local.registry import synthesize
from integration.local.terraform import Terraform

REGION = "us-east-1"
NAMES = ("wharf", "staging")


@pytest.fixture(scope="module")
def environments(
    emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Terraform]:
    """Apply both environments at the same time: most of it is waiting inside the provider."""
    found = {}
    for name in NAMES:
        directory = tmp_path_factory.mktemp(name)
        stack = synthesize(directory / "cdktf.out", {"WHARF_NAME": name})
        variables = {"proxy_image": "localhost/proxy:1", "force_destroy": True}
        log = directory / "terraform.log"
        found[name] = Terraform(stack, emulator, REGION, variables, log)
        found[name].init()
    with ThreadPoolExecutor() as threads:
        for applied in [threads.submit(environment.apply) for environment in found.values()]:
            applied.result()
    return found


def test_two_environments_in_one_account(
    environments: dict[str, Terraform], emulator: Emulator
) -> None:
    urls = {environment.outputs()["registry_url"] for environment in environments.values()}
    buckets = {
        environment.outputs()[bucket]
        for environment in environments.values()
        for bucket in ("image_bucket", "configuration_bucket")
    }
    assert (len(urls), len(buckets)) == (2, 4)
    with ThreadPoolExecutor() as threads:
        assert list(threads.map(Terraform.changes, environments.values())) == [[], []]
    both = inventory(emulator.session())
    environments["staging"].destroy()
    assert len(both - inventory(emulator.session())) > 20
    assert environments["wharf"].changes() == []
