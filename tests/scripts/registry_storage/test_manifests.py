"""References of manifests."""

import json

import pytest

from scripts.registry_storage.manifests import MANIFEST_TYPES, references

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def content(**manifest: object) -> bytes:
    return json.dumps({"schemaVersion": 2, **manifest}).encode()


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


@pytest.mark.parametrize("kind", [None, "", *sorted(MANIFEST_TYPES)])
def test_an_index_has_manifests_as_children(kind: str | None) -> None:
    found = references(content(manifests=[{"digest": A, "mediaType": kind}]))
    assert found.children == found.all == {A}


def test_what_an_index_lists_under_another_type_is_a_blob() -> None:
    layer = {"digest": A, "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip"}
    found = references(content(manifests=[layer, {"digest": B}]))
    assert found.children == {B}
    assert found.others == {A}


def test_the_first_schema_is_not_served_and_keeps_its_layers() -> None:
    found = references(content(schemaVersion=1, fsLayers=[{"blobSum": A}, {"blobSum": A}]))
    assert found.doubt == "no manifest"
    assert found.named == {A}


@pytest.mark.parametrize("subject", [5, "", "sha256:", [A]])
def test_a_subject_that_cannot_be_there_is_none(subject: object) -> None:
    assert references(content(subject={"digest": subject})).subject is None


NONE = [
    b"",
    b"[]",
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
    content(mediaType="text/plain"),
    json.dumps({"layers": []}).encode(),
]


@pytest.mark.parametrize("content", NONE, ids=lambda content: content[:60])
def test_what_the_registry_does_not_serve_or_no_client_can_use_is_no_manifest(
    content: bytes,
) -> None:
    found = references(content)
    assert found.doubt == "no manifest"
    assert found.all == found.named == ({A} if A.encode() in content else set())


def test_a_text_names_digests_that_are_escaped_too() -> None:
    escaped = A.replace(":", "\\u003a").replace("a6", "\\u00616")
    assert references(f'["{escaped}", "x{B}", "{C}0"]'.encode()).named == {A, B}


def test_nothing_is_read_with_certainty_that_stands_there_twice() -> None:
    found = references(b'{"schemaVersion": 2, "layers": [], "Layers": []}')
    assert found.doubt == "ambiguous manifest"
