"""Files: locks between programs, what is on the disk, and what a system means by refusing a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Windows keeps others from reading a locked byte: lock one that no file of ours will ever have.
_FAR_BYTE = 1 << 40
# Longer paths need a setting of Windows that few computers have.
_LONGEST_ON_WINDOWS = 259
# "The process cannot access the file because it is being used by another process", and a part of it.
_SHARING_VIOLATIONS = {32, 33}

# What `os.open` needs besides, so that no line end is rewritten.
BINARY = getattr(os, "O_BINARY", 0)


@contextmanager
def locked(handle: int, *, wait: bool = True) -> Iterator[None]:
    """Wait for the file to be free, then keep it for the time of the block.

    Without `wait`, an `OSError` says that another program has it.
    """
    if os.name == "nt":
        import msvcrt

        os.lseek(handle, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        try:
            yield
        finally:
            os.lseek(handle, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def sync(path: Path) -> None:
    """The file or folder is on the disk. Windows opens no folders, and syncs no file that is open for reading only."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def why(error: OSError, path: Path | None = None) -> str:
    """What the system says of a file that cannot be read or written, and what it usually means by it."""
    if getattr(error, "winerror", None) in _SHARING_VIOLATIONS or error.errno == errno.EBUSY:
        return "another program has it open, such as Excel"
    said = os.strerror(error.errno or errno.EIO)
    if os.name == "nt" and path is not None and len(str(path)) > _LONGEST_ON_WINDOWS:
        return f"{said}; its path is longer than Windows usually takes"
    if error.errno == errno.EACCES:
        return f"{said}; perhaps another program has it open, such as Excel"
    return said
