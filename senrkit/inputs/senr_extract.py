"""The SSID Enrollment ODS extract (SENR-R) as state rows: all of it, as text, as CALPADS gave it; or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from senrkit import dates
from senrkit.errors import LayoutError
from senrkit.inputs.delimited import (
    MARK,
    WINDOWS_1252,
    DelimitedText,
    IrregularLine,
    LongLine,
    read_delimited,
    refuse_nul_bytes,
)
from senrkit.inputs.recognition import (
    DELIMITERS,
    RECORD_TYPE,
    Recognised,
    facts,
    irregular_line,
    likely,
    recognise,
    shape_of,
    wrong_record_type,
)
from senrkit.inputs.text_files import HEAD_BYTES, InputFile, TextFile, find_text_files, refuse_other_formats
from senrkit.reference import ODS_FIELDS, Layout, layouts_by_column_count
from senrkit.text import from_arrow

__all__ = ["Extract", "InputFile", "read_extract"]

# A date written month first has the month and day where the century should be.
_YEARS = (1900, 2099)


@dataclass(frozen=True, eq=False)
class Extract:
    """The state's side.

    `rows` has the 37 columns of `senrkit.reference.ODS_FIELDS` as text (dtype `str`, blank `""`) and `line` (int64,
    1-based, in its own file), in file order, one file after the other. `layout`, `delimiter` and `encoding` are those
    of the first file; where another one differs, a note says so. `encoding` is `utf-8` or `windows-1252`.
    """

    rows: pd.DataFrame
    files: tuple[InputFile, ...]
    layout: Layout
    delimiter: str
    encoding: str
    notes: tuple[str, ...]


def read_extract(paths: Sequence[Path]) -> Extract:
    """The extract in one or several files; a folder stands for its newest SENR-R file, a zip for those in it.

    Caret or comma, with or without byte-order mark, lines ended by CR LF, LF or CR, in any of the layouts of
    `senrkit.reference.layouts_by_column_count`. Columns that the layout lacks are `""`. No value is quoted in these
    files, so a quotation mark belongs to its value. Source: CALPADS manual, ODS Extract and File Upload.

    Raises
    ------
    LayoutError
        it is text, but not a whole SENR-R extract as CALPADS wrote it (precondition P03).
    InputError
        it cannot be read: missing, empty, damaged, locked, a workbook, no text.
    """
    found, notes = find_text_files(paths, RECORD_TYPE)
    parts = [_read_file(file) for file in found]
    rows = pa.concat_tables([part.rows for part in parts]).to_pandas(split_blocks=True)
    rows["line"] = np.concatenate([np.arange(1, part.file.rows + 1, dtype=np.int64) for part in parts])
    first = parts[0]
    for part in parts:
        notes += part.notes
        if part.recognised != first.recognised:
            how = f"{len(part.recognised.layout.columns)} columns, {DELIMITERS[part.recognised.delimiter]} format"
            notes += (f"{part.file.name}: {how}, unlike {first.file.name}.",)
    return Extract(
        rows=rows,
        files=tuple(part.file for part in parts),
        layout=first.recognised.layout,
        delimiter=first.recognised.delimiter,
        encoding=first.encoding,
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Part:
    rows: pa.Table
    file: InputFile
    recognised: Recognised
    encoding: str
    notes: tuple[str, ...]


def _read_file(file: TextFile) -> _Part:
    head = file.head()
    refuse_other_formats(file, head)
    layouts = layouts_by_column_count()
    whole = len(head) < HEAD_BYTES
    if b"\0" in head:
        refuse_nul_bytes(file)
    recognised = recognise(file.name, head.removeprefix(MARK), layouts, whole)
    text = read_delimited(file, recognised.delimiter, recognised.layout.columns)
    if isinstance(text, IrregularLine):
        raise irregular_line(file.name, text, recognised, layouts)
    if isinstance(text, LongLine):
        raise LayoutError(file.name, text.line, "a record", "a line of millions of characters", likely("another-file"))
    _refuse_other_record_types(file.name, text.table)
    _refuse_quoted_commas(file.name, text.table, recognised)
    _refuse_rewritten_values(file.name, text.table, recognised.layout)
    _refuse_cut_off_end(file.name, text)
    described = InputFile(file.path, file.name, text.sha256, text.bytes, text.table.num_rows, file.modified())
    return _Part(_today(text.table), described, recognised, text.encoding, _notes(file.name, text))


def _today(table: pa.Table) -> pa.Table:
    """The columns of today's layout, blank where the file's has none."""
    blank = None
    columns = []
    for name in ODS_FIELDS:
        if name in table.column_names:
            columns.append(table[name])
        else:
            blank = blank or pa.chunked_array([pa.repeat(pa.scalar("", pa.large_string()), table.num_rows)])
            columns.append(blank)
    return pa.table(columns, names=list(ODS_FIELDS))


def _notes(name: str, text: DelimitedText) -> tuple[str, ...]:
    notes: list[str] = []
    if text.encoding == WINDOWS_1252:
        notes.append(f"{name}: read as Windows-1252, because it is not UTF-8 throughout; look at names with accents.")
    # The form of this column is not public; it is taken as it comes and only the age of the extract depends on it.
    updated = text.table["last_updated"].unique()
    if pc.any(_no_day(updated, blank_is_right=True)).as_py():
        notes.append(f"{name}: the last date updated is not always written CCYYMMDD; the extract's age may be unsure.")
    return tuple(notes)


def _refuse_other_record_types(name: str, table: pa.Table) -> None:
    other = pc.not_equal(table["record_type"], RECORD_TYPE)
    at = _first(other)
    if at >= 0:
        raise wrong_record_type(name, at + 1, table["record_type"][at].as_py())


def _refuse_quoted_commas(name: str, table: pa.Table, recognised: Recognised) -> None:
    """In caret format a nickname may stand in quotation marks; in comma format they mean that values were quoted, and
    then a comma may have been part of one."""
    if recognised.delimiter != ",":
        return
    faults = [_first(pc.starts_with(table[column], '"')) for column in table.column_names]
    at = min((fault for fault in faults if fault >= 0), default=-1)
    if at >= 0:
        raise LayoutError(
            name, at + 1, "values without quotation marks", "a value that begins with one", likely("spreadsheet")
        )


def _refuse_rewritten_values(name: str, table: pa.Table, layout: Layout) -> None:
    """The first line with a value that CALPADS' store cannot hold. One is enough: the rest would be trusted."""
    faults = []
    for shape in facts()["shape"]:
        column = table[shape["column"]]
        at = _first_misshapen(column, shape["kind"], shape["length"], shape["blank"])
        if at >= 0:
            faults.append((at, layout.columns.index(shape["column"]), shape, column[at].as_py()))
    if not faults:
        return
    at, position, shape, value = min(faults, key=lambda fault: fault[:2])
    length = shape["length"]
    what = {"digits": f"{length} digits", "date": "a date as CCYYMMDD", "text": f"{length} characters"}
    expected = f"{what[shape['kind']]} in column {position + 1} ({shape['column'].replace('_', ' ')})"
    found = shape_of(value)
    if shape["kind"] == "date" and found == "9" * length:
        found += ", which is no day of the calendar"
    raise LayoutError(name, at + 1, expected, found, likely(_rewriting_cause(shape, value)))


