"""Garbage collection on a store in memory, with clients of a model of distribution in between."""

from contextlib import suppress
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.registry_storage import layout
from scripts.registry_storage.collection import Collected, Collector
from scripts.registry_storage.garbage import Limits
from scripts.registry_storage.work import Work
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import (
    Client,
    Image,
    Registry,
    digest_of,
    image,
    index,
    missing,
    push,
    remove_tag,
)

HOUR = timedelta(hours=1)
REPOSITORIES = ("one", "team/two")


def collect(
    store: MemoryStore, *, untagged: bool = False, clients: tuple[Client, ...] = ()
) -> Collected:
    """Collect what is older than an hour."""

    def wait() -> None:
        for client in clients:
            client.end_request()

    now = store.time
    limits = Limits(now - HOUR, now - 7 * 24 * HOUR, untagged)
    return Collector(store, Work(), limits, wait).collect()


def aged(store: MemoryStore) -> MemoryStore:
    store.pass_time(2 * HOUR)
    return store


def no_trace(store: MemoryStore) -> bool:
    return not [key for key in store.objects if key.startswith(layout.OURS)]


def test_what_an_image_needs_stays_and_the_rest_goes() -> None:
    store = MemoryStore()
    kept, dropped = image("config", "base", "kept"), image("other", "base", "dropped")
    push(store, "one", kept, "1")
    push(store, "one", dropped, "2")
    remove_tag(store, "one", "2")
    done = collect(aged(store), untagged=True)
    assert not missing(store, "one", kept)
    assert layout.blob(digest_of(b"base")) in store.objects
    gone = [layout.blob(digest_of(content)) for content in (b"other", b"dropped", dropped.manifest)]
    assert not [key for key in gone if key in store.objects]
    assert done.blobs == 3
    assert done.bytes == len(b"other" + b"dropped" + dropped.manifest)
    assert no_trace(store)


def test_manifests_without_a_tag_stay_unless_asked_for() -> None:
    store = MemoryStore()
    pushed = image("config", "layer")
    push(store, "one", pushed, "1")
    remove_tag(store, "one", "1")
    collect(aged(store))
    assert not missing(store, "one", pushed)


def test_what_is_younger_than_the_grace_stays() -> None:
    store = MemoryStore()
    client = Client(Registry(store), [("one", image("config", "layer"), "1")])
    while not [key for key in store.objects if key == layout.layer("one", digest_of(b"layer"))]:
        client.step()
    collect(store, untagged=True)
    while not client.over:
        client.step()
    assert not client.refused


def test_a_layer_that_is_sent_again_is_young_again() -> None:
    store = MemoryStore()
    pushed = image("config", "layer")
    push(store, "one", pushed, "1")
    remove_tag(store, "one", "1")
    collect(aged(store), untagged=True)
    store.put(layout.blob(digest_of(b"layer")), b"layer")
    aged(store)
    for _ in Registry(store).upload("one", b"layer"):
        pass
    collect(store, untagged=True)
    assert layout.blob(digest_of(b"layer")) in store.objects


def test_children_and_signatures_of_what_stays_stay() -> None:
    store = MemoryStore()
    amd64, arm64 = image("config1", "base", "amd64"), image("config2", "base", "arm64")
    both = index(amd64, arm64)
    signature = image("config3", "signature", subject=both)
    countersignature = image("config4", "countersignature", subject=signature)
    for tag, parent in (("1", both), ("signature", signature), ("counter", countersignature)):
        push(store, "one", parent, tag)
    remove_tag(store, "one", "signature")
    remove_tag(store, "one", "counter")
    collect(aged(store), untagged=True)
    for parent in (both, signature, countersignature):
        assert not missing(store, "one", parent)
    remove_tag(store, "one", "1")
    collect(aged(store), untagged=True)
    assert not store.objects


def test_what_a_child_needs_stays_even_if_only_its_index_leads_to_it() -> None:
    store = MemoryStore()
    child = image("config", "layer")
    push(store, "one", index(child), "1")
    del store.objects[layout.revision("one", child.digest)]
    collect(aged(store), untagged=True)
    assert missing(store, "one", child) == [layout.revision("one", child.digest)]


def test_bytes_that_have_come_and_are_not_linked_yet_stay() -> None:
    store = aged(MemoryStore())
    upload = Registry(store).upload("one", b"layer")
    while layout.blob(digest_of(b"layer")) not in store.objects:
        next(upload)
    collect(store)
    assert store.objects.keys() == {layout.blob(digest_of(b"layer"))}


