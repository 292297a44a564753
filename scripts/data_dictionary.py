"""The data dictionary: every file of a run folder, every column, made from the code and from one run of the demo.

`python -m scripts.data_dictionary` writes `docs/reference/data_dictionary.md`; a test fails when it is out of date.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import senrkit
from scripts.pages import table, write_page
from senrkit.analysis import again, run, what_if
from senrkit.analysis.opening import RUN_COLUMNS
from senrkit.analysis.typed import column
from senrkit.demo import make
from senrkit.language import tables as language
from senrkit.reconciliation import decisions
from senrkit.reference import PACKAGED
from senrkit.results import folder, tables
from senrkit.texts import wording

PAGE = Path("docs") / "reference" / "data_dictionary.md"
COLUMNS: Mapping[str, Sequence[str]] = {
    "proposal": tables.PROPOSAL_COLUMNS,
    "findings": tables.FINDINGS_COLUMNS,
    "left_out": tables.LEFT_OUT_COLUMNS,
    "information": tables.INFORMATION_COLUMNS,
    "enrollments": tables.ENROLLMENT_COLUMNS,
    "decisions": decisions.COLUMNS,
    "language": language.COLUMNS,
    "aeries_import_LAC": ("ID", "SD", "IFD"),
    "aeries_import_STU": ("SC", "SN", "ID", "LF"),
    "changes": tables.CHANGED_COLUMNS,
    "held": run.HELD_COLUMNS,
    "spells": again.SPELL_COLUMNS,
    "state": again.STATE_COLUMNS,
    "schools": folder.SCHOOL_COLUMNS,
    "census": folder.CENSUS_COLUMNS,
    "files": run.FILE_COLUMNS,
    "preconditions": run.PRECONDITION_COLUMNS,
    "comparison": ("state", *folder.COMPARED_COLUMNS, "age"),
    "what_if": what_if.COLUMNS,
    "runs": RUN_COLUMNS,
}
_DAY = dt.date(2026, 11, 23)
_LONGEST = 60
_NOT_THE_RUN = ("batch", "language", "school")
_FIELDS: Mapping[str, Mapping[str, str]] = {row["field"]: row for row in PACKAGED.rows("senr_fields")}


def data_dictionary() -> str:
    """The page."""
    words = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place:
        done = senrkit.run(make(Path(place) / "demo", 300, 1, _DAY).settings_file)
        return "\n".join(_lines(words, done)).strip() + "\n"


def _lines(words: Mapping[str, Any], done: senrkit.Run) -> Iterator[str]:
    yield words["introduction"]
    yield "## Files of a run folder\n"
    rows = [(f"[`{one['name']}`](#{_anchor(one['name'])})", one["holds"]) for one in words["file"] + words["json"]]
    yield table(("file", "holds"), sorted([*rows, *((one["name"], one["holds"]) for one in words["other"])]))
    for one in words["file"]:
        yield from _columns(one, done, "##")
    for one in words["json"]:
        yield from _keys(one, done)
    yield f"\n## Submission files\n{words['submission']}"
    yield _submission(done)
    yield f"\n## `report.xlsx`\n{words['workbook']}"
    yield _workbook()
    yield f"\n## Frames that are in no file\n{words['frames']}"
    for one in words["frame"]:
        yield from _columns(one, done, "###")


def _columns(one: Mapping[str, str], done: senrkit.Run, level: str) -> Iterator[str]:
    frame = getattr(done, one["table"], None)
    rows = []
    for name in COLUMNS[one["table"]]:
        said = column(one["table"], name)
        holds = said["meaning"] or _FIELDS.get(name, {}).get("title", "")
        assert holds, f"{one['table']}.{name} is described nowhere: see texts/columns.csv"
        example = _example(frame[name]) if isinstance(frame, pd.DataFrame) else ""
        rows.append((f"`{name}`", said["type"], holds, said["values"], f"`{example}`" if example else ""))
    yield f"\n{level} `{one['name']}`\n\n{one['holds']}\n"
    yield table(("column", "type", "holds", "values", "example"), rows)


def _example(values: pd.Series) -> str:
    """The first value that says something."""
    for value in values:
        if pd.isna(value) or value in ("", -1):
            continue
        if isinstance(value, pd.Timestamp):
            return f"{value:%Y-%m-%d}"
        said = (
            str(value).lower() if values.dtype == bool else f"{value:.4f}" if isinstance(value, float) else str(value)
        )
        # A bar would end the cell, inside of backticks, too.
        cut = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
        return cut.replace("|", "\\|")
    return ""


def _keys(one: Mapping[str, str], done: senrkit.Run) -> Iterator[str]:
    assert done.folder is not None
    file = done.folder / one["name"]
    said = [row["column"] for row in wording.rows("columns.csv") if row["table"] == one["table"]]
    unsaid = set(json.loads(file.read_text(encoding="utf-8"))) - set(said) if file.exists() else set()
    assert not unsaid, f"{one['name']}: {unsaid} described nowhere: see texts/columns.csv"
    rows = [(f"`{key}`", *(column(one["table"], key)[part] for part in ("type", "meaning", "values"))) for key in said]
    yield f"\n## `{one['name']}`\n\n{one['holds']}\n"
    yield table(("key", "type", "holds", "values"), rows)


def _submission(done: senrkit.Run) -> str:
    assert done.folder is not None
    file = next((done.folder / "submission").glob("*_02_update.txt"))
    record = file.read_text(encoding="utf-8").splitlines()[0].split("^")
    rows = [
        (field["number"], f"`{name}`", field["title"], field["max_length"], f"`{value}`" if value else "")
        for (name, field), value in zip(_FIELDS.items(), record, strict=True)
    ]
    return table(("no.", "field", "CALPADS calls it", "at most", "example"), rows)


def _workbook() -> str:
    sheets = [name for name in wording.phrases("sheet") if not name.startswith(_NOT_THE_RUN)]
    headings = {name: " · ".join(one.heading for one in wording.sheet_columns(name)) for name in sheets}
    rows = [(wording.phrase("sheet", name).title, said or "in words") for name, said in headings.items()]
    return table(("sheet", "columns"), rows)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    write_page(PAGE, data_dictionary())
