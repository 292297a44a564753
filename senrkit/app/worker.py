"""The process in which the dashboard's work is done: reads requests on stdin, answers on stdout, one JSON a line.

It is a process of its own so that the page never freezes, a canceled run ends at once, and the memory of a large run
goes back to the system. It ends when its dashboard does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from senrkit.errors import OutOfMemory, SenrkitError
from senrkit.fault_log import record_fault


class WireProgress:
    """Sends each step of the engine on to the page."""

    def __init__(self, wire: TextIO) -> None:
        self._wire = wire

    def step(self, text: str, total: int | None = None) -> None:
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
    for request in requests:
        write(wire, _answer(jobs.JOBS, request, wire))


def write(wire: TextIO, message: dict[str, Any]) -> None:
    """One message, at once."""
    wire.write(json.dumps(message) + "\n")
    wire.flush()


def _answer(jobs: Mapping[str, Any], request: dict[str, Any], wire: TextIO) -> dict[str, Any]:
    log_folder = Path(request["log_folder"])
    try:
        return {"done": jobs[request["job"]](WireProgress(wire), **request["given"])}
    except SenrkitError as error:
        return {"refused": error.message, "cure": error.cure}
    except MemoryError:
        error = OutOfMemory()
        return {"refused": error.message, "cure": error.cure}
    except Exception as fault:  # noqa: BLE001 - the page gets a reference number, the log the trace
        reference, _ = record_fault(fault, log_folder if log_folder.is_dir() else None)
        return {"fault": reference}


def _requests() -> Iterator[dict[str, Any]]:
    """Requests as they come. A thread reads them, so that the end of the dashboard ends a run that is under way."""
    arrived: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            arrived.put(line)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=read, daemon=True, name="senrkit-requests").start()
    while True:
        yield json.loads(arrived.get())


def _leave(*_: object) -> None:
    # As an exception, so that a run under way removes its unfinished folder.
    raise SystemExit(0)


if __name__ == "__main__":
    main()
