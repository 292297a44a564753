"""Files and folders that are there whole or not at all, and locks that hold between programs.

What is not finished lies in a hidden folder `.unfinished-senrkit-…` beside the place that it will take. Errors are the
system's own: whoever writes knows what to say to a person.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from senrkit.system.files import BINARY, locked, sync

_UNFINISHED = ".unfinished-senrkit-"
# In an unfinished folder: locked while somebody writes into it.
_MARK = ".being-written"
_ABANDONED_AFTER_SECONDS = 24 * 3600
# A scanner, an index or a network share may keep a new file for a moment.
_TRIES, _PAUSE_SECONDS = 6, 0.1
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(error: OSError) -> bool:
    """Whether there is no room left: on the disk, for this person, or in a file."""
    return error.errno in _FULL


@contextmanager
def locked_to_append(path: Path) -> Iterator[int]:
    """A private file that is only ever added to, made if need be: nobody else adds to it for the time of the block."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | BINARY, 0o600)
    try:
        with locked(handle):
            yield handle
    finally:
        os.close(handle)


def moved(source: Path, target: Path) -> None:
    """Give the file or folder its new name; tried again where it is in use, as on Windows and on network shares."""
    for left in reversed(range(_TRIES)):
        try:
            source.replace(target)
        except OSError as error:
            if not left or not (isinstance(error, PermissionError) or error.errno == errno.EBUSY):
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def append_whole(handle: int, data: bytes) -> None:
    """Add the bytes to a file that is open to append: on the disk in full, or none of them."""
    size = os.fstat(handle).st_size
    if os.write(handle, data) != len(data):
        os.ftruncate(handle, size)
        raise OSError(errno.ENOSPC, "only part of it was written")
    os.fsync(handle)


def write_whole(path: Path, data: bytes, *, private: bool = True) -> None:
    """The bytes as a file, on the disk in full before it takes its name, over an older one if need be."""
    write_all({path: data}, private=private)


def write_all(contents: Mapping[Path, bytes], *, private: bool = True) -> None:
    """As `write_whole`, files of one folder: none takes its name before all are on the disk."""
    with tempfile.TemporaryDirectory(
        prefix=_UNFINISHED, dir=next(iter(contents)).parent, ignore_cleanup_errors=True
    ) as unfinished:
        mode = 0o600 if private else 0o666
        for path, data in contents.items():
            opened = os.open(Path(unfinished) / path.name, os.O_WRONLY | os.O_CREAT | BINARY, mode)
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        new: list[Path] = []
        try:
            for path in contents:
                was_there = path.exists()
                moved(Path(unfinished) / path.name, path)
                new += [] if was_there else [path]
        except OSError:
            # None of them, rather than some.
            for path in new:
                path.unlink(missing_ok=True)
            raise


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A private folder to write into that becomes `out` when the block ends well and vanishes when it does not.

    `out` may be there when it is empty. Every file in it is private, and on the disk before the folder takes its name.
    """
    out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_abandoned(out.parent)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=out.parent))
    try:
        with _being_written(folder):
            yield folder
        _seal(folder)
        if out.exists():
            # Not every system moves a folder onto an empty one.
            out.rmdir()
        moved(folder, out)
        sync(out.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path, prefix: str = _UNFINISHED) -> None:
    """What a killed run left holds pupils' data, and goes at the next run.

    Who is still writing holds the lock in its folder; a folder without one goes when it is a day old, for no run takes
    a day.
    """
    for left in parent.glob(f"{prefix}*"):
        with suppress(OSError):
            if _is_abandoned(left):
                shutil.rmtree(left)


@contextmanager
def _being_written(folder: Path) -> Iterator[None]:
    """For as long as the block takes the folder says that somebody writes into it."""
    mark = folder / _MARK
    handle = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with locked(handle):
            yield
    finally:
        os.close(handle)
        mark.unlink(missing_ok=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        handle = os.open(folder / _MARK, os.O_RDWR)
    except OSError:
        return time.time() - folder.lstat().st_mtime > _ABANDONED_AFTER_SECONDS
    try:
        with locked(handle, wait=False):
            return True
    except OSError:
        return False
    finally:
        os.close(handle)


def _seal(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        sync(path)
    sync(folder)
