"""The test vendor's *Initial ELPAC Student Score Data File*, as TOMS gives it out: who was tested, with what result.

Columns are found by their headings, never by their place: layouts, headings and what tells one year's from another's
are `initial_elpac_layouts.csv` and `initial_elpac_headings.csv`. What nobody has documented is refused, or said in a
note.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
from polars import col

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.inputs.aeries.values import excel_days, spelled_days, tidy
from senrkit.inputs.extract.find import InputFile
from senrkit.inputs.spreadsheet import NOTHING, SHORTENED, WORKBOOK, Lines, are_rounded, lines, plain_digits
from senrkit.reference import PACKAGED
from senrkit.system.files import why

_GET_IT = "Download the Student Score Data File again from TOMS and give its .csv as it is."
# A title and a blank line may stand above the headings.
_ROWS_ABOVE = 5
# So many of the wanted headings make a line the headings of this file.
_KNOWN_BY = 4
_LARGEST_IN_ZIP = 400 << 20
# Codes of the Summative ELPAC, whose files look much the same.
_SUMMATIVE = {"21", "SA", "SE"}
_SUMMATIVE_SIGN = "overallplminus1"
_NEEDED = ("record_type", "ssid", "last_name", "birth_date", "district_code", "school_code", "result", "day")
_OPTIONAL = ("local_id", "first_name", "attemptedness", "include_indicator", "correction", "end")
_ROWS = (
    "ssid", "local_id", "last_name", "first_name", "birth_date", "district_code", "school_code", "result",
    "correction", "day", "line",
)  # fmt: skip
_RESULTS = ("EL", "IFEP", "")
_END = "ZZ"


@dataclass(frozen=True, eq=False)
class ElpacFile:
    """`rows`: a row a line, in file order. Text: `ssid, local_id, last_name, first_name, district_code` and
    `school_code` (14 digits each), `birth_date` (CCYYMMDD), `result` (EL, IFEP, or blank for none that counts),
    `correction` (its code, blank for none); `day` (the day on which the test was completed; null for none) and `line`.
    `layout` is the school year of the layout; `""` for one that is newer than all that are known."""

    rows: pl.DataFrame
    files: tuple[InputFile, ...]
    layout: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Layout:
    year: str
    kinds: tuple[str, ...]
    signs: frozenset[str]
    lacks: frozenset[str]
    columns: dict[str, list[str]]


def read_elpac_file(path: Path) -> ElpacFile:
    """Read the file as it came (carets), saved again from a spreadsheet (CSV, XLSX), or in the zip of the download.

    A result counts when the test was finished: `Attemptedness` Y or, in files without it, `IncludeIndicator` Y.

    Raises
    ------
    InputError
        when it is missing, empty, another file (a Summative one, one of fixed width), or has lost digits, days, cells
        or lines. The message has file, line and column, never a value.
    """
    name, data, modified = _content(path)
    found = lines(name, data)
    at, headings = _headings(name, found)
    layout, known = _layout(headings)
    places = _places(name, layout, headings)
    body = _whole(name, found[at + 1 :], len(headings))
    raw = pl.DataFrame(
        {
            column if number == 0 else f"{column}{number}": [cells[place] for _, cells in body]
            for column, where in places.items()
            for number, place in enumerate(where)
        },
        schema_overrides={"ssid": pl.String},
    ).with_columns(pl.Series("line", [number for number, _ in body], pl.Int64))
    raw = raw.with_columns(col(pl.String).replace(dict.fromkeys(NOTHING, "")))
    _refuse_other_tests(name, raw, layout)
    notes = [] if known else [_newer(name, layout)]
    rows, said = _typed(name, raw, sum(column.startswith("day") for column in raw.columns))
    file = InputFile(path, name, hashlib.sha256(data).hexdigest(), len(data), rows.height, modified)
    return ElpacFile(rows, (file,), layout.year if known else "", (*notes, *said))


def _content(path: Path) -> tuple[str, bytes, dt.datetime]:
    try:
        data = path.read_bytes()
        modified = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", "Correct elpac_file under [calpads].") from None
    except OSError as failure:
        raise InputError(f"{path.name} cannot be read ({why(failure)}).", "Check that you may read it.") from None
    if not data.strip():
        raise InputError(f"{path.name} is empty.", _GET_IT)
    if not data.startswith(WORKBOOK):
        return path.name, data, modified
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if "[Content_Types].xml" in packed.namelist():
                return path.name, data, modified
            tables = [entry for entry in packed.infolist() if entry.filename.lower().endswith(".csv")]
            if len(tables) != 1:
                raise InputError(f"{path.name} holds {len(tables)} CSV files instead of one.", _GET_IT)
            with packed.open(tables[0]) as opened:
                unpacked = opened.read(_LARGEST_IN_ZIP + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        raise InputError(f"{path.name} is no zip, or is damaged.", _GET_IT) from None
    name = Path(tables[0].filename).name
    if len(unpacked) > _LARGEST_IN_ZIP or not unpacked.strip():
        raise InputError(f"{name} in {path.name} is empty, or larger than any such file.", _GET_IT)
    return name, unpacked, modified


@cache
def _layouts() -> tuple[_Layout, ...]:
    """Newest first."""
    columns: dict[str, dict[str, list[str]]] = {}
    for row in PACKAGED.rows("initial_elpac_headings"):
        columns.setdefault(row["layout"], {}).setdefault(row["column"], []).append(_plain(row["heading"]))
    return tuple(
        _Layout(
            row["layout"],
            tuple(row["kinds"].split(";")),
            frozenset(map(_plain, row["signs"].split(";"))),
            frozenset(map(_plain, filter(None, row["lacks"].split(";")))),
            columns[row["layout"]],
        )
        for row in PACKAGED.rows("initial_elpac_layouts")
    )


def _plain(heading: str) -> str:
    """Letters and digits alone: blanks, dashes and dots differ between files of one year."""
    return re.sub(r"[^a-z0-9]", "", heading.lower())


def _headings(name: str, found: Lines) -> tuple[int, list[str]]:
    wanted = {heading for layout in _layouts() for names in layout.columns.values() for heading in names}
    for at, (_, cells) in enumerate(found[: _ROWS_ABOVE + 1]):
        headings = [_plain(cell) for cell in cells]
        if len(wanted.intersection(headings)) >= _KNOWN_BY:
            while headings and not headings[-1]:
                headings.pop()
            if any(heading.startswith(_SUMMATIVE_SIGN) for heading in headings):
                raise _summative(name)
            return at, headings
    raise InputError(
        f"{name} is no Initial ELPAC Student Score Data File: its headings are missing.",
        "Give the .csv of the download; the .dat and .txt beside it have no headings.",
    )


def _layout(headings: Sequence[str]) -> tuple[_Layout, bool]:
    """The layout, and whether it is a known one; what has no layout's signs is read as the newest."""
    there = set(headings)
    for layout in _layouts():
        if layout.signs <= there and not layout.lacks & there:
            return layout, True
    return _layouts()[0], False


