"""Processes: work that is watched from outside, for what the system ends can say nothing any more."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from senrkit.system.computer import IS_LINUX

# Rust's libraries print no trace; numpy's takes no memory for threads that senrkit does not use.
_FRUGAL = {"RUST_BACKTRACE": "0", "OPENBLAS_NUM_THREADS": "1"}
_CRASHES = {"SIGABRT", "SIGSEGV", "SIGBUS", "SIGKILL"}
# Linux ends a process by it when the one that made it ends (prctl).
_PR_SET_PDEATHSIG = 1
# A thread that got no memory may leave the others waiting for it for ever. Work that has used up what it may have, and
# then does nothing at all for so long, is taken for that.
_USED_UP, _STUCK_SECONDS, _LOOK_EVERY_SECONDS = 0.98, 30, 1.0


def watched(work: Callable[[], int], crashed: Callable[[], int]) -> int:
    """The exit code of the work, which is done in a process of its own; or of `crashed`, where the system ended that.

    The work says what it has to say on `sys.stderr`; what libraries write there past it is not shown.

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
        _hush_libraries()
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


def _hush_libraries() -> None:
    """What a library writes by itself, before it ends the process or beside what it raises, is for nobody.

    A panic or a trace tells a person nothing, and may quote a row.
    """
    if sys.stderr is None:
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", 1, encoding=sys.stderr.encoding, errors="replace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # Libraries in Rust and C have Python print what they cannot raise. What the work raises, the work tells.
    sys.excepthook = sys.unraisablehook = threading.excepthook = lambda *_: None


def _waited_for(child: int) -> int:
    """Its exit code, or the number of the signal that ended it, negative. Ctrl-C it hears itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    if IS_LINUX:
        # Some builds of Python do not have what this stands on, and some containers forbid it.
        with suppress(OSError, AttributeError):
            _end_when_stuck(child)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _end_when_stuck(child: int) -> None:
    """Return when the child has ended; end it when it waits for memory that it will not get."""
    import resource
    import select

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return
    ended, worked, since = os.pidfd_open(child), [], time.monotonic()
    while not select.select([ended], [], [], _LOOK_EVERY_SECONDS)[0]:
        if _most_memory(child) < limit * _USED_UP:
            continue
        # In clock ticks, of all its threads: the 14th and 15th field, behind a name that may hold blanks.
        now = Path(f"/proc/{child}/stat").read_text("utf-8").rpartition(")")[2].split()[11:13]
        if now != worked:
            worked, since = now, time.monotonic()
        elif time.monotonic() - since > _STUCK_SECONDS:
            os.kill(child, signal.SIGKILL)
    os.close(ended)


def _most_memory(process: int) -> int:
    """The most addresses that it ever held, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmPeak:")), 0)


def _end_with(parent: int) -> None:
    """End when the parent does, however it ends."""
    if IS_LINUX:
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGKILL)
