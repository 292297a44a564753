"""The summary of a batch: `summary.xlsx` and `charts/` for people, `tables/` for programs.

Counts, schools and LEAs; no student in any.
"""

from __future__ import annotations

import dataclasses
import html
import io
from collections.abc import Mapping
from typing import Any

import pandas as pd
import polars as pl
from polars import selectors as cs

from senrkit.batch.document import STATES, day_of
from senrkit.batch.home import Home
from senrkit.batch.summary_tables import BatchTables, read_tables
from senrkit.batch.summary_workbook import workbook
from senrkit.figures import Chart, by_lea, page
from senrkit.figures.batch import by_school_of_leas, picked_lea, work_by_lea
from senrkit.figures.chart import chart_html, sentence_html, table_html
from senrkit.frames.pandas_door import to_polars
from senrkit.results.tables import to_csv
from senrkit.texts import wording

WORKBOOK, CHARTS, TABLES = "summary.xlsx", "charts", "tables"


def write_summary(home: Home, document: dict[str, Any]) -> list[str]:
    """Write the summary of the batch at `home`, over an earlier one; returns the files' names there.

    Everything is made before anything is written, and each file is private and appears whole. Of the run folders only
    the manifests are read.

    Parameters
    ----------
    document
        That of `batch.json` (`batch.document`).

    Raises
    ------
    InputError
        when the disk is full or cannot be written.
    """
    tables = read_tables(home, document)
    charts = {f"{CHARTS}/{name}": page for name, page in pages(document, tables).items()}
    # The workbook last: where it is, all of the summary is.
    files = charts | _for_programs(tables) | {WORKBOOK: workbook(document, tables)}
    for name, data in files.items():
        home.write(name, data)
    return list(files)


def _for_programs(tables: BatchTables) -> dict[str, bytes]:
    """Every table as CSV, with nothing in it that a spreadsheet would run, and as Parquet, with its types."""
    made: dict[str, bytes] = {}
    for field in dataclasses.fields(tables):
        table, parquet = to_polars(getattr(tables, field.name)), io.BytesIO()
        table.write_parquet(parquet)
        made[f"{TABLES}/{field.name}.csv"] = to_csv(table.with_columns(cs.numeric().cast(pl.String)))
        made[f"{TABLES}/{field.name}.parquet"] = parquet.getvalue()
    return made


def pages(document: Mapping[str, Any], tables: BatchTables) -> dict[str, bytes]:
    """File name → page."""
    leas, work = by_lea(tables.finished), work_by_lea(tables.leas)
    schools = by_school_of_leas(tables.schools)
    about = f"as of {day_of(document)}"
    back = '<p><a href="index.html">All charts of the batch</a></p>'
    index = _index(document, tables, {"by_lea.html": [leas, work], "by_school.html": [schools]})
    made = {
        "by_lea.html": ("Batch by LEA", back + chart_html(leas) + chart_html(work)),
        "by_school.html": ("Batch by school", back + chart_html(schools) + picked_lea(tables.schools)),
        "index.html": ("Batch", index),
    }
    return {
        name: page(
            f"{title}, {about}", f"<h1>{html.escape(f'{title}, {about}')}</h1>{body}", charts="chart" in body
        ).encode()
        for name, (title, body) in made.items()
    }


def _index(document: Mapping[str, Any], tables: BatchTables, linked: Mapping[str, list[Chart]]) -> str:
    links = "".join(
        f'<li><a href="{name}">{html.escape(chart.figure.layout.title.text)}</a>: {html.escape(chart.sentence)}</li>'
        for name, charts in linked.items()
        for chart in charts
    )
    states = [
        (words.title, document["states"][state], f"{words.sentence} {words.cure}".strip())
        for state in STATES
        if document["states"].get(state) and (words := wording.phrase("batch-state", state))
    ]
    listed = pd.DataFrame(states, columns=["What came of it", "LEAs", "What it means"])
    leas, problems = len(document["leas"]), len(tables.problems)
    lines = f"{f'{problems:,}' if problems else 'no'} line{'' if problems == 1 else 's'}"
    said = (
        f"{leas:,} LEA{'' if leas == 1 else 's'}. summary.xlsx in the batch folder lists all of them, their schools, "
        f"the reasons, and what needs a person: {lines}."
    )
    return f"{sentence_html(said)}{table_html(listed)}<ul>{links}</ul>"
