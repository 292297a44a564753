"""Many LEAs: single runs, then `senrkit batch` on a real Dask scheduler, with a worker killed, and locally.

`python -m benchmarks.batch` from the root of the repository; see `benchmarks/README.md`. What every engine wrote is
compared with the single runs byte for byte.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks import data, history
from benchmarks.cluster import a_worker_killed, cluster, milliseconds_per_task
from benchmarks.process import CONTENDERS, Turn, measure
from benchmarks.sizes import Size, size_of
from benchmarks.tables import markdown

# A batch of which some LEA failed is compared too, and found different.
_ENDED = (0, 1, 3, 4, 5)
_TABLES = ("proposal.csv", "findings.csv", "left_out.csv")
# Far enough that every worker is in the middle of its work.
_KILL_AFTER = 1 / 3


def main() -> None:
    """Make the LEAs when they are not there, run them every way, compare, print, keep."""
    asked = _arguments()
    asked.data.mkdir(parents=True, exist_ok=True)
    source = data.leas(asked.data, asked.leas, asked.rows)
    call = history.circumstances(history.BATCH) | {"leas": asked.leas, "state_rows": asked.rows.state_rows}
    with tempfile.TemporaryDirectory(dir=asked.data) as scratch:
        call |= measured(source, Path(scratch), asked)
    history.append(call, asked.history)
    print(report(call))
    if not all(way["equal"] for way in call["ways"]):
        sys.exit("Not every way wrote the same bytes as the single runs.")
    if asked.kill and not any(way["killed"] for way in call["ways"]):
        sys.exit("No worker was killed: the batch was over too soon. Ask for more or larger LEAs.")


def measured(source: Path, scratch: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """What every way took, and whether it wrote what the single runs wrote."""
    _say("single runs")
    alone = scratch / "single"
    turn = measure((CONTENDERS, "single_runs", str(source), str(alone)))
    _stop_when_failed("the single runs", turn)
    single = {"seconds": round(turn.seconds, 2), "cpu": round(turn.cpu, 2)}
    single |= _spread(turn.said["lea_seconds"]) | {"peak_mib": round(max(turn.said["lea_mib"]))}

    def way(name: str, *how: str, killing: Callable[[Path], Any] | None = None) -> dict[str, Any]:
        _say(name)
        out = scratch / name.replace(" ", "_")
        with killing(out) if killing else nullcontext([]) as killed:
            turn = measure(_batch(source, out, *how), done=_ENDED)
        found = of_batch(_document(out, name, turn), turn)
        different = different_files(alone, out / "runs")
        return {"name": name, "equal": not different, "different": len(different), "killed": len(killed)} | found

    with cluster(asked.workers) as address:
        _say("the scheduler alone")
        task_ms = milliseconds_per_task(address)
        one = scratch / "one"
        turn = measure(_batch(_first(source), one, "--scheduler", address), done=_ENDED)
        start = turn.seconds - of_batch(_document(one, "a batch of one LEA", turn), turn)["lea_seconds"]
        ways = [way("scheduler", "--scheduler", address)]
    if asked.kill:
        # A cluster of its own: a restarted worker has to load everything again.
        with cluster(asked.workers) as address:

            def killing(out: Path) -> Any:
                return a_worker_killed(address, lambda: finished(out) >= asked.leas * _KILL_AFTER)

            ways.append(way("scheduler, one worker killed", "--scheduler", address, killing=killing))
    ways += [way("local processes"), way("local cluster", "--workers", str(asked.workers))]
    return {
        "workers": asked.workers,
        "single": single,
        "task_ms": round(task_ms, 2),
        "start_seconds": round(start, 2),
        "ways": ways,
    }


def of_batch(document: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """What is kept of one `batch.json` and of its command."""
    ran = [lea for lea in document["leas"] if lea["seconds"] is not None]
    seconds = [lea["seconds"] for lea in ran]
    return {
        "seconds": round(turn.seconds, 2),
        "states": {state: count for state, count in document["states"].items() if count},
        "attempts": sum(lea["attempts"] for lea in document["leas"]),
        "workers": document["workers"],
        "lea_seconds": round(sum(seconds), 2),
        **_spread(seconds),
        "overhead_per_lea": round((turn.seconds * document["workers"] - sum(seconds)) / max(1, len(ran)), 3),
        "peak_mib": max((lea["peak_mib"] or 0 for lea in ran), default=0),
    }


def different_files(one: Path, other: Path) -> list[str]:
    """Submission files and tables that are not the same bytes in both, or are missing in one; relative names."""
    names = _outputs(one) | _outputs(other)
    return sorted(
        str(name)
        for name in names
        if not (one / name).is_file()
        or not (other / name).is_file()
        or not filecmp.cmp(one / name, other / name, shallow=False)
    )


def finished(out: Path) -> int:
    """How many LEAs have their run folder."""
    return sum(1 for _ in out.glob("runs/[0-9]*/manifest.json"))


def report(call: Mapping[str, Any]) -> str:
    """The call as Markdown."""
    leas, size, single = call["leas"], Size(call["state_rows"]), call["single"]
    rows = [
        (
            "`senrkit.run`, one after the other",
            "",
            f"{single['seconds']:.1f}",
            f"{single['median']:.2f}",
            f"{single['p95']:.2f}",
            "",
            "",
            f"{single['peak_mib']:,}",
        )
    ]
    for way in call["ways"]:
        states = ", ".join(f"{count} {state}" for state, count in way["states"].items())
        rows.append(
            (
                f"`senrkit batch`: {way['name']} ({states})",
                "yes" if way["equal"] else f"no: {way['different']} files",
                f"{way['seconds']:.1f}",
                f"{way['median']:.2f}",
                f"{way['p95']:.2f}",
                way["attempts"],
                f"{way['overhead_per_lea']:.2f}",
                f"{way['peak_mib']:,}",
            )
        )
    headings = (
        "",
        "same bytes",
        "wall s",
        "median s an LEA",
        "p95",
        "attempts",
        "overhead s an LEA",
        "peak MiB a worker",
    )
    return "\n\n".join(
        (
            f"{leas} LEAs of {size.state_rows:,} state rows, {call['workers']} workers on {call['machine']['cores']} "
            f"cores, commit {call['commit']}.",
            markdown(headings, rows, left=2),
            f"A scheduler's task with nothing to do takes {call['task_ms']:.1f} ms; `senrkit batch --scheduler` of one "
            f"LEA takes {call['start_seconds']:.1f} s beside that LEA. Overhead is wall clock times workers less the "
            "LEAs' own seconds.",
        )
    )


def _outputs(runs: Path) -> set[Path]:
    submitted = (path.relative_to(runs) for path in runs.glob("[0-9]*/submission/*"))
    tables = (path.relative_to(runs) for name in _TABLES for path in runs.glob(f"[0-9]*/{name}"))
    return {*submitted, *tables}


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    if len(seconds) < 2:
        return dict.fromkeys(("median", "p95"), round(sum(seconds), 3))
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return {"median": round(statistics.median(seconds), 3), "p95": round(p95, 3)}


def _first(source: Path) -> Path:
    """The first LEA's own folder: a batch of one."""
    return min(source.glob("*/senrkit.toml")).parent


