"""The computer: who works on it, where private folders can be, and how kernels and servers talk there."""

from __future__ import annotations

import os
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_POSIX = os.name == "posix"

# How kernels talk: sockets in the file system where there are such, whose names have a greatest length.
KERNEL_TRANSPORT = "ipc" if _POSIX else "tcp"
LONGEST_SOCKET_NAME = 107 if sys.platform == "linux" else 103
IS_LINUX = sys.platform.startswith("linux")


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
