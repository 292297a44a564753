"""An ODS extract of CALPADS, of whatever record type, as an Arrow table of text: all of it, as it came; or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from senrkit.errors import LayoutError
from senrkit.frames import dates
from senrkit.frames.coded import Coded
from senrkit.frames.text import from_arrow
from senrkit.inputs.extract.delimited import (
    MARK,
    WINDOWS_1252,
    DelimitedText,
    IrregularLine,
    LongLine,
    read_delimited,
    refuse_nul_bytes,
)
from senrkit.inputs.extract.find import HEAD_BYTES, InputFile, TextFile, refuse_other_formats
from senrkit.inputs.extract.lines import Lines
from senrkit.inputs.extract.recognize import (
    Recognised,
    facts,
    irregular_line,
    likely,
    recognise,
    shape_of,
    wrong_record_type,
)
from senrkit.reference import Layout

# A date written month first has the month and day where the century should be.
_YEARS = (1900, 2099)


@dataclass(frozen=True, eq=False)
class ExtractPart:
    """One file of an extract. `columns`: those at hand, under the names of the file's layout; `lines`: all of them."""

    columns: Mapping[str, Coded]
    lines: Lines
    file: InputFile
    recognised: Recognised
    encoding: str
    notes: tuple[str, ...]


def read_part(
    file: TextFile, record_type: str, layouts: Mapping[int, Layout], at_hand: Sequence[str] | None = None
) -> ExtractPart:
    """Read one file of the extract `record_type` (`SENR-R`, `SELA-R`); `layouts` by column count.

    `at_hand` names the columns to be kept of all rows; the others are parsed when they are asked for. Default: all.

    Raises
    ------
    LayoutError
        it is text, but not a whole extract as CALPADS wrote it.
    InputError
        it cannot be read.
    """
    head = file.head()
    refuse_other_formats(file, head)
    whole = len(head) < HEAD_BYTES
    if b"\0" in head:
        refuse_nul_bytes(file)
    recognised = recognise(file.name, head.removeprefix(MARK), layouts, whole, record_type)
    text = read_delimited(file, recognised.delimiter, recognised.layout.columns, _wanted(recognised, at_hand))
    if isinstance(text, IrregularLine):
        raise irregular_line(file.name, text, recognised, layouts)
    if isinstance(text, LongLine):
        cause = likely("another-file", record_type)
        raise LayoutError(file.name, text.line, "a record", "a line of millions of characters", cause)
    _refuse_other_record_types(file.name, text.columns["record_type"], record_type)
    _refuse_quoted_commas(file.name, text.columns, recognised)
    _refuse_rewritten_values(file.name, text.columns, recognised)
    _refuse_cut_off_end(file.name, text)
    described = InputFile(file.path, file.name, text.sha256, text.bytes, len(text.lines), file.modified())
    notes = _notes(file.name, text)
    kept = {name: column for name, column in text.columns.items() if at_hand is None or name in at_hand}
    return ExtractPart(kept, text.lines, described, recognised, text.encoding, notes)


def _wanted(recognised: Recognised, at_hand: Sequence[str] | None) -> list[str]:
    """In comma format all: any value of a file that a spreadsheet has quoted may hold the separator."""
    layout = recognised.layout.columns
    if at_hand is None or recognised.delimiter == ",":
        return [name for name in layout if name]
    checked = [shape["column"] for shape in facts(recognised.record_type)["shape"]]
    wanted = {*at_hand, *checked, "record_type", layout[-1]}
    return [name for name in layout if name in wanted]


def _notes(name: str, text: DelimitedText) -> tuple[str, ...]:
    notes: list[str] = []
    if text.encoding == WINDOWS_1252:
        notes.append(f"{name}: read as Windows-1252, because it is not UTF-8 throughout; look at names with accents.")
    # The form of this column is not public; it is taken as it comes and only the age of the extract depends on it.
    if pc.any(_no_day(text.columns["last_updated"].values, blank_is_right=True)).as_py():
        notes.append(f"{name}: the last date updated is not always written CCYYMMDD; the extract's age may be unsure.")
    return tuple(notes)


def _refuse_other_record_types(name: str, column: Coded, record_type: str) -> None:
    at = column.first(pc.not_equal(column.values, record_type))
    if at >= 0:
        raise wrong_record_type(name, at + 1, column.at(at), record_type)


def _refuse_quoted_commas(name: str, columns: Mapping[str, Coded], recognised: Recognised) -> None:
    """In caret format a nickname may stand in quotation marks; in comma format they mean that values were quoted, and
    then a comma may have been part of one."""
    if recognised.delimiter != ",":
        return
    faults = [column.first(pc.starts_with(column.values, '"')) for column in columns.values()]
    at = min((fault for fault in faults if fault >= 0), default=-1)
    if at >= 0:
        raise LayoutError(
            name, at + 1, "values without quotation marks", "a value that begins with one", likely("spreadsheet")
        )


def _refuse_rewritten_values(name: str, columns: Mapping[str, Coded], recognised: Recognised) -> None:
    """The first line with a value that CALPADS' store cannot hold. One is enough: the rest would be trusted."""
    faults = []
    for shape in facts(recognised.record_type)["shape"]:
        column = columns[shape["column"]]
        at = column.first(_misshapen(column.values, shape["kind"], shape["length"], shape["blank"]))
        if at >= 0:
            faults.append((at, recognised.layout.columns.index(shape["column"]), shape, column.at(at)))
    if not faults:
        return
    at, position, shape, value = min(faults, key=lambda fault: fault[:2])
    length = shape["length"]
    what = {"digits": f"{length} digits", "date": "a date as CCYYMMDD", "text": f"{length} characters"}
    expected = f"{what[shape['kind']]} in column {position + 1} ({shape['column'].replace('_', ' ')})"
    found = shape_of(value)
    if shape["kind"] == "date" and found == "9" * length:
        found += ", which is no day of the calendar"
    cause = likely(_rewriting_cause(shape, value), recognised.record_type)
    raise LayoutError(name, at + 1, expected, found, cause)


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


def _misshapen(values: pa.Array, kind: str, length: int, blank_is_right: bool) -> pa.Array:
    if kind == "date":
        return _no_day(values, blank_is_right)
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
    last_column = text.columns[text.lines.columns[-1]]
    rows = len(last_column)
    if text.ended or rows < 2:
        return
    lengths = last_column.rows(pc.utf8_length(last_column.values))
    before, last = lengths[:-1], int(lengths[-1])
    if last < before.min() == before.max():
        expected = "a whole last value and a line end"
        raise LayoutError(name, rows, expected, f"{last} characters and the end of the file", likely("cut-off"))
