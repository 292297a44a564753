"""How much memory an LEA takes: measured while it runs, estimated from its extract, and given back after it."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Any

MIB = 1 << 20
# What an LEA takes beside its extract, and how many times the extract on top (measured: docs/batch.md).
BASE_BYTES, FACTOR = 300 * MIB, 7
_SHARE_OF_FREE = 0.8
_BEAT = 0.02


def side_by_side(leas: int, largest_extract: int) -> int:
    """How many LEAs to run at the same time: as many as there are cores, and as their memory allows; at least one."""
    import psutil
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    # A container may be given less memory than its machine has free.
    free = min(psutil.virtual_memory().available, MEMORY_LIMIT) * _SHARE_OF_FREE
    return max(1, min(leas, CPU_COUNT, int(free // (BASE_BYTES + FACTOR * largest_extract))))


@contextlib.contextmanager
def peak_memory() -> Iterator[dict[str, Any]]:
    """Fills `peak_mib` at the end of the block: the most memory that this process held in it."""
    import psutil

    process, over, found = psutil.Process(), threading.Event(), {"peak_mib": 0}

    def watch() -> None:
        while True:
            found["peak_mib"] = max(found["peak_mib"], round(process.memory_info().rss / MIB))
            if over.wait(_BEAT):
                return

    watcher = threading.Thread(target=watch, name="senrkit-memory", daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def give_back() -> None:
    """Return what the last LEA took to the system: a worker runs many, and its neighbors need the room."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
