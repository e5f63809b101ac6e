"""The version of distribution under test, as its program prints it."""

import pytest

from integration.suite.support.registry_version import SERIES, RegistryVersion, UnknownVersionError


@pytest.mark.parametrize(
    ("text", "number", "series"),
    [
        ("docker-registry github.com/docker/distribution 2.8.2+ds1", "2.8.2", (2, 8)),
        ("registry github.com/distribution/distribution/v3 v3.1.1", "3.1.1", (3, 1)),
        ("3.12", "3.12", (3, 1)),
    ],
)
def test_a_version_has_the_facts_of_the_newest_series_that_is_not_newer(
    text: str, number: str, series: tuple[int, int]
) -> None:
    version = RegistryVersion.of(text)
    assert (version.number, version.facts) == (number, SERIES[series])
    assert version.series == ".".join(map(str, series))
    assert str(version) == f"distribution {number}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2.7.1", "distribution 2.7.1: the suite knows 2.8 and 3.1"),
        ("3.0.0", "distribution 3.0.0: the suite knows 2.8 and 3.1"),
        ("new", "such as 3.1.1"),
    ],
)
def test_unknown_version_is_refused(text: str, says: str) -> None:
    with pytest.raises(UnknownVersionError, match=says):
        RegistryVersion.of(text)
