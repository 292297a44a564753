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

import polars as pl
from polars import col

from senrkit.frames.pandas_door import to_polars

_HEADING_END = b"</row></sheetData>"
_LONGEST_TEXT = 32_767
_LINE_POINTS = 15
# Words break before the edge: a line holds about nine tenths of the letters that would fit.
_LETTERS_A_WIDTH = 0.92
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_NOT_XML = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
_LOOKS_ESCAPED = r"_(x[0-9A-Fa-f]{4}_)"
_AS_IT_STANDS = ~col(pl.String).str.contains(rf"[&<>]|{_NOT_XML}|{_LOOKS_ESCAPED}")
_ROW = col("sheet_row")


def fill_sheets(skeleton: bytes, tables: Mapping[int, pl.DataFrame], target: Path | BinaryIO) -> None:
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
                content = _filled(content, to_polars(parts[entry.filename]))
            named = zipfile.ZipInfo(entry.filename, entry.date_time)
            book.writestr(named, content, zipfile.ZIP_DEFLATED, compresslevel=1)


def _filled(sheet: bytes, table: pl.DataFrame) -> bytes:
    if sheet.count(b"<row ") != 1 or _HEADING_END not in sheet:
        raise ValueError("A sheet to be filled holds its heading and nothing else.")
    if len(table) == 0:
        return sheet
    rows = b"</row>" + rows_xml(table, _column_styles(sheet), _column_widths(sheet)) + b"</sheetData>"
    last = f"{_letters(table.width - 1)}{len(table) + 1}"
    sheet = re.sub(rb'<dimension ref="[^"]*"/>', f'<dimension ref="A1:{last}"/>'.encode(), sheet)
    return sheet.replace(_HEADING_END, rows)


def rows_xml(table: pl.DataFrame, styles: Mapping[int, int], widths: Mapping[int, float] | None = None) -> bytes:
    """The table as `<row>` elements from row 2 on; `styles` are the format numbers of the columns, `widths` theirs."""
    # To look is much quicker than to replace, and hardly a column has anything to be replaced.
    plain = table.select((_AS_IT_STANDS & (col(pl.String).str.len_bytes() <= _LONGEST_TEXT)).fill_null(True).all())
    shown = {one.name: col(one.name) if one.item() else _escaped(col(one.name)) for one in plain}
    cells = [
        _cells(table.schema[name], shown.get(name, col(name)), _letters(at), styles.get(at, 0))
        for at, name in enumerate(table.columns)
    ]
    row = ['<row r="', _ROW, '" ht="', _height(table, widths or {}), '" customHeight="1">', *cells, "</row>"]
    rows = table.with_row_index("sheet_row", 2).select(_glued(*row).str.join(""))
    return rows.cast(pl.Binary).item()


def _height(table: pl.DataFrame, widths: Mapping[int, float]) -> pl.Expr:
    """Points a row needs for its wrapped text. Excel fits rows by itself on opening, other programs do not."""
    lines = [pl.lit(1, pl.Int64)]
    for at, width in widths.items():
        if at < table.width and not table.schema[table.columns[at]].is_integer():
            letters = col(table.columns[at]).str.len_chars().fill_null(0).cast(pl.Int64)
            most = max(int(width * _LETTERS_A_WIDTH), 1)
            lines.append((letters + most - 1) // most)
    return pl.max_horizontal(lines) * _LINE_POINTS + 1


def _cells(kind: pl.DataType, value: pl.Expr, letters: str, style: int) -> pl.Expr:
    start = f'<c r="{letters}'
    if kind.is_integer():
        cell = _glued(start, _ROW, f'" s="{style}"><v>', value, "</v></c>")
        return pl.when(value.is_null()).then(pl.lit("")).otherwise(cell)
    opened = f'" s="{style}" t="inlineStr"><is><t xml:space="preserve">'
    cell = _glued(start, _ROW, opened, value, "</t></is></c>")
    return pl.when(value.fill_null("") == "").then(pl.lit("")).otherwise(cell)


def _escaped(values: pl.Expr) -> pl.Expr:
    values = values.str.slice(0, _LONGEST_TEXT).str.replace_all(_NOT_XML, " ")
    values = values.str.replace_all(_LOOKS_ESCAPED, "_x005F_$1")
    for sign, escape in _ESCAPES:
        values = values.str.replace_all(sign, escape, literal=True)
    return values


def _glued(*parts: pl.Expr | str) -> pl.Expr:
    sides = [pl.lit(part) if isinstance(part, str) else part.cast(pl.String) for part in parts]
    return pl.concat_str(sides, ignore_nulls=True)


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
