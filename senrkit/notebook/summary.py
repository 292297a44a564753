"""A run in two small files for whoever mails them on: counts and file names, no student."""

from __future__ import annotations

import json
from pathlib import Path

from senrkit.disk import write_whole
from senrkit.results.folder import RunFolder
from senrkit.results.summary import summary_lines

_OUTCOMES = {0: "done", 4: "stopped by a precondition", 5: "done, but students are held"}
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


def write_summary(run: RunFolder) -> tuple[Path, Path]:
    """Write `summary.txt` and `summary.json` into the run folder, each whole or not at all; gives their paths.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    said = f"Exit code {run.exit_code}: {_OUTCOMES[run.exit_code]}."
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
    document = {"exit_code": run.exit_code, "outcome": _OUTCOMES[run.exit_code], "folder": str(run.folder.absolute())}
    document |= {name: run.manifest[name] for name in _KEPT} | {"preconditions": states}
    text_file, json_file = run.folder / "summary.txt", run.folder / "summary.json"
    write_whole(text_file, ("\n".join(lines) + "\n").encode())
    write_whole(json_file, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    return text_file, json_file
