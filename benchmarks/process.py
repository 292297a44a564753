"""One process, measured from outside: wall clock, CPU seconds, and the most memory that it and its children held."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTENDERS = "benchmarks.contenders"
# ru_maxrss counts KiB on Linux and bytes on macOS.
_RSS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
# Done, and done with students held.
_DONE = (0, 5)
_LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True)
class Turn:
    """What one process took.

    Attributes
    ----------
    seconds
        Wall clock, from the start of the process to its end; or what a contender says it took itself.
    cpu
        CPU seconds of the process and its children, user and system.
    mib
        Peak memory of the process, or of it and its children together when it has any.
    said
        The JSON object that a contender prints.
    failed
        How the process ended when it did not end well; blank otherwise.
    """

    seconds: float
    cpu: float
    mib: float
    said: dict[str, Any] = field(default_factory=dict)
    failed: str = ""


def measure(words: Sequence[str], *, python: str = sys.executable, done: Sequence[int] = _DONE) -> Turn:
    """Run `python -m words…` from the root of the repository to its end."""
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        child = subprocess.Popen([python, "-m", *words], stdout=out, cwd=ROOT, env=_environment())
        with _Family(child.pid) as family:
            _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    cpu, mib = used.ru_utime + used.ru_stime, max(used.ru_maxrss / _RSS_PER_MIB, family.mib)
    if child.returncode not in done:
        return Turn(seconds, cpu, mib, failed=_ending(child.returncode))
    own = json.loads(said) if words[0] == CONTENDERS else {}
    return Turn(own.pop("seconds", seconds), cpu, mib, own)


def _environment() -> dict[str, str]:
    # As people have it: Python keeps what it has compiled, so that only the first turn has to compile.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def make(what: str, *how: object) -> dict[str, Any]:
    """Something made before the measuring, by a contender.

    Not in this process: the memory that it has once used would count for every child of it.

    Raises
    ------
    RuntimeError
        when it could not be made.
    """
    turn = measure((CONTENDERS, what, *map(str, how)))
    if turn.failed:
        raise RuntimeError(f"{what} {turn.failed}.")
    return turn.said


def figure(turns: Sequence[Turn]) -> dict[str, Any]:
    """The turns of one contender as they are kept: the best one counts, whatever else the machine does is noise.

    `{"failed": …}` when a turn failed: a best of the others would hide it.
    """
    failed = next((turn.failed for turn in turns if turn.failed), "")
    if failed:
        return {"failed": failed}
    best = min(turns, key=lambda turn: turn.seconds)
    return {
        "seconds": round(best.seconds, 4),
        "median": round(statistics.median(turn.seconds for turn in turns), 4),
        "slowest": round(max(turn.seconds for turn in turns), 4),
        "cpu": round(min(turn.cpu for turn in turns), 3),
        "mib": round(min(turn.mib for turn in turns), 1),
    } | ({"said": best.said} if best.said else {})


def machine() -> dict[str, Any]:
    """What the figures depend on, without the machine's name."""
    import platform

    import psutil

    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }


class _Family:
    """Looks at a process and its children now and then, and keeps the most memory that they held together."""

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Family:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        import psutil

        while not self._over.wait(_LOOK_EVERY_SECONDS):
            try:
                head = psutil.Process(self._pid)
                children = head.children(recursive=True)
                if children:
                    held = sum(one.memory_info().rss for one in (head, *children))
                    self.mib = max(self.mib, held / 2**20)
            except psutil.Error:
                continue  # one of them has just ended


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
