"""The programs on what people have in their buckets: images, links and objects of others."""

import json

import pytest

from scripts.check_integrity import check_integrity
from scripts.copy_registry import copy_registry
from scripts.registry_storage import layout
from scripts.usage import usage
from tests.support.bucket_registry import collect, fill, keys, problems, run, served, summary
from tests.support.memory_store import MemoryStore
from tests.support.registry_model import digest_of, sha512_of

pytestmark = pytest.mark.usefixtures("buckets")

CFG, LAY = b"cfg", b"lay"
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def img(fields: str, kind: str = OCI) -> bytes:
    return f'{{"schemaVersion":2,"mediaType":"{kind}",{fields}}}'.encode()


def described(content: bytes, kind: str = "") -> str:
    return json.dumps({"mediaType": kind, "digest": digest_of(content)})


def put(store: MemoryStore, manifest: bytes, *blobs: bytes, tag: str = "1") -> None:
    """Put an image into the repository ``one`` as the registry does, whatever it is."""
    digest = digest_of(manifest)
    for content in (manifest, *blobs):
        store.put(layout.blob(digest_of(content)), content)
    for content in blobs:
        store.put(layout.layer("one", digest_of(content)), digest_of(content).encode())
    for key in (
        layout.revision("one", digest),
        layout.index("one", tag, digest),
        layout.current("one", tag),
    ):
        store.put(key, digest.encode())


def holds_for_all_programs() -> None:
    """Assert that all is kept, counted and copied, and nothing is wrong."""
    assert problems() == []
    before = served()
    assert None not in before.values()
    blobs = [content for key, content in keys().items() if key.startswith(layout.BLOBS)]
    assert summary(usage)["unneeded_bytes"] == 0, "needed blobs are counted as unneeded"
    assert summary(usage)["bytes"] == sum(map(len, blobs))
    assert "Removed 0 blobs" in collect("--untagged")
    assert served() == before
    assert summary(copy_registry, "--to", "copy")["incomplete"] == []
    assert served("copy") == before
    assert problems("copy") == []


def test_blobs_pushed_under_sha512_stay_and_are_counted_and_copied(good: MemoryStore) -> None:
    config, layer = (json.dumps({"digest": sha512_of(content)}) for content in (CFG, LAY))
    put(good, img(f'"config":{config},"layers":[{layer}]'), CFG, LAY)
    for content in (CFG, LAY):
        good.put(layout.layer("one", sha512_of(content)), digest_of(content).encode())
    fill(good)
    holds_for_all_programs()


def test_a_link_under_sha512_to_other_bytes_is_found(good: MemoryStore) -> None:
    key = layout.layer("good", sha512_of(b"other"))
    good.put(key, digest_of(b"layer").encode())
    fill(good)
    assert problems() == [("broken link", key)]


CACHE = b'{"layers":[{"blob":"sha256:0","parent":-1}],"records":[]}'
PLAIN = f'"config":{described(CFG)},"layers":[{described(LAY)}]'
PUSHED = {
    "capitalised keys": PLAIN.replace("config", "Config").replace("layers", "LAYERS"),
    "a long s": PLAIN.replace("layers", "layer\u017f"),
    "escapes": PLAIN.replace("256:", "256\\u003a"),
    "fsLayers that are null": f'{PLAIN},"fsLayers":null',
    "a subject that is text": f'{PLAIN},"subject":"sha256:0"',
    "a number of 5,000 digits": f'{PLAIN},"x":{"9" * 5000}',
    "annotations alike": f'{PLAIN},"annotations":{{"a":"","A":""}}',
}


@pytest.mark.parametrize("kind", PUSHED)
def test_what_the_registry_takes_is_read_as_it_reads_it(good: MemoryStore, kind: str) -> None:
    put(good, img(PUSHED[kind]), CFG, LAY)
    fill(good)
    holds_for_all_programs()


def test_layers_that_are_null_are_none(good: MemoryStore) -> None:
    put(good, img(f'"config":{described(CFG)},"layers":null'), CFG)
    fill(good)
    holds_for_all_programs()


@pytest.mark.parametrize("twice", ["layers", "Layers"])
def test_an_ambiguous_manifest_keeps_all_that_it_names(good: MemoryStore, twice: str) -> None:
    manifest = img(f'{PLAIN},"{twice}":null')
    put(good, manifest, CFG, LAY)
    fill(good)
    before = keys()
    assert problems() == [("ambiguous manifest", layout.blob(digest_of(manifest)))]
    assert run(check_integrity).exit_code == 0, "the registry serves it"
    told = f"one@{digest_of(manifest)} is an ambiguous manifest: blobs that it may name stay"
    assert f"In doubt: {told}\n" in collect("--untagged")
    assert keys() == before
    result = run(usage)
    assert (result.exit_code, result.stderr) == (0, f"Warning: {told}\n")
    assert summary(copy_registry, "--to", "copy")["incomplete"] == []
    assert keys("copy") == before


def test_an_index_of_layers_and_a_cache_is_kept_counted_and_copied(good: MemoryStore) -> None:
    layer = described(LAY, "application/vnd.oci.image.layer.v1.tar+gzip")
    cache = described(CACHE, "application/vnd.buildkit.cacheconfig.v0")
    put(good, img(f'"manifests":[{layer},{cache}]', INDEX), LAY, CACHE)
    fill(good)
    holds_for_all_programs()


def test_an_image_of_schema_1_is_named_and_keeps_its_layers(good: MemoryStore) -> None:
    manifest = f'{{"schemaVersion":1,"fsLayers":[{{"blobSum":"{digest_of(LAY)}"}}]}}'.encode()
    put(good, manifest, LAY)
    fill(good)
    before = keys()
    assert problems() == [("no manifest", layout.blob(digest_of(manifest)))]
    collect("--untagged")
    assert keys() == before


def test_objects_of_others_are_left_alone(good: MemoryStore) -> None:
    fill(good)
    plain = summary(copy_registry, "--to", "copy", "--dry-run")
    others = [
        f"{layout.BLOBS}shake128/ab/{'ab' * 32}/data",
        f"{layout.BLOBS}sha256/ab/{'ab' * 16}/data",
        f"{layout.BLOBS}sha256/",
        f"{layout.BLOBS}.DS_Store",
        f"{layout.REPOSITORIES}good/_layers/tarsum/v1/sha256/{'ab' * 32}/link",
        f"{layout.REPOSITORIES}good/_manifests/",
    ]
    for key in others:
        good.put(key, b"?")
    fill(good)
    assert problems() == []
    assert "Removed 0 blobs" in collect()
    assert summary(usage)["blobs"] == 3
    assert summary(copy_registry, "--to", "copy", "--dry-run") == plain
    assert set(others) <= keys().keys()
