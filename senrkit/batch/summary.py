"""The summary of a batch: `summary.xlsx` and `charts/` for people, `tables/` for programs. No student in any."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import polars as pl
from polars import selectors as cs

from senrkit.batch.home import Home
from senrkit.batch.summary_charts import pages
from senrkit.batch.summary_tables import BatchTables, read_tables
from senrkit.batch.summary_workbook import workbook
from senrkit.frames.pandas_door import to_polars
from senrkit.results.tables import to_csv

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
