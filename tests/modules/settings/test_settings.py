"""The settings: accepted values, and one line for each refused value."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.errors import SettingsError
from modules.settings.file import load_environments
from modules.settings.limits import rules_of
from modules.settings.settings import Settings
from scripts.settings_page import PAGE, page

REPOSITORY = Path(__file__).resolve().parents[3]


def load_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings of the only environment."""
    (settings,) = load_environments(file, environment)
    return settings


def problems(file: Path, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(file, environment)
    return str(raised.value).splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "wharf.toml"


def test_nothing_has_to_be_chosen(file: Path) -> None:
    assert load_settings(file, {}) == Settings()


def test_the_file_is_read(file: Path) -> None:
    file.write_text('zones = 3\nallowed_networks = ["10.0.0.0/8"]\n')
    settings = load_settings(file, {})
    assert (settings.zones, settings.allowed_networks) == (3, ("10.0.0.0/8",))


def test_the_environment_wins_over_the_file(file: Path) -> None:
    file.write_text("minimum_hosts = 2\nmaximum_hosts = 3\nforce_destroy = false\n")
    environment = {
        "WHARF_MAXIMUM_HOSTS": "5",
        "WHARF_FORCE_DESTROY": "true",
        "WHARF_SSH_NETWORKS": "10.0.0.0/8, 192.0.2.0/24",
        "OTHER": "left alone",
    }
    settings = load_settings(file, environment)
    assert (settings.maximum_hosts, settings.force_destroy) == (5, True)
    assert settings.ssh_networks == ("10.0.0.0/8", "192.0.2.0/24")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().zones = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "name",
    ["Images", "ab", "my_images", "xn--images", "images-s3alias", "a.b.c", "-images", "a" * 64],
)
def test_a_bucket_name_that_s3_refuses(file: Path, name: str) -> None:
    (line,) = problems(file, WHARF_AWS_REGISTRY_BUCKET=name)
    assert line.startswith(f'aws_registry_bucket = "{name}": it must be 3 to 63 lower-case letters')


def test_a_maximum_below_the_minimum(file: Path) -> None:
    assert problems(file, WHARF_MINIMUM_HOSTS="4", WHARF_MAXIMUM_HOSTS="2") == [
        "maximum_hosts = 2: it must be at least minimum_hosts (4); raise it or lower minimum_hosts"
    ]


@pytest.mark.parametrize("minimum", ["0", "1"])
def test_a_group_that_scales_keeps_two_hosts(file: Path, minimum: str) -> None:
    (line,) = problems(file, WHARF_MINIMUM_HOSTS=minimum, WHARF_MAXIMUM_HOSTS="4")
    assert line.startswith("maximum_hosts = 4: it must be 1 where minimum_hosts is below 2: ")
    assert line.endswith(f"; raise minimum_hosts ({minimum}) to 2 or lower this to 1")


def test_an_unknown_setting(file: Path) -> None:
    file.write_text('load_balancers = "classic"\n')
    assert problems(file) == [
        'load_balancers = "classic": unknown setting; did you mean load_balancer?'
    ]


def test_an_unknown_setting_like_no_other(file: Path) -> None:
    (line,) = problems(file, WHARF_QQ="1")
    assert line.startswith('qq = "1": unknown setting; known: acme_email, acme_directory')


def test_a_secret_does_not_belong_here(file: Path) -> None:
    assert problems(file, WHARF_AWS_ACCESS_KEY="AKIA") == [
        "aws_access_key: it is a secret, not a setting; "
        "give it to Terraform as TF_VAR_aws_access_key"
    ]


def test_a_network_with_host_bits(file: Path) -> None:
    (line,) = problems(file, WHARF_ALLOWED_NETWORKS="10.0.0.1/8")
    assert line.startswith('allowed_networks = ["10.0.0.1/8"]: it must be an IPv4 network such as')


def test_all_problems_are_reported_together(file: Path) -> None:
    file.write_text('zones = 1\nvolume_size = "big"\ncolour = "blue"\nminimum_hosts = 3\n')
    assert sorted(line.split(" ")[0] for line in problems(file)) == [
        "colour",
        "maximum_hosts",
        "volume_size",
        "zones",
    ]


def test_a_file_that_is_not_toml(file: Path) -> None:
    file.write_text("zones: 3\n")
    (line,) = problems(file)
    assert line.startswith(f"{file}: it cannot be read as TOML: ")


def test_a_bad_setting_ends_the_program_with_one_line_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "wharf.toml").write_text("zones = 9\n")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "main.py")],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "Error: zones = 9: it must be 2 to 6 zones\n")
    assert [path.name for path in tmp_path.iterdir()] == ["wharf.toml"]


