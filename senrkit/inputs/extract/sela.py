"""The SELA ODS extract (SELA-R): every language status that CALPADS holds for the LEA, as text; or refused.

Read with the same care as the SENR extract, and by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.extract.find import InputFile, find_text_files
from senrkit.inputs.extract.ods_extract import read_part
from senrkit.inputs.extract.recognize import SELA_RECORD_TYPE, facts
from senrkit.reference import Layout
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SelaExtract", "read_sela_extract", "sela_fields", "sela_layouts"]


@dataclass(frozen=True, eq=False, repr=False)
class SelaExtract(Carded):
    """`state`: the 18 columns of today's layout as text (blank `""`) and `line` (1-based in its own file), in file
    order. `columns` counts those of the file, 17 or 18."""

    state: pl.DataFrame
    files: tuple[InputFile, ...]
    columns: int
    notes: tuple[str, ...]

    def card(self) -> dict[str, str]:
        """The files and how many rows; no student."""
        names = ", ".join(file.name for file in self.files)
        return {"files": names, "rows": f"{len(self.state):,}", "columns": f"{self.columns}"}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """`state` as pandas' frame: text of dtype `str`, `line` int64."""
        return to_pandas(self.state)


def read_sela_extract(path: Path) -> SelaExtract:
    """The extract in a file, in the newest SELA-R file of a folder, or in a zip.

    17 columns (without Correction Reason Code, which is then `""`) or 18. Everything else as `read_extract`.

    Raises
    ------
    LayoutError
        it is text, but not a whole SELA-R extract as CALPADS wrote it; a SENR file is named as such.
    InputError
        it cannot be read: missing, empty, damaged, locked, a workbook, no text.
    """
    found, notes = find_text_files([path], SELA_RECORD_TYPE)
    layouts = sela_layouts()
    asked = {name: pl.col(name) for name in max(layouts.items())[1].columns}
    parts = [read_part(file, SELA_RECORD_TYPE, layouts, asked) for file in found]
    rows = pl.concat([part.rows.with_columns(line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)) for part in parts])
    return SelaExtract(
        state=rows,
        files=tuple(part.file for part in parts),
        columns=len(parts[0].recognized.layout.columns),
        notes=notes + tuple(note for part in parts for note in part.notes),
    )


@cache
def sela_layouts() -> dict[int, Layout]:
    """The layouts by the number of columns of the extract (`recognition_sela.toml`)."""
    rows = facts(SELA_RECORD_TYPE)["layout"]
    layouts = [Layout(row["id"], row["fields"], tuple(row["columns"]), "", "") for row in rows]
    return {len(layout.columns): layout for layout in layouts}


def sela_fields() -> tuple[str, ...]:
    """The 16 fields of a SELA submission file, in file order."""
    newest = max(sela_layouts().items())[1]
    return newest.columns[: newest.fields]
