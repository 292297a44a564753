"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from senrkit import disk

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


def test_a_file_replaces_an_older_one_and_nothing_else_is_left(tmp_path):
    disk.write_whole(tmp_path / "a.txt", b"old")
    disk.write_whole(tmp_path / "a.txt", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"new")]


@posix
@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_a_file_is_private_unless_it_is_for_others(tmp_path, private, mode):
    before = os.umask(0o022)
    try:
        disk.write_whole(tmp_path / "a.txt", b"", private=private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


def test_of_several_files_none_takes_its_name_before_all_are_written(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes(b"old")
    calls = []

    def second_fails(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", second_fails)
    with pytest.raises(OSError, match="No space"):
        disk.write_all({tmp_path / "a.txt": b"new", tmp_path / "b.txt": b"new"})
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"old")]


def test_a_staged_folder_vanishes_with_what_fails_in_it(tmp_path):
    def fails(folder: Path) -> None:
        (folder / "a.txt").write_bytes(b"")
        raise KeyError

    with pytest.raises(KeyError), disk.staged(tmp_path / "runs" / "1") as folder:
        fails(folder)
    assert not any((tmp_path / "runs").iterdir())
