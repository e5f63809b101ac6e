import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
import wharf_proxy
from click.testing import CliRunner, Result
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.users_file import check_users

from scripts.users import users

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nginx.htpasswd"


@pytest.fixture
def run(file: Path) -> Run:
    """Run a command on the file: `run("list")`."""

    def command(name: str, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(users, [name, str(file), *arguments], input=stdin)

    return command


@pytest.fixture
def alice(run: Run) -> None:
    run("add", "alice", "--password-stdin", stdin="secret\n")


def refused(result: Result) -> str:
    assert result.exit_code == 1
    line = result.stderr.removesuffix("\n").splitlines()[-1]
    assert line.startswith("Error: ")
    assert isinstance(result.exception, SystemExit)
    return line


def test_an_added_user_has_a_bcrypt_hash_of_cost_10_in_a_private_file(run: Run, file: Path) -> None:
    result = run("add", "alice", "--password-stdin", stdin="secret\n")
    assert result.output == f"Added user alice in {file}\n"
    name, hashed = file.read_bytes().strip().split(b":")
    assert (name, hashed[:7]) == (b"alice", b"$2y$10$")
    assert bcrypt.checkpw(b"secret", hashed)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("alice")
def test_what_it_writes_passes_the_proxys_check(run: Run, file: Path) -> None:
    run("add", "Zoë", "--password-stdin", stdin="pässword")
    assert check_users(file.read_bytes()) == ["alice", "Zoë"]


def test_the_cost_can_be_chosen(run: Run, file: Path) -> None:
    run("add", "alice", "--cost", "6", "--password-stdin", stdin="secret")
    assert b":$2y$06$" in file.read_bytes()


def test_the_password_is_asked_for_twice_and_not_shown(run: Run) -> None:
    result = run("add", "alice", stdin="secret\nsecret\n")
    assert result.exit_code == 0
    assert "Repeat" in result.output
    assert "secret" not in result.output


def test_two_different_passwords_are_not_accepted(run: Run, file: Path) -> None:
    assert run("add", "alice", stdin="secret\nother\n").exit_code == 1
    assert not file.exists()


@pytest.mark.parametrize("stdin", ["", "secret\n"])
def test_an_input_that_ends_too_early_is_refused(run: Run, file: Path, stdin: str) -> None:
    assert "or use --password-stdin" in refused(run("add", "alice", stdin=stdin))
    assert not file.exists()


def test_without_a_terminal_the_option_is_named(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cli", "users", "add", str(file), "alice"],
        input="secret\nsecret\n",
        capture_output=True,
        text=True,
        check=False,
        # Without it, the terminal of the tests is asked.
        start_new_session=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: password is missing, there is no terminal to type it: use --password-stdin\n"
    )
    assert not file.exists()


@pytest.mark.usefixtures("alice")
def test_adding_a_user_again_changes_the_password(run: Run, file: Path) -> None:
    result = run("add", "alice", "--password-stdin", stdin="new")
    assert result.output == f"Changed the password of alice in {file}\n"
    assert run("verify", "alice", "--password-stdin", stdin="new").exit_code == 0
    assert run("verify", "alice", "--password-stdin", stdin="secret").exit_code == 1


@pytest.mark.usefixtures("alice")
def test_other_lines_stay_as_they_were(run: Run, file: Path) -> None:
    before = b"# people\n" + file.read_bytes()
    file.write_bytes(before)
    run("add", "bob", "--password-stdin", stdin="secret")
    assert file.read_bytes().startswith(before)
    run("remove", "bob")
    assert file.read_bytes() == before


@pytest.mark.usefixtures("alice")
def test_comments_of_a_user_are_read_over_and_kept(run: Run, file: Path) -> None:
    line = file.read_text().removesuffix("\n")
    file.write_bytes(f"{line}:Alice Real:a@x:g1\r\nbob:hash:".encode())
    assert run("list").output == "alice\nbob\n"
    assert run("verify", "alice", "--password-stdin", stdin="secret").exit_code == 0
    run("add", "alice", "--password-stdin", stdin="new")
    run("add", "bob", "--password-stdin", stdin="new")
    run("add", "carol", "--password-stdin", stdin="new")
    alice, bob, _, _ = file.read_bytes().split(b"\n")
    assert alice.endswith(b":Alice Real:a@x:g1\r")
    assert bob.startswith(b"bob:$2y$10$")
    assert bob.endswith(b":")
    assert check_users(file.read_bytes()) == ["alice", "bob", "carol"]


@pytest.mark.usefixtures("alice")
def test_a_line_that_publishing_refuses_is_refused_in_the_same_words(run: Run, file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"*:hash\n")
    with pytest.raises(ConfigurationError) as caught:
        check_users(file.read_bytes(), file=str(file))
    assert refused(run("list")) == f"Error: {caught.value}"


@pytest.mark.usefixtures("alice")
def test_users_are_listed_by_name(run: Run) -> None:
    run("add", "bob", "--password-stdin", stdin="secret")
    assert run("list").output == "alice\nbob\n"


@pytest.mark.usefixtures("alice")
def test_a_removed_user_is_gone(run: Run, file: Path) -> None:
    assert run("remove", "alice").output == f"Removed user alice from {file}\n"
    assert run("list").output == ""


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("command", ["remove", "verify"])
def test_an_unknown_user_is_an_error(command: str, run: Run) -> None:
    assert "has no user 'bob'" in refused(run(command, "bob"))


@pytest.mark.usefixtures("alice")
def test_a_wrong_password_is_an_error(run: Run) -> None:
    result = run("verify", "alice", "--password-stdin", stdin="wrong")
    assert "wrong password for 'alice'" in refused(result)


def test_a_hash_that_it_cannot_verify_is_an_error(run: Run, file: Path) -> None:
    file.write_text("alice:$y$j9T$salt$hash\n")
    result = run("verify", "alice", "--password-stdin", stdin="secret")
    assert "is of a kind that this program cannot verify" in refused(result)


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("\n", "password is empty"),
        ("x" * 73, "password has 73 bytes"),
        ("é" * 37, "password has 74 bytes"),
        ("two\nlines\n", "control character"),
        ("\ufeffsecret\n", "password begins with a byte order mark"),
    ],
)
def test_a_bad_password_is_refused(password: str, complaint: str, run: Run, file: Path) -> None:
    result = run("add", "alice", "--password-stdin", stdin=password)
    assert complaint in refused(result)
    assert not file.exists()


