"""What the users of each workload do, and when their run ends."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any, cast

import pytest

# Otherwise Locust changes the sockets and threads of all tests of this process.
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    from locust.env import Environment
    from locust.exception import StopUser
    from locust.runners import Runner

    from integration.load import user
    from integration.load.workloads import mixed


def environment(**options: Any) -> Environment:
    """What a workload knows of its run."""
    usual = {"prefix": "load", "seed": "a", "scale": 1.0, "images": 5, "seconds": 60.0}
    return Environment(parsed_options=Namespace(**{**usual, **options}))


class Looks:
    """Has so many users at each look, in the end the last number for ever."""

    def __init__(self, *users: int) -> None:
        self.users = list(users)
        self.quits = 0

    @property
    def user_count(self) -> int:
        return self.users.pop(0) if len(self.users) > 1 else self.users[0]

    def quit(self) -> None:
        self.quits += 1


def end(looks: Looks, done: Callable[[], bool] = lambda: False, **options: Any) -> None:
    user.end(environment(**options), cast(Runner, looks), done)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "LOOK", 0.001)
    monkeypatch.setattr(user, "AFTER", 0.05)


def test_no_operation_begins_after_the_time() -> None:
    over = environment(seconds=0)
    (image, *_) = mixed.images(over)
    with pytest.raises(StopUser):
        mixed.Mixed(over).pull(image)
    with pytest.raises(StopUser):
        mixed.Mixed(over).push(image)


@pytest.mark.usefixtures("quick")
def test_a_run_ends_when_what_was_under_way_has_ended() -> None:
    runner = Looks(3, 2, 1, 0)
    end(runner, seconds=0)
    assert (runner.users, runner.quits) == ([0], 1)


@pytest.mark.usefixtures("quick")
def test_a_run_does_not_wait_for_ever() -> None:
    runner = Looks(1)
    end(runner, seconds=0)
    assert runner.quits == 1


@pytest.mark.usefixtures("quick")
def test_a_run_ends_early_where_all_is_done() -> None:
    runner, looks = Looks(5), iter([False, False, True])
    end(runner, lambda: next(looks))
    assert runner.quits == 1


def test_mixed_pulls_three_times_as_often_as_it_pushes() -> None:
    tasks = mixed.Mixed.tasks
    pulls, pushes = tasks.count(mixed.Mixed.deploy), tasks.count(mixed.Mixed.build)
    assert (pulls, pushes, len(tasks)) == (75, 25, 100)
