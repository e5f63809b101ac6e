from pathlib import Path

import pytest
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import NAMES, check, read


def test_good_files_pass(good_files: dict[str, bytes]) -> None:
    check(good_files)


def test_all_missing_files_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"^nginx\.htpasswd, domain\.crt missing"):
        check({"domain.key": b""})


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_is_refused(name: str, good_files: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: is empty"):
        check(good_files | {name: b" \n"})


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_looked_into(name: str, good_files: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        check(good_files | {name: b"nonsense"})


def test_only_files_that_exist_are_read(tmp_path: Path) -> None:
    (tmp_path / "domain.crt").write_bytes(b"certificate")
    (tmp_path / "other").write_bytes(b"")
    assert read(tmp_path) == {"domain.crt": b"certificate"}


def test_a_permission_of_a_removed_user_is_reported_at_publishing_only(
    good_files: dict[str, bytes],
) -> None:
    files = good_files | {"nginx.permissions": b"bob pull *\n"}
    with pytest.raises(ConfigurationError, match="there is no user 'bob'"):
        check(files)
    check(files, published=True)
