"""The SELA ODS extract (SELA-R): every language status that CALPADS holds for the LEA, as text; or refused.

Read with the same care as the SENR extract, and by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from senrkit.frames.text import from_arrow
from senrkit.inputs.extract.find import InputFile, find_text_files
from senrkit.inputs.extract.ods_extract import ExtractPart, read_part
from senrkit.inputs.extract.recognize import SELA_RECORD_TYPE, facts
from senrkit.reference import Layout

__all__ = ["SelaExtract", "read_sela_extract", "sela_fields", "sela_layouts"]


@dataclass(frozen=True, eq=False)
class SelaExtract:
    """`rows`: the 18 columns of today's layout as text (dtype `str`, blank `""`) and `line` (int64, 1-based in its own
    file), in file order. `columns` counts those of the file, 17 or 18."""

    rows: pd.DataFrame
    files: tuple[InputFile, ...]
    columns: int
    notes: tuple[str, ...]


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
    columns = max(layouts.items())[1].columns
    parts = [read_part(file, SELA_RECORD_TYPE, layouts) for file in found]
    # A file without Correction Reason Code: blank.
    rows = pd.concat([_frame(part) for part in parts], ignore_index=True).reindex(columns=list(columns))
    rows = rows.astype("str").fillna("")
    rows["line"] = np.concatenate([np.arange(1, part.file.rows + 1, dtype=np.int64) for part in parts])
    return SelaExtract(
        rows=rows,
        files=tuple(part.file for part in parts),
        columns=len(parts[0].recognised.layout.columns),
        notes=notes + tuple(note for part in parts for note in part.notes),
    )


def _frame(part: ExtractPart) -> pd.DataFrame:
    return pd.DataFrame({name: from_arrow(column.text()) for name, column in part.columns.items()})


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
