"""The bytes of the school directory to a frame of text, whatever of its three forms the person has downloaded."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from pathlib import Path

import pandas as pd

from senrkit.errors import InputError
from senrkit.reference import PACKAGED

_GET_IT = "Download the Public Schools and Districts file (pubschls) from CDE, as text or Excel, and use it as it is."
_WORKBOOK = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
# What openpyxl lets through when a workbook is cut off or is some other zip file.
_BROKEN_WORKBOOK = (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, IndexError, ValueError, SyntaxError)
# A workbook may have a title and a blank row or two above the headings.
_HEADING_ROWS = 20


def read_cells(path: Path) -> pd.DataFrame:
    """The directory's cells as text, columns named as in `directory_columns.csv`; other columns are dropped.

    Raises
    ------
    InputError
        when the file is missing, empty, unreadable or not the directory.
    """
    data = _bytes(path)
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


def _bytes(path: Path) -> bytes:
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
