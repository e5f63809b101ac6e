"""What a test waits for: the defects are known by what it says when that does not come true."""

import re
from itertools import count

import pytest

from integration.settled import settled


def test_it_waits_until_it_looks_as_wanted() -> None:
    looks = count()
    settled("the third look", lambda: next(looks), 2)
    assert next(looks) == 3


def test_what_was_awaited_in_vain_is_told_and_what_was_there() -> None:
    told = "Waited 0.1 s in vain for one request too many to be refused: it is 200, not 429"
    with pytest.raises(AssertionError, match=f"^{re.escape(told)}$"):
        settled("one request too many to be refused", lambda: 200, 429, 0.1)
