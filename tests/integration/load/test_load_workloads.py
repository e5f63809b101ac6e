"""Actions of the users of each workload, and the end of a run."""

import time
from argparse import Namespace
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest

from integration.clients.image_builder import MEGABYTE, Image

# Otherwise Locust changes the sockets and threads of all tests of this process.
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    from locust.env import Environment
    from locust.exception import StopUser
    from locust.runners import Runner

    from integration.load import user
    from integration.load.workloads import mixed, production, soak


def environment(**options: Any) -> Environment:
    """Return the environment of a workload."""
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
    start = time.monotonic()
    user.end(environment(**options), cast(Runner, looks), done)
    assert time.monotonic() - start < 3


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "POLL", 0.001)
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


def test_layers_of_production_are_as_in_the_trace_of_ibm() -> None:
    images = production.images(environment(images=4000))
    sizes = [layer.size for image in images for layer in image.layers]
    below = [sum(size < limit * MEGABYTE for size in sizes) / len(sizes) for limit in (1, 10)]
    assert below == pytest.approx([0.65, 0.8], abs=0.01)
    assert max(sizes) <= 100 * MEGABYTE
    assert {len(image.layers) for image in images} == {8}


def pushes(kind: type[production.Production], monkeypatch: pytest.MonkeyPatch) -> list[Image]:
    """Return the pushes of a user who has one image to choose from; that image first."""
    builder = kind(environment(images=1))
    builder.on_start()
    pushed = list(builder.images)
    monkeypatch.setattr(builder, "push", pushed.append)
    builder.build()
    builder.build()
    return pushed


def test_a_build_takes_the_tag_of_its_image_and_changes_the_top(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pushed = pushes(production.Production, monkeypatch)
    for before, after in pairwise(pushed):
        assert (after.repository, after.tag) == (before.repository, before.tag)
        assert after.layers[:-1] == before.layers[:-1]
        assert after.layers[-1].size == before.layers[-1].size
        assert after.layers[-1].digest != before.layers[-1].digest


def test_nobody_pulls_the_builds_of_a_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    """New layers in the caches would be growth."""
    assert len({image.tag for image in pushes(soak.Soak, monkeypatch)}) == 3


def test_production_pulls_nineteen_times_as_often_as_it_pushes() -> None:
    tasks = production.Production.tasks
    pulls = tasks.count(production.Production.deploy)
    assert (pulls, len(tasks)) == (95, 100)
