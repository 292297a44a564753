"""One exported table as it stands in its file, CSV, TXT or XLSX: headings, and columns of text."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import polars as pl

from senrkit.errors import InputError
from senrkit.inputs.aeries.tables import wanted
from senrkit.inputs.aeries.values import texts
from senrkit.inputs.spreadsheet import NOTHING, sheets
from senrkit.system.files import why

TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
WORKBOOK_SUFFIX = ".xlsx"
_BOOK = "xl/workbook.xml"

_DELIMITERS = "^\t,;"
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
# A title, a date and a blank line may stand above the headings.
_ROWS_ABOVE = 5
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ROWS_AT_A_TIME = 20_000


@dataclass(frozen=True)
class Export:
    """`columns` are text, one for each heading; `notes` plain sentences."""

    headings: tuple[str, ...]
    columns: tuple[pl.Series, ...]
    notes: tuple[str, ...] = ()


def read_export(file: Path, table: str) -> Export:
    """Read one exported table.

    Text is UTF-8, with or without mark, UTF-16 with one, or Windows-1252; separated by comma, semicolon, tab or caret,
    or as a line `sep=` says. A title above the headings is passed over, and the words of `NOTHING` alone in a cell are
    blank, with a note. Of a workbook, the sheet called `table` or the only filled one is read.

    Raises
    ------
    InputError
        when the file is empty, cut off, damaged or of another kind. The message has file and line, never content.
    """
    try:
        found = _workbook(file, table) if file.suffix.lower() == WORKBOOK_SUFFIX else _text(file, table)
        return _without_nothing(found, file)
    except OSError as failure:
        raise InputError(f"{file.name} cannot be read ({why(failure)}).", "Check that you may read it.") from None


def _text(file: Path, table: str) -> Export:
    text, notes = _decoded(file)
    text = text.lstrip("\r\n")
    if said := _SEPARATOR_LINE.fullmatch(text.partition("\n")[0]):
        text, delimiter = text.partition("\n")[2], said[1]
    else:
        delimiter = max(_DELIMITERS, key="\n".join(text.splitlines()[: _ROWS_ABOVE + 1]).count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        headings, rows = _headings(rows, table)
        chunks = [_checked(part, len(headings)) for part in iter(lambda: list(islice(rows, _ROWS_AT_A_TIME)), [])]
    except (csv.Error, _WrongCount):
        raise _cut_off(file, text, delimiter) from None
    return Export(tuple(headings), _columns(chunks, len(headings)), notes)


def _headings(rows: Iterator[list[str]], table: str) -> tuple[list[str], Iterator[list[str]]]:
    """The headings, and the rows below them: the first row or, when no column of the table stands in it, the first of
    the next ones that has some."""
    first = list(islice((row for row in rows if any(cell.strip() for cell in row)), _ROWS_ABOVE + 1))
    at = next((number for number, row in enumerate(first) if _knows(row, table)), 0)
    return (first[at] if first else []), chain(first[at + 1 :], rows)


def _knows(row: Iterable[str], table: str) -> bool:
    """Whether two columns of the table stand in the row; of a table that is not Aeries' every row is its heading."""
    if table not in wanted():
        return True
    columns = wanted()[table]
    known = {heading.upper() for heading in columns.headings.values()} | {code.upper() for code in columns.kinds}
    known |= {f"{table}.{code}" for code in columns.kinds}
    return sum(str(cell).strip().upper() in known for cell in row) > 1


def _without_nothing(export: Export, file: Path) -> Export:
    """The words for "nothing", alone in a cell, as blanks; said once a file, with their number."""
    count = sum(column.is_in(NOTHING).sum() for column in export.columns)
    if not count:
        return export
    columns = tuple(column.replace(dict.fromkeys(NOTHING, "")) for column in export.columns)
    note = f"{file.name}: {count:,} cells with {', '.join(NOTHING[:-1])} or {NOTHING[-1]} were read as blank."
    return Export(export.headings, columns, (*export.notes, note))


