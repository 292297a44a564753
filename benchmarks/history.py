"""Every call's figures, one JSON object a line in `history.jsonl`; `python -m benchmarks.history` shows how they went.

A line holds what the figures depend on (day, commit, machine without its name, versions) and every figure.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.process import ROOT, machine
from benchmarks.sizes import Size
from benchmarks.tables import markdown

HISTORY = Path(__file__).resolve().parent / "history.jsonl"
RUN, BATCH = "run", "batch"
_PACKAGES = ("polars", "pyarrow", "pandas", "distributed")


def circumstances(kind: str) -> dict[str, Any]:
    """What the figures of a call that begins now depend on."""
    commit, changed = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return {
        "kind": kind,
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": commit + ("+" if changed else ""),
        "machine": machine(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def append(document: Mapping[str, Any], file: Path = HISTORY) -> None:
    """One more line."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(document) + "\n")


def read(file: Path = HISTORY) -> list[dict[str, Any]]:
    """Every call, oldest first; none when there is no history yet."""
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def newest(calls: Sequence[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    """The last call of that kind."""
    return next((call for call in reversed(calls) if call["kind"] == kind), None)


def table(calls: Sequence[Mapping[str, Any]]) -> str:
    """How `senrkit run` went over time: one line a call and size."""
    rows = [
        (
            call["made"][:10],
            call["commit"],
            call["machine"]["cores"],
            Size(size["state_rows"]).label,
            *_ratios(size["figures"]),
        )
        for call in calls
        if call["kind"] == RUN
        for size in call["sizes"]
    ]
    headings = ("day", "commit", "cores", "state rows", "seconds", "x pyarrow.csv", "peak MiB", "datacompy x", "loop x")
    return markdown(headings, rows, left=2)


def _ratios(figures: Mapping[str, Any]) -> tuple[str, ...]:
    floor, run = figures.get("floor", {}).get("seconds"), figures.get("run", {})
    peers = [figures.get(name, {}).get("seconds") for name in ("datacompy", "merge and loop")]
    if floor is None or "seconds" not in run:
        return (run.get("failed", ""), "", "", "", "")
    times = [f"{taken / floor:.1f}" if taken else "" for taken in (run["seconds"], *peers)]
    return (f"{run['seconds']:.2f}", times[0], f"{run['mib']:,.0f}", *times[1:])


def _git(*words: str) -> str:
    try:
        done = subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.history")
    parser.add_argument(
        "--history", type=Path, default=HISTORY, help="the file that is read (default: the repository's)"
    )
    print(table(read(parser.parse_args().history)))


if __name__ == "__main__":
    main()