def _newer(name: str, layout: _Layout) -> str:
    return (
        f"{name} has the layout of no year up to {layout.year}; it was read by its headings, and whether they still"
        " mean the same is not documented."
    )


def _places(name: str, layout: _Layout, headings: Sequence[str]) -> dict[str, list[int]]:
    count, missing, twice = Counter(headings), [], []
    places: dict[str, list[int]] = {}
    for column in (*_NEEDED, *_OPTIONAL):
        asked = layout.columns.get(column, [])
        there = [heading for heading in asked if count[heading]]
        if column in _NEEDED and (not there or len(there) < len(asked)):
            missing.append(column.replace("_", " "))
        twice += [column.replace("_", " ") for heading in there if count[heading] > 1]
        if there:
            places[column] = [headings.index(heading) for heading in there]
    if "attemptedness" not in places and "include_indicator" not in places:
        missing.append("attemptedness")
    if missing or twice:
        said = f"has no column for {', '.join(missing)}" if missing else f"has two columns for {', '.join(twice)}"
        raise InputError(f"{name} {said}.", _GET_IT)
    return places


def _whole(name: str, body: Lines, width: int) -> Lines:
    """The rows, each as wide as the headings: blanks beyond them are a spreadsheet's."""
    if not body:
        raise InputError(f"{name} has headings but no student.", _GET_IT)
    for number, cells in body:
        if len(cells) < width or any(cells[width:]):
            raise InputError(f"{name}, line {number:,}: expected {width} columns, found {len(cells)}.", _GET_IT)
    return body


