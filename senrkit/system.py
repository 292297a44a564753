"""What differs between operating systems, all of it: elsewhere nobody asks which one this is.

Linux and macOS are POSIX; `nt` is Windows.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POSIX = os.name == "posix"
# Windows keeps others from reading a locked byte: lock one that no file of ours will ever have.
_FAR_BYTE = 1 << 40
# Longer paths need a setting of Windows that few computers have.
_LONGEST_ON_WINDOWS = 259
# "The process cannot access the file because it is being used by another process", and a part of it.
_SHARING_VIOLATIONS = {32, 33}
# Rust's libraries print no trace; numpy's takes no memory for threads that senrkit does not use.
_FRUGAL = {"RUST_BACKTRACE": "0", "OPENBLAS_NUM_THREADS": "1"}
_CRASHES = {"SIGABRT", "SIGSEGV", "SIGBUS", "SIGKILL"}
# Linux ends a process by it when the one that made it ends (prctl).
_PR_SET_PDEATHSIG = 1

# What `os.open` needs besides, so that no line end is rewritten.
BINARY = getattr(os, "O_BINARY", 0)
# How kernels talk: sockets in the file system where there are such, whose names have a greatest length.
KERNEL_TRANSPORT = "ipc" if _POSIX else "tcp"
LONGEST_SOCKET_NAME = 107 if sys.platform == "linux" else 103
IS_LINUX = sys.platform.startswith("linux")


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
    if _POSIX:
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


def is_administrator() -> bool:
    """Whether this is root, as everybody is in a container."""
    return _POSIX and os.geteuid() == 0


def reuse_port(server: socket.socket) -> None:
    """As every server does: a port that was in use a moment ago is free. On Windows it means another thing."""
    if _POSIX:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def private_places() -> Iterator[Path]:
    """Where a private folder may be made, the best first; any of them may not be there."""
    with suppress(OSError):
        yield Path(tempfile.gettempdir()).resolve()
    if _POSIX:
        yield Path("/tmp").resolve()
        with suppress(RuntimeError):
            yield Path.home().resolve()


def is_safe(place: Path) -> bool:
    """Nobody else may move what stands there: the place is this person's or the system's, or has the sticky bit."""
    if not _POSIX:
        # Temporary folders are private there.
        return True
    try:
        known = place.stat()
    except OSError:
        return False
    others_write = known.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return bool(known.st_mode & stat.S_ISVTX or (known.st_uid in (0, os.geteuid()) and not others_write))


def watched(work: Callable[[], int], crashed: Callable[[], int]) -> int:
    """The exit code of the work, which is done in a process of its own; or of `crashed`, where the system ended that.

    A library that gets no memory ends its process, and so does the system when all memory is used: nothing in that
    process can say a word any more. What ends this one ends that one. On Windows, which cannot fork, the work is done
    here.
    """
    if not hasattr(os, "fork"):
        return work()
    parent, (told, tells) = os.getpid(), os.pipe()
    child = os.fork()
    if not child:
        _end_with(parent)
        os.environ.update(_FRUGAL)
        code = 1
        try:
            code = work()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os.write(tells, b".")
            os._exit(code)
    os.close(tells)
    ended = _waited_for(child)
    if os.read(told, 1):
        return ended
    # A library that ends the process itself says so by no signal.
    if ended >= 0 or signal.Signals(-ended).name in _CRASHES:
        return crashed()
    # As if it had hit this process.
    signal.signal(-ended, signal.SIG_DFL)
    os.kill(os.getpid(), -ended)
    return 128 - ended


def _waited_for(child: int) -> int:
    """Its exit code, or the number of the signal that ended it, negative. Ctrl-C it hears itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end_with(parent: int) -> None:
    """End when the parent does, however it ends."""
    if IS_LINUX:
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGKILL)
