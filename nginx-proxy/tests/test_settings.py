"""The settings of the proxy: each bad value is one line, and Lua gets all of the others."""

import re
from pathlib import Path

import pytest
from wharf_proxy import cors
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.settings import ORIGINS, ProxySettings, variables

LUA = Path(__file__).parents[1] / "lua"
NEEDED = {"NGINX_CONFIG_BUCKET": "configuration", "NGINX_IMAGE_BUCKET": "images"}


def settings(**given: str) -> ProxySettings:
    return ProxySettings.from_environment({**NEEDED, **given})


def refusal(**given: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(**given)
    return str(caught.value)


def test_without_variables_the_defaults_hold() -> None:
    assert settings(AWS_REGION="eu-west-1") == ProxySettings(
        configuration_bucket="configuration", image_bucket="images", region="eu-west-1"
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings(NGINX_UPLOADS="", NGINX_BROWSER_ORIGINS="", AWS_REGION="") == settings()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (
            "NGINX_CONFIG_BUCKET",
            "the bucket that `wharf publish` writes nginx.htpasswd, domain.crt, domain.key to",
        ),
        ("NGINX_IMAGE_BUCKET", "the bucket of the registry's images"),
    ],
)
def test_a_missing_bucket_is_named(name: str, remedy: str) -> None:
    assert refusal(**{name: ""}) == f"{name} is not set: set it to {remedy}"


@pytest.mark.parametrize("field", variables())
def test_a_number_is_taken_within_its_limits_only(field: str) -> None:
    variable = variables()[field]
    for number in (variable.low, variable.high):
        assert getattr(settings(**{variable.name: str(number)}), field) == number
    for given in (variable.low - 1, variable.high + 1, "soon", "1.5", "+1", " 1", "\u0661", "1e1"):
        assert refusal(**{variable.name: str(given)}) == (
            f"{variable.name} = {str(given)!r}: "
            f"it must be {variable.low} to {variable.high} {variable.unit}"
        )


def test_a_delivery_that_is_none_is_refused() -> None:
    assert refusal(NGINX_BLOB_DELIVERY="disk") == (
        "NGINX_BLOB_DELIVERY = 'disk': it must be cache or proxy or redirect"
    )


@pytest.mark.parametrize(
    "given",
    [
        *("*", "null", "https://a.example/", "https://A.example", 'https://a.example";'),
        *("a.example", f"https://{'a' * 254}", "http://a.example", "https://a.example:443"),
    ],
)
def test_an_origin_that_is_none_is_refused(given: str) -> None:
    assert refusal(NGINX_BROWSER_ORIGINS=given) == (
        f"NGINX_BROWSER_ORIGINS = {given!r}: {given!r} must be an origin such as "
        "https://ui.example.com or http://localhost:8000, without the port that its scheme has "
        "anyway"
    )


def test_too_many_origins_are_refused() -> None:
    given = " ".join(f"https://{number}.example" for number in range(ORIGINS + 1))
    assert refusal(NGINX_BROWSER_ORIGINS=given) == (
        f"NGINX_BROWSER_ORIGINS = {given!r}: it must have 0 to 50 origins"
    )


def test_only_listed_origins_are_allowed() -> None:
    listed = ("https://a.example", "http://localhost:8000")
    found = settings(NGINX_BROWSER_ORIGINS=" ".join([*listed, *listed, ""])).browser_origins
    assert found == listed
    text = cors.settings(listed)
    assert re.findall(r'^    "(http.+)" "(http.+)";$', text, re.M) == [(x, x) for x in listed]
    assert cors.settings([]) == ""


def test_lua_gets_each_setting_that_it_reads_and_has_no_default() -> None:
    texts = [file.read_text() for file in LUA.rglob("*.lua")]
    read = {name for text in texts for name in re.findall(r'settings\.\w+\("(\w+)"\)', text)}
    assert len(read) > 4
    assert read <= settings().for_nginx().keys()
    assert sum(text.count("os.getenv") for text in texts) == 1, "settings.lua alone reads variables"


def test_lua_gets_numbers_as_it_reads_them() -> None:
    assert settings(NGINX_UPLOADS="007").for_nginx()["NGINX_UPLOADS"] == "7"
