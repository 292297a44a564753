"""Charts as HTML that needs nothing from outside: plotly's script comes from its package, once a page."""

from __future__ import annotations

import html
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from plotly.offline import get_plotlyjs

from senrkit.disk import write_whole
from senrkit.figures.chart import Chart, empty_html, figure_html, sentence_html, table_html


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
    write_whole(path, page(title, body).encode(), private=False)
    return path


def chart_html(chart: Chart) -> str:
    """Sentence, figure and table, for a page that holds plotly's script."""
    if not chart.figure.data:
        return f"<section>{empty_html(chart)}</section>"
    return f"<section>{sentence_html(chart.sentence)}{figure_html(chart)}{table_html(chart.table)}</section>"
