"""How a scheduled run ended, in two small files for whoever mails them on: counts and file names, no student.

They stand in the run folder and, always under the same name, in the `runs` folder: also when there is no run folder, so
that nobody is mailed what another day's run said.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from senrkit.disk import write_whole
from senrkit.errors import SenrkitError
from senrkit.results.folder import RunFolder
from senrkit.results.summary import summary_lines

TEXT, DOCUMENT = "summary.txt", "summary.json"
_FAULT = 1
_OUTCOMES = {
    _FAULT: "a fault of senrkit itself",
    0: "done",
    2: "wrong usage or settings",
    3: "an input cannot be read",
    4: "stopped by a precondition",
    5: "done, but students are held",
}
_KEPT = (
    "run_id",
    "run_number",
    "senrkit_version",
    "made",
    "lea",
    "school_year",
    "as_of",
    "balance",
    "counts",
    "files",
    "missing_steps",
)


def write_summary(run: RunFolder, runs: Path | None = None) -> tuple[Path, Path]:
    """Write `summary.txt` and `summary.json` into the run folder, each whole or not at all, and the same into the
    `runs` folder; gives the paths in the run folder.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    said = _said(run.exit_code)
    stops = [f"Stopped by {one['id']}, {one['title']}: {one['evidence']} {one['cure']}" for one in run.stops]
    lines = [
        said,
        *stops,
        "",
        *summary_lines(run.manifest, run.folder),
        "",
        f"Everything is in {run.folder.absolute()}.",
    ]
    states = [
        {name: one[name] for name in ("id", "state", "title", "evidence")} for one in run.manifest["preconditions"]
    ]
    document = {
        "exit_code": run.exit_code,
        "outcome": _OUTCOMES[run.exit_code],
        "folder": str(run.folder.absolute()),
        **{name: run.manifest[name] for name in _KEPT},
        "preconditions": states,
    }
    if runs is not None:
        _write(runs, lines, document)
    return _write(run.folder, lines, document)


def write_failure(runs: Path, error: Exception, now: dt.datetime) -> None:
    """Say in the `runs` folder, as far as that can be written, that there is no run, and why."""
    known = isinstance(error, SenrkitError)
    code = error.exit_code if known else _FAULT
    # What a fault says may quote a pupil's row.
    why = str(error) if known else "What it was is said where the run was started, with a log without students."
    when = now.isoformat(timespec="seconds")
    document = {"exit_code": code, "outcome": _OUTCOMES[code], "folder": None, "made": when, "error": why}
    with suppress(OSError):
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(runs, [_said(code), why, "", f"No run was made on {when}."], document)


def _said(code: int) -> str:
    return f"Exit code {code}: {_OUTCOMES[code]}."


def _write(folder: Path, lines: list[str], document: Mapping[str, Any]) -> tuple[Path, Path]:
    text_file, json_file = folder / TEXT, folder / DOCUMENT
    write_whole(text_file, ("\n".join(lines) + "\n").encode())
    write_whole(json_file, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    return text_file, json_file
