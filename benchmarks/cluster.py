"""A real Dask scheduler and real workers as processes of their own on 127.0.0.1, and one worker that dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

_PATIENCE_SECONDS = 60
_LOOK_EVERY_SECONDS = 0.02
_NOTHING_TO_DO = 1_000


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """The scheduler's address while it runs with that many workers, one thread each, every one with its nanny."""
    from distributed import Client

    with tempfile.TemporaryDirectory(prefix="senrkit-benchmark-") as folder:
        named = Path(folder) / "scheduler.json"
        logs = (Path(folder) / "log.txt").open("wb")
        common = ("--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(named))
        started = [_start(logs, "scheduler", *common, "--port", "0")]
        try:
            for number in range(workers):
                local = Path(folder) / f"worker{number}"
                started.append(_start(logs, "worker", *common, "--nthreads", "1", "--local-directory", str(local)))
            address = _address(named, started[0])
            with Client(address, timeout=_PATIENCE_SECONDS) as client:
                client.wait_for_workers(workers, timeout=_PATIENCE_SECONDS)
            yield address
        finally:
            # Workers first: without their scheduler they would wait for it to come back.
            for process in reversed(started):
                process.terminate()
                process.wait()
            logs.close()


def milliseconds_per_task(address: str) -> float:
    """What the scheduler takes for a task with nothing to do."""
    from distributed import Client

    with Client(address) as client:
        client.gather(client.map(abs, range(8), pure=False))
        began = time.perf_counter()
        client.gather(client.map(abs, range(_NOTHING_TO_DO), pure=False))
        return (time.perf_counter() - began) / _NOTHING_TO_DO * 1000


@contextmanager
def a_worker_killed(address: str, when: Callable[[], bool]) -> Iterator[list[int]]:
    """While the block runs, SIGKILL a worker that is at work as soon as `when()` holds. Yields whom it has killed."""
    killed: list[int] = []
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(address, when, over, killed), daemon=True)
    watching.start()
    try:
        yield killed
    finally:
        over.set()
        watching.join()


def _watch(address: str, when: Callable[[], bool], over: threading.Event, killed: list[int]) -> None:
    from distributed import Client

    with Client(address) as client:
        processes = client.run(os.getpid)
        while not over.wait(_LOOK_EVERY_SECONDS):
            if when() and (busy := _busy(client)):
                killed.append(processes[busy])
                os.kill(killed[0], signal.SIGKILL)
                return


def _busy(client: Client) -> str:
    """A worker that has something to do; blank when there is none."""
    return next((worker for worker, keys in client.processing().items() if keys), "")


def _start(logs: Any, what: str, *words: str) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "dask", what, *words)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=logs, stderr=logs)


def _address(named: Path, scheduler: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and scheduler.poll() is None:
        try:
            return json.loads(named.read_text())["address"]
        except (OSError, ValueError):
            time.sleep(_LOOK_EVERY_SECONDS)
    raise RuntimeError("The Dask scheduler did not start.")
