import pytest
from passlib.context import CryptContext  # type: ignore[import-untyped]
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.users_file import check_name, check_users, slow_passwords

BCRYPT = "$2y$05$bgWDv0Kb/hic//tQkvc95u54tanbwTU5RCpprHuZyotZr2t7hx5ie"
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
    ["secret", "{PLAIN}secret", "$2y$05$tooshort", "rl0uE8qS2SxYk", "$2x$05$" + "a" * 53],
    ids=["clear", "plain", "cut", "des", "broken-bcrypt"],
)
def test_a_password_that_is_not_hashed_well_is_refused_and_not_shown(password: str) -> None:
    line = problem(f"alice:{password}\n")
    assert line.startswith("nginx.htpasswd: line 1: the password of 'alice' is not hashed")
    assert password not in line


def test_a_missing_hash_is_named() -> None:
    assert "line 1: the password of 'alice' is missing" in problem("alice:\n")
    assert "line 1: the password of 'alice' is missing" in problem("alice::Alice Real\n")


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u200b"])
def test_a_blank_after_the_hash_is_named_since_nginx_would_hash_against_it(
    blank: str, user_line: str
) -> None:
    told = problem(user_line.replace("\n", f"{blank}\n"))
    assert "line 1: the password of 'alice' has a blank in or after its hash" in told


SALT, REST = BCRYPT[7:28], BCRYPT[29:]


@pytest.mark.parametrize(
    "hashed",
    [
        f"$2y$15${SALT}u{REST}",
        f"$2b$18${SALT}u{REST}",
        f"$6$rounds=999999999$salt${'a' * 86}",
        f"$5$rounds=3000001$salt${'a' * 43}",
        YESCRYPT.replace("j9T", "jDT"),
    ],
)
def test_more_work_than_a_host_can_do_in_time_is_refused(hashed: str) -> None:
    assert "is hashed with more work than a host can do in time" in problem(f"alice:{hashed}")


@pytest.mark.parametrize(
    ("hashed", "warned"),
    [
        (f"$2y$12${SALT}u{REST}", False),
        (f"$2y$13${SALT}u{REST}", True),
        (f"$2y$14${SALT}u{REST}", True),
        (f"$6$rounds=656000$salt${'a' * 86}", False),
        (f"$6$rounds=3000000$salt${'a' * 86}", True),
        (YESCRYPT, False),
        (YESCRYPT.replace("j9T", "jCT"), True),
    ],
)
def test_a_slow_password_is_accepted_with_a_warning(hashed: str, warned: bool) -> None:
    content = f"bob:{BCRYPT}\nalice:{hashed}\n".encode()
    assert check_users(content) == ["bob", "alice"]
    lines = slow_passwords(content)
    assert [line[:50] for line in lines] == [
        "nginx.htpasswd: line 2: the password of 'alice' ta"
    ] * warned


@pytest.mark.parametrize(
    "hashed",
    [
        f"$2y$05${SALT}v{REST}",
        f"$1$ninechars${'a' * 22}",
        f"$apr1$ninechars${'a' * 22}",
        f"$6$seventeen-of-them${'a' * 86}",
        f"$6$a;b${'a' * 86}",
        f"$6$aéb${'a' * 86}",
        f"$6$rounds=999$salt${'a' * 86}",
        f"$6$rounds=999${'a' * 86}",
        f"$6$rounds=0005000$salt${'a' * 86}",
        f"$6$salt${'a' * 43}",
        f"$y$j9T$a${'a' * 43}",
        "{SSHA}" + "a" * 29,
    ],
)
def test_a_hash_that_no_password_matches_is_refused(hashed: str) -> None:
    assert "is not hashed in a way that nginx can verify" in problem(f"alice:{hashed}")


def test_text_after_a_second_colon_is_a_comment(user_line: str) -> None:
    content = user_line.replace("\n", ":Alice Real:a@example.com:g1\n")
    content += user_line.replace("alice", "bob").replace("\n", ":\n")
    assert check_users(content.encode()) == ["alice", "bob"]


def test_a_line_without_a_colon_is_refused_and_not_shown(user_line: str) -> None:
    line = problem(user_line + "hunter2\n")
    assert line.startswith("nginx.htpasswd: line 2 is not of the form user:hash")
    assert "hunter2" not in line


def test_a_second_line_for_a_user_is_refused(user_line: str) -> None:
    assert "line 2: user 'alice' is there a second time" in problem(user_line * 2)


def test_a_byte_order_mark_is_refused_since_nginx_reads_it_as_part_of_the_name(
    user_line: str,
) -> None:
    assert "begins with a byte order mark" in problem("\ufeff" + user_line)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    assert problem(b"\xe9").startswith("nginx.htpasswd: is not UTF-8 text")
    utf_16 = "alice:hash".encode("utf-16")
    assert problem(utf_16).startswith("nginx.htpasswd: is UTF-16 text")


@pytest.mark.parametrize("inside", ["# a\0b\n", "alice:hash\rbob:hash\r"])
def test_a_line_that_nginx_would_end_elsewhere_is_refused(inside: str, user_line: str) -> None:
    told = problem(user_line + inside)
    assert told.startswith("nginx.htpasswd: line 2 has a NUL or a carriage return in its middle")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "is empty"),
        ("a:b", "has a colon"),
        ("#a", "begins with #"),
        ("*", "means everybody in permissions"),
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