def _refuse_other_tests(name: str, raw: pl.DataFrame, layout: _Layout) -> None:
    kinds = set(raw["record_type"])
    if kinds & _SUMMATIVE:
        raise _summative(name)
    if kinds - set(layout.kinds):
        line = raw.filter(~col.record_type.is_in(layout.kinds))["line"][0]
        raise InputError(f"{name}, line {line:,}: this is no record of the Initial ELPAC.", _GET_IT)
    if "end" in raw.columns and (raw["end"] != _END).any():
        line = raw.filter(col.end != _END)["line"][0]
        raise InputError(f"{name}, line {line:,}: the record does not end with its mark {_END}.", _GET_IT)
    if not raw["result"].is_in(_RESULTS).all():
        line = raw.filter(~col.result.is_in(_RESULTS))["line"][0]
        raise InputError(f"{name}, line {line:,}: the result is neither EL nor IFEP nor blank.", _GET_IT)


def _summative(name: str) -> InputError:
    return InputError(f"{name} is of the Summative ELPAC.", "Give the file of the Initial ELPAC.")


def _typed(name: str, raw: pl.DataFrame, day_columns: int) -> tuple[pl.DataFrame, list[str]]:
    notes = []
    codes = {code: plain_digits(raw[code]) for code in ("ssid", "district_code", "school_code")}
    if are_rounded(codes["ssid"]) or any(values.str.contains(SHORTENED).any() for values in codes.values()):
        raise InputError(f"{name}: a spreadsheet has shortened or rounded its numbers, so digits are lost.", _GET_IT)
    # A number loses its leading zero in a spreadsheet, and with it Alameda's county.
    codes |= {code: codes[code].str.zfill(14) for code in ("district_code", "school_code")}
    rows = raw.with_columns(**codes)
    rows = rows.with_columns(_days(name, rows, ["birth_date", *(_nth("day", at) for at in range(day_columns))]))
    named = rows["ssid"].str.contains(r"^[0-9]{10}$")
    if not named.all():
        notes.append(f"{name}: {(~named).sum():,} rows have no SSID of ten digits and were left out.")
    finished = col("attemptedness" if "attemptedness" in rows.columns else "include_indicator") == "Y"
    untold = rows.filter(~finished & (col.result != "")).height
    if untold:
        notes.append(f"{name}: {untold:,} rows have a result though the test was not finished; it does not count.")
    absent = [name for name in ("local_id", "first_name", "correction") if name not in rows.columns]
    return (
        rows.with_columns(*(pl.lit("").alias(name) for name in absent))
        .with_columns(
            result=pl.when(finished).then("result").otherwise(pl.lit("")),
            day=pl.max_horizontal(_nth("day", at) for at in range(day_columns)),
            birth_date=days.key(col.birth_date),
        )
        .filter(named)
        .select(_ROWS),
        notes,
    )


def _days(name: str, rows: pl.DataFrame, columns: Iterable[str]) -> list[pl.Series]:
    """The columns as days. Which of day and month comes first is decided over all of them together."""
    names = list(columns)
    tidied = [tidy(excel_days(rows[column]), "date", f"{name}: {column}") for column in names]
    spelled, order = spelled_days(tidied)
    if order == "undecided":
        raise InputError(f"{name}: nothing proves which of its dates' numbers is the month.", _GET_IT)
    read = pl.DataFrame([values.alias(column) for column, values in zip(names, spelled, strict=True)])
    found = read.select(days.of_iso(col(column)) for column in names)
    wrong = read.select(pl.any_horizontal((col(column) != "") & found[column].is_null() for column in names))
    if wrong.to_series().any():
        line = rows["line"][wrong.to_series().arg_max()]
        raise InputError(f"{name}, line {line:,}: a date cannot be read.", _GET_IT)
    return found.get_columns()


def _nth(column: str, at: int) -> str:
    return column if at == 0 else f"{column}{at}"
