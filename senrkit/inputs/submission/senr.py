"""Any SENR submission file, ours or a vendor's, as a frame: tolerant in reading, exact in saying what is wrong with it.

Unlike the reader of extracts this one does not stop at the first fault: what CALPADS would refuse is what is asked.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from senrkit.errors import InputError
from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.extract.delimited import MARK, UTF_8
from senrkit.inputs.extract.find import TextFile, find_text_files, refuse_other_formats
from senrkit.reference import PACKAGED, SENR_FIELDS, SchoolYear, submission_layout
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

RECORD_TYPE = "SENR"
# Registered by `delimited`: bytes that are no UTF-8 are taken for Windows-1252.
_TOLERANT = "senrkit.windows-1252"
_HEADING = re.compile(r"record\W*type", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class SenrFile(Carded):
    """`records`: the SENR fields as text plus `line` (int64, 1-based). `faults`: what makes CALPADS refuse the whole
    file, in plain sentences. `notes`: what a person should know. `unread`: lines that are no record of the layout.
    `is_current`: every record read is a SENR record in the year's own layout, so that it may be written out again."""

    name: str
    records: pl.DataFrame
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    unread: tuple[int, ...]
    is_current: bool

    def card(self) -> dict[str, str]:
        """The file and how many records; no student."""
        return {"file": self.name, "records": f"{len(self.records):,}", "faults": f"{len(self.faults):,}"}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """`records` as pandas' frame: text of dtype `str`, `line` int64."""
        return to_pandas(self.records)


def read_senr_file(path: Path, year: SchoolYear) -> SenrFile:
    """Read a submission file by caret or comma, with or without quotation marks, of any known layout.

    Lines with another number of fields than most are not read: they are counted in `faults` and listed in `unread`.

    Raises
    ------
    InputError
        when it is missing, empty, damaged, or no text. No message quotes the file.
    """
    return _as_records(read_cells(path, RECORD_TYPE), year)


@dataclass(frozen=True, repr=False)
class Cells(Carded):
    """The lines of a submission file, taken apart: `line` (1-based) and `cells` (a list); `faults` and `notes` as in
    `SenrFile`."""

    name: str
    lines: pl.DataFrame
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def usual_width(self) -> int:
        """How many values most lines have."""
        return self.lines["cells"].list.len().mode(maintain_order=True)[0] if len(self.lines) else 0


def read_cells(path: Path, record_type: str) -> Cells:
    """Any submission file as lines of values, whatever stands in them. Raises as `read_senr_file`."""
    file = _one_file(Path(path), record_type)
    refuse_other_formats(file, file.head())
    data = file.whole()
    if b"\0" in data:
        raise InputError(f"{file.name} holds NUL bytes, so it is damaged or no text.", "Export it again.")
    text, encoding_faults = _decoded(file.name, data)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"{file.name} is empty.", "Export it again.")
    delimiter, quoted = _separators(lines)
    cells = _unquoted(file.name, lines, delimiter) if quoted else pl.Series("cells", lines).str.split(delimiter)
    faults, notes = [*encoding_faults], []
    if quoted:
        faults.append("Values stand in quotation marks, which CALPADS takes for part of the value.")
    if _has_other_line_ends(data):
        notes.append("Not every line ends with CR LF, as CALPADS asks.")
    return Cells(file.name, cells.to_frame().with_row_index("line", 1), tuple(faults), tuple(notes))


def arranged(lines: pl.DataFrame, fields: Sequence[str]) -> tuple[pl.DataFrame, list[int]]:
    """The lines with that many values as text columns and `line` (int64); and the numbers of the others."""
    fits = lines["cells"].list.len() == len(fields)
    read = lines.filter(fits).select(
        *(pl.col("cells").list.get(at).alias(name or f"column_{at}") for at, name in enumerate(fields)),
        pl.col("line").cast(pl.Int64),
    )
    return read, lines.filter(~fits)["line"].to_list()


