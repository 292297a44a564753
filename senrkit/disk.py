"""A lock on an open file that holds between programs, on every system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

# Windows keeps others from reading a locked byte: lock one that no file of ours will ever have.
_FAR_BYTE = 1 << 40


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
