"""Copies of a registry to which somebody pushes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.registry_storage import layout
from scripts.registry_storage.collection import Collector
from scripts.registry_storage.copying import Copied, copy_lacking
from scripts.registry_storage.garbage import Limits
from scripts.registry_storage.integrity import check_references
from scripts.registry_storage.manifests import Manifests
from scripts.registry_storage.reachability import manifests_of
from scripts.registry_storage.retention import Rule, Rules, carry_out, judge
from scripts.registry_storage.snapshot import read_blobs, read_links, read_repositories
from scripts.registry_storage.work import Work
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import (
    Client,
    Registry,
    digest_of,
    image,
    index,
    missing,
    push,
    remove_tag,
)

IMAGES = [
    image("config", "a"),
    image("config", "a", "b"),
    index(image("other", "a"), image("config", "c")),
    # Its digest comes before those of its children.
    index(image("other", "a"), image("config", "b")),
]


def copied(source: MemoryStore, target: MemoryStore, *, keep_tags: bool = False) -> Copied:
    target.others["source"] = source
    return copy_lacking(source, target, Work(), "source", keep_tags=keep_tags)


@settings(max_examples=100)
@given(
    pushes=st.lists(st.tuples(st.sampled_from(IMAGES), st.sampled_from("12")), min_size=1),
    rhythm=st.lists(st.integers(0, 3), min_size=1),
)
def test_every_tag_of_a_copy_has_all_that_it_names(
    pushes: list[tuple[object, str]], rhythm: list[int]
) -> None:
    source, target = MemoryStore(), MemoryStore()
    push(source, "one", IMAGES[0], "1")
    client = Client(Registry(source), [("one", pushed, tag) for pushed, tag in pushes])  # type: ignore[misc]
    turn = 0

    def somebody_pushes() -> None:
        nonlocal turn
        turn += 1
        for _ in range(rhythm[turn % len(rhythm)]):
            client.step()

    source.before_each = somebody_pushes
    copied(source, target)
    assert tags(target)
    assert not broken(target)


def tags(store: MemoryStore) -> dict[str, str]:
    """Return the manifests of all tags that the registry would list."""
    found = {}
    for key in store.objects:
        if "/tags/" in key:
            name = key.split("/tags/")[1].split("/")[0]
            content, _ = store.objects.get(layout.current("one", name), (b"nothing", None))
            found[name] = content.decode()
    return found


def broken(store: MemoryStore) -> list[object]:
    """Return the missing objects of tags by the model, and the findings of the check."""
    by_digest = {image.digest: image for image in IMAGES}
    lost: list[object] = [digest for digest in tags(store).values() if digest not in by_digest]
    for digest in by_digest.keys() & tags(store).values():
        lost += missing(store, "one", by_digest[digest])
    repositories = read_repositories(store, Work())
    needs = Manifests(store, Work()).read(manifests_of(repositories))
    problems = check_references(read_blobs(store, Work()).keys(), repositories, needs)
    return lost + [problem for problem in problems if problem.harms]


def retain_and_collect(store: MemoryStore, *removed: str) -> None:
    """Remove tags and what only they need, while nobody else does anything."""
    before_each, store.before_each = store.before_each, lambda: None
    store.pass_time(timedelta(seconds=1))
    if removed:
        rules = Rules(rule=[Rule(repositories=["*"], tags=list(removed), keep_newest=0)])
        for verdict in judge(read_links(store, Work()), rules, store.now()):
            carry_out(store, verdict)
    limits = Limits(store.now(), store.now(), untagged=True)
    Collector(store, Work(), limits, lambda: None).collect()
    store.before_each = before_each


def act_at(moment: int, act: Callable[[], None], *stores: MemoryStore) -> None:
    """Act before request number ``number`` to these stores."""
    requests = count(1)

    def look() -> None:
        if next(requests) == moment:
            act()

    for store in stores:
        store.before_each = look


@pytest.mark.parametrize("removed", [("1",), ("2",), ("1", "2"), ("1", "2", "3")])
@pytest.mark.parametrize("kept", [False, True], ids=["first copy", "copy of each day"])
def test_a_tag_that_is_removed_and_collected_meanwhile_is_whole_in_the_copy_or_not_there(
    removed: tuple[str, ...], kept: bool
) -> None:
    for moment in count(1):
        source, target = MemoryStore(), MemoryStore()
        if kept:
            push(source, "one", IMAGES[0], "1")
            copied(source, target)
        for tag, pushed in zip("123", (IMAGES[3], IMAGES[2], IMAGES[0]), strict=True):
            push(source, "one", pushed, tag)
        act_at(moment, partial(retain_and_collect, source, *removed), source, target)
        done = copied(source, target)
        if tags(source).keys() == {"1", "2", "3"}:
            break  # The copy was over before that moment.
        assert not broken(target), moment
        assert not done.incomplete, moment
        for tag in tags(source):
            assert tags(target)[tag] == tags(source)[tag]
    assert moment > 40


@pytest.mark.parametrize("moment", range(1, 12))
def test_what_is_collected_in_the_copy_meanwhile_is_copied_again(moment: int) -> None:
    source, target = MemoryStore(), MemoryStore()
    for store in (source, target):
        push(store, "one", IMAGES[2], "1")
    remove_tag(target, "one", "1")
    act_at(moment, lambda: retain_and_collect(target), target)
    assert not copied(source, target).incomplete
    assert tags(target) == {"1": IMAGES[2].digest}
    assert not broken(target)


def test_a_tag_that_lacks_something_is_told_of_and_stays_as_it_was() -> None:
    source, target = MemoryStore(), MemoryStore()
    push(source, "one", IMAGES[0], "1")
    copied(source, target)
    push(source, "one", IMAGES[1], "1")
    push(source, "one", IMAGES[1], "2")
    push(source, "one", IMAGES[0], "3")
    del source.objects[layout.blob(digest_of(b"b"))]
    assert copied(source, target).incomplete == [f"one@{IMAGES[1].digest}", "one:1", "one:2"]
    assert tags(target) == {"1": IMAGES[0].digest, "3": IMAGES[0].digest}


def test_a_tag_of_what_is_no_manifest_is_told_of_and_stays_behind() -> None:
    source, target = MemoryStore(), MemoryStore()
    for pushed, tag in zip(IMAGES[:2], "12", strict=True):
        push(source, "one", pushed, tag)
    source.put(layout.blob(IMAGES[1].digest), b"!")
    assert copied(source, target).incomplete == [f"one@{IMAGES[1].digest}", "one:2"]
    assert tags(target) == {"1": IMAGES[0].digest}


def test_retention_takes_no_tag_that_was_restored_for_one_that_is_being_pushed() -> None:
    registry, backup = MemoryStore(), MemoryStore()
    push(registry, "one", IMAGES[0], "1")
    copied(registry, backup)
    remove_tag(registry, "one", "1")
    push(registry, "one", IMAGES[1], "1")
    copied(backup, registry, keep_tags=True)
    retain_and_collect(registry, "1")
    assert not tags(registry)


def test_a_restored_tag_names_what_it_named_then() -> None:
    registry, backup = MemoryStore(), MemoryStore()
    push(registry, "one", IMAGES[0], "1")
    copied(registry, backup)
    push(registry, "one", IMAGES[1], "1")
    copied(backup, registry, keep_tags=True)
    key = layout.current("one", "1")
    assert registry.objects[key][0] == IMAGES[1].digest.encode()
    copied(backup, registry)
    assert registry.objects[key][0] == IMAGES[0].digest.encode()


def test_uploads_and_what_is_not_of_the_registry_stay_behind() -> None:
    registry, backup = MemoryStore(), MemoryStore()
    registry.put(layout.LOCK, b"somebody")
    registry.put(f"{layout.REPOSITORIES}one/_uploads/1/startedat", b"")
    copied(registry, backup)
    assert not backup.objects
