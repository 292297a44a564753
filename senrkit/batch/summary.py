"""The summary of a batch, for people: `summary.xlsx` and `charts/`. Counts and sentences; no student."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from senrkit.batch.folder import write_whole
from senrkit.batch.summary_charts import pages
from senrkit.batch.summary_tables import read_tables
from senrkit.batch.summary_workbook import workbook
from senrkit.errors import InputError

WORKBOOK, CHARTS = "summary.xlsx", "charts"


def write_summary(folder: Path, document: dict[str, Any]) -> list[Path]:
    """Write the summary of the batch in `folder`, in place of an earlier one; returns the files.

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
    tables = read_tables(folder, document)
    charts = {f"{CHARTS}/{name}": page for name, page in pages(document, tables).items()}
    files = {WORKBOOK: workbook(document, tables)} | charts
    try:
        (folder / CHARTS).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder / CHARTS} cannot be made: {error.strerror}.", "Take away what is in its place, or make room."
        ) from None
    for name, data in files.items():
        write_whole(folder / name, data)
    return [folder / name for name in files]