def _rewriting_cause(shape: dict, value: str) -> str:
    found = shape_of(value)
    if not value.strip():
        return "not-the-store"
    if shape["kind"] == "date" and found == "9" * shape["length"]:
        first, last = _YEARS
        return "not-the-store" if first <= int(value[:4]) <= last else "month-first"
    if "A" in found or "?" in found or (len(value) > shape["length"] and value.isdigit()):
        return "shifted"
    return "spreadsheet"


def _first_misshapen(column: pa.ChunkedArray, kind: str, length: int, blank: bool) -> int:
    if kind != "date":
        # Nearly all SSIDs differ, so that looking at each once would cost more than looking at all.
        return _first(_no_text_of(column, kind, length, blank))
    distinct = column.unique()
    wrong = distinct.filter(_no_day(distinct, blank))
    return _first(pc.is_in(column, wrong)) if len(wrong) else -1


def _no_text_of(values: pa.ChunkedArray, kind: str, length: int, blank_is_right: bool) -> pa.ChunkedArray:
    if kind == "digits":
        right = pc.and_(pc.equal(pc.binary_length(values), length), pc.ascii_is_decimal(values))
    else:
        right = pc.equal(pc.utf8_length(values), length)
    return pc.invert(pc.or_(right, pc.equal(values, "")) if blank_is_right else right)


def _no_day(values: pa.Array, blank_is_right: bool) -> pa.Array:
    right = pa.array(dates.from_ccyymmdd(from_arrow(values)).dt.year.between(*_YEARS).to_numpy())
    return pc.invert(pc.or_(right, pc.equal(values, "")) if blank_is_right else right)


def _refuse_cut_off_end(name: str, text: DelimitedText) -> None:
    """A download can end inside the last value. It shows when the line end is missing and all other rows have more."""
    last_column = text.table[text.table.num_columns - 1]
    rows = len(last_column)
    if text.ended or rows < 2:
        return
    lengths = pc.min_max(pc.utf8_length(last_column.slice(0, rows - 1)))
    last = len(last_column[rows - 1].as_py())
    if last < lengths["min"].as_py() == lengths["max"].as_py():
        expected = "a whole last value and a line end"
        raise LayoutError(name, rows, expected, f"{last} characters and the end of the file", likely("cut-off"))


def _first(mask: pa.ChunkedArray) -> int:
    return pc.index(mask, True).as_py()
