"""Time and memory of senrkit on a large district, beside what merely reading the same file takes.

`python -m benchmarks.run` from the root of the repository prints a table in Markdown; see `benchmarks/README.md`.
Everything compared is measured in the same call, turn by turn, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data"
DEMO_STUDENTS, SUBMITTED = 2_000, 100_000
SCHOOLS, ACTIONS = 120, 20_000
PREDICTING = "predicting"
_DONE = (0, 5)
# ru_maxrss counts KiB on Linux and bytes on macOS.
_RSS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10


@dataclass
class Measured:
    """The best of several turns: least seconds, least peak memory."""

    seconds: float = float("inf")
    mib: float = float("inf")
    stages: dict[str, float] = field(default_factory=dict)

    def add(self, seconds: float, mib: float, stages: dict[str, float]) -> None:
        """One more turn."""
        if seconds < self.seconds:
            self.seconds, self.stages = seconds, stages
        self.mib = min(self.mib, mib)


def main() -> None:
    """Make the data when it is not there, measure in turns, print."""
    asked = _arguments()
    large = _large(asked.state_rows, asked.enr_rows)
    submitted = _submitted(large)
    with tempfile.TemporaryDirectory(dir=DATA) as scratch:
        jobs = _jobs(large, submitted, Path(scratch))
        found = {name: Measured() for name in jobs}
        for _ in range(asked.turns):
            for name, job in jobs.items():
                found[name].add(*_turn(job(), Path(scratch)))
    print(_machine())
    print(_table(found, asked))
    print(_stage_table(found["stages"].stages))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3, help="how often each is measured; the best counts (default 3)")
    parser.add_argument("--state-rows", type=int, default=2_000_000, help="rows of the extract (default 2,000,000)")
    parser.add_argument("--enr-rows", type=int, default=250_000, help="ENR rows of the year (default 250,000)")
    return parser.parse_args()


def _large(state_rows: int, enr_rows: int) -> Path:
    """The settings file of the large district, made once."""
    folder = DATA / f"large_{state_rows}_{enr_rows}"
    settings = folder / "senrkit.toml"
    if not settings.is_file():
        _make("make_large", folder, state_rows, enr_rows)
    return settings


def _make(what: str, *how: object) -> None:
    # Not in this process: the memory that it has once used would count for every child of it.
    words = (sys.executable, "-m", "benchmarks.contenders", what, *map(str, how))
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _submitted(large: Path) -> Path:
    """A submission file of the extract's last rows, as a vendor might write it."""
    file = large.parent / f"SENR_{SUBMITTED}.txt"
    if not file.is_file():
        _make("make_submitted", large.parent / "SENR_ODS.txt", SUBMITTED, file)
    return file


def _jobs(large: Path, submitted: Path, scratch: Path) -> dict[str, Callable[[], Sequence[str]]]:
    """Name to the arguments after `python -m`, made anew each turn because a run folder is used once."""
    extract = str(large.parent / "SENR_ODS.txt")
    small = scratch / "small"
    notebook = ("senrkit", "notebook", "--quiet", "scheduled_run", "-r", "settings")
    demo = ("demo", "--quiet", "--students", str(DEMO_STUDENTS), "--as-of", "2026-11-23")

    def fresh(name: str) -> str:
        shutil.rmtree(scratch / name, ignore_errors=True)
        return str(scratch / name)

    def run(settings_file: Path, out: str) -> Sequence[str]:
        return ("senrkit", "run", "--quiet", "--settings", str(settings_file), "--out", out)

    return {
        "floor": lambda: ("benchmarks.contenders", "floor", extract),
        "run": lambda: run(large, fresh("run")),
        "stages": lambda: ("benchmarks.contenders", "stages", str(large), fresh("stages")),
        "charts": lambda: ("benchmarks.contenders", "charts", str(scratch / "run"), str(SCHOOLS), str(ACTIONS)),
        "demo": lambda: ("senrkit", *demo, fresh("small")),
        "small run": lambda: run(small / "senrkit.toml", fresh("out")),
        "notebook": lambda: (*notebook, str(small / "senrkit.toml")),
        "pandas": lambda: ("benchmarks.contenders", "pandas_text", str(submitted)),
        "validate": lambda: ("senrkit", "validate", "--quiet", str(submitted)),
        "help": lambda: ("senrkit", "--help"),
    }


def _turn(arguments: Sequence[str], scratch: Path) -> tuple[float, float, dict[str, float]]:
    """Seconds, peak MiB and stages of one process. A contender's own clock goes before that of its process."""
    said = scratch / "said.txt"
    with said.open("wb") as out:
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-m", *arguments], stdout=out, cwd=ROOT)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in _DONE and arguments[1] != "validate":
        sys.exit(f"{' '.join(arguments[:2])} ended with exit code {child.returncode}.")
    own = json.loads(said.read_text()) if arguments[0] == "benchmarks.contenders" else {}
    return own.get("seconds", seconds), used.ru_maxrss / _RSS_PER_MIB, own.get("stages", {})


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("pandas", "pyarrow", "numpy"))
    return f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}, {packages}.\n"


def _table(found: dict[str, Measured], asked: argparse.Namespace) -> str:
    floor, pandas = found["floor"], found["pandas"]
    prediction = sum(seconds for text, seconds in found["stages"].stages.items() if text.startswith(PREDICTING))
    rest = found["stages"].seconds - prediction
    beside = Measured(found["notebook"].seconds - found["small run"].seconds, found["notebook"].mib)
    slowest = next(iter(found["charts"].stages)).removeprefix("chart ")
    sizes = f"{asked.state_rows:,} state rows, {asked.enr_rows:,} ENR rows"
    rows = [
        (f"pyarrow.csv reads the extract ({sizes})", floor, "1", ""),
        ("`senrkit run`, from start to zip", found["run"], _times(found["run"], floor), "4 times, 4,096 MiB"),
        ("prediction, beside the rest of the run", Measured(prediction), f"{prediction / rest:.2f}", "0.5"),
        (f"`senrkit demo --students {DEMO_STUDENTS}`", found["demo"], "", "5 s"),
        ("`senrkit run` on that demo", found["small run"], "", "2 s"),
        ("a notebook that makes this run, beside the run itself", beside, "", "6 s"),
        (f"slowest chart for {SCHOOLS} schools, {ACTIONS:,} actions ({slowest})", found["charts"], "", "1 s"),
        (f"pandas reads a submission file of {SUBMITTED:,} rows", pandas, "1", ""),
        ("`senrkit validate` of that file", found["validate"], _times(found["validate"], pandas), "10 times"),
        ("`senrkit --help`", found["help"], "", "0.3 s"),
    ]
    lines = ["| what | seconds | ratio | peak MiB | aim |", "| --- | ---: | ---: | ---: | --- |"]
    for what, measured, ratio, aim in rows:
        peak = f"{measured.mib:,.0f}" if measured.mib < float("inf") else ""
        lines.append(f"| {what} | {measured.seconds:.2f} | {ratio} | {peak} | {aim} |")
    return "\n".join(lines) + "\n"


def _times(measured: Measured, floor: Measured) -> str:
    return f"{measured.seconds / floor.seconds:.1f}"


def _stage_table(stages: dict[str, float]) -> str:
    rows = [f"| {text} | {seconds:.2f} |" for text, seconds in stages.items()]
    return "\n".join(["| stage of the large run | seconds |", "| --- | ---: |", *rows])


if __name__ == "__main__":
    main()
