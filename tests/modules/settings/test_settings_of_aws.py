"""Values that AWS refuses are refused at synth, and values that AWS accepts are accepted."""

from pathlib import Path

import pytest

from modules.errors import SettingsError
from modules.settings.file import load_environments


def problems(file: Path) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_environments(file, {})
    return str(raised.value).splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wharf.toml"


SIXTY = ", ".join(f't{number} = "a"' for number in range(60))


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        (
            'tags = {environment = "prod"}',
            "it must have no keys that differ in case only",
        ),
        ('tags = {team = "a", Team = "b"}', "it must have no keys that differ in case only"),
        (f"tags = {{{SIXTY}}}", "it must have 0 to 45 tags"),
        ('proxy_image = "https://x/y:1"', "it must be an image reference such as docker.io/libra"),
        ("allowed_networks = []", "it must have 1 to 1000 networks"),
        ('name = "internal-x"', "without the prefixes that AWS reserves (internal-, sg-, xn--"),
        ('network_cidr = "172.17.0.0/16"', "the prefix /16 to /24, outside 172.17.0.0/16"),
    ],
)
def test_values_that_aws_refuses_at_apply_are_refused_at_synth(
    file: Path, toml: str, line: str
) -> None:
    file.write_text(toml)
    (told,) = problems(file)
    assert told.startswith(f"{toml.split(' ')[0]} = ")
    assert line in told


@pytest.mark.parametrize(
    "toml",
    [
        'aws_region = "eusc-de-east-1"',
        'domain = "registry.xn--e1afmkfd.xn--p1ai"',
        'alarm_emails = ["ops@xn--e1afmkfd.xn--p1ai"]',
        'tags = {Environment = "prod", team = "a"}',
        'network_cidr = "172.16.0.0/16"',
    ],
)
def test_values_that_aws_accepts_are_accepted(file: Path, toml: str) -> None:
    file.write_text(toml)
    load_environments(file, {})


@pytest.mark.parametrize("name", ["proxy_image", "registry_image"])
def test_hosts_that_reach_only_endpoints_take_images_from_their_region(
    file: Path, name: str
) -> None:
    own = "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"
    other = "registry_image" if name == "proxy_image" else "proxy_image"
    for image in ("docker.io/library/a:1", own.replace("us-east-1", "eu-west-1")):
        file.write_text(f'host_network = "endpoints"\n{name} = "{image}"\n{other} = "{own}"\n')
        (told,) = problems(file)
        assert told.startswith(f'{name} = "{image}": it must be an image in ECR of aws_region')
