"""Polling for a condition: deliberate defects are recognized by the error that it raises."""

import re
from itertools import count

import pytest

from integration.console.waiting import poll, wait_until


def test_it_polls_until_the_value_is_wanted() -> None:
    looks = count()
    wait_until("the third look", lambda: next(looks), 2)
    assert next(looks) == 3


def test_the_error_names_the_condition_and_the_last_value() -> None:
    told = "Waited 0.1 s in vain for one request too many to be refused: it is 200, not 429"
    with pytest.raises(AssertionError, match=f"^{re.escape(told)}$"):
        wait_until("one request too many to be refused", lambda: 200, 429, 0.1)


def test_polling_ends_with_an_empty_value() -> None:
    values = iter([["late"], [], ["never"]])
    assert poll(lambda: next(values), 5, 0.01) == []


def test_polling_returns_the_last_value_when_its_time_is_over() -> None:
    assert poll(lambda: ["late"], 0, 0.01) == ["late"]


def test_an_exception_ends_the_polling() -> None:
    with pytest.raises(StopIteration):
        poll(lambda: next(iter(())), 5, 0.01)
