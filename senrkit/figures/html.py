"""Charts as HTML that needs nothing from outside: plotly's script comes from its package, once a page."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import pandas as pd
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from senrkit.figures.chart import Chart

_CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage"]]}
_ROWS_OPEN, _ROWS_SHOWN = 8, 2_000


def page(title: str, body: str, *, charts: bool = True) -> str:
    """A whole HTML page around `body`, in senrkit's look; with plotly's script in it when there are charts."""
    script = f"<script>{get_plotlyjs()}</script>" if charts else ""
    style = resources.files("senrkit.figures").joinpath("page.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f"<style>{style}</style>\n{script}\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def write_page(path: Path, title: str, charts: Iterable[Chart]) -> Path:
    """Charts, each with its sentence and its table, as one page; the file appears whole or not at all.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    body = f"<h1>{html.escape(title)}</h1>" + "".join(chart_html(chart) for chart in charts)
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        unfinished.write_text(page(title, body), encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def chart_html(chart: Chart) -> str:
    """Sentence, figure and table, for a page that holds plotly's script."""
    if not chart.figure.data:
        return f"<section>{empty_html(chart)}</section>"
    return f"<section>{sentence_html(chart.sentence)}{figure_html(chart)}{table_html(chart.table)}</section>"


def empty_html(chart: Chart) -> str:
    """What stands in the place of a figure with nothing in it: its title and why."""
    title = html.escape(chart.figure.layout.title.text)
    return f'<p class="sentence"><strong>{title}:</strong> {html.escape(chart.sentence)}</p>'


def sentence_html(sentence: str) -> str:
    return f'<p class="sentence">{html.escape(sentence)}</p>'


def figure_html(chart: Chart) -> str:
    """The figure, for a page that holds plotly's script."""
    drawn = to_json(chart.figure, validate=False).replace("<", "\\u003c")
    height = int(chart.figure.layout.height)
    return (
        f'<div class="chart" role="img" aria-label="{html.escape(chart.sentence)}" style="height:{height}px"></div>'
        f"<script>(function(){{var d={drawn};var e=document.currentScript.previousElementSibling;"
        f"if(window.Plotly)Plotly.newPlot(e,d.data,d.layout,{json.dumps(_CONFIG)});}})();</script>"
    )


def table_html(table: pd.DataFrame) -> str:
    """A table to open, with numbers aligned; a long one is cut, and says so."""
    if table.empty:
        return ""
    body = "".join(
        f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in table.head(_ROWS_SHOWN).itertuples(index=False)
    )
    head = "".join(f'<th scope="col"{_number_class(table[name])}>{html.escape(str(name))}</th>' for name in table)
    rows = f"{len(table):,} row{'' if len(table) == 1 else 's'}"
    if len(table) > _ROWS_SHOWN:
        rows += f", the first {_ROWS_SHOWN:,} shown"
    is_open = " open" if len(table) <= _ROWS_OPEN else ""
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return (
        f'<details class="table"{is_open}><summary>The numbers ({rows})</summary>'
        f'<div class="scroll" tabindex="0">{whole}</div></details>'
    )


def _cell(value: object) -> str:
    if value is pd.NA:
        return "<td></td>"
    if isinstance(value, str):
        return f"<td>{html.escape(value)}</td>"
    return f'<td class="number">{value:,}</td>'


def _number_class(column: pd.Series) -> str:
    return ' class="number"' if pd.api.types.is_numeric_dtype(column) else ""