def _one_file(path: Path, record_type: str) -> TextFile:
    files, _ = find_text_files([path], record_type)
    if len(files) != 1:
        raise InputError(f"{path.name} holds several files.", "Unpack it and name them one by one.")
    return files[0]


def _decoded(name: str, data: bytes) -> tuple[str, list[str]]:
    body = data.removeprefix(MARK)
    faults = ["The file begins with a byte-order mark, which CALPADS takes for a character."] if body != data else []
    try:
        return body.decode(UTF_8), faults
    except UnicodeDecodeError:
        faults.append("Some characters are not UTF-8 (read as Windows-1252); CALPADS refuses them (IVR0009).")
    try:
        return body.decode(UTF_8, _TOLERANT), faults
    except UnicodeDecodeError:
        raise InputError(f"{name} holds bytes that are no text.", "Export it again as UTF-8.") from None


def _separators(lines: list[str]) -> tuple[str, bool]:
    """The delimiter that most of the first lines hold more of, and whether values are quoted."""
    sample = lines[:100]
    carets, commas = (sum(line.count(mark) for line in sample) for mark in "^,")
    quotes = sum(line.count('"') for line in sample)
    return ("^" if carets >= commas else ","), quotes >= 2 * len(sample)


def _unquoted(name: str, lines: list[str], delimiter: str) -> pl.Series:
    cells = []
    for number, line in enumerate(lines, start=1):
        try:
            cells.append(next(csv.reader([line], delimiter=delimiter), [""]))
        except csv.Error:
            raise InputError(f"{name}, line {number:,}: cannot be taken apart.", "Export it without quotes.") from None
    return pl.Series("cells", cells, pl.List(pl.String))


def _as_records(cells: Cells, year: SchoolYear) -> SenrFile:
    faults = [*cells.faults]
    if _HEADING.search(cells.lines["cells"][0][0]):
        faults.append("The first line holds headings; a SENR file has none.")
        cells = replace(cells, lines=cells.lines[1:])
    width = cells.usual_width or len(SENR_FIELDS)
    columns, layout_faults = _columns(cells.name, width, year)
    read, unread = arranged(cells.lines, columns)
    if unread:
        faults.append(f"Lines that do not have {width} fields: {len(unread):,}, the first is line {unread[0]:,}.")
    lacking = [pl.lit("").alias(field) for field in SENR_FIELDS if field not in columns]
    records = read.with_columns(lacking).select(*SENR_FIELDS, "line")
    wrong = (records["record_type"] != RECORD_TYPE).sum()
    if wrong:
        faults.append(f"Lines whose first field is not {RECORD_TYPE}: {wrong:,}.")
    is_current = not (wrong or layout_faults)
    return SenrFile(cells.name, records, tuple(faults + layout_faults), cells.notes, tuple(unread), is_current)


def _columns(name: str, width: int, year: SchoolYear) -> tuple[tuple[str, ...], list[str]]:
    """Which field stands where, by the number of fields."""
    current = submission_layout(year)
    if width == current.fields:
        return current.columns[:width], []
    for layout in PACKAGED.layouts():
        if width in (layout.fields, len(layout.columns)):
            kind = "the layout" if width == layout.fields else "an ODS extract in the layout"
            asked = f"CALPADS asks for {current.fields} in {year.text}"
            return layout.columns[:width], [f"The lines have {width} fields, {kind} of {layout.first_year}; {asked}."]
    known = ", ".join(str(count) for count in sorted({layout.fields for layout in PACKAGED.layouts()}))
    raise InputError(
        f"{name}: most lines have {width} fields; SENR files have {known}.", "Check that this is a SENR file."
    )


def _has_other_line_ends(data: bytes) -> bool:
    pairs = data.count(b"\r\n")
    return data.count(b"\n") != pairs or data.count(b"\r") != pairs or not data.endswith(b"\r\n")
