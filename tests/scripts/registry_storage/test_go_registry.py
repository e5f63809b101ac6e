"""The model of the registry, and the programs, read JSON as a real registry of 3.1.1 reads it."""

import pytest

from scripts.registry_storage import layout
from scripts.registry_storage.manifests import references
from tests.support.go_registry import GoError, read

DIGESTS = {letter: f"sha256:{letter.lower() * 64}" for letter in "ABC"}
DIGESTS |= {"S": f"sha512:{'d' * 128}", "U": f"sha256:{'A' * 64}", "M": f"md5:{'a' * 32}"}
SHORT = {
    "$I": '"schemaVersion":2,$T',
    "$V": '"schemaVersion":2,"mediaType"',
    "$T": '"mediaType":"$o/manifest.v1+json"',
    "$o/": "application/vnd.oci.image.",
    "$d/": "application/vnd.docker.distribution.manifest.",
    "$N": "9" * 5000,
    "$E": "\\u0061" * 64,
    "$D": "[" * 900 + "1" + "]" * 900,
    **{f"@{letter}": f'{{"digest":"{digest}"}}' for letter, digest in DIGESTS.items()},
    **{f"${letter}": digest for letter, digest in DIGESTS.items()},
}
#: Documents, and the digests of which a registry said that it has no such blob when they were
#: pushed, in its order; "-" is an empty one. None: it did not serve the document from its bucket.
SEEN: list[tuple[str, str | None]] = [
    ('{$I,"config":@A,"layers":[@B]}', "A B"),
    ('{$I,"Config":@A,"LAYERS":[{"Digest":"$B"}]}', "A B"),
    ('{$I,"config":@A,"layer\u017f":[@B]}', "A B"),
    ('{$I,"config":@A,"layer\\u017f":[@B]}', "A B"),
    ('{$I,"conf\u0131g":@C,"config":@A,"layers":[@B]}', "A B"),
    ('{$I,"con\ufb01g":@C,"config":@A,"layers":[]}', "A"),
    ('{$I,"\uff43onfig":@C,"config":@A}', "A"),
    ('{$I,"config":@A,"layers":null}', "A"),
    ('{$I,"config":null,"layers":[@B]}', "- B"),
    ('{$I,"config":@A,"config":null}', "A"),
    ('{$I,"config":@A,"layers":[@B],"layers":null}', "A"),
    ('{$I,"config":@A,"layers":null,"layers":[@B]}', "A B"),
    ('{$I,"config":@A,"layers":[@B,@C],"layers":[@A]}', "A A"),
    ('{$I,"config":@A,"layers":[@B,@C],"layers":[{},{"size":1}]}', "A B C"),
    ('{$I,"config":@A,"layers":[@B,@C],"layers":[{}],"layers":[{},{}]}', "A B C"),
    ('{$I,"config":@A,"layers":[@B,@C],"layers":[],"layers":[{},{}]}', "A - -"),
    (
        '{$I,"config":@A,"layers":[@A,@B,@C,@A,@B],"layers":[null],"layers":[null,null,null,null,null,null]}',
        "A A B C A B -",
    ),
    ('{$I,"config":@A,"config":{"size":5}}', "A"),
    ('{$I,"CONFIG":@A,"config":@B}', "B"),
    ('{$I,"config":{"digest":"$A","digest":"$B"}}', "B"),
    ('{$I,"config":{"digest":"$A","DIGEST":null}}', "A"),
    ('{$I,"config":{"digest":"sha256\\u003a$E"}}', "A"),
    ('{$I,"c\\u006fnfig":@A}', "A"),
    ('{$I,"config":"x"}', None),
    ('{$I,"config":[]}', None),
    ('{$I,"config":@A,"layers":{}}', None),
    ('{$I,"config":@A,"layers":["x"]}', None),
    ('{$I,"config":@A,"layers":[null]}', "A -"),
    ('{$I,"config":{"digest":5}}', None),
    ('{$I,"config":{"digest":"$A","size":9223372036854775807}}', "A"),
    ('{$I,"config":{"digest":"$A","size":9223372036854775808}}', None),
    ('{$I,"config":{"digest":"$A","size":-9223372036854775808}}', "A"),
    ('{$I,"config":{"digest":"$A","size":1.0}}', None),
    ('{$I,"config":{"digest":"$A","size":1e2}}', None),
    ('{$I,"config":{"digest":"$A","size":-0}}', "A"),
    ('{$I,"config":{"digest":"$A","size":"1"}}', None),
    ('{$I,"config":{"digest":"$A","size":$N}}', None),
    ('{$I,"config":@A,"x":$N}', "A"),
    ('{$I,"config":@A,"layers":[{"digest":"$B","urls":[5]}]}', None),
    ('{$I,"config":@A,"layers":[{"digest":"$B","urls":[null]}]}', "A B"),
    ('{$I,"config":@A,"annotations":{"a":5}}', None),
    ('{$I,"config":@A,"annotations":{"a":null,"A":"x","a":"y"}}', "A"),
    ('{$I,"config":@A,"annotations":[]}', None),
    ('{$I,"config":{"digest":"$A","data":"!"}}', None),
    ('{$I,"config":{"digest":"$A","data":"YW\\nJj"}}', "A"),
    ('{$I,"config":{"digest":"$A","data":"YWI"}}', None),
    ('{$I,"config":{"digest":"$A","data":"YW Jj"}}', None),
    ('{$I,"config":{"digest":"$A","platform":"x"}}', None),
    ('{$I,"config":{"digest":"$A","platform":{"os.features":[5]}}}', None),
    ('{$I,"config":@A,"subject":"sha256:0"}', "A"),
    ('{$I,"config":@A,"subject":5}', "A"),
    ('{$I,"config":@A,"fsLayers":null}', "A"),
    ('{$I,"config":@A,"blobs":5}', "A"),
    ('{$I,"config":@A,"x":NaN}', None),
    ('\ufeff{$I,"config":@A}', None),
    ('{$I,"config":@A,"x":"\\ud800"}', "A"),
    ('{$I,"config":@A,"x":"\x01"}', None),
    ('{$I,"config":@A}x', None),
    ('{$I,"config":@A,}', None),
    ('{$I,"config":@A,"x":$D}', "A"),
    ('{"schemaVersion":2,"config":@A,"layers":[@B]}', "A B"),
    ('{"schemaVersion":2,"config":@A,"manifests":[]}', ""),
    ('{"schemaVersion":2,"config":@A,"manifests":null}', "A"),
    ('{"schemaVersion":2,"config":@A,"manifests":5}', None),
    ('{$V:"x",$T,"config":@A}', "A"),
    ('{$I,"MEDIATYPE":null,"config":@A}', "A"),
    ('{"SchemaVerSion":2,$T,"config":@A}', "A"),
    ('{"schemaVersion":"2",$T,"config":@A}', None),
    ('{"schemaVersion":2.0,$T,"config":@A}', None),
    ('{"schemaVersion":2,"schemaVersion":null,$T,"config":@A}', "A"),
    ('{"schemaVersion":1,"fsLayers":[{"blobSum":"$A"}]}', None),
    ('{$V:"application/vnd.oci.artifact.manifest.v1+json","config":@A}', None),
    ('{$V:"$d/v2+json","config":@A,"layers":[@B],"manifests":[@C]}', "A B"),
    ('{$V:"$d/list.v2+json","manifests":[@C],"Manifests":[{"size":1}]}', "C"),
    ('{$V:"$o/index.v1+json","manifests":[@C,@S]}', "C S"),
    ('{$V:"$o/index.v1+json","manifests":null}', ""),
    ('{$V:"$o/index.v1+json","manifests":[null]}', "-"),
    ('{$V:"$o/index.v1+json","manifests":[@C],"Layers":null}', "C"),
    (
        '{$I,"config":{"digest":"$U"}}',
        "U",
    ),
    ('{$I,"config":@S,"layers":[@B]}', "S B"),
    ('{$I,"config":{"digest":"$M"}}', "M"),
    ("[]", None),
    ("null", None),
    ("", None),
    ('"x"', None),
    ('{$I,"config":null,"config":{"digest":null},"config":@A}', "A"),
]


