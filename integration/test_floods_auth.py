"""Floods of logins: others still get in, and nobody learns which users exist."""

import dataclasses
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx
import pytest

from integration.deployment import Deployment
from integration.local.registry import LocalRegistry
from integration.published import Published
from integration.test_strangers import WINDOW, guess

#: Distinct wrong passwords of an address, by authentication.lua.
FAILURES = 10
#: Seconds until the 401 of an address that is over its limit, by authentication.lua.
BEAT = 2


@pytest.fixture(scope="module")
def victim(registry: LocalRegistry) -> Iterator[Deployment]:
    """Yield one host on which nobody has failed lately; in the end it has forgotten again.

    The tests before the floods fail less than ``FAILURES`` times in all.
    """
    deployment = registry.deployment
    time.sleep(WINDOW)
    yield dataclasses.replace(deployment, url=deployment.hosts[0])
    time.sleep(WINDOW)


def statuses(victim: Deployment, headers: list[str]) -> set[int]:
    """Return the statuses of requests with these values of ``Authorization``."""
    with victim.client(anonymous=True) as client:
        return {
            client.get("/v2/", headers={"Authorization": header}).status_code for header in headers
        }


def spellings(user: str, password: str) -> list[str]:
    """Return headers that say the same."""
    token = b64encode(f"{user}:{password}".encode()).decode()
    spaces = [f"Basic{' ' * number}{token}" for number in range(1, 3 * FAILURES)]
    return [*spaces, f"bASIC {token}", f"Basic {token.rstrip('=')}"]


def test_spellings_of_one_wrong_password_count_once(victim: Deployment) -> None:
    assert statuses(victim, spellings(victim.username, "wrong")) == {401}


def test_right_password_is_right_in_each_spelling(victim: Deployment) -> None:
    assert statuses(victim, spellings(victim.username, victim.password)) == {200}


@pytest.mark.parametrize("more", ["\0", "\0x"])
def test_nothing_follows_a_password(victim: Deployment, more: str) -> None:
    token = b64encode(f"{victim.username}:{victim.password}{more}".encode()).decode()
    assert statuses(victim, [f"Basic {token}"]) == {401}


def log_in(client: httpx.Client, user: str, password: str) -> httpx.Response:
    return client.get("/v2/", auth=(user, password))


def test_duration_does_not_tell_which_users_exist(victim: Deployment) -> None:
    durations: dict[str, list[float]] = {victim.username: [], "nobody": []}
    with victim.client() as client:
        client.get("/v2/")
        for number in range(FAILURES // 2 - 1):
            for user, found in durations.items():
                response = log_in(client, user, f"guess {number} of {user}")
                found.append(response.elapsed.total_seconds())
    known, unknown = map(median, durations.values())
    assert 1 / 2 < known / unknown < 2


def test_login_that_never_failed_gets_in_during_a_flood(
    victim: Deployment, published: Published
) -> None:
    published.add_user("newcomer", "right")
    published.publish()
    with ThreadPoolExecutor(50) as pool, victim.client() as client:
        flood = [pool.submit(guess, victim, number) for number in range(200)]
        while guess(victim, time.monotonic_ns()).status_code != 429:
            pass
        response = log_in(client, "newcomer", "right")
        assert not all(one.done() for one in flood), "the flood ended before the login"
    assert response.status_code == 200


def test_duration_does_not_tell_which_users_exist_during_a_flood(
    victim: Deployment, published: Published
) -> None:
    published.add_user("newcomer", "right")
    published.publish()
    with victim.client() as client:
        while guess(victim, time.monotonic_ns()).status_code != 429:
            pass
        responses = [log_in(client, user, "wrong") for user in ("newcomer", "invented")]
    assert [response.status_code for response in responses] == [401, 401]
    assert min(response.elapsed.total_seconds() for response in responses) >= BEAT - 0.1


def test_status_does_not_tell_which_users_exist_during_a_flood(
    victim: Deployment, published: Published
) -> None:
    """A bcrypt password is cut at 72 bytes, so two long ones are one; six at once are six."""
    for user in ("latecomer", "straggler"):
        published.add_user(user, "right")
    published.publish()
    long = "x" * 72
    with ThreadPoolExecutor(6) as pool, victim.client() as client:
        while guess(victim, time.monotonic_ns()).status_code != 429:
            pass
        for known, unknown, passwords in (
            ("latecomer", "fictive", [long + "1", long + "2"]),
            ("straggler", "imaginary", [f"wrong {number}" for number in range(6)]),
        ):
            found = [
                sorted(
                    response.status_code
                    for response in pool.map(
                        log_in, [client] * len(passwords), [user] * len(passwords), passwords
                    )
                )
                for user in (known, unknown)
            ]
            assert found[0] == found[1]
