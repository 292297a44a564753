"""`charts/` of a batch: pages that need nothing from outside. Counts, schools and LEAs; nobody."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd

from senrkit.batch.document import STATES, day_of
from senrkit.batch.summary_tables import BatchTables
from senrkit.figures import Chart, by_lea, page
from senrkit.figures.batch import by_school_of_leas, work_by_lea
from senrkit.figures.chart import sentence_html, table_html
from senrkit.figures.html import chart_html
from senrkit.figures.picked_lea import picked_lea
from senrkit.texts import wording


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
