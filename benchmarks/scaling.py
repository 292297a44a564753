"""What the state costs on N workers, simulated from the measured history.

`python -m benchmarks.scaling` prints it; `--write-page` writes it into `docs/scaling.md`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import history
from benchmarks.process import ROOT
from benchmarks.simulation import (
    Costs,
    Point,
    enough_workers,
    interpolated,
    point,
    pupils_like_california,
    rows_like_california,
)
from benchmarks.sizes import Size
from benchmarks.tables import markdown, write_between
from benchmarks.targets import at

PAGE = ROOT / "docs" / "scaling.md"
LEAS, ROWS = 1_000, 60_000_000
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Bytes a second of a shared folder behind one network card.
STORAGE = {"1 Gbit/s": 1e9 / 8, "10 Gbit/s": 1e10 / 8}
MEMORY_FOR = (5_000, 50_000, 500_000, 1_000_000, 2_000_000)
_BAR = 40


def costs_of(run: Mapping[str, Any], batch: Mapping[str, Any]) -> Costs:
    """The simulation's figures from a call of `benchmarks.run` and one of `benchmarks.batch`.

    A row costs what it adds in CPU seconds between the smallest and the largest size: one core has to do all of it.
    An LEA's fixed part is what the batch's median LEA took beyond its rows, in a worker that has loaded everything.

    Raises
    ------
    ValueError
        when the run has fewer than two sizes.
    """
    known = sorted((size.state_rows, found["cpu"]) for size, found in _measured(run).items())
    if len(known) < 2:
        raise ValueError("The newest benchmark has fewer than two sizes; run `python -m benchmarks.run`.")
    (small, small_cpu), (large, large_cpu) = known[0], known[-1]
    row = (large_cpu - small_cpu) / (large - small)
    way = next(one for one in batch["ways"] if one["name"] == "scheduler")
    largest = max(run["sizes"], key=lambda one: one["state_rows"])
    return Costs(
        lea_seconds=max(0.0, way["median"] - row * batch["state_rows"]),
        row_seconds=row,
        start_seconds=batch["start_seconds"],
        task_seconds=batch["task_ms"] / 1000,
        gap_seconds=_gap(way, batch),
        row_bytes=(largest["extract_bytes"] + largest["aeries_bytes"]) / largest["state_rows"],
    )


def page_part(run: Mapping[str, Any], batch: Mapping[str, Any]) -> str:
    """Everything on the page that is a number."""
    costs, rows = costs_of(run, batch), rows_like_california(LEAS, ROWS)
    points = [point(rows, costs, workers) for workers in WORKERS]
    parts = (
        _measured_part(run, batch, costs),
        "### Simulated: the state on N workers",
        _spread(rows),
        _workers_table(rows, costs, points),
        _chart(points),
        _where_it_stops(rows, costs),
        "### Memory for one worker, by size of its largest LEA",
        _memory_table(run, rows),
    )
    return "\n\n".join(parts)


def _measured(run: Mapping[str, Any]) -> dict[Size, Mapping[str, Any]]:
    sizes = (Size(one["state_rows"]) for one in run["sizes"])
    return {size: found for size in sizes if (found := at(run, size, "run"))}


def _gap(way: Mapping[str, Any], batch: Mapping[str, Any]) -> float:
    """Between two LEAs a worker waits for so long: the batch's overhead without its start."""
    start = batch["start_seconds"] * way["workers"] / batch["leas"]
    return max(0.0, way["overhead_per_lea"] - start)


def _measured_part(run: Mapping[str, Any], batch: Mapping[str, Any], costs: Costs) -> str:
    sizes = ", ".join(f"{size.state_rows:,}" for size in _measured(run))
    rows = [
        ("a state row, one core", f"{costs.row_seconds * 1e6:.2f} µs", f"CPU seconds of `senrkit run` at {sizes} rows"),
        ("an LEA, whatever its size", f"{costs.lea_seconds:.2f} s", f"median of {batch['leas']} LEAs in the batch"),
        ("a worker between two LEAs", f"{costs.gap_seconds:.2f} s", "the same batch"),
        ("the scheduler, a task", f"{costs.task_seconds * 1000:.1f} ms", "1,000 tasks with nothing to do"),
        ("start and end of the batch", f"{costs.start_seconds:.1f} s", "a batch of one LEA"),
        ("bytes read, a state row", f"{costs.row_bytes:.0f}", "extract and Aeries database"),
    ]
    made = [dt.datetime.fromisoformat(call["made"]) for call in (run, batch)]
    machine = run["machine"]
    sentence = (
        f"On {machine['cores']} cores and {machine['memory_gib']} GiB: single runs on {made[0]:%-d %B %Y} "
        f"(commit {run['commit']}); a batch of {batch['leas']} LEAs with {batch['state_rows']:,} rows each through a "
        f"Dask scheduler with {batch['workers']} workers on {made[1]:%-d %B %Y} (commit {batch['commit']})."
    )
    return f"### Measured\n\n{sentence}\n\n{markdown(('what', 'costs', 'from'), rows, left=1)}"


