"""What is measured inside a process of its own: `python -m benchmarks.contenders NAME FILE…` prints one JSON object.

Whole commands (`senrkit run`, `senrkit demo`, …) are not here: `benchmarks.run` starts them as a person would.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import peers
from benchmarks.peers import STATE_COLUMNS

if TYPE_CHECKING:
    from senrkit.results.folder import RunFolder

YEAR, FIRST_LEA = 2026, 1_900_001
_READ_BYTES = 1 << 20


def make_large(folder: str, state_rows: str, enr_rows: str) -> dict[str, object]:
    """A large district, written once."""
    from benchmarks.large import make_large as make

    return {"settings": str(make(Path(folder), int(state_rows), int(enr_rows)))}


def make_leas(folder: str, count: str, state_rows: str, enr_rows: str) -> dict[str, object]:
    """As many LEAs, each with a code and a seed of its own in a folder of that name; those that are there are kept."""
    from benchmarks.large import make_large as make

    codes = [f"{FIRST_LEA + number}" for number in range(int(count))]
    missing = [code for code in codes if not (Path(folder) / code / "senrkit.toml").is_file()]
    for code in missing:
        make(Path(folder) / code, int(state_rows), int(enr_rows), seed=int(code), lea=code)
    return {"made": len(missing)}


def make_run(settings_file: str, out: str) -> dict[str, object]:
    """A run folder to draw charts from."""
    from senrkit.engine import run
    from senrkit.settings.settings import load_settings

    return {"exit_code": run(load_settings(Path(settings_file)), out=Path(out)).exit_code}


def single_runs(folder: str, out: str) -> dict[str, object]:
    """Every LEA of the folder by `senrkit.run`, one after the other: seconds and peak MiB of each."""
    from senrkit.engine import run
    from senrkit.settings.settings import load_settings

    seconds, mib = [], []
    for settings_file in sorted(Path(folder).glob("*/senrkit.toml")):
        _peak_mib_since_last_asked()
        began = time.perf_counter()
        run(load_settings(settings_file), out=Path(out) / settings_file.parent.name)
        seconds.append(time.perf_counter() - began)
        mib.append(_peak_mib_since_last_asked())
    return {"lea_seconds": seconds, "lea_mib": mib}


def make_submitted(extract: str, rows: str, file: str) -> dict[str, object]:
    """A submission file of the extract's last rows, as a vendor might write it."""
    with Path(extract).open("rb") as lines:
        last = deque(lines, maxlen=int(rows))
    records = [b"^".join([b"SENR", b"A", *line.rstrip().split(b"^")[2:-2]]) for line in last]
    Path(file).write_bytes(b"\r\n".join(records) + b"\r\n")
    return {"file": file}


def read_bytes(extract: str) -> dict[str, object]:
    """The extract's bytes, read and its lines counted."""
    began = time.perf_counter()
    piece, lines = bytearray(_READ_BYTES), 0
    with Path(extract).open("rb", buffering=0) as file:
        while read := file.readinto(piece):
            lines += piece.count(b"\n", 0, read)
    return {"seconds": time.perf_counter() - began, "lines": lines}


def floor(extract: str) -> dict[str, float]:
    """What a careful program can hardly go below: pyarrow reads the extract as text, in one thread, and does nothing
    with it. The whole process counts, as it does for all others; two threads swing too much on a shared machine."""
    import pyarrow as pa
    import pyarrow.csv

    names = [f"column {number}" for number in range(1, STATE_COLUMNS + 1)]
    pa.csv.read_csv(
        extract,
        pa.csv.ReadOptions(column_names=names, use_threads=False),
        pa.csv.ParseOptions(delimiter="^", quote_char=False),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False),
    )
    return {}


def polars_text(file: str) -> dict[str, float]:
    """Polars reads a submission file as text; the whole process counts."""
    import polars as pl

    pl.read_csv(file, separator="^", has_header=False, infer_schema=False, quote_char=None)
    return {}


def stages(settings_file: str, out: str) -> dict[str, object]:
    """A whole run: seconds and peak MiB between the engine's own announcements of progress."""
    from senrkit.engine import run
    from senrkit.settings.settings import load_settings

    clock = _Clock()
    done = run(load_settings(Path(settings_file)), out=Path(out), progress=clock)
    clock.step("")
    return {"stages": clock.seconds(), "stages_mib": clock.mib(), "actions": done.manifest["counts"]["action"]}


def datacompy(folder: str) -> dict[str, object]:
    """datacompy compares this year's rows of both sides."""
    return peers.datacompy(Path(folder), YEAR)


def plain_polars(folder: str) -> dict[str, object]:
    """Polars joins this year's rows of both sides."""
    return peers.plain_polars(Path(folder), YEAR)


