"""Floods of logins: others still get in, and nobody learns which users exist."""

import dataclasses
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest

from integration.clients.deployment import Deployment
from integration.local.registry import LocalRegistry
from integration.suite.registry.test_strangers import WINDOW, guess
from integration.suite.support.configuration_files import ConfigurationFiles

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
    # A busy machine only adds to a duration.
    known, unknown = map(min, durations.values())
    assert 1 / 2 < known / unknown < 2


def go_over_the_limit(victim: Deployment) -> None:
    """Fail until the address is over its limit, and stays there for most of ``WINDOW``."""
    for _ in range(10 * FAILURES):
        response = guess(victim, time.monotonic_ns())
        if response.status_code == 429:
            left = int(response.headers["Retry-After"])
            if left > 2 / 3 * WINDOW:
                return
            time.sleep(left)
    raise AssertionError("no wrong password was refused with most of the window left")


def test_login_that_never_failed_gets_in_during_a_flood(
    victim: Deployment, configuration: ConfigurationFiles
) -> None:
    configuration.add_user("newcomer", "right")
    configuration.publish()
    over = Event()

    def flood(sender: int) -> None:
        for number in range(100):
            if over.is_set():
                return
            guess(victim, 1000 * sender + number)

    with ThreadPoolExecutor(50) as pool, victim.client() as client:
        senders = [pool.submit(flood, sender) for sender in range(50)]
        try:
            go_over_the_limit(victim)
            response = log_in(client, "newcomer", "right")
            assert not any(sender.done() for sender in senders), "the flood ended before the login"
        finally:
            over.set()
    assert response.status_code == 200


def test_duration_does_not_tell_which_users_exist_during_a_flood(
    victim: Deployment, configuration: ConfigurationFiles
) -> None:
    configuration.add_user("newcomer", "right")
    configuration.publish()
    with victim.client() as client:
        go_over_the_limit(victim)
        responses = [log_in(client, user, "wrong") for user in ("newcomer", "invented")]
    assert [response.status_code for response in responses] == [401, 401]
    assert min(response.elapsed.total_seconds() for response in responses) >= BEAT - 0.1


def test_status_does_not_tell_which_users_exist_during_a_flood(
    victim: Deployment, configuration: ConfigurationFiles
) -> None:
    """Bcrypt cuts passwords at 72 bytes: two long ones count once, six short ones six times."""
    for user in ("latecomer", "straggler"):
        configuration.add_user(user, "right")
    configuration.publish()
    long = "x" * 72
    with ThreadPoolExecutor(6) as pool, victim.client() as client:
        go_over_the_limit(victim)
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
