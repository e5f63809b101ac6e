import pytest
from passlib.context import CryptContext  # type: ignore[import-untyped]
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.users_file import check_name, check_users

YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"


def problem(content: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_users(content.encode() if isinstance(content, str) else content)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_users_are_returned_in_order(user_line: str) -> None:
    content = user_line + user_line.replace("alice", "Bob with space")
    assert check_users(content.encode()) == ["alice", "Bob with space"]


@pytest.mark.parametrize(
    "scheme",
    [
        "bcrypt",
        "apr_md5_crypt",
        "md5_crypt",
        "sha256_crypt",
        "sha512_crypt",
        "ldap_sha1",
        "ldap_salted_sha1",
    ],
)
def test_hashes_that_nginx_verifies_are_good(scheme: str) -> None:
    hashed = CryptContext([scheme]).hash("secret")
    assert check_users(f"alice:{hashed}".encode()) == ["alice"]


def test_a_yescrypt_hash_is_good() -> None:
    assert check_users(f"alice:{YESCRYPT}".encode()) == ["alice"]


def test_comments_empty_lines_and_windows_line_ends_are_good(user_line: str) -> None:
    content = "# people\r\n\r\n\n" + user_line.replace("\n", ":a comment\r\n")
    assert check_users(content.encode()) == ["alice"]


@pytest.mark.parametrize("content", ["", "\n\n", "# nobody\n"])
def test_a_file_without_users_is_refused(content: str) -> None:
    assert problem(content).startswith("nginx.htpasswd: has no user")


@pytest.mark.parametrize(
    "password",
    ["secret", "", "{PLAIN}secret", "$2y$05$tooshort", "rl0uE8qS2SxYk", "$2x$05$" + "a" * 53],
    ids=["clear", "none", "plain", "cut", "des", "broken-bcrypt"],
)
def test_a_password_that_is_not_hashed_well_is_refused_and_not_shown(password: str) -> None:
    line = problem(f"alice:{password}\n")
    assert line.startswith("nginx.htpasswd: line 1: the password of 'alice' is not hashed")
    assert not password or password not in line


def test_a_space_after_the_hash_is_refused_since_nginx_would_hash_against_it(
    user_line: str,
) -> None:
    assert "line 1: the password of 'alice'" in problem(user_line.replace("\n", " \n"))


def test_a_line_without_a_colon_is_refused_and_not_shown(user_line: str) -> None:
    line = problem(user_line + "hunter2\n")
    assert line.startswith("nginx.htpasswd: line 2 is not of the form user:hash")
    assert "hunter2" not in line


def test_a_second_line_for_a_user_is_refused(user_line: str) -> None:
    assert "line 2: user 'alice' is there a second time" in problem(user_line * 2)


def test_a_byte_order_mark_is_refused_since_nginx_reads_it_as_part_of_the_name(
    user_line: str,
) -> None:
    assert "a character that cannot be seen" in problem("\ufeff" + user_line)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    assert problem(b"\xff\xfe").startswith("nginx.htpasswd: is not UTF-8 text")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "is empty"),
        ("a:b", "has a colon"),
        ("#a", "begins with #"),
        ("a\nb", "cannot be seen"),
        (" a", "cannot be seen"),
        ("é" * 128, "has 256 bytes"),
    ],
)
def test_a_name_that_nginx_could_not_find_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "alice@example.com", "Zoë", "é" * 127 + "a"])
def test_other_names_are_good(name: str) -> None:
    check_name(name)
