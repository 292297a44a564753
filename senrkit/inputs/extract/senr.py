"""The SSID Enrollment ODS extract (SENR-R) as state rows: all of it, as text, as CALPADS gave it; or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from senrkit.frames import days
from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.extract.find import InputFile, find_text_files
from senrkit.inputs.extract.ods_extract import read_part
from senrkit.inputs.extract.recognize import DELIMITERS, RECORD_TYPE
from senrkit.inputs.extract.state_rows import AT_HAND, StateRows
from senrkit.reference import Layout, layouts_by_column_count
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Extract", "InputFile", "read_extract"]


@dataclass(frozen=True, eq=False, repr=False)
class Extract(Carded):
    """The state's side.

    `state` is what a run looks at. `layout`, `delimiter` and `encoding` are those of the first file; where another one
    differs, a note says so. `encoding` is `utf-8` or `windows-1252`.
    """

    state: StateRows
    files: tuple[InputFile, ...]
    layout: Layout
    delimiter: str
    encoding: str
    notes: tuple[str, ...]

    def card(self) -> dict[str, str]:
        """The files, the layout, how many rows and how new they are; no student."""
        newest = self.newest_update
        return {
            "files": ", ".join(file.name for file in self.files),
            "rows": f"{len(self.state):,}",
            "layout": f"{self.layout.id}, {len(self.layout.columns)} columns, {self.encoding}",
            "newest change": newest.isoformat() if newest else "not said",
        }

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All rows as pandas' frame: the 37 columns of `senrkit.reference.ODS_FIELDS` as text (dtype `str`, blank
        `""`) and `line` (int64, 1-based, in its own file), in file order, one file after the other."""
        lines = pl.concat([pl.int_range(1, file.rows + 1, eager=True) for file in self.files])
        return to_pandas(self.state.read().with_columns(lines.alias("line")))

    @cached_property
    def newest_update(self) -> dt.date | None:
        """The newest day on which CALPADS changed a row; None when no row says one that can be read."""
        updates = self.state.narrow["last_updated"].unique().cast(pl.String).to_frame("day")
        return updates.select(days.of_update(pl.col("day")).max()).item()

    def line(self, position: int) -> int:
        """The line, 1-based in its own file, of the row at this position."""
        for file in self.files:
            if position < file.rows:
                break
            position -= file.rows
        return position + 1


def read_extract(paths: Sequence[Path], held: bool = False) -> Extract:
    """The extract in one or several files; a folder stands for its newest SENR-R file, a zip for those in it.

    Caret or comma, with or without byte-order mark, lines ended by CR LF, LF or CR, in any of the layouts of
    `senrkit.reference.layouts_by_column_count`. Columns that the layout lacks are `""`. No value is quoted in these
    files, so a quotation mark belongs to its value. Source: CALPADS manual, ODS Extract and File Upload. `held`: the
    files will be gone, so their bytes are kept.

    Raises
    ------
    LayoutError
        it is text, but not a whole SENR-R extract as CALPADS wrote it (precondition P03).
    InputError
        it cannot be read: missing, empty, damaged, locked, a workbook, no text.
    """
    found, notes = find_text_files(paths, RECORD_TYPE)
    parts = [read_part(file, RECORD_TYPE, layouts_by_column_count(), AT_HAND, held) for file in found]
    first = parts[0]
    for part in parts:
        notes += part.notes
        if part.recognized != first.recognized:
            how = f"{len(part.recognized.layout.columns)} columns, {DELIMITERS[part.recognized.delimiter]} format"
            notes += (f"{part.file.name}: {how}, unlike {first.file.name}.",)
    return Extract(
        state=StateRows(pl.concat([part.rows for part in parts]), [part.lines for part in parts]),
        files=tuple(part.file for part in parts),
        layout=first.recognized.layout,
        delimiter=first.recognized.delimiter,
        encoding=first.encoding,
        notes=notes,
    )
