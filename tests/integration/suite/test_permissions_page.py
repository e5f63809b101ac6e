"""docs/permissions.md: a run writes the column of the series of distribution that it tested."""

from integration.suite.hosts.test_least_privilege import PAGE, UNTRIED, written

NEEDED: dict[str, str | None] = {"s3:PutObject": "a push", "s3:ListBucket": "a pull"}


def row(page: str, action: str) -> str:
    (found,) = [line for line in page.splitlines() if line.startswith(f"| `{action}`")]
    return found


def test_a_run_writes_its_own_column_only() -> None:
    old = written(NEEDED, "2.8", "")
    assert row(old, "s3:PutObject") == f"| `s3:PutObject` | a push | {UNTRIED} |"
    new = written({**NEEDED, "s3:PutObject": "a pull"}, "3.1", old)
    assert row(new, "s3:PutObject") == "| `s3:PutObject` | a push | a pull |"
    assert written(NEEDED, "2.8", new) == new


def test_a_run_leaves_the_text_of_the_page() -> None:
    page = PAGE.read_text()
    other = written(NEEDED, "3.1", page)
    table = [line for line in page.splitlines() if line.startswith(("| `s3:", "| Action"))]
    assert set(page.splitlines()) - set(other.splitlines()) < set(table)
    assert row(other, "s3:PutObject").endswith("| a push |")


def test_the_page_has_what_both_series_show() -> None:
    assert UNTRIED not in PAGE.read_text()
