"""A spoilt export gives the same proposal as the clean one, or no proposal: over random spoilings of random columns.

What spreadsheets and exports do to a whole column, several at once, as Hypothesis draws it. Of a run that is not
stopped, the zip for CALPADS must hold the same files, byte for byte but for the number of the run.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senrkit.engine import run
from senrkit.errors import InputError
from senrkit.settings.settings import load_settings
from tests.fuzz import world

Rows = list[dict[str, str]]
_KEYS = {"STU": ("ID", "SC", "SN", "CID"), "ENR": ("ID", "SC", "SN", "YR"), "LOC": ("CD", "SC"), "XRF": ("CD1",)}
_DATES = {"STU": ("BD",), "ENR": ("ED", "LD")}


def of(day: str) -> dt.date | None:
    return dt.datetime.strptime(day, "%m/%d/%Y").date() if re.fullmatch(r"\d\d/\d\d/\d{4}", day) else None


def dated(written: Callable[[dt.date], str]) -> Callable[[str], str]:
    return lambda cell: written(day) if (day := of(cell)) else cell


# Each of a whole column: its name, and what becomes of a cell. `None`: of every date of the source.
OF_DATES = {
    "ISO": dated(lambda day: day.isoformat()),
    "ISO with a time": dated(lambda day: f"{day.isoformat()} 00:00:00"),
    "M/D/YYYY": dated(lambda day: f"{day.month}/{day.day}/{day.year}"),
    "MM-DD-YYYY": dated(lambda day: f"{day:%m-%d-%Y}"),
    "m/d/yy": dated(lambda day: f"{day.month}/{day.day}/{day:%y}"),
    "dd-Mon-yy": dated(lambda day: f"{day:%d-%b-%y}"),
    "day numbers": dated(lambda day: str((day - dt.date(1899, 12, 30)).days)),
    "D.M.YYYY": dated(lambda day: f"{day.day}.{day.month}.{day.year}"),
    "the month's name": dated(lambda day: f"{day:%B %d, %Y}"),
    "the year alone": dated(lambda day: str(day.year)),
}
OF_KEYS = {
    "blanks around": lambda cell: f" {cell} ",
    ".0 behind": lambda cell: f"{cell}.0" if cell.isdigit() else cell,
    "zeros before": lambda cell: f"000{cell}" if cell.isdigit() and len(cell) < 7 else cell,
    "an apostrophe": lambda cell: f"'{cell}" if cell else cell,
    "a formula": lambda cell: f'="{cell}"' if cell else cell,
    "grouped digits": lambda cell: f"{int(cell):,}" if cell.isdigit() and cell[0] != "0" else cell,
    "shortened": lambda cell: f"{float(cell):.2E}" if cell.isdigit() and len(cell) > 6 else cell,
    "one digit less": lambda cell: cell[:-1] if cell.isdigit() and len(cell) == 3 else cell,
}
OF_BLANKS = {word: (lambda cell, word=word: cell or word) for word in ("NULL", "(null)", "#N/A", " ")}
WRITINGS = {
    "commas": {},
    "semicolons": {"separator": ";"},
    "tabs": {"separator": "\t"},
    "sep=": {"separator": ";", "above": "sep=;\r\n"},
    "a title": {"above": "Aeries export\r\n\r\n"},
    "UTF-16": {"encoding": "utf-16"},
    "byte order mark": {"encoding": "utf-8-sig"},
    "line feeds": {"line_end": "\n"},
    "a line lost": {"lost": True},
    "cut off": {"cut": True},
}


def rows_of(data: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def written(rows: Rows, separator=",", above="", encoding="utf-8", line_end="\r\n", lost=False, cut=False) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows[:-1] if lost and len(rows) > 2 else rows)
    data = (above + text.getvalue()).encode(encoding)
    return data[: -len(data) // 5] if cut else data


def outcome(folder: Path) -> Mapping[str, bytes] | str:
    """The files of a run, or why there are none."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    try:
        done = run(load_settings(folder / "exports.toml"), out=out, person="somebody")
    except InputError:
        return "refused"
    if done.exit_code == 4:
        return "stopped"
    # The number of a run follows from the bytes of its inputs; nothing else may.
    number = done.manifest["run_number"].encode()
    return {path.name: path.read_bytes().replace(number, b"") for path in (out / "submission").glob("*.txt")}


@pytest.fixture(scope="module")
def district():
    with world.made() as folder:
        clean = outcome(folder)
        assert isinstance(clean, dict) and len(clean) > 1
        yield folder, {path.stem: rows_of(path.read_bytes()) for path in (folder / "exports").glob("*.csv")}, clean


@st.composite
def spoiling(draw: st.DrawFn) -> tuple[str, list[tuple[str, str, str]], dict[str, str]]:
    """How all dates are written, some columns with what becomes of their cells, and how each table is written."""
    dates = draw(st.sampled_from([*OF_DATES, ""]))
    keys = [(table, column) for table, columns in _KEYS.items() for column in columns]
    blanks = [("STU", "TG"), ("STU", "MN"), ("ENR", "ER"), ("ENR", "LD"), ("ENR", "PR"), ("STU", "SP")]
    columns = draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from([*OF_KEYS])), max_size=2))
    columns += draw(st.lists(st.tuples(st.sampled_from(blanks), st.sampled_from([*OF_BLANKS])), max_size=2))
    tables = draw(st.dictionaries(st.sampled_from([*_KEYS]), st.sampled_from([*WRITINGS]), max_size=2))
    return dates, [(*place, how) for place, how in columns], tables


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(how=spoiling())
def test_the_same_files_or_none(district, how):
    folder, tables, clean = district
    dates, columns, writings = how
    spoilt = {name: [dict(row) for row in rows] for name, rows in tables.items()}
    for table, names in _DATES.items():
        for row in spoilt[table]:
            row.update({name: OF_DATES[dates](row[name]) for name in names if dates})
    for table, column, change in columns:
        for row in spoilt[table]:
            if column in row:
                row[column] = (OF_KEYS | OF_BLANKS)[change](row[column])
    for name, rows in spoilt.items():
        data = written(rows, **WRITINGS[writings.get(name, "commas")])
        (folder / "exports" / f"{name}.csv").write_bytes(data)
    found = outcome(folder)
    assert found in ("refused", "stopped") or found == clean
