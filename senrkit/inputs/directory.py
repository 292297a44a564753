"""The state's directory of public schools and districts: CDE's own public download, `pubschls`.

Layout: https://www.cde.ca.gov/ds/si/ds/fspubschls.asp. Headings, old and new, are in `reference/directory_columns.csv`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from senrkit.errors import InputError
from senrkit.frames import dates, text
from senrkit.reference import PACKAGED

_BLANK_WORDS = {"", "No Data", "*Unknown", "nan", "None", "NaN"}
_US_DAY = r"^(\d{1,2})/(\d{1,2})/(\d{4})$"
_COUNTY_OFFICE = "00"
_DISTRICT_RECORD = "0000000"

# Of several rows with one school code (a school that changed its district) the one in use comes first.
_STATUS_ORDER = {"Active": 0, "Pending": 1, "Merged": 2, "Closed": 3}
_GET_IT = "Download the Public Schools and Districts file (pubschls) from CDE, as text or Excel, and use it as it is."
_WORKBOOK = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
# What openpyxl lets through when a workbook is cut off or is some other zip file.
_BROKEN_WORKBOOK = (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, IndexError, ValueError, SyntaxError)
# A workbook may have a title and a blank row or two above the headings.
_HEADING_ROWS = 20


# Frames have no truth value, so two directories are the same only when they are one object.
@dataclass(frozen=True, eq=False)
class SchoolDirectory:
    """The directory as one frame, a row per county-district-school code, and answers for whole columns of codes.

    `rows` columns, text unless said: `cds14`, `district_code` (first seven digits), `school_code` (last seven,
    `0000000` on a district's row), `county`, `district`, `school`, `status` (Active, Closed, Merged, Pending),
    `open_date` and `closed_date` (datetime64[s]), `charter` (bool), `charter_number`, `funding`, `doc` (district
    ownership code), `soc` (school ownership code), `ed_ops` (educational option), `level`, `grades_offered` and
    `grades_served` (as printed), `low_grade` and `high_grade` (CALPADS grades of the span offered, `""` when the
    directory gives none), `virtual`, `last_updated`, `is_district` and `is_county_office` (bool; the second marks all
    that a county office owns, its schools and charters too).
    """

    rows: pd.DataFrame
    source: str

    def school(self, codes: pd.Series) -> pd.DataFrame:
        """The row of each seven-digit school code, on the index of `codes`, plus `known` (bool).

        Where several districts have had the school, the active row is given, then the newest. Unknown codes have blank
        text, `NaT` and False.
        """
        return _looked_up(codes, self._schools, "school_code")

    def district(self, codes: pd.Series) -> pd.DataFrame:
        """The row of each seven-digit county-district code, as for `school`."""
        return _looked_up(codes, self._districts, "district_code")

    def reports_for(self, leas: pd.Series, schools: pd.Series) -> pd.Series:
        """Whether the directory ties each school to its reporting LEA, open or closed.

        An LEA is the county-district code above the school, or for an independently reporting charter its own code.
        """
        tied = text.is_in(text.concatenated(leas, schools), self._schools_everywhere["cds14"])
        own = (leas.array == schools.array) & self.school(schools)["charter"].to_numpy()
        return pd.Series(np.asarray(tied | own, dtype=bool), index=schools.index)

    def refuses_grade(self, schools: pd.Series, grades: pd.Series) -> pd.Series:
        """Whether each grade lies outside the span that the school offers (SENR0269).

        False where the directory gives no span, and for codes that are no grade: what is not known refuses nothing.
        TK stands wherever K does (CDE Flash 257): the directory need not name it.
        """
        row = self.school(schools)
        low, high, grade = _rank(row["low_grade"]), _rank(row["high_grade"]), _rank(grades)
        low = np.where((row["low_grade"] == "KN").to_numpy(dtype=bool), low - 1, low)
        return pd.Series((grade >= 0) & (low >= 0) & ((grade < low) | (grade > high)), index=schools.index)

    @cached_property
    def _schools_everywhere(self) -> pd.DataFrame:
        return self.rows[~self.rows["is_district"]]

    @cached_property
    def _schools(self) -> pd.DataFrame:
        return _one_each(self._schools_everywhere, "school_code")

    @cached_property
    def _districts(self) -> pd.DataFrame:
        return _one_each(self.rows[self.rows["is_district"]], "district_code")


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
    columns = pd.DataFrame({name: _clean(cells[name]) for name in _wanted() if name in cells})
    for name in _wanted():
        if name not in columns:
            columns[name] = text.constant("", columns.index)
    columns["cds14"] = _cds_codes(columns["cds14"], path)
    return SchoolDirectory(_typed(columns), path.name)


def _wanted() -> Iterator[str]:
    return (row["column"] for row in PACKAGED.rows("directory_columns"))


def _clean(column: pd.Series) -> pd.Series:
    return text.mapped(column, lambda cell: "" if cell.strip() in _BLANK_WORDS else cell.strip())


def _cds_codes(codes: pd.Series, path: Path) -> pd.Series:
    # A spreadsheet that took the code for a number has dropped Alameda's leading zero.
    restored = text.mapped(codes, lambda code: code.zfill(14) if len(code) == 13 else code)
    wrong = ~restored.str.fullmatch(r"\d{14}").to_numpy(dtype=bool)
    if wrong.any():
        raise InputError(
            f"{path.name}: the CDS code is not fourteen digits, first in row {int(wrong.argmax()) + 1:,} of the data"
            f" (rows in all: {int(wrong.sum()):,}).",
            "Use the file as CDE gives it out; do not save it again from a spreadsheet program.",
        )
    return restored


def _typed(columns: pd.DataFrame) -> pd.DataFrame:
    """The columns of `SchoolDirectory.rows` from clean text."""
    cds, spans = columns["cds14"], columns["grades_offered"]
    school_code = cds.str.slice(7)
    return pd.DataFrame(
        {
            "cds14": cds,
            "district_code": cds.str.slice(0, 7),
            "school_code": school_code,
            **{name: columns[name] for name in ("county", "district", "school", "status")},
            "open_date": _days(columns["open_date"]),
            "closed_date": _days(columns["closed_date"]),
            "charter": text.equals(text.mapped(columns["charter"], lambda cell: cell.upper()[:1]), "Y"),
            **{name: columns[name] for name in ("charter_number", "funding")},
            "doc": text.mapped(columns["doc"], _two_digits),
            "soc": text.mapped(columns["soc"], _two_digits),
            **{name: columns[name] for name in ("ed_ops", "level", "grades_offered", "grades_served")},
            "low_grade": text.mapped(spans, lambda span: _span(span)[0]),
            "high_grade": text.mapped(spans, lambda span: _span(span)[1]),
            **{name: columns[name] for name in ("virtual", "last_updated")},
            "is_district": text.equals(school_code, _DISTRICT_RECORD),
            "is_county_office": text.equals(text.mapped(columns["doc"], _two_digits), _COUNTY_OFFICE),
        }
    )


def _days(column: pd.Series) -> pd.Series:
    iso = column.str.slice(0, 10).str.replace(
        _US_DAY, lambda day: f"{day[3]}-{day[1].zfill(2)}-{day[2].zfill(2)}", regex=True
    )
    return dates.from_iso(iso)


def _two_digits(code: str) -> str:
    return code.zfill(2) if code else ""


def _span(printed: str) -> tuple[str, str]:
    """`K-8` as `("KN", "08")`; `("", "")` when it is blank or not understood."""
    grade_of = {row["word"]: row["grade"] for row in PACKAGED.rows("directory_grades")}
    low, _, high = printed.partition("-")
    grades = tuple(grade_of.get(word.strip(), "") for word in (low, high or low))
    return grades if all(grades) else ("", "")


def _rank(grades: pd.Series) -> np.ndarray:
    # Infants and toddlers rank as preschool: the directory has one word for all three.
    ranks = {row["grade"]: int(row["rank"]) for row in PACKAGED.rows("directory_grades")}
    return grades.map(ranks).fillna(-1).to_numpy(dtype="int64")


def _one_each(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    order = rows["status"].map(_STATUS_ORDER).fillna(len(_STATUS_ORDER))
    ranked = rows.assign(order=order.astype("int64")).sort_values(
        ["order", "closed_date", "open_date", "cds14"], ascending=[True, False, False, True], na_position="first"
    )
    return _and_blank(ranked.drop(columns="order").drop_duplicates(key))


def _and_blank(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, `known`, and after them the answer for codes that are not."""
    blank = {
        name: pd.NaT if column.dtype.kind == "M" else False if column.dtype == bool else ""
        for name, column in rows.items()
    }
    unknown = pd.DataFrame([blank]).astype(rows.dtypes)
    return pd.concat([rows.assign(known=True), unknown.assign(known=False)], ignore_index=True)


def _looked_up(codes: pd.Series, rows: pd.DataFrame, key: str) -> pd.DataFrame:
    # A code that is not found has position -1: the last row.
    return rows.take(text.positions(codes, rows[key])).set_axis(codes.index)


def read_cells(path: Path, data: bytes | None = None) -> pd.DataFrame:
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
    return pd.DataFrame({name: pd.Series(columns[at], dtype="str") for name, at in headings.items()})


def read_bytes(path: Path) -> bytes:
    """What the file holds; an `InputError` says that it cannot be read, or holds nothing."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"The school directory {path.name} is not there.", "Correct the name in the settings, or leave it out."
        ) from None
    except OSError as problem:
        raise InputError(f"The school directory {path.name} cannot be read: {problem.strerror}.") from None
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
    import openpyxl

    try:
        sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
        sheet.reset_dimensions()
        rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except _BROKEN_WORKBOOK:
        raise InputError(f"{path.name} cannot be read as an Excel workbook.", _GET_IT) from None
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
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
