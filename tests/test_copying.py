"""Copies of a registry to which somebody pushes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.registry_storage import layout
from scripts.registry_storage.copying import carry_out, plan
from scripts.registry_storage.work import Work
from tests.memory_store import MemoryStore
from tests.registry_model import Client, Registry, image, index, missing, push

IMAGES = [
    image("config", "a"),
    image("config", "a", "b"),
    index(image("other", "a"), image("config", "c")),
]


def copied(source: MemoryStore, target: MemoryStore, *, keep_tags: bool = False) -> None:
    target.others["source"] = source
    work = Work()
    carry_out(plan(source, target, work, keep_tags=keep_tags), target, work, "source")


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
    client = Client(Registry(source), [("one", one, tag) for one, tag in pushes])  # type: ignore[misc]
    turn = 0

    def somebody_pushes() -> None:
        nonlocal turn
        turn += 1
        for _ in range(rhythm[turn % len(rhythm)]):
            client.step()

    source.before_each = somebody_pushes
    copied(source, target)
    by_digest = {one.digest: one for one in IMAGES}
    named = [content.decode() for key, (content, _) in target.objects.items() if "/current/" in key]
    assert named
    assert not [lost for digest in named for lost in missing(target, "one", by_digest[digest])]


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