def document(short: str) -> bytes:
    """Return what a short form stands for."""
    for text, long in SHORT.items():
        short = short.replace(text, long)
    return short.encode()


def seen(letters: str | None) -> list[str] | None:
    """Return the digests that letters stand for."""
    return None if letters is None else [DIGESTS.get(letter, letter) for letter in letters.split()]


@pytest.mark.parametrize(("short", "letters"), SEEN)
def test_the_model_reads_a_document_as_the_registry_did(short: str, letters: str | None) -> None:
    expected = seen(letters)
    if expected is None:
        with pytest.raises(GoError):
            read(document(short))
    else:
        assert [digest or "-" for digest in read(document(short))] == expected


@pytest.mark.parametrize(("short", "letters"), SEEN)
def test_the_programs_read_a_document_as_the_registry_did_or_keep_all(
    short: str, letters: str | None
) -> None:
    found = references(document(short))
    digests = {digest for digest in seen(letters) or () if layout.is_digest(digest)}
    if found.doubt:
        assert digests <= found.named
        # The last kind is said of what the registry does not serve, or a client cannot use.
        assert (
            found.doubt == "ambiguous manifest"
            or letters is None
            or len(digests) < len(letters.split())
        )
    else:
        assert letters is not None
        assert found.all == digests


def test_bytes_that_are_no_text_are_replaced() -> None:
    content = document('{$I,"config":@A,"x":"?"}').replace(b"?", b"\xff")
    assert read(content) == [DIGESTS["A"]]
    assert references(content).doubt == "ambiguous manifest"


def test_what_is_too_deep_for_python_keeps_all_that_it_names() -> None:
    content = document('{$I,"config":@A,"x":$D}').replace(b"1", b"[" * 8000 + b"]" * 8000)
    assert references(content).named == {DIGESTS["A"]}
