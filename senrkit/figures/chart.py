"""What all charts share: the shape of the result, the look, and what to say when there is nothing to show.

The colors are Okabe and Ito's (2008), which color-blind people tell apart. Each action has a pattern and a sign
besides, so that a chart printed in black and white says the same.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.io import to_json

from senrkit.results.folder import RunFolder
from senrkit.texts import wording

INK, PALE_INK, GRID, PAPER = "#1a1a1a", "#595959", "#dddddd", "#ffffff"
SHADES = ("#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b")
COLORS = {"add": "#56b4e9", "update": "#e69f00", "delete": "#d55e00", "hold": "#f0e442"}
CHARTED = tuple(COLORS)
PATTERNS = {"add": "", "update": "/", "delete": "x", "hold": "."}
SIGNS = {"add": "+", "update": "~", "delete": "−", "hold": "‖"}
SCHOOLS_SHOWN = 30
_ROW_PIXELS, _FRAME_PIXELS, _LABEL_LENGTH = 27, 110, 36
_CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage"]]}
_ROWS_OPEN, _ROWS_SHOWN = 8, 2_000


@dataclass(frozen=True)
class Chart:
    """A figure, never alone: `sentence` says what it shows, `table` holds every number in it, headings for people.

    Of the table's lines the first `drawn` (None: all) have each a place of their own in the figure, in their order.
    `behind` holds what is counted, row by row: `place` (the label of the bar, or of the cell's line), `part` (the name
    of its trace, or the label of the cell's column), then the columns of the proposal or of the findings. None: the
    chart counts no rows.
    """

    figure: go.Figure
    table: pd.DataFrame
    sentence: str
    drawn: int | None = None
    behind: pd.DataFrame | None = None

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        if not self.figure.data:
            display(HTML(empty_html(self)))
            return
        display(HTML(sentence_html(self.sentence)))
        # The first is drawn by JupyterLab's own plotly, the second by the script of the page that a report becomes.
        bundle = {"application/vnd.plotly.v1+json": self.figure.to_plotly_json(), "text/html": figure_html(self)}
        display(bundle, raw=True)
        display(HTML(table_html(self.table)))


def figure(title: str, height: int, **layout: Any) -> go.Figure:
    """An empty figure in the common look."""
    axis = {"gridcolor": GRID, "linecolor": PALE_INK, "zeroline": False, "automargin": True}
    made = go.Figure()
    made.update_layout(
        template=None,
        title={"text": title, "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 8}, "font": {"size": 18}},
        font={"family": "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif", "size": 14, "color": INK},
        height=height,
        margin={"l": 8, "r": 24, "t": 84, "b": 40},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 1,
            "yanchor": "top",
            "x": 0,
            "xanchor": "left",
            "traceorder": "normal",
            "itemclick": "toggle",
            "title": {"text": ""},
        },
        uniformtext={"minsize": 10, "mode": "hide"},
        hoverlabel={"align": "left"},
    )
    made.update_layout(title_yref="container", title_y=1, title_yanchor="top", title_pad_t=10, legend_y=1 - 44 / height)
    made.update_xaxes(**axis)
    made.update_yaxes(**axis)
    made.update_layout(**layout)
    return made


def rows_height(rows: int) -> int:
    """Pixels of a figure with one line a row."""
    return _FRAME_PIXELS + 30 + _ROW_PIXELS * max(rows, 2)


def stacked_bars(counts: pd.DataFrame, *, horizontal: bool) -> list[go.Bar]:
    """One trace an action; `counts` has a column for each, its index the labels."""
    bars = []
    for action in CHARTED:
        lengths, places = counts[action].tolist(), counts.index.tolist()
        bars.append(
            go.Bar(
                x=lengths if horizontal else places,
                y=places if horizontal else lengths,
                orientation="h" if horizontal else "v",
                name=action_name(action),
                text=[f"{count:,}" if count else "" for count in lengths],
                textposition="inside",
                textangle=0,
                insidetextanchor="middle",
                textfont={"color": INK, "weight": 700},
                marker=marker(action),
                hovertemplate=f"%{{{'y' if horizontal else 'x'}}}<br>{action_name(action)}: %{{text}}<extra></extra>",
            )
        )
    return bars


def marker(action: str) -> dict[str, Any]:
    """Color, pattern and outline of an action's bars."""
    pattern = {
        "shape": PATTERNS[action],
        "fgcolor": INK,
        "fgopacity": 0.3,
        "size": 7,
        "solidity": 0.16,
        "fillmode": "overlay",
    }
    return {"color": COLORS[action], "pattern": pattern, "line": {"color": INK, "width": 0.8}}


def action_name(action: str) -> str:
    """An action for people, its sign first."""
    return f"{SIGNS[action]} {wording.phrase('action', action).title}"


def label(name: str) -> str:
    """A name as an axis shows it: short, and taken as text whatever is in it."""
    short = name if len(name) <= _LABEL_LENGTH else f"{name[: _LABEL_LENGTH - 1].rstrip()}…"
    return html.escape(short, quote=False)


def school_labels(schools: pd.DataFrame) -> pd.Series:
    """One label a school; two schools of one name have their codes added."""
    twice = schools["school_name"].duplicated(keep=False)
    return pd.Series(
        [
            label(f"{name[:24]} ({code})" if double else name)
            for name, code, double in zip(schools["school_name"], schools["school_code"], twice, strict=True)
        ],
        index=schools.index,
        dtype="str",
    )


def first_schools(table: pd.DataFrame) -> pd.DataFrame:
    """The first schools, and one line that adds up all others; `table` has label as index and counts as columns."""
    shown = drawn_lines(table)
    if shown == len(table):
        return table
    others = table.iloc[shown:].sum().to_frame(f"{len(table) - shown} other schools").T
    return pd.concat([table.iloc[:shown], others])


def drawn_lines(table: pd.DataFrame) -> int:
    """How many lines of a table `first_schools` leaves as they are."""
    return len(table) if len(table) <= SCHOOLS_SHOWN + 1 else SCHOOLS_SHOWN


def gathered(behind: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """The rows behind a figure that draws the lines and columns of `shown`: what has no line or column of its own
    stands under the last one, which adds up all others."""
    lines, columns = shown.index, shown.columns
    place = behind["place"].where(behind["place"].isin(lines), lines[-1])
    is_named = behind["part"].isin(columns)
    part = behind["part"] if not is_named.any() else behind["part"].where(is_named, columns[-1])
    return behind.assign(place=place, part=part)


def nothing(run: RunFolder, title: str, table: pd.DataFrame, sentence: str = "") -> Chart:
    """The chart of a run in which there is nothing to draw: the figure says so too."""
    return empty_chart(title, table, nothing_decided(run) or sentence or agreement(run))


def empty_chart(title: str, table: pd.DataFrame, said: str) -> Chart:
    """A figure with nothing in it but the sentence that says why."""
    empty = figure(title, 180)
    empty.update_xaxes(visible=False)
    empty.update_yaxes(visible=False)
    empty.add_annotation(
        text=html.escape(said, quote=False),
        showarrow=False,
        x=0,
        xref="paper",
        xanchor="left",
        y=0.5,
        yref="paper",
        font={"size": 15},
    )
    return Chart(empty, table, said)


def nothing_decided(run: RunFolder) -> str:
    """What to say of a stopped run; `""` when it went through."""
    if not run.stopped:
        return ""
    ids = " and ".join(one["id"] for one in run.stops)
    return f"The run was stopped by {ids or 'a precondition'}: nothing was decided, so there is nothing to show."


def agreement(run: RunFolder) -> str:
    """What to say when nothing has to be done."""
    return f"Nothing to change: CALPADS and Aeries agree on {run.counts['same']:,} enrollments."


def of_all(part: int, whole: int, word: str) -> str:
    """`41 of 218 changes`; `the only change`; `all 7 changes`."""
    if part == whole:
        return f"the only {word}" if whole == 1 else f"all {whole:,} {word}s"
    return f"{part:,} of {whole:,} {word}s"


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


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
