"""A workbook for people: a summary in words, then sheets of one table each, all with one look and ready to print.

Every cell but whole numbers is text; none is a formula, a link or a date that a spreadsheet program made up.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from senrkit.frames.pandas_door import to_polars
from senrkit.results.sheet_rows import fill_sheets
from senrkit.texts import wording
from senrkit.texts.wording import SheetColumn

# Nobody reads further than this in a workbook; the CSV files are for programs.
ROWS_PER_SHEET = 20_000

_LINE_POINTS = 16
# Without its side an indent is none.
_INDENT = {"align": "left", "indent": 1}

# A row of the summary: its style (`title`, `head`, `text`) and its cells; counts are whole numbers, all else is text.
Row = tuple[str, tuple[str | int, ...]]


@dataclass(frozen=True)
class Sheet:
    """One table. `empty` is what it says when there is no row; `most`, how many rows it shows at most; `has_total`,
    that its last row adds up the others, and is no part of what is filtered."""

    title: str
    columns: tuple[SheetColumn, ...]
    table: pl.DataFrame
    empty: str = ""
    most: int | None = None
    has_total: bool = False


def write_book(
    target: Path | BinaryIO, title: str, made: dt.datetime, summary: tuple[str, Sequence[Row]], sheets: Sequence[Sheet]
) -> None:
    """Write the workbook; `summary` is the first sheet's title and rows.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    import xlsxwriter

    skeleton = io.BytesIO()
    book = xlsxwriter.Workbook(skeleton, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": title, "created": made.replace(tzinfo=None)})
    _summary_sheet(book, *summary)
    rows = {number: _table_sheet(book, sheet) for number, sheet in enumerate(sheets, start=2)}
    book.close()
    fill_sheets(skeleton.getvalue(), rows, target)


def _summary_sheet(book: Any, title: str, rows: Sequence[Row]) -> None:
    sheet = book.add_worksheet(title)
    style = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "head": book.add_format({"bold": True, "bottom": 1, "font_size": 12}),
        "text": book.add_format({"text_wrap": True, "valign": "top"} | _INDENT),
        "number": book.add_format({"num_format": "#,##0", "valign": "top"}),
    }
    widths = (44, 12, 120)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for at, (kind, cells) in enumerate(rows):
        for column, value in enumerate(cells):
            if isinstance(value, int):
                sheet.write_number(at, column, value, style["number"])
            elif value or kind == "head":
                sheet.write_string(at, column, value, style[kind])
        wrapped = zip(cells, widths, strict=False) if kind == "text" else ()
        lines = max((-(-len(str(value)) // width) for value, width in wrapped), default=1)
        if lines > 1:
            # Printed, a line may break that does not on the screen, and not every program makes room then.
            sheet.set_row(at, _LINE_POINTS * lines)
    _for_print(sheet)
    sheet.fit_to_pages(1, 1)


def _table_sheet(book: Any, described: Sheet) -> pl.DataFrame:
    """A sheet with its heading; returns the rows that go below."""
    columns, table = described.columns, to_polars(described.table)
    most = ROWS_PER_SHEET if described.most is None else described.most
    sheet = book.add_worksheet(described.title)
    look = {"bold": True, "bg_color": "#DDE6F0", "bottom": 1, "text_wrap": True, "valign": "top"}
    head, head_of_numbers = book.add_format(look), book.add_format(look | {"align": "right"})
    head_after_numbers = book.add_format(look | _INDENT)
    plain = {"valign": "top"}
    after_number = False
    for at, column in enumerate(columns):
        is_number = table.schema[column.name].is_integer()
        # Text at the left edge of its cell would touch a number at the right edge of the one before.
        indent = _INDENT if after_number and not is_number else {}
        sheet.set_column(at, at, column.width, book.add_format(plain | indent | {"text_wrap": column.wrap}))
        head_of_text = head_after_numbers if indent else head
        sheet.write_string(0, at, column.heading, head_of_numbers if is_number else head_of_text)
        after_number = is_number
    sheet.set_row(0, _LINE_POINTS * max(2, *(-(-len(column.heading) // (column.width - 1)) for column in columns)))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(min(len(table), most) - described.has_total, 1), len(columns) - 1)
    printed = sum(column.printed for column in columns)
    if printed < len(columns):
        # What only programs and searches need would make the letters too small to read.
        sheet.print_area(0, 0, max(min(len(table), most), 1), printed - 1)
    sheet.repeat_rows(0)
    # SSIDs and codes are text on purpose; a green corner in each cell would only alarm.
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    _for_print(sheet)
    return _shown(table.select(column.name for column in columns), most, described.empty)


def _shown(table: pl.DataFrame, most: int, empty: str) -> pl.DataFrame:
    """The first rows of a table, and a word when there are more, or none."""
    if 0 < len(table) <= most:
        return table
    more = wording.phrase("block", "more").sentence.format(shown=f"{most:,}", all=f"{len(table):,}")
    said = more if len(table) else empty
    shown = table.head(most).cast(pl.String)
    last = pl.DataFrame({table.columns[0]: [said]}, {table.columns[0]: pl.String})
    return pl.concat([shown, last], how="diagonal")


def _for_print(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(1)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&RPage &P of &N")
