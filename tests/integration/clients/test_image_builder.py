"""Images of the builder: the seed decides the content, and blobs have their digests."""

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from integration.clients.image_builder import (
    Image,
    Layer,
    digest_of,
    layout_digest,
    make_image,
    make_index,
)


@given(st.integers(0, 300_000), st.text(max_size=5))
def test_a_layer_has_its_size_and_its_digest(size: int, seed: str) -> None:
    data = b"".join(Layer(seed, size).chunks())
    assert len(data) == size
    assert Layer(seed, size).digest == digest_of(data)


def test_a_seed_makes_the_image() -> None:
    image, same, other = (Image.from_seed("r", "1", [100_000, 5], seed) for seed in "aab")
    assert image.manifest == same.manifest
    assert image.layers[0].digest != other.layers[0].digest
    assert image.layers[0].digest != image.layers[1].digest


def test_chunks_of_a_layer_differ() -> None:
    chunks = list(Layer("a", 1_000_000).chunks())
    assert len({hashlib.sha256(chunk).digest() for chunk in chunks}) == len(chunks)


def test_a_seed_makes_the_layout(tmp_path: Path) -> None:
    seeds = {"first": 1, "same": 1, "other": 2, "new": None, "newer": None}
    digests = {
        name: make_image(tmp_path / name, [1000, 5], seed=seed) for name, seed in seeds.items()
    }
    assert digests["first"] == digests["same"]
    assert len(set(digests.values())) == 4


def test_a_layout_has_the_digest_of_its_manifest_and_blobs(tmp_path: Path) -> None:
    for name, digest in (
        ("image", make_image(tmp_path / "image", [1000, 5])),
        ("index", make_index(tmp_path / "index", ["amd64", "arm64"])),
    ):
        assert layout_digest(tmp_path / name) == digest
        for blob in (tmp_path / name / "blobs" / "sha256").iterdir():
            assert digest_of(blob.read_bytes()) == f"sha256:{blob.name}"