def plain_duckdb(folder: str) -> dict[str, object]:
    """DuckDB joins this year's rows of both sides."""
    return peers.plain_duckdb(Path(folder), YEAR)


def merge_and_loop(folder: str, out: str) -> dict[str, object]:
    """pandas merges this year's rows of both sides and loops over them."""
    return peers.merge_and_loop(Path(folder), YEAR, Path(out))


def bare_kernel() -> dict[str, object]:
    """papermill runs a notebook with nothing in it: what any notebook costs."""
    import tempfile

    import nbformat
    import papermill

    with tempfile.TemporaryDirectory() as folder:
        empty, done = Path(folder) / "empty.ipynb", Path(folder) / "done.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")]), empty)
        papermill.execute_notebook(empty, done, kernel_name="python3", progress_bar=False)
    return {}


def charts(folder: str, schools: str, actions: str) -> dict[str, object]:
    """Seconds of each chart of a run, and of the slowest, with its actions spread over many schools."""
    from senrkit import figures
    from senrkit.results.folder import RunFolder

    run = _spread(RunFolder.open(folder), int(schools), int(actions))
    student = [run.proposal["ssid"].iloc[0]]
    functions = {
        "by_school": figures.by_school,
        "reasons_by_school": figures.reasons_by_school,
        "by_grade": figures.by_grade,
        "by_field": figures.by_field,
        "findings_by_school": figures.findings_by_school,
        "enrollment_counts": figures.enrollment_counts,
        "student_timeline": lambda one: figures.student_timeline(one, student),
        "trend": lambda one: figures.trend([one]),
    }
    seconds = {}
    for name, chart in functions.items():
        began = time.perf_counter()
        chart(run)
        seconds[name] = time.perf_counter() - began
    slowest = max(seconds, key=seconds.__getitem__)
    return {"seconds": seconds[slowest], "stages": {f"chart {slowest}": seconds[slowest]}}


def _spread(run: RunFolder, schools: int, actions: int) -> RunFolder:
    """The run as it would look in a district of so many schools, with so many actions at most; read into memory."""
    import numpy as np

    from senrkit.results.folder import RunFolder

    codes = [f"{1990001 + number}" for number in range(schools)]

    def moved(rows):
        return rows.assign(school_code=np.resize(codes, len(rows))).astype({"school_code": "str"})

    proposal = moved(run.proposal.head(actions))
    counts = proposal.groupby(["school_code", "action"]).size().unstack(fill_value=0).to_dict("index")
    grades = next(iter(run.manifest["what_if"]["schools"].values()))["grades"]
    names = {code: f"School {code}" for code in codes}
    census = {code: {"school_name": name, "grades": grades} for code, name in names.items()}
    many = {
        "counts": run.manifest["counts"] | {"school": counts, "school_name": names},
        "what_if": run.manifest["what_if"] | {"schools": census},
    }
    spread = RunFolder(run.folder, dict(run.manifest) | many)
    # The frames are cached properties; what stands there is not read from the folder.
    vars(spread).update(proposal=proposal, findings=moved(run.findings), enrollments=run.enrollments)
    return spread


class _Clock:
    """A `senrkit.progress.Progress` that notes when each step begins and how much memory the one before it held."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = []
        self._peaks: list[float] = []

    def step(self, text: str, total: int | None = None) -> None:
        self._begun.append((text, time.perf_counter()))
        self._peaks.append(_peak_mib_since_last_asked())

    def advance(self, parts: int = 1) -> None:
        return

    def seconds(self) -> dict[str, float]:
        pairs = zip(self._begun, self._begun[1:], strict=False)
        return {text: after - before for (text, before), (_, after) in pairs}

    def mib(self) -> dict[str, float]:
        """Peak MiB of each step; empty where the system cannot tell."""
        found = zip((text for text, _ in self._begun), self._peaks[1:], strict=False)
        return {text: round(peak) for text, peak in found if peak}


def _peak_mib_since_last_asked() -> float:
    """Linux alone keeps a peak that a process may start anew; 0 elsewhere."""
    status = Path("/proc/self/status")
    try:
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, StopIteration):
        return 0.0
    return int(peak.split()[1]) / 1024


CONTENDERS = {
    "make_large": make_large,
    "make_leas": make_leas,
    "make_run": make_run,
    "make_submitted": make_submitted,
    "read_bytes": read_bytes,
    "floor": floor,
    "polars_text": polars_text,
    "stages": stages,
    "single_runs": single_runs,
    "datacompy": datacompy,
    "plain_polars": plain_polars,
    "plain_duckdb": plain_duckdb,
    "merge_and_loop": merge_and_loop,
    "bare_kernel": bare_kernel,
    "charts": charts,
}

if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](*sys.argv[2:])))
