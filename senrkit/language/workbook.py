"""`language.xlsx`: the conflict report by school, what is new, what is refused, who waits for a test.

No names: SSID and local id lead to the student. Headings and widths are in `texts/workbook.csv`, words in
`texts/reasons.csv`.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.language import tables
from senrkit.language.classes import REFUSED
from senrkit.results.sheet_rows import fill_sheets
from senrkit.texts import wording


def write_workbook(path: Path, document: Mapping[str, Any], found: pl.DataFrame, as_of: dt.date) -> None:
    """Write the workbook to `path`. Every cell but counts is text; none is a formula.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    import xlsxwriter

    skeleton = io.BytesIO()
    made = dt.datetime.fromisoformat(document["made"]).replace(tzinfo=None)
    book = xlsxwriter.Workbook(skeleton, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"senrkit language {document['as_of']}", "created": made})
    _summary_sheet(book, document)
    sheets = _sheets(found, as_of)
    filled = {number: _sheet(book, name, sheets[name]) for number, name in enumerate(sheets, start=2)}
    book.close()
    fill_sheets(skeleton.getvalue(), filled, path)


def _sheets(found: pl.DataFrame, as_of: dt.date) -> dict[str, pl.DataFrame]:
    conflicts = tables.conflict_report(found)
    refused = found.filter(col("class") == REFUSED).sort("reason", "school_code", "ssid", maintain_order=True)
    new = tables.proposals(found).sort("school_code", "ssid", maintain_order=True)
    vendor = {"vendor": tables.worded(tables.vendor_report(found))} if (found["vendor"] != "").any() else {}
    return {
        "conflicts": tables.worded(conflicts),
        "conflicts_by_school": tables.by_school(conflicts),
        "new": tables.worded(new),
        "refused": tables.worded(refused),
        "to_be_determined": tables.to_be_determined(found, as_of).with_columns(age=tables.worded_ages()),
        **vendor,
    }


def _summary_sheet(book: Any, document: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(wording.phrase("language-sheet", "summary").title)
    bold, plain = (
        book.add_format({"bold": True, "font_size": 14}),
        book.add_format({"text_wrap": True, "valign": "top"}),
    )
    for column, width in enumerate((34, 12, 90)):
        sheet.set_column(column, column, width, plain)
    sheet.write_string(0, 0, f"Language status, {document['lea']}, {document['school_year']}", bold)
    sheet.write_string(1, 0, f"As of {document['as_of']}, senrkit {document['senrkit_version']}.")
    counts = document["counts"]["class"]
    for row, (name, count) in enumerate(counts.items(), start=3):
        phrase = wording.phrase("language-class", name)
        sheet.write_string(row, 0, phrase.title)
        sheet.write_number(row, 1, count)
        sheet.write_string(row, 2, phrase.sentence)
    for row, note in enumerate(document["notes"], start=len(counts) + 4):
        sheet.write_string(row, 2, note)


def _sheet(book: Any, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """A sheet with its heading; returns the rows that go below, or a sentence when there are none."""
    phrase = wording.phrase("language-sheet", name)
    columns = wording.sheet_columns(f"language_{name}")
    sheet = book.add_worksheet(phrase.title)
    head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "bottom": 1, "text_wrap": True, "valign": "top"})
    styles = {wrap: book.add_format({"valign": "top", "text_wrap": wrap}) for wrap in (False, True)}
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width, styles[column.wrap])
        sheet.write_string(0, at, column.heading, head)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    shown = rows.select(column.name for column in columns)
    if len(shown):
        return shown
    return pl.DataFrame([[phrase.cure] + [""] * (len(columns) - 1)], shown.columns, orient="row")