def test_a_layer_goes_from_the_repository_that_does_not_need_it_and_stays_in_the_other() -> None:
    store = MemoryStore()
    pushed = image("config", "layer")
    for repository in REPOSITORIES:
        push(store, repository, pushed, "1")
    remove_tag(store, "one", "1")
    done = collect(aged(store), untagged=True)
    assert not missing(store, "team/two", pushed)
    assert not [key for key in store.objects if key.startswith(f"{layout.REPOSITORIES}one/")]
    assert done.blobs == 0


def test_given_up_uploads_go() -> None:
    store = MemoryStore()
    old = f"{layout.REPOSITORIES}one/_uploads/old/startedat"
    store.put(old, b"2026-01-01")
    store.pass_time(8 * 24 * HOUR)
    young = f"{layout.REPOSITORIES}one/_uploads/young/startedat"
    store.put(young, b"2026-01-09")
    assert collect(store).uploads == 1
    assert store.objects.keys() == {young}


LAYERS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)
SINGLE = LAYERS.map(lambda layers: image(*layers))
INDEXES = st.lists(SINGLE, min_size=1, max_size=2, unique_by=lambda child: child.digest).map(
    lambda children: index(*children)
)
IMAGES = st.one_of(SINGLE, INDEXES)
PUSHES = st.lists(
    st.tuples(st.sampled_from(REPOSITORIES), IMAGES, st.sampled_from("123")), max_size=5
)


def tagged(store: MemoryStore) -> dict[tuple[str, str], str]:
    """Return the manifests that the tags name."""
    found = {}
    for key, (content, _) in store.objects.items():
        parts = layout.in_repository(key) if key.startswith(layout.REPOSITORIES) else None
        if parts and parts["current"]:
            found[parts["repository"], parts["tag"]] = content.decode()
    return found


@settings(max_examples=150)
@given(before=PUSHES, removed=st.sets(st.sampled_from("123")), untagged=st.booleans())
def test_no_tag_loses_anything_and_all_garbage_goes(
    before: list[tuple[str, Image, str]], removed: set[str], untagged: bool
) -> None:
    store = MemoryStore()
    for repository, pushed, tag in before:
        push(store, repository, pushed, tag)
    for repository in REPOSITORIES:
        for tag in removed:
            remove_tag(store, repository, tag)
    images = {(repository, pushed.digest): pushed for repository, pushed, _ in before}
    collect(aged(store), untagged=untagged)
    kept = [(where, images[where[0], digest]) for where, digest in tagged(store).items()]
    assert not [
        lost for (repository, _), pushed in kept for lost in missing(store, repository, pushed)
    ]
    assert no_trace(store)
    if untagged:
        needed = {digest_of(blob) for _, pushed in kept for blob in contents(pushed)}
        blobs = {key for key in store.objects if key.startswith(layout.BLOBS)}
        assert blobs == {layout.blob(digest) for digest in needed}


def contents(pushed: Image) -> list[bytes]:
    """Return all blobs of an image, manifests among them."""
    return [
        pushed.manifest,
        *pushed.blobs,
        *(blob for child in pushed.children for blob in contents(child)),
    ]


def some_image(source: Random) -> Image:
    """Return one of few images, so that most layers exist already or are being pushed."""

    def single() -> Image:
        return image(*source.sample("abcd", source.randint(1, 2)))

    if source.random() < 0.7:
        return single()
    return index(*{child.digest: child for child in (single(), single())}.values())


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), interrupted=st.booleans())
def test_every_push_that_was_acknowledged_can_be_pulled_afterwards(
    seed: int, interrupted: bool
) -> None:
    source = Random(seed)  # noqa: S311  (what happens when, not a secret)
    store = MemoryStore()
    for tag in "123456":
        push(store, source.choice(REPOSITORIES), some_image(source), tag)
    for repository in REPOSITORIES:
        for tag in "12345":
            remove_tag(store, repository, tag)
    aged(store)
    # Tags of their own for each client: who overwrites whom is another question.
    clients = tuple(
        Client(
            Registry(store),
            [
                (source.choice(REPOSITORIES), some_image(source), f"{number}-{tag}")
                for tag in range(8)
            ],
            mounts=source.choice([(), REPOSITORIES]),
        )
        for number in range(3)
    )
    speeds = [source.choice([1, 0.2, 0.02]) for _ in clients]
    rate = source.choice([0.2, 0.5, 0.7])
    left = source.randint(1, 100) if interrupted else -1

    def others() -> None:
        nonlocal left
        while source.random() < rate:
            source.choices(clients, weights=speeds)[0].step()
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    store.before_each = others
    with suppress(KeyboardInterrupt):
        collect(store, untagged=True, clients=clients)
    if interrupted:
        left = -1
        collect(store, untagged=True, clients=clients)
    store.before_each = lambda: None
    for client in clients:
        client.end_request()
    for client in clients:
        for (repository, _), pushed in client.promised.items():
            assert not missing(store, repository, pushed)
    assert no_trace(store)
