"""An ODS extract of CALPADS, of whatever record type, as frames of text: all of it, as it came; or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from senrkit.errors import LayoutError
from senrkit.frames import days
from senrkit.inputs.extract.delimited import (
    MARK,
    WINDOWS_1252,
    DelimitedText,
    IrregularLine,
    Lines,
    LongLine,
    read_delimited,
    refuse_nul_bytes,
)
from senrkit.inputs.extract.find import HEAD_BYTES, InputFile, TextFile, refuse_other_formats
from senrkit.inputs.extract.recognize import (
    Recognized,
    facts,
    irregular_line,
    likely,
    recognize,
    shape_of,
    wrong_record_type,
)
from senrkit.reference import Layout

# A date written month first has the month and day where the century should be.
_YEARS = (1900, 2099)
# What no line of a good extract is, in the order in which it is complained about.
_OTHER_TYPE, _QUOTED, _REWRITTEN, _LAST = "of another type", "quoted", "rewritten", "last value"


@dataclass(frozen=True, eq=False)
class ExtractPart:
    """One file of an extract. `rows`: what was asked of all lines; `lines`: the lines, under the names of the file's
    layout."""

    rows: pl.DataFrame
    lines: Lines
    file: InputFile
    recognized: Recognized
    encoding: str
    notes: tuple[str, ...]


def read_part(
    file: TextFile,
    record_type: str,
    layouts: Mapping[int, Layout],
    asked: Mapping[str, pl.Expr] | None = None,
    held: bool = False,
) -> ExtractPart:
    """Read one file of the extract `record_type` (`SENR-R`, `SELA-R`); `layouts` by column count.

    `asked` is said of all lines; the rest of a line is parsed when it is asked for. Default: all columns, as text. A
    column that the layout lacks is blank. `held`: the file will be gone.

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
        refuse_nul_bytes(file, file.whole())
    recognized = recognize(file.name, head.removeprefix(MARK), layouts, whole, record_type)
    layout = recognized.layout.columns
    asked = {name: pl.col(name) for name in layout if name} if asked is None else asked
    wrong = _wrong(recognized) | {_LAST: pl.col(layout[-1]).cast(pl.Categorical)}

    def query(scan: pl.LazyFrame) -> pl.LazyFrame:
        lacking = {name for one in asked.values() for name in one.meta.root_names()} - set(layout)
        return scan.with_columns(**dict.fromkeys(sorted(lacking), pl.lit(""))).select(**asked, **wrong)

    text = read_delimited(file, recognized.delimiter, layout, query, held)
    if isinstance(text, IrregularLine):
        raise irregular_line(file.name, text, recognized, layouts)
    if isinstance(text, LongLine):
        cause = likely("another-file", record_type)
        raise LayoutError(file.name, text.line, "a record", "a line of a million characters or more", cause)
    _refuse_wrong_lines(file.name, text, recognized)
    _refuse_cut_off_end(file.name, text)
    described = InputFile(file.path, file.name, text.sha256, text.bytes, len(text.lines), file.modified())
    notes = _notes(file.name, text)
    return ExtractPart(text.rows.select(*asked), text.lines, described, recognized, text.encoding, notes)


def _notes(name: str, text: DelimitedText) -> tuple[str, ...]:
    notes: list[str] = []
    if text.encoding == WINDOWS_1252:
        notes.append(f"{name}: read as Windows-1252, because it is not UTF-8 throughout; look at names with accents.")
    # The form of this column is not public; it is taken as it comes and only the age of the extract depends on it.
    updates = text.rows[_LAST].unique().cast(pl.String).to_frame()
    if not updates.select(_right({"column": _LAST, "kind": "date", "length": 8, "blank": True}).all()).item():
        notes.append(f"{name}: the last date updated is not always written CCYYMMDD; the extract's age may be unsure.")
    return tuple(notes)


def _wrong(recognized: Recognized) -> dict[str, pl.Expr]:
    """In caret format a nickname may stand in quotation marks; in comma format they mean that values were quoted, and
    then a comma may have been part of one."""
    shapes = facts(recognized.record_type)["shape"]
    named = [name for name in recognized.layout.columns if name]
    quoted = [pl.col(name).str.starts_with('"') for name in named] if recognized.delimiter == "," else [pl.lit(False)]
    return {
        _OTHER_TYPE: pl.col("record_type") != recognized.record_type,
        _QUOTED: pl.any_horizontal(quoted),
        _REWRITTEN: ~pl.all_horizontal([_right(shape) for shape in shapes]),
    }


def _right(shape: Mapping) -> pl.Expr:
    """Whether a value is one that CALPADS' store can hold."""
    value, length = pl.col(shape["column"]), shape["length"]
    if shape["kind"] == "date":
        right = days.of_key(value).dt.year().is_between(*_YEARS).fill_null(False)
    elif shape["kind"] == "digits":
        right = value.str.contains(rf"^[0-9]{{{length}}}$")
    else:
        right = value.str.len_chars() == length
    return right | (value == "") if shape["blank"] else right


def _refuse_wrong_lines(name: str, text: DelimitedText, recognized: Recognized) -> None:
    """The first line that is no record of CALPADS' store. One is enough: the rest would be trusted."""
    first = {
        wrong: text.rows[wrong].arg_max() for wrong in (_OTHER_TYPE, _QUOTED, _REWRITTEN) if text.rows[wrong].any()
    }
    if not first:
        return
    wrong, at = next(iter(first.items()))
    if wrong == _QUOTED:
        found = "a value that begins with one"
        raise LayoutError(name, at + 1, "values without quotation marks", found, likely("spreadsheet"))
    (line,) = text.lines.at(pl.Series([at]), [column for column in text.lines.columns if column]).to_dicts()
    if wrong == _OTHER_TYPE:
        raise wrong_record_type(name, at + 1, line["record_type"], recognized.record_type)
    raise _rewritten_value(name, at, line, recognized)


def _rewritten_value(name: str, at: int, line: Mapping[str, str], recognized: Recognized) -> LayoutError:
    shapes = facts(recognized.record_type)["shape"]
    right = pl.DataFrame(line).select(_right(shape).alias(shape["column"]) for shape in shapes).to_dicts()[0]
    columns = recognized.layout.columns
    position, shape = min(
        ((columns.index(shape["column"]), shape) for shape in shapes if not right[shape["column"]]),
        key=lambda found: found[0],
    )
    value, length = line[shape["column"]], shape["length"]
    what = {"digits": f"{length} digits", "date": "a date as CCYYMMDD", "text": f"{length} characters"}
    expected = f"{what[shape['kind']]} in column {position + 1} ({shape['column'].replace('_', ' ')})"
    found = shape_of(value)
    if shape["kind"] == "date" and found == "9" * length:
        found += ", which is no day of the calendar"
    cause = likely(_rewriting_cause(shape, value), recognized.record_type)
    return LayoutError(name, at + 1, expected, found, cause)


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


def _refuse_cut_off_end(name: str, text: DelimitedText) -> None:
    """A download can end inside the last value. It shows when the line end is missing and all other rows have more."""
    rows = len(text.lines)
    if text.ended or rows < 2:
        return
    lengths = text.rows[_LAST].cast(pl.String).str.len_chars()
    before, last = lengths[:-1], lengths[-1]
    if last < before.min() == before.max():
        expected = "a whole last value and a line end"
        raise LayoutError(name, rows, expected, f"{last} characters and the end of the file", likely("cut-off"))