def _batch(source: Path, out: Path, *how: str) -> tuple[str, ...]:
    return ("senrkit", "batch", str(source), "--out", str(out), "--quiet", *how)


def _document(out: Path, what: str, turn: Turn) -> dict[str, Any]:
    """The batch's own document; what went wrong in it is said."""
    _stop_when_failed(what, turn)
    document = json.loads((out / "batch.json").read_text(encoding="utf-8"))
    for lea in document["leas"]:
        if lea["message"]:
            _say(f"{what}, {lea['lea']}: {lea['state']}. {lea['message']}")
    return document


def _stop_when_failed(what: str, turn: Turn) -> None:
    if turn.failed:
        sys.exit(f"{what} {turn.failed}.")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.batch")
    parser.add_argument("--leas", type=int, default=100, help="how many LEAs (default 100)")
    parser.add_argument("--rows", type=size_of, default=Size(20_000), help="state rows of each (default 20000)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")
    parser.add_argument("--kill", action="store_true", help="once more, with one worker killed on the way")
    parser.add_argument("--data", type=Path, default=data.DATA, help="where the made LEAs are kept")
    parser.add_argument("--history", type=Path, default=history.HISTORY, help="the file to which the figures are added")
    return parser.parse_args()


if __name__ == "__main__":
    main()
