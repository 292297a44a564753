"""The process in which the dashboard's work is done: reads requests on stdin, answers on stdout, one JSON a line.

It is a process of its own so that the page never freezes, a canceled run ends at once, and the memory of a large run
goes back to the system. It ends when its page does; but work that lasts it does to its end (`lasting`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from senrkit.app.lasting import Hold
from senrkit.errors import OutOfMemory, SenrkitError
from senrkit.fault_log import record_fault

# How long work that is in the middle of something may take to hear that it is to end.
_LAST_SECONDS = 10


class WireProgress:
    """Sends each step of the engine on to the page, and to the file of work that lasts."""

    def __init__(self, wire: TextIO, hold: Hold | None) -> None:
        self._wire, self._hold = wire, hold

    def step(self, text: str, total: int | None = None) -> None:
        if self._hold is not None:
            self._hold.tell(step=text)
        write(self._wire, {"step": text})

    def advance(self, parts: int = 1) -> None:
        return


def main() -> None:
    """Serve until the dashboard closes the line."""
    # What a library prints must not come between the answers.
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # A library's warning may quote a row of its input.
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, _leave)
    requests = _requests()
    from senrkit.app import jobs

    write(wire, {"ready": True})
    for request, hold in requests:
        answer = _answer(jobs.JOBS, request, WireProgress(wire, hold))
        if hold is not None:
            hold.tell(answer=_without_students(answer))
            hold.release()
        write(wire, answer)


def write(wire: TextIO, message: dict[str, Any]) -> None:
    """One message, at once. Without a page nobody hears it."""
    with contextlib.suppress(BrokenPipeError):
        wire.write(json.dumps(message) + "\n")
        wire.flush()


def _without_students(answer: dict[str, Any]) -> dict[str, Any]:
    """Where the result is, of all that it says."""
    done = answer.get("done")
    return answer if done is None else {"done": done if isinstance(done, str) else done["folder"]}


def _answer(jobs: Mapping[str, Any], request: dict[str, Any], progress: WireProgress) -> dict[str, Any]:
    log_folder = Path(request["log_folder"])
    try:
        return {"done": jobs[request["job"]](progress, **request["given"])}
    except SenrkitError as error:
        return {"refused": error.message, "cure": error.cure}
    except MemoryError:
        error = OutOfMemory()
        return {"refused": error.message, "cure": error.cure}
    except Exception as fault:  # noqa: BLE001 - the page gets a reference number, the log the trace
        reference, _ = record_fault(fault, log_folder if log_folder.is_dir() else None)
        return {"fault": reference}


def _requests() -> Iterator[tuple[dict[str, Any], Hold | None]]:
    """Requests as they come. A thread reads them, so that the end of the page ends work that does not last."""
    arrived: SimpleQueue[tuple[dict[str, Any], Hold | None]] = SimpleQueue()

    def read() -> None:
        hold = None
        for line in sys.stdin:
            request = json.loads(line)
            # At once: until then a page that looks for work takes it for dead.
            hold = Hold(Path(request["lasting"])) if request["lasting"] else None
            arrived.put((request, hold))
        if hold is not None:
            hold.outlast()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=read, daemon=True, name="senrkit-requests").start()
    while True:
        yield arrived.get()


def _leave(*_: object) -> None:
    # As an exception, so that a run under way removes its unfinished folder.
    raise SystemExit(0)


if __name__ == "__main__":
    main()