class _WrongCount(Exception):
    pass


def _checked(rows: Sequence[list[str]], count: int) -> list[list[str]]:
    filled = [row for row in rows if row]
    if {len(row) for row in filled} - {count}:
        raise _WrongCount
    return filled


def _cut_off(file: Path, text: str, delimiter: str) -> InputError:
    """Say where, by going through the file once more: only a broken file pays for counting lines."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    count, line, found = 0, 1, "a quotation mark that nothing closes"
    try:
        for row in rows:
            count = count or len(row)
            if row and len(row) != count:
                found = f"{len(row)}"
                break
            line = rows.line_num + 1
        else:
            line = rows.line_num
    except csv.Error:
        pass
    return InputError(
        f"{file.name}, line {line:,}: expected {count} columns, found {found}.",
        "The export is cut off, or a value holds the separator or a quotation mark: export the table again.",
    )


def _decoded(file: Path) -> tuple[str, tuple[str, ...]]:
    content = file.read_bytes()
    if not content.strip():
        raise InputError(f"{file.name} is empty.", "Export the table again.")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), ()
            except UnicodeDecodeError:
                break
    if b"\0" in content:
        raise InputError(f"{file.name} is not text, or it is UTF-16 without its mark.", "Export it as CSV in UTF-8.")
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        note = f"{file.name} is not UTF-8 and was read as Windows-1252."
    try:
        return content.decode("cp1252"), (note,)
    except UnicodeDecodeError:
        raise InputError(f"{file.name} is neither UTF-8 nor Windows-1252.", "Export it as CSV in UTF-8.") from None


def _workbook(file: Path, table: str) -> Export:
    found = sheets(file.name, file.read_bytes())
    _refuse_traps(file)
    filled = {name: rows for name, rows in found.items() if any(_is_filled(row) for row in rows)}
    named = {name: rows for name, rows in filled.items() if name.strip().upper() == table}
    if len(named or filled) != 1:
        problem = "has several filled sheets, none of them called" if filled else "is empty: it has no filled sheet"
        raise InputError(f"{file.name} {problem} {table}.", "Leave only the sheet with the table in the workbook.")
    rows = [row for row in next(iter((named or filled).values())) if _is_filled(row)]
    # The table may stand some columns to the right, and below a title.
    left = min(next(at for at, value in enumerate(row) if value not in ("", None)) for row in rows)
    at = next((number for number, row in enumerate(rows[: _ROWS_ABOVE + 1]) if _knows(row, table)), 0)
    rows = [row[left:] for row in rows[at:]]
    headings = texts(rows[0]).to_list()
    chunks = [rows[start : start + _ROWS_AT_A_TIME] for start in range(1, len(rows), _ROWS_AT_A_TIME)]
    return Export(tuple(headings), _columns(chunks, len(headings)))


def _refuse_traps(file: Path) -> None:
    """What the reader would pass over: days that count from 1904, and cells like #N/A, which it takes for blank."""
    with zipfile.ZipFile(file) as parts:
        if _BOOK not in parts.namelist():
            raise InputError(f"{file.name} is no Excel workbook, or is damaged.", "Export the table as CSV instead.")
        book = parts.read(_BOOK)
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        with_errors = any(b' t="e"' in parts.read(name) for name in sheets)
    if b'date1904="1"' in book or b'date1904="true"' in book:
        raise InputError(f"{file.name} counts its days from 1904.", "Export the table as CSV instead.")
    if with_errors:
        raise InputError(f"{file.name} has cells with an error, such as #N/A.", "Mend them or export the table again.")


def _is_filled(row: Iterable[object]) -> bool:
    return any(value not in ("", None) for value in row)


def _columns(chunks: Iterable[Sequence[Sequence[object]]], count: int) -> tuple[pl.Series, ...]:
    arrays = [[texts(values) for values in zip(*rows, strict=True)] for rows in chunks if rows]
    none = pl.Series(dtype=pl.String)
    return tuple(pl.concat([none, *(part[at] for part in arrays)]) for at in range(count))