def test_a_password_of_72_bytes_is_good(run: Run) -> None:
    assert run("add", "alice", "--password-stdin", stdin="é" * 36).exit_code == 0


@pytest.mark.parametrize("name", ["", "*", "a:b", "#a", "a\nb", "x" * 256])
def test_a_bad_name_is_refused(name: str, run: Run, file: Path) -> None:
    assert "user name" in refused(run("add", name, "--password-stdin", stdin="secret"))
    assert not file.exists()


@pytest.mark.parametrize("command", [["list"], ["remove", "alice"], ["verify", "alice"]])
def test_a_missing_file_is_an_error(command: list[str], run: Run, file: Path) -> None:
    assert f"{file}: No such file or directory" in refused(run(*command))


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "file")
    result = CliRunner().invoke(users, ["add", path, "a", "--password-stdin"], input="secret")
    assert "missing: No such file or directory" in refused(result)


@pytest.mark.parametrize("content", [b"nonsense\n", b"\xff:hash\n"])
def test_a_file_that_is_no_users_file_is_left_alone(content: bytes, run: Run, file: Path) -> None:
    file.write_bytes(content)
    refused(run("list"))
    refused(run("add", "alice", "--password-stdin", stdin="secret"))
    assert file.read_bytes() == content


def by_itself(
    *arguments: str, stdout: int = subprocess.PIPE, **environment: str
) -> "subprocess.Popen[str]":
    """Start the program as a shell does, with these variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", "users", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([".", str(Path(wharf_proxy.__file__).parents[1])]),
            **environment,
        },
        cwd=Path(__file__).parents[2],
    )


def test_a_pipe_that_is_closed_ends_it_quietly(file: Path) -> None:
    file.write_text("".join(f"user-{number}:hash\n" for number in range(9)))
    read, write = os.pipe()
    os.close(read)
    with by_itself("list", str(file), stdout=write) as process:
        os.close(write)
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_name_that_the_terminal_cannot_show_is_one_line(file: Path) -> None:
    file.write_text("Żoë:hash\n")
    with by_itself("list", str(file), PYTHONIOENCODING="latin-1") as process:
        assert process.stderr
        assert process.stderr.read() == (
            "Error: a name that is not ASCII does not fit the locale of this terminal: "
            "set LC_ALL=C.UTF-8 or PYTHONUTF8=1\n"
        )
    with by_itself("list", str(file), LANG="C") as process:
        assert process.stdout
        assert process.stdout.read() == "Żoë\n"


def test_a_full_disk_is_one_line(file: Path) -> None:
    file.write_text("alice:hash\n")
    with (
        Path("/dev/full").open("w") as full,
        by_itself("list", str(file), stdout=full.fileno()) as process,
    ):
        assert process.stderr
        told = process.stderr.read()
    assert told.startswith("Error: input or output: No space left on device")
