"""The state's directory of public schools and districts: CDE's own public download, `pubschls`.

Layout: https://www.cde.ca.gov/ds/si/ds/fspubschls.asp. Headings, old and new, are in `reference/directory_columns.csv`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
from polars import col

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.inputs.spreadsheet import sheets
from senrkit.reference import PACKAGED
from senrkit.system.files import why

_BLANK_WORDS = ["", "No Data", "*Unknown", "nan", "None", "NaN"]
_US_DAY = r"^([0-9]{2})/([0-9]{2})/([0-9]{4})$"
_COUNTY_OFFICE = "00"
_DISTRICT_RECORD = "0000000"

# Of several rows with one school code (a school that changed its district) the one in use comes first.
_STATUS_ORDER = {"Active": 0, "Pending": 1, "Merged": 2, "Closed": 3}
_GET_IT = "Download the Public Schools and Districts file (pubschls) from CDE, as text or Excel, and use it as it is."
_WORKBOOK = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
# A workbook may have a title and a blank row or two above the headings.
_HEADING_ROWS = 20


# Frames have no truth value, so two directories are the same only when they are one object.
@dataclass(frozen=True, eq=False)
class SchoolDirectory:
    """The directory as one frame, a row per county-district-school code, and answers for whole columns of codes.

    `rows` columns, text unless said: `cds14`, `district_code` (first seven digits), `school_code` (last seven,
    `0000000` on a district's row), `county`, `district`, `school`, `status` (Active, Closed, Merged, Pending),
    `open_date` and `closed_date` (days), `charter` (flag), `charter_number`, `funding`, `doc` (district ownership
    code), `soc` (school ownership code), `ed_ops` (educational option), `level`, `grades_offered` and `grades_served`
    (as printed), `low_grade` and `high_grade` (CALPADS grades of the span offered, `""` when the directory gives none),
    `virtual`, `last_updated`, `is_district` and `is_county_office` (flags; the second marks all that a county office
    owns, its schools and charters too).
    """

    rows: pl.DataFrame
    source: str

    def school(self, codes: pl.Series) -> pl.DataFrame:
        """The row of each seven-digit school code, in order, plus `known` (flag).

        Where several districts have had the school, the active row is given, then the newest. Unknown codes have blank
        text, no day and False.
        """
        return _looked_up(codes, self._schools, "school_code")

    def district(self, codes: pl.Series) -> pl.DataFrame:
        """The row of each seven-digit county-district code, as for `school`."""
        return _looked_up(codes, self._districts, "district_code")

    def reports_for(self, leas: pl.Series, schools: pl.Series) -> pl.Series:
        """Whether the directory ties each school to its reporting LEA, open or closed.

        An LEA is the county-district code above the school, or for an independently reporting charter its own code.
        """
        tied = (leas + schools).is_in(self.rows.filter(~col.is_district)["cds14"].implode())
        return tied | ((leas == schools) & self.school(schools)["charter"])

    def refuses_grade(self, schools: pl.Series, grades: pl.Series) -> pl.Series:
        """Whether each grade lies outside the span that the school offers (SENR0269).

        False where the directory gives no span, and for codes that are no grade: what is not known refuses nothing.
        TK stands wherever K does (CDE Flash 257): the directory need not name it.
        """
        # Infants and toddlers rank as preschool: the directory has one word for all three.
        ranks = {row["grade"]: int(row["rank"]) for row in PACKAGED.rows("directory_grades")}
        grade, low, high = (
            col(name).replace_strict(ranks, default=None, return_dtype=pl.Int64)
            for name in ("grade", "low_grade", "high_grade")
        )
        lowest = low - (col.low_grade == "KN").cast(pl.Int64)
        outside = ((grade < lowest) | (grade > high)) & low.is_not_null()
        asked = self.school(schools).with_columns(grades.alias("grade"))
        return asked.select(refused=outside.fill_null(False)).to_series()

    @cached_property
    def _schools(self) -> pl.DataFrame:
        return _one_each(self.rows.filter(~col.is_district), "school_code")

    @cached_property
    def _districts(self) -> pl.DataFrame:
        return _one_each(self.rows.filter("is_district"), "district_code")


def read_school_directory(path: Path, data: bytes | None = None) -> SchoolDirectory:
    """Read `pubschls` as CDE gives it out: tab-separated `.txt`, `.csv` or `.xlsx`; `data` is what the file holds, when
    that is known already.

    Raises
    ------
    InputError
        when the file is missing, empty, unreadable or not the directory; the sentence names what is wrong and where to
        get the right file.
    """
    path = Path(path)
    cells = read_cells(path, data)
    blank = [pl.lit("").alias(name) for name in _wanted() if name not in cells.columns]
    cleaned = col(pl.String).str.strip_chars()
    columns = cells.with_columns(
        pl.when(cleaned.is_in(_BLANK_WORDS)).then(pl.lit("")).otherwise(cleaned).name.keep(), *blank
    )
    return SchoolDirectory(_typed(_with_cds_codes(columns, path)), path.name)


def _wanted() -> Iterator[str]:
    return (row["column"] for row in PACKAGED.rows("directory_columns"))


def _with_cds_codes(columns: pl.DataFrame, path: Path) -> pl.DataFrame:
    # A spreadsheet that took the code for a number has dropped Alameda's leading zero.
    dropped = col.cds14.str.len_chars() == 13
    restored = columns.with_columns(cds14=pl.when(dropped).then("0" + col.cds14).otherwise("cds14"))
    wrong = ~restored["cds14"].str.contains(r"^[0-9]{14}$")
    if wrong.any():
        raise InputError(
            f"{path.name}: the CDS code is not fourteen digits, first in row {wrong.arg_max() + 1:,} of the data"
            f" (rows in all: {wrong.sum():,}).",
            "Use the file as CDE gives it out; do not save it again from a spreadsheet program.",
        )
    return restored


def _typed(columns: pl.DataFrame) -> pl.DataFrame:
    """The columns of `SchoolDirectory.rows` from clean text."""
    spans = {printed: _span(printed) for printed in columns["grades_offered"].unique()}
    grades = {
        name: col.grades_offered.replace_strict({printed: span[at] for printed, span in spans.items()})
        for at, name in enumerate(("low_grade", "high_grade"))
    }
    return columns.select(
        "cds14",
        col.cds14.str.head(7).alias("district_code"),
        col.cds14.str.slice(7).alias("school_code"),
        *("county", "district", "school", "status"),
        _day(col.open_date),
        _day(col.closed_date),
        col.charter.str.to_uppercase().str.starts_with("Y"),
        *("charter_number", "funding"),
        _two_digits(col.doc),
        _two_digits(col.soc),
        *("ed_ops", "level", "grades_offered", "grades_served"),
        grades["low_grade"].alias("low_grade"),
        grades["high_grade"].alias("high_grade"),
        *("virtual", "last_updated"),
    ).with_columns(
        is_district=col.school_code == _DISTRICT_RECORD,
        is_county_office=col.doc == _COUNTY_OFFICE,
    )


def _day(text: pl.Expr) -> pl.Expr:
    """A day as CDE writes it (8/5/1999), or as a workbook holds it (1999-08-05 00:00:00)."""
    padded = text.str.replace(r"^([0-9])/", "0$1/").str.replace(r"/([0-9])/", "/0$1/")
    return days.of_iso(padded.str.replace(_US_DAY, "$3-$1-$2").str.head(10))


def _two_digits(code: pl.Expr) -> pl.Expr:
    return pl.when(code == "").then(code).otherwise(code.str.zfill(2)).name.keep()


def _span(printed: str) -> tuple[str, str]:
    """`K-8` as `("KN", "08")`; `("", "")` when it is blank or not understood."""
    grade_of = {row["word"]: row["grade"] for row in PACKAGED.rows("directory_grades")}
    low, _, high = printed.partition("-")
    grades = tuple(grade_of.get(word.strip(), "") for word in (low, high or low))
    return grades if all(grades) else ("", "")


def _one_each(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row a code: of several the active one, then the one that closed last."""
    order = col.status.replace_strict(_STATUS_ORDER, default=len(_STATUS_ORDER), return_dtype=pl.Int64)
    by = [order, col.closed_date, col.open_date, col.cds14]
    ranked = rows.sort(by, descending=[False, True, True, False], nulls_last=False, maintain_order=True)
    return ranked.unique(key, keep="first", maintain_order=True).with_columns(known=pl.lit(True))


def _looked_up(codes: pl.Series, rows: pl.DataFrame, key: str) -> pl.DataFrame:
    found = codes.to_frame("asked").join(rows.with_columns(asked=key), on="asked", how="left", maintain_order="left")
    return found.select(rows.columns).with_columns(col(pl.String).fill_null(""), col(pl.Boolean).fill_null(False))


def read_cells(path: Path, data: bytes | None = None) -> pl.DataFrame:
    """The directory's cells as text, columns named as in `directory_columns.csv`; other columns are dropped. `data` as
    for `read_school_directory`.

    Raises
    ------
    InputError
        when the file is missing, empty, unreadable or not the directory.
    """
    data = read_bytes(path) if data is None else data
    if data.startswith(_OLD_WORKBOOK):
        raise InputError(f"{path.name} is a workbook of the old .xls kind.", "Download it as .xlsx or as text.")
    rows = _workbook_rows(data, path) if data.startswith(_WORKBOOK) else _text_rows(data, path)
    start, headings = _headings(rows, path)
    body = [row for row in rows[start + 1 :] if any(row)]
    if not body:
        raise InputError(f"{path.name} has headings but no schools.", _GET_IT)
    width = len(rows[start])
    ragged = next((number for number, row in enumerate(body, 1) if len(row) != width), 0)
    if ragged:
        raise InputError(
            f"{path.name}: row {ragged:,} of the data has {len(body[ragged - 1])} columns instead of {width}.", _GET_IT
        )
    columns = list(zip(*body, strict=True))
    return pl.DataFrame({name: columns[at] for name, at in headings.items()}, dict.fromkeys(headings, pl.String))


def read_bytes(path: Path) -> bytes:
    """What the file holds; an `InputError` says that it cannot be read, or holds nothing."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"The school directory {path.name} is not there.", "Correct the name in the settings, or leave it out."
        ) from None
    except OSError as problem:
        raise InputError(f"The school directory {path.name} cannot be read: {why(problem)}.") from None
    if not data.strip():
        raise InputError(f"The school directory {path.name} is empty.", _GET_IT)
    return data


def _text_rows(data: bytes, path: Path) -> list[list[str]]:
    if b"\x00" in data:
        raise InputError(f"{path.name} is not a text file.", _GET_IT)
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = data.decode("cp1252", errors="replace")
    if "\t" in content.split("\n", 1)[0]:
        lines = content.replace("\r\n", "\n").split("\n")
        return [[_unquoted(cell.strip()) for cell in line.split("\t")] for line in lines]
    try:
        return list(csv.reader(io.StringIO(content, newline="")))
    except csv.Error:
        raise InputError(f"{path.name} is not a table separated by tabs or commas.", _GET_IT) from None


def _unquoted(cell: str) -> str:
    # Some of CDE's text files put every cell in quotes, and a school's name may hold one of its own.
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _workbook_rows(data: bytes, path: Path) -> list[list[str]]:
    rows = [[_cell(value) for value in row] for row in next(iter(sheets(path.name, data).values()), [])]
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _headings(rows: list[list[str]], path: Path) -> tuple[int, dict[str, int]]:
    """Where the headings stand, and the position of each column that is asked for."""
    table = PACKAGED.rows("directory_columns")
    column_of = {_plain(row["heading"]): row["column"] for row in table}
    named = [[column_of.get(_plain(heading), "") for heading in row] for row in rows[:_HEADING_ROWS]]
    start = next((at for at, names in enumerate(named) if "cds14" in names), None)
    if start is None:
        raise InputError(f"{path.name} is not the school directory: it has no column CDSCode.", _GET_IT)
    found = {name: named[start].index(name) for name in named[start] if name}
    missing = [row["heading"] for row in table if row["need"] == "needed" and row["column"] not in found]
    if missing:
        raise InputError(f"{path.name} lacks columns of the school directory: {', '.join(missing)}.", _GET_IT)
    return start, found


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z]", "", heading.lower())
