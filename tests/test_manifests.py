"""What manifests refer to."""

import json

import pytest

from scripts.registry_storage.manifests import MANIFEST_TYPES, references

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def content(**manifest: object) -> bytes:
    return json.dumps(manifest).encode()


def test_an_image_needs_its_configuration_and_layers() -> None:
    layers = [{"digest": A}, {"digest": B, "urls": []}]
    assert references(content(config={"digest": C}, layers=layers)).blobs == {A, B, C}


def test_layers_with_urls_are_elsewhere() -> None:
    found = references(content(layers=[{"digest": A, "urls": ["https://example.com/1"]}]))
    assert not found.blobs
    assert found.elsewhere == {A}


def test_an_index_has_children_and_a_signature_a_subject() -> None:
    assert references(content(manifests=[{"digest": A}])).children == {A}
    assert references(content(layers=[], subject={"digest": A})).subject == A


@pytest.mark.parametrize("kind", [None, "", *MANIFEST_TYPES])
def test_an_index_has_manifests_as_children(kind: str | None) -> None:
    found = references(content(manifests=[{"digest": A, "mediaType": kind}]))
    assert found.children == {A}
    assert not found.blobs


def test_what_an_index_lists_under_another_type_is_a_blob() -> None:
    layer = {"digest": A, "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip"}
    found = references(content(manifests=[layer, {"digest": B}]))
    assert found.children == {B}
    assert found.blobs == {A}


def test_the_first_schema_has_layers_of_another_name() -> None:
    assert references(content(fsLayers=[{"blobSum": A}, {"blobSum": A}])).blobs == {A}


@pytest.mark.parametrize("subject", [5, "", "sha256:", [A]])
def test_a_subject_that_cannot_be_there_is_none(subject: object) -> None:
    assert references(content(subject={"digest": subject})).subject is None


NONE = [
    b"",
    b"\xff",
    b"[]",
    b"[" * 100_000,
    content(layers=[{}]),
    content(layers=1),
    content(config="x"),
    content(config={"digest": 5}),
    content(config={"digest": f"sha256:{'A' * 64}"}),
    content(layers=[{"digest": [A]}]),
    content(layers=[{"digest": A[:20], "urls": ["https://example.com/1"]}]),
    content(manifests=[{"digest": 5}]),
    content(manifests=[{"digest": [A]}]),
    content(manifests=[{"digest": A, "mediaType": [A]}]),
    content(manifests=[{"digest": f"../{A}"}]),
    content(fsLayers=[{"blobSum": None}]),
]


@pytest.mark.parametrize("content", NONE, ids=lambda content: content[:60])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        references(content)
