"""The removal of tags while somebody pushes, also cut off."""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta

import pytest

from scripts.registry_storage import layout
from scripts.registry_storage.retention import Rule, Rules, Verdict, carry_out, judge
from scripts.registry_storage.snapshot import read_links
from scripts.registry_storage.work import Work
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import Client, Image, Registry, image, push

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIRST, SECOND = image("config", "first"), image("config", "second")


class Busy(MemoryStore):
    """Push the tag before a request of a removal, by its number.

    And before another request, or the same, the removal is cut off.
    """

    def __init__(self, moment: int, steps: int, pushed: Image, cut_off: int = 0) -> None:
        super().__init__()
        push(self, "one", FIRST, "1")
        self.pass_time(DAY)
        self._client = Client(Registry(self), [("one", pushed, "1")])
        self._moment = moment
        self._steps = steps
        self._cut_off = cut_off
        self._requests = 0

    def start(self) -> None:
        """Begin to act before each request from now on."""
        self.before_each = self._act

    def _act(self) -> None:
        self._requests += 1
        if self._requests == self._moment:
            for _ in range(self._steps):
                self._client.step()
        if self._requests == self._cut_off:
            raise KeyboardInterrupt

    def finish(self) -> None:
        """Let the push end, if it has not."""
        self.before_each = lambda: None
        while not self._client.over:
            self._client.step()


def verdict(store: MemoryStore) -> Verdict:
    pushed = store.objects[layout.current("one", "1")][1]
    return Verdict("one", "1", pushed, "remove", "")


@pytest.mark.parametrize("pushed", [FIRST, SECOND])
@pytest.mark.parametrize("moment", range(1, 6))
@pytest.mark.parametrize("steps", range(0, 45, 1))
def test_a_tag_that_is_pushed_meanwhile_names_what_was_pushed(
    moment: int, steps: int, pushed: Image
) -> None:
    store = Busy(moment, steps, pushed)
    doomed = verdict(store)
    store.start()
    carry_out(store, doomed)
    store.finish()
    assert store.objects[layout.current("one", "1")][0] == pushed.digest.encode()


def test_a_removed_tag_leaves_nothing_of_itself_and_all_of_its_image() -> None:
    store = MemoryStore()
    push(store, "one", FIRST, "1")
    push(store, "one", SECOND, "1")
    before: Callable[[], set[str]] = lambda: {k for k in store.objects if "/tags/" not in k}  # noqa: E731
    content = before()
    assert carry_out(store, verdict(store))
    assert store.objects.keys() == content


def test_a_tag_that_was_pushed_since_the_verdict_is_not_touched() -> None:
    class Undeletable(MemoryStore):
        def delete(self, keys: Collection[str]) -> None:
            raise AssertionError(keys)

    store = Undeletable()
    push(store, "one", FIRST, "1")
    doomed = verdict(store)
    store.pass_time(DAY)
    push(store, "one", FIRST, "1")
    assert not carry_out(store, doomed)


#: The requests of a run on this registry: it lists in two, looks, deletes, looks and deletes.
RUN = range(1, 7)


def retain(store: MemoryStore) -> None:
    """Run the program with rules that keep tags younger than half a day."""
    rules = Rules(rule=[Rule(repositories=["*"], keep_younger_than=DAY / 2)])
    for verdict in judge(read_links(store, Work()), rules, store.now()):
        carry_out(store, verdict)


def names(store: MemoryStore) -> list[str]:
    """Return the keys of all tags."""
    return [key for key in store.objects if "/tags/" in key]


@pytest.mark.parametrize("cut_off", RUN)
def test_a_removal_that_was_cut_off_is_ended_by_the_next_run(cut_off: int) -> None:
    store = Busy(moment=0, steps=0, pushed=FIRST, cut_off=cut_off)
    store.start()
    with suppress(KeyboardInterrupt):
        retain(store)
    retain(store)
    assert not names(store)


@pytest.mark.parametrize("pushed", [FIRST, SECOND])
@pytest.mark.parametrize("cut_off", RUN)
@pytest.mark.parametrize("moment", RUN)
@pytest.mark.parametrize("late", [True, False])
def test_a_tag_that_is_pushed_while_its_removal_is_cut_off_names_what_was_pushed(
    cut_off: int, moment: int, pushed: Image, late: bool
) -> None:
    for steps in range(45):
        store = Busy(moment, steps, pushed, cut_off)
        store.start()
        with suppress(KeyboardInterrupt):
            retain(store)
        store.before_each = lambda: None
        if late:
            store.pass_time(2 * HOUR)
            retain(store)
        store.finish()
        store.pass_time(2 * HOUR)
        retain(store)
        assert store.objects[layout.current("one", "1")][0] == pushed.digest.encode(), steps


def without_a_name() -> MemoryStore:
    """Return a registry in which a push of a tag was cut off just before its end."""
    store = MemoryStore()
    push(store, "one", FIRST, "1")
    del store.objects[layout.current("one", "1")]
    return store


def test_a_push_that_may_be_under_way_is_left_alone() -> None:
    store = without_a_name()
    before = names(store)
    retain(store)
    assert names(store) == before


def test_what_a_push_left_that_was_cut_off_is_ended_if_the_rules_let_it_stay() -> None:
    store = without_a_name()
    store.pass_time(2 * HOUR)
    retain(store)
    assert store.objects[layout.current("one", "1")][0] == FIRST.digest.encode()


def test_a_tag_of_a_manifest_that_is_gone_is_not_given_back() -> None:
    store = without_a_name()
    del store.objects[layout.revision("one", FIRST.digest)]
    store.pass_time(2 * HOUR)
    retain(store)
    assert not names(store)
