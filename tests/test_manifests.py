"""What manifests refer to."""

import json

import pytest

from scripts.registry_storage.manifests import references


def test_an_image_needs_its_configuration_and_layers() -> None:
    manifest = {"config": {"digest": "c"}, "layers": [{"digest": "1"}, {"digest": "2", "urls": []}]}
    assert references(json.dumps(manifest).encode()).blobs == {"c", "1", "2"}


def test_layers_with_urls_are_elsewhere() -> None:
    manifest = {"layers": [{"digest": "1", "urls": ["https://example.com/1"]}]}
    found = references(json.dumps(manifest).encode())
    assert not found.blobs
    assert found.elsewhere == {"1"}


def test_an_index_has_children_and_a_signature_a_subject() -> None:
    assert references(b'{"manifests": [{"digest": "a"}]}').children == {"a"}
    assert references(b'{"layers": [], "subject": {"digest": "a"}}').subject == "a"


def test_the_first_schema_has_layers_of_another_name() -> None:
    assert references(b'{"fsLayers": [{"blobSum": "a"}, {"blobSum": "a"}]}').blobs == {"a"}


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"layers": [{}]}', b'{"layers": 1}', b'{"config": "x"}']
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        references(content)
