"""Rows of a worksheet, whole columns at a time, put into a workbook that XlsxWriter has made without them.

XlsxWriter writes cell by cell: three seconds for what takes a tenth of one here. It makes everything else: sheets,
formats, headings, filters, print set-up. A text is written in place (`inlineStr`), never as a formula, link or number.
Source: ECMA-376 part 1, 18.3.1.4 (cell), 18.18.11 (cell types), 22.9.2.19 (escapes in text).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from senrkit.frames import text

_HEADING_END = b"</row></sheetData>"
_LONGEST_TEXT = 32_767
_LINE_POINTS = 15
# Words break before the edge: a line holds about nine tenths of the letters that would fit.
_LETTERS_A_WIDTH = 0.92
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_NOT_XML = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
_LOOKS_ESCAPED = r"_(x[0-9A-Fa-f]{4}_)"


def fill_sheets(skeleton: bytes, tables: Mapping[int, pd.DataFrame], target: Path | BinaryIO) -> None:
    """Write the workbook `skeleton` to `target` with a table's rows below the heading of sheet 1, 2, ...

    Column `n` of a table goes into column `n` of the sheet, with that column's format. Whole numbers become numbers,
    all else text; blank and unknown leave the cell empty.

    Raises
    ------
    ValueError
        when a sheet does not hold exactly one row, its heading.
    """
    parts = {f"xl/worksheets/sheet{number}.xml": table for number, table in tables.items()}
    with zipfile.ZipFile(io.BytesIO(skeleton)) as empty, zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as book:
        for entry in empty.infolist():
            content = empty.read(entry)
            if entry.filename in parts:
                content = _filled(content, parts[entry.filename])
            named = zipfile.ZipInfo(entry.filename, entry.date_time)
            book.writestr(named, content, zipfile.ZIP_DEFLATED, compresslevel=1)


def _filled(sheet: bytes, table: pd.DataFrame) -> bytes:
    if sheet.count(b"<row ") != 1 or _HEADING_END not in sheet:
        raise ValueError("A sheet to be filled holds its heading and nothing else.")
    if len(table) == 0:
        return sheet
    rows = b"</row>" + rows_xml(table, _column_styles(sheet), _column_widths(sheet)) + b"</sheetData>"
    last = f"{_letters(table.shape[1] - 1)}{len(table) + 1}"
    sheet = re.sub(rb'<dimension ref="[^"]*"/>', f'<dimension ref="A1:{last}"/>'.encode(), sheet)
    return sheet.replace(_HEADING_END, rows)


def rows_xml(table: pd.DataFrame, styles: Mapping[int, int], widths: Mapping[int, float] | None = None) -> bytes:
    """The table as `<row>` elements from row 2 on; `styles` are the format numbers of the columns, `widths` theirs."""
    numbers = pa.array(np.arange(2, len(table) + 2)).cast(pa.large_string())
    cells = [_cells(table[name], _letters(at), numbers, styles.get(at, 0)) for at, name in enumerate(table.columns)]
    heights = pa.array(_heights(table, widths or {})).cast(pa.large_string())
    rows = _glued('<row r="', numbers, '" ht="', heights, '" customHeight="1">', *cells, "</row>")
    return "".join(rows.to_pylist()).encode()


def _heights(table: pd.DataFrame, widths: Mapping[int, float]) -> np.ndarray:
    """Points a row needs for its wrapped text. Excel fits rows by itself on opening, other programs do not."""
    lines = np.ones(len(table), dtype="int64")
    for at, name in enumerate(table.columns):
        if at in widths and not pd.api.types.is_integer_dtype(table[name]):
            letters = pc.fill_null(pc.utf8_length(text.arrow(table[name])), 0).to_numpy()
            lines = np.maximum(lines, -(-letters // max(int(widths[at] * _LETTERS_A_WIDTH), 1)))
    return (lines * _LINE_POINTS + 1).astype("int64")


def _cells(column: pd.Series, letters: str, numbers: pa.Array, style: int) -> pa.Array:
    start = f'<c r="{letters}'
    if pd.api.types.is_integer_dtype(column):
        counts = pa.array(column, from_pandas=True).cast(pa.large_string())
        cells = _glued(start, numbers, f'" s="{style}"><v>', pc.fill_null(counts, ""), "</v></c>")
        return pc.if_else(pc.is_null(counts), "", cells)
    values = pc.fill_null(text.arrow(column).combine_chunks(), "")
    cells = _glued(
        start, numbers, f'" s="{style}" t="inlineStr"><is><t xml:space="preserve">', _escaped(values), "</t></is></c>"
    )
    return pc.if_else(pc.equal(values, ""), "", cells)


def _escaped(values: pa.Array) -> pa.Array:
    values = pc.utf8_slice_codeunits(values, 0, _LONGEST_TEXT)
    values = pc.replace_substring_regex(values, _NOT_XML, " ")
    values = pc.replace_substring_regex(values, _LOOKS_ESCAPED, r"_x005F_\1")
    for sign, escape in _ESCAPES:
        values = pc.replace_substring(values, sign, escape)
    return values


def _glued(*parts: pa.Array | str) -> pa.Array:
    sides = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*sides, pa.scalar("", pa.large_string()))


def _column_styles(sheet: bytes) -> dict[int, int]:
    """Format number by column, from the `<col>` elements: XlsxWriter writes one for each column that has a format."""
    styles = {}
    for first, last, style in re.findall(rb'<col min="(\d+)" max="(\d+)"[^>]*? style="(\d+)"', sheet):
        styles |= dict.fromkeys(range(int(first) - 1, int(last)), int(style))
    return styles


def _column_widths(sheet: bytes) -> dict[int, float]:
    """Width by column, in letters, from the `<col>` elements."""
    widths = {}
    for first, last, width in re.findall(rb'<col min="(\d+)" max="(\d+)" width="([\d.]+)"', sheet):
        widths |= dict.fromkeys(range(int(first) - 1, int(last)), float(width))
    return widths


def _letters(column: int) -> str:
    """`A` for 0, `AA` for 26."""
    before, last = divmod(column, 26)
    return f"{_letters(before - 1) if before else ''}{chr(ord('A') + last)}"
