"""A piece of a page: choose an LEA, see what is to be done at each of its schools. Everything is in the page itself."""

from __future__ import annotations

import html
import json
from importlib import resources
from typing import Any

import pandas as pd
from plotly.io import to_json

from senrkit.figures.batch import most_to_do_first, school_names
from senrkit.figures.chart import CHARTED, figure, rows_height, stacked_bars

_SCHOOLS_DRAWN = 60


def picked_lea(schools: pd.DataFrame) -> str:
    """HTML for a page that holds plotly's script; `""` when there is nothing to do anywhere.

    `schools` is that of `batch.by_school_of_leas`. Of an LEA with very many schools those with most to do are drawn,
    and the sentence says so.
    """
    schools = most_to_do_first(schools, ["lea", "school_code"])
    schools = schools[schools["to_do"] > 0]
    if not len(schools):
        return ""
    chosen = schools.groupby("lea")["to_do"].sum().idxmax()
    leas = {lea: _document(lea, rows) for lea, rows in schools.groupby("lea")}
    options = "".join(
        f'<option value="{html.escape(lea)}"{" selected" if lea == chosen else ""}>{html.escape(lea)}</option>'
        for lea in leas
    )
    frame = figure("What is to be done, by school", rows_height(1), barmode="stack", bargap=0.25)
    frame.update_yaxes(autorange="reversed", showgrid=False, type="category")
    frame.update_xaxes(title="enrollments", tickformat=",d", rangemode="tozero")
    frame.add_traces(stacked_bars(pd.DataFrame(columns=list(CHARTED), dtype="int64"), horizontal=True))
    script = resources.files("senrkit.figures").joinpath("picked_lea.js").read_text(encoding="utf-8")
    known = f"var frame={_in_script(to_json(frame, validate=False))};var leas={_in_script(json.dumps(leas))};"
    return (
        f'<section><h2>The schools of one LEA</h2><p><label>LEA <select id="lea">{options}</select></label></p>'
        f'<p class="sentence" id="lea-said" aria-live="polite"></p><div class="chart" id="lea-chart" role="img"></div>'
        f"<script>(function(){{{known}{script}}})();</script></section>"
    )


def _document(lea: str, rows: pd.DataFrame) -> dict[str, Any]:
    """What the script draws for one LEA."""
    shown, whole = rows.head(_SCHOOLS_DRAWN), int(rows["to_do"].sum())
    said = f"LEA {lea}: {whole:,} to do at {len(rows):,} school{'' if len(rows) == 1 else 's'}."
    if len(rows) > len(shown):
        left = int(rows["to_do"].iloc[_SCHOOLS_DRAWN:].sum())
        said += f" The {len(shown)} with most are drawn; {left:,} are at the others."
    counts = {action: shown[action].tolist() for action in CHARTED}
    return {
        "schools": school_names(shown).tolist(),
        "counts": list(counts.values()),
        "height": rows_height(len(shown)),
        "said": said,
    }


def _in_script(document: str) -> str:
    return document.replace("<", "\\u003c")
