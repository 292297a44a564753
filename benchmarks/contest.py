"""Who is measured, and the turns: every contender once a turn, so that all meet the same weather."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.process import CONTENDERS, Turn, figure, make, measure
from benchmarks.sizes import Size

DEMO_STUDENTS, SUBMITTED = 2_000, 100_000
SCHOOLS, ACTIONS = 120, 20_000
_VALIDATED = (0, 4)


@dataclass(frozen=True)
class Peers:
    """Which peers take part at a size; `datacompy` is the Python of their environment, `None` where there is none."""

    datacompy: Path | None
    merge_and_loop: bool


def of_size(folder: Path, size: Size, peers: Peers, scratch: Path, turns: int) -> dict[str, Any]:
    """Every contender on the district of one size, as `history` keeps it."""
    extract, settings = str(folder / "SENR_ODS.txt"), folder / "senrkit.toml"
    jobs: dict[str, Callable[[], Turn]] = {
        "bytes": partial(measure, (CONTENDERS, "read_bytes", extract)),
        "floor": partial(measure, (CONTENDERS, "floor", extract)),
        "run": lambda: measure(_run(settings, _fresh(scratch / "run"))),
        "stages": lambda: measure((CONTENDERS, "stages", str(settings), _fresh(scratch / "stages"))),
    }
    if peers.datacompy:
        python = str(peers.datacompy)
        for name, contender in {"datacompy": "datacompy", "polars": "plain_polars", "duckdb": "plain_duckdb"}.items():
            jobs[name] = partial(measure, (CONTENDERS, contender, str(folder)), python=python)
    if peers.merge_and_loop:
        jobs["merge and loop"] = partial(
            measure, (CONTENDERS, "merge_and_loop", str(folder), str(scratch / "loop.txt"))
        )
    sides = {"extract_bytes": (folder / "SENR_ODS.txt"), "aeries_bytes": folder / "aeries.db"}
    return {
        "state_rows": size.state_rows,
        "enr_rows": size.enr_rows,
        **{name: path.stat().st_size for name, path in sides.items()},
        "figures": in_turns(jobs, turns),
    }


def of_commands(folder: Path, scratch: Path, turns: int) -> dict[str, Any]:
    """The commands that people meet every day; `folder` is the district for charts and for the file to validate."""
    make("make_run", folder / "senrkit.toml", _fresh(scratch / "charted"))
    submitted = str(data.submitted(folder, SUBMITTED))
    small = scratch / "small"
    demo = ("senrkit", "demo", "--quiet", "--students", str(DEMO_STUDENTS), "--as-of", "2026-11-23")
    notebook = ("senrkit", "notebook", "--quiet", "scheduled_run", "-r", "settings", str(small / "senrkit.toml"))
    charts = (CONTENDERS, "charts", str(scratch / "charted"), str(SCHOOLS), str(ACTIONS))
    jobs: dict[str, Callable[[], Turn]] = {
        "help": partial(measure, ("senrkit", "--help")),
        "demo": lambda: measure((*demo, _fresh(small))),
        "small run": lambda: measure(_run(small / "senrkit.toml", _fresh(scratch / "small_run"))),
        "bare kernel": partial(measure, (CONTENDERS, "bare_kernel")),
        "notebook": partial(measure, notebook),
        "charts": partial(measure, charts),
        "polars": partial(measure, (CONTENDERS, "polars_text", submitted)),
        "validate": partial(measure, ("senrkit", "validate", "--quiet", submitted), done=_VALIDATED),
    }
    return in_turns(jobs, turns)


def in_turns(jobs: Mapping[str, Callable[[], Turn]], turns: int) -> dict[str, Any]:
    """A figure for each job."""
    found: dict[str, list[Turn]] = {name: [] for name in jobs}
    for turn in range(turns):
        for name, job in jobs.items():
            print(f"turn {turn + 1} of {turns}: {name}", file=sys.stderr, flush=True)
            found[name].append(job())
    return {name: figure(taken) for name, taken in found.items()}


def _run(settings: Path, out: str) -> Sequence[str]:
    return ("senrkit", "run", "--quiet", "--settings", str(settings), "--out", out)


def _fresh(folder: Path) -> str:
    # A run folder is used once.
    shutil.rmtree(folder, ignore_errors=True)
    return str(folder)
