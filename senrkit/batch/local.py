"""Worker processes of this machine, by pebble: one that dies takes only its own LEA with it, and is replaced."""

from __future__ import annotations

import dataclasses
import multiprocessing
import queue
from concurrent.futures import Future
from typing import Any

from senrkit.batch.dispatch import Engine, Job, Outcome
from senrkit.batch.worker import run_lea

MIB = 1 << 20
# What an LEA takes beside its extract, and how many times the extract on top (measured: docs/batch.md).
BASE_BYTES, FACTOR = 300 * MIB, 7
_SHARE_OF_FREE = 0.8


def side_by_side(leas: int, largest_extract: int) -> int:
    """How many LEAs to run at the same time: as many as there are cores, and as their memory allows; at least one."""
    import psutil
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    # A container may be given less memory than its machine has free.
    free = min(psutil.virtual_memory().available, MEMORY_LIMIT) * _SHARE_OF_FREE
    return max(1, min(leas, CPU_COUNT, int(free // (BASE_BYTES + FACTOR * largest_extract))))


class Processes(Engine):
    """`count` processes; their places are numbered."""

    name, apart = "processes", False

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: Any = None
        self._over: queue.SimpleQueue[tuple[Job, str, Future]] = queue.SimpleQueue()

    def __enter__(self) -> Processes:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        if kind is None and self._pool.active:
            # Nothing is under way any more, save perhaps a worker that is just being started: stopped in the middle of
            # that, Python would print a traceback of its own.
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()

    def places(self) -> list[str]:
        return [str(number + 1) for number in range(self._count)]

    def start(self, job: Job, place: str) -> None:
        if not self._pool.active:
            # A worker that dies between two LEAs breaks the pool.
            self.__exit__()
            self._open()
        future = self._pool.schedule(run_lea, args=[dataclasses.asdict(job)])
        future.add_done_callback(lambda done: self._over.put((job, place, done)))

    def ended(self, patience: float) -> list[Outcome]:
        try:
            job, place, future = self._over.get(timeout=patience)
        except queue.Empty:
            return []
        # Whatever went wrong outside of `run_lea`, it is the process that is lost: an LEA's own faults are results.
        lost = future.cancelled() or future.exception() is not None
        return [Outcome(job.lea, place, None if lost else future.result())]

    def _open(self) -> None:
        from pebble import ProcessPool

        self._pool = ProcessPool(max_workers=self._count, context=multiprocessing.get_context("spawn"))
