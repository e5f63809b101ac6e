import multiprocessing
from pathlib import Path

import pytest
from wharf_proxy.atomic_file import AtomicFile, exclusive, write


def test_a_file_is_for_its_owner_only_by_default(tmp_path: Path) -> None:
    secret, public = tmp_path / "secret", tmp_path / "public"
    write(AtomicFile(path=secret, content=b"1"), AtomicFile(path=public, content=b"2", mode=0o644))
    assert secret.read_bytes() == b"1"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert public.stat().st_mode & 0o777 == 0o644


def test_if_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"old")
    impossible = tmp_path / "missing" / "file"
    with pytest.raises(FileNotFoundError) as caught:
        write(AtomicFile(path=old, content=b"new"), AtomicFile(path=impossible, content=b""))
    assert caught.value.filename == str(impossible)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_a_reader_of_the_old_file_keeps_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and long")
    with path.open("rb") as reader:
        write(AtomicFile(path=path, content=b"new"))
        assert reader.read() == b"old and long"
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write(AtomicFile(path=link, content=b"new"))
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def _count_to_twenty(path: Path) -> None:
    for _ in range(20):
        with exclusive(path):
            write(AtomicFile(path=path, content=str(int(path.read_bytes()) + 1).encode()))


def test_no_edit_is_lost_when_programs_edit_at_once(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_bytes(b"0")
    context = multiprocessing.get_context("fork")
    programs = [context.Process(target=_count_to_twenty, args=(path,)) for _ in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert path.read_bytes() == b"80"
