import pytest
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.permissions_file import check_permissions

USERS = ["alice", "ci"]


@pytest.mark.parametrize(
    "line",
    [
        "alice delete *",
        "  ci   push team-a/*  ",
        "* pull team-a/base",
        "ci\tpull\ta__b-c.d/e/*",
    ],
)
def test_good_lines_pass(line: str) -> None:
    check_permissions(f"# who may do what\n\n{line}\n".encode(), USERS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("alice pull", "line 2 has 2 words"),
        ("alice pull push *", "line 2 has 4 words"),
        ("bob pull *", "line 2: there is no user 'bob'"),
        ("alice write *", "line 2: right 'write': it must be pull, push, delete"),
        ("alice pull team-*", "line 2: repositories 'team-*'"),
        ("alice pull /team", "line 2: repositories '/team'"),
        ("alice pull Team", "line 2: repositories 'Team'"),
        ("alice pull a/../b", "line 2: repositories 'a/../b'"),
        ("* pull\u00a0 *", "line 2 has the character U+00A0, which cannot be seen"),
        ("alice\u2003pull *", "line 2 has the character U+2003, which cannot be seen"),
        ("alice pull *\u200b", "line 2 has the character U+200B, which cannot be seen"),
        ("alice pull\x1f*", "line 2 has the character U+001F, which cannot be seen"),
        ("\u00a0# a comment", "line 2 has the character U+00A0, which cannot be seen"),
        ("\u00a0", "line 2 has the character U+00A0, which cannot be seen"),
        ("# a\0b", "line 2 has a NUL"),
        ("# a\rb", "line 2 has a NUL or a carriage return"),
    ],
)
def test_a_bad_line_is_named(line: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_permissions(f"alice pull *\n{line}\n".encode(), USERS)
    assert str(caught.value).startswith(f"nginx.permissions: {told}")


def test_a_file_that_allows_nothing_is_taken_for_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="allows nothing to anybody"):
        check_permissions(b"# nothing yet\n", USERS)


def test_windows_line_ends_and_a_comment_with_any_blank_are_good() -> None:
    check_permissions("# who\u00a0may\r\n\r\nalice pull *\r\n".encode(), USERS)


def test_a_byte_order_mark_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="begins with a byte order mark"):
        check_permissions(b"\xef\xbb\xbfalice pull *\n", USERS)


def test_a_file_of_bytes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        check_permissions(b"\xff", USERS)
