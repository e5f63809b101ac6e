"""A list may begin behind any text: what S3 does not accept is replaced by an equal position."""

from hypothesis import given
from hypothesis import strategies as st
from wharf_proxy.service import LONGEST_NAME, _position

NAMES = st.from_regex("[a-zA-Z0-9_][a-zA-Z0-9._/-]{0,5}", fullmatch=True)
#: Such a text is a name, with something in it that no name has.
TEXTS = st.tuples(NAMES, st.text(max_size=2), NAMES).map("".join) | st.text()


@given(names=st.lists(NAMES), last=TEXTS)
def test_the_position_is_equal(names: list[str], last: str) -> None:
    behind = [name for name in names if name > last]
    assert [name for name in names if name > _position(last)] == behind


@given(last=TEXTS | st.text(min_size=1000))
def test_s3_accepts_the_position(last: str) -> None:
    position = _position(last)
    assert position.isascii()
    assert not position or position.isprintable()
    assert len(position) <= LONGEST_NAME


def test_a_name_is_its_own_position() -> None:
    assert _position("team-a/base_1.0") == "team-a/base_1.0"
