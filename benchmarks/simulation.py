"""How a state of LEAs spreads over workers: pure arithmetic on figures that were measured elsewhere."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

# The 25 largest districts of 2019-20 as the California Department of Education lists them (CalEdFacts, "Largest &
# Smallest Public School Districts"). Falling evenly on a logarithmic scale from there to the smallest, with 16 pupils,
# the sum over that list's thousand districts comes within 3% of the state's 6.16 million pupils.
_LARGEST = (
    *(596_937, 122_916, 73_381, 72_002, 64_480, 61_031, 53_037, 52_794, 52_557, 50_820, 50_124, 49_588, 46_657),
    *(43_654, 41_679, 41_617, 41_451, 41_423, 39_904, 36_586, 36_177, 36_160, 35_431, 33_008, 32_299),
)
_SMALLEST = 16


@dataclass(frozen=True)
class Costs:
    """What was measured.

    Attributes
    ----------
    lea_seconds, row_seconds
        Of one LEA on a worker with one core: whatever its size, and for each state row.
    start_seconds
        From the start of the command until the first LEA is begun, and from the last to the summary.
    task_seconds
        The scheduler's own, for each LEA, one after the other.
    gap_seconds
        A worker's, between two LEAs.
    row_bytes
        What is read for each state row: extract and Aeries.
    """

    lea_seconds: float
    row_seconds: float
    start_seconds: float
    task_seconds: float
    gap_seconds: float
    row_bytes: float

    def seconds(self, rows: int) -> float:
        """Of one LEA with so many state rows."""
        return self.lea_seconds + self.row_seconds * rows


@dataclass(frozen=True)
class Point:
    """A number of workers: how long the state takes, how much of the workers' time is work, bytes read a second."""

    workers: int
    seconds: float
    efficiency: float
    bytes_per_second: float


def pupils_like_california(leas: int) -> list[int]:
    """Pupils of each LEA, largest first: the real 25 largest, then an even fall on a logarithmic scale."""
    head, rest = list(_LARGEST[:leas]), max(0, leas - len(_LARGEST))
    fall = math.log(_SMALLEST / _LARGEST[-1])
    return head + [round(_LARGEST[-1] * math.exp(fall * (rank + 1) / rest)) for rank in range(rest)]


def rows_like_california(leas: int, rows: int) -> list[int]:
    """State rows of each LEA, largest first, that add up to about `rows`."""
    pupils = pupils_like_california(leas)
    return [max(1, round(one * rows / sum(pupils))) for one in pupils]


def list_schedule(seconds: Sequence[float], workers: int) -> float:
    """When the last task ends if the longest goes first and whoever is free takes the next."""
    free = [0.0] * min(workers, max(1, len(seconds)))
    for one in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def point(rows: Sequence[int], costs: Costs, workers: int, storage: float = math.inf) -> Point:
    """The state on so many workers, whose shared storage gives `storage` bytes a second.

    The longest of three counts, after the start: the workers' schedule, the scheduler's work task by task, and reading
    everything at the storage's speed.
    """
    work = [costs.seconds(one) for one in rows]
    read = sum(rows) * costs.row_bytes
    busy = max(
        list_schedule([one + costs.gap_seconds for one in work], workers),
        len(rows) * costs.task_seconds,
        read / storage,
    )
    seconds = costs.start_seconds + busy
    return Point(workers, seconds, sum(work) / (seconds * workers), read / busy)


def enough_workers(rows: Sequence[int], costs: Costs, tolerance: float = 0.05) -> int:
    """The fewest workers whose time is within `tolerance` of the time on as many workers as LEAs."""
    least = point(rows, costs, len(rows)).seconds
    low, high = 1, len(rows)
    while low < high:
        middle = (low + high) // 2
        enough = point(rows, costs, middle).seconds <= least * (1 + tolerance)
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def interpolated(known: Sequence[tuple[int, float]], rows: int) -> float:
    """A straight line between two known sizes; beyond the largest, and below the smallest, the nearest two go on."""
    known = sorted(known)
    if len(known) == 1:
        return known[0][1]
    at = min(max(1, sum(size <= rows for size, _ in known)), len(known) - 1)
    (size, value), (next_size, next_value) = known[at - 1], known[at]
    return value + (rows - size) * (next_value - value) / (next_size - size)