def _spread(rows: Sequence[int]) -> str:
    under = sum(pupils < 500 for pupils in pupils_like_california(len(rows)))
    return (
        f"{len(rows):,} LEAs with {sum(rows):,} state rows: the largest has {rows[0]:,}, the tenth {rows[9]:,}, the "
        f"middle one {rows[len(rows) // 2]:,}; {under} have fewer than 500 pupils."
    )


def _workers_table(rows: Sequence[int], costs: Costs, points: Sequence[Point]) -> str:
    lines = []
    for one in points:
        behind = [point(rows, costs, one.workers, speed).seconds for speed in STORAGE.values()]
        needed = f"{one.bytes_per_second / 1e6:,.0f}"
        lines.append(
            (one.workers, _time(one.seconds), f"{one.efficiency:.0%}", needed, *(_time(seconds) for seconds in behind))
        )
    headings = ("workers", "time", "workers' time that is work", "MB/s read", *(f"behind {name}" for name in STORAGE))
    return markdown(headings, lines, left=0)


def _chart(points: Sequence[Point]) -> str:
    """Bars of equal scale: how much quicker than one worker."""
    times = {each.workers: points[0].seconds / each.seconds for each in points}
    scale = _BAR / max(times.values())
    lines = [
        f"{workers:>4}  {'#' * max(1, round(quicker * scale)):<{_BAR}} {quicker:>5.1f} x"
        for workers, quicker in times.items()
    ]
    return "\n".join(("```text", "workers: how many times quicker than one", *lines, "```"))


def _where_it_stops(rows: Sequence[int], costs: Costs) -> str:
    enough, longest = enough_workers(rows, costs), costs.seconds(rows[0])
    end = point(rows, costs, enough)
    shares = {
        "the largest LEA, one task": longest,
        "the scheduler's own work": len(rows) * costs.task_seconds,
        **{f"reading everything at {name}": sum(rows) * costs.row_bytes / speed for name, speed in STORAGE.items()},
    }
    table = markdown(("cannot be quicker than", "seconds"), [(what, f"{s:,.0f}") for what, s in shares.items()])
    return (
        f"More than **{enough} workers** gain nothing (within 5%): the time is then {_time(end.seconds)}, of which the "
        f"start is {costs.start_seconds:.0f} s.\n\n{table}"
    )


def _memory_table(run: Mapping[str, Any], rows: Sequence[int]) -> str:
    known = [(size.state_rows, found["mib"]) for size, found in _measured(run).items()]
    lines = [
        (f"{size:,}", f"{interpolated(known, size):,.0f}", _how(size, dict(known)))
        for size in sorted({*MEMORY_FOR, *dict(known), rows[0]})
    ]
    return markdown(("state rows of the LEA", "peak MiB", ""), lines)


def _how(size: int, known: Collection[int]) -> str:
    if size in known:
        return "measured"
    return "interpolated" if min(known) < size < max(known) else "extrapolated"


def _time(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def main() -> None:
    """Print the part, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.scaling")
    parser.add_argument("--write-page", action="store_true", help="write it into docs/scaling.md")
    parser.add_argument("--history", type=Path, default=history.HISTORY, help="the measured figures")
    asked = parser.parse_args()
    calls = history.read(asked.history)
    run, batch = (history.newest(calls, kind) for kind in (history.RUN, history.BATCH))
    if run is None or batch is None:
        parser.error("the history needs a call of benchmarks.run and one of benchmarks.batch")
    part = page_part(run, batch)
    print(part)
    if asked.write_page:
        write_between(PAGE, "scaling", part)


if __name__ == "__main__":
    main()