@given(st.integers(-10, 200), st.integers(-10, 200))
def test_the_numbers_of_hosts_are_either_refused_or_in_order(minimum: int, maximum: int) -> None:
    environment = {"WHARF_MINIMUM_HOSTS": str(minimum), "WHARF_MAXIMUM_HOSTS": str(maximum)}
    try:
        settings = load_settings(Path("none"), environment)
    except SettingsError:
        outside = minimum < 0 or maximum < 1 or max(minimum, maximum) > 100
        assert outside or maximum < minimum or minimum < 2 <= maximum
    else:
        assert 0 <= settings.minimum_hosts <= settings.maximum_hosts <= 100


@given(st.text())
def test_any_text_for_a_bucket_is_accepted_or_refused_in_one_line(name: str) -> None:
    (bucket,) = rules_of(Settings.model_fields["nginx_config_bucket"])
    told = ""
    try:
        load_settings(Path("none"), {"WHARF_NGINX_CONFIG_BUCKET": name})
    except SettingsError as error:
        told = str(error)
    assert len(told.splitlines()) == (0 if bucket.accepts(name) else 1)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 20_000),
    st.text(max_size=8),
    st.lists(st.text(max_size=8), max_size=2),
    st.dictionaries(st.text(max_size=8), st.integers(-5, 200), max_size=2),
)


@given(st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), VALUES, max_size=6))
def test_each_value_is_accepted_or_refused_in_a_line_that_names_it(
    choices: dict[str, object],
) -> None:
    variables = {f"WHARF_{name.upper()}": json.dumps(value) for name, value in choices.items()}
    try:
        settings = load_settings(Path("none"), variables)
    except SettingsError as error:
        lines = str(error).splitlines()
        assert lines
        assert {line.split(" = ")[0] for line in lines} <= set(Settings.model_fields)
    else:
        assert Settings.model_validate(settings.model_dump()) == settings


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_page_of_settings_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run wharf settings --page"


def test_the_cache_leaves_room_for_the_system(file: Path) -> None:
    assert problems(file, WHARF_CACHE_SIZE="21") == [
        "cache_size = 21: it must be at most volume_size (30) less 10; "
        "lower it or raise volume_size"
    ]


def test_a_schedule_from_the_file_and_from_a_variable(file: Path) -> None:
    file.write_text(
        "minimum_hosts = 2\nmaximum_hosts = 8\n"
        '[scheduled_hosts]\n"30 8 * * MON-FRI" = 6\n"0 11 * * MON-FRI" = 2\n'
    )
    assert load_settings(file, {}).scheduled_hosts == {"30 8 * * MON-FRI": 6, "0 11 * * MON-FRI": 2}
    variable = {"WHARF_SCHEDULED_HOSTS": '{"0 7 1,15 * *": 4, "0 9 1,15 * *": 2}'}
    assert load_settings(file, variable).scheduled_hosts == {"0 7 1,15 * *": 4, "0 9 1,15 * *": 2}


@pytest.mark.parametrize(
    ("schedule", "line"),
    [
        ('{"30 8 * *": 1}', 'each key must be a cron expression of five fields such as "30 8'),
        ('{"0 7 * * *": 9}', "it must be at most maximum_hosts (4); lower it or raise maximum_ho"),
        ('{"0 7 * * *": 1}', "it must be at least minimum_hosts (2); raise it or lower minimum_"),
        ("0 7 * * * = 4", "it must be an object"),
        ('{"0 7 * * *": 4}', "it must have a time for minimum_hosts, which ends the time of more"),
        ('{"0 7 * * *": 4}', "add a cron expression with 2"),
    ],
)
def test_a_schedule_that_cannot_be_kept(file: Path, schedule: str, line: str) -> None:
    file.write_text("minimum_hosts = 2\nmaximum_hosts = 4\n")
    (told,) = problems(file, WHARF_SCHEDULED_HOSTS=schedule)
    assert told.startswith("scheduled_hosts = ")
    assert line in told


def test_a_byte_order_mark_is_read_over(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfzones = 3\n")
    assert load_settings(file, {}).zones == 3


def test_environments_in_the_singular(file: Path) -> None:
    file.write_text("[environment.prod]\nzones = 3\n")
    assert problems(file) == [
        'environment = {"prod": {"zones": 3}}: unknown setting; did you mean environments?'
    ]


def test_names_beyond_ascii_are_read_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "wharf.toml").write_text("zones = 9 # für Zürich\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", str(REPOSITORY / "main.py")],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(REPOSITORY),
            "LC_ALL": "C",
            "PYTHONCOERCECLOCALE": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "Error: zones = 9: it must be 2 to 6 zones\n")
