"""A settings file is written anew whole or not at all, only over what was seen, and the old one can be put back."""

from __future__ import annotations

import datetime as dt
import errno
import os

import pytest

from senrkit.errors import UsageError
from senrkit.settings import rewrite as rewriting
from senrkit.settings.rewrite import ChangedMeanwhile, put_back, rewrite

NOW = dt.datetime(2026, 11, 30, 7, 18)
OLD, NEW = b'\xef\xbb\xbflea = "1"\r\n', b'\xef\xbb\xbflea = "2"\r\n'


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "senrkit.toml"
    made.write_bytes(OLD)
    made.chmod(0o640)
    return made


def names(file):
    return sorted(one.name for one in file.parent.iterdir())


def test_the_old_file_is_kept_beside_and_put_back(file):
    done = rewrite(file, OLD, NEW, NOW)
    assert file.read_bytes() == NEW and done.kept.read_bytes() == OLD
    assert names(file) == ["senrkit.toml", "senrkit.toml.2026-11-30T0718"]
    assert {one.stat().st_mode & 0o777 for one in file.parent.iterdir()} == {0o640}
    put_back(done)
    assert file.read_bytes() == OLD and names(file) == ["senrkit.toml"]


def test_two_changes_in_a_minute_keep_both_files(file):
    rewrite(file, OLD, NEW, NOW)
    rewrite(file, NEW, OLD, NOW)
    assert names(file)[1:] == ["senrkit.toml.2026-11-30T0718", "senrkit.toml.2026-11-30T0718-2"]


def test_what_a_link_leads_to_is_written_and_the_link_stays(file, tmp_path):
    link = tmp_path / "there" / "senrkit.toml"
    link.parent.mkdir()
    link.symlink_to(file)
    rewrite(link, OLD, NEW, NOW)
    assert link.is_symlink() and file.read_bytes() == NEW


def test_a_file_that_changed_meanwhile_is_not_written_over(file):
    file.write_bytes(b"theirs")
    with pytest.raises(ChangedMeanwhile):
        rewrite(file, OLD, NEW, NOW)
    assert file.read_bytes() == b"theirs" and names(file) == ["senrkit.toml"]


def test_a_file_that_changed_after_it_was_written_is_not_put_back(file):
    done = rewrite(file, OLD, NEW, NOW)
    file.write_bytes(b"theirs")
    with pytest.raises(ChangedMeanwhile):
        put_back(done)
    assert file.read_bytes() == b"theirs" and done.kept.read_bytes() == OLD


def test_a_file_that_may_only_be_read_is_left_as_it_is(file):
    file.chmod(0o440)
    with pytest.raises(UsageError, match="may only be read"):
        rewrite(file, OLD, NEW, NOW)
    assert file.read_bytes() == OLD and names(file) == ["senrkit.toml"]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_disk_that_is_full_is_a_sentence_and_nothing_is_lost(file, monkeypatch, fails_at):
    calls, writes = [], rewriting.write_whole

    def full(path, data):
        calls.append(path)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        writes(path, data)

    monkeypatch.setattr(rewriting, "write_whole", full)
    with pytest.raises(UsageError, match="No space left") as refused:
        rewrite(file, OLD, NEW, NOW)
    assert "Make room" in refused.value.cure
    assert file.read_bytes() == OLD and names(file) == ["senrkit.toml"]
