"""From run to run: how the work to do grew or shrank, and how many items are new, on their way, back and solved."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import polars as pl

from senrkit.figures.chart import CHARTED, COLORS, INK, Chart, action_name, figure, nothing
from senrkit.frames.pandas_door import to_pandas
from senrkit.ledger.weeks import BACK, NEW, ON_ITS_WAY, OPEN, SOLVED
from senrkit.results.folder import RunFolder

_SYMBOLS = {"add": "circle", "update": "square", "delete": "x", "hold": "diamond"}
_DASHES = {"add": "solid", "update": "dash", "delete": "dot", "hold": "dashdot"}


def trend(runs: Sequence[RunFolder]) -> Chart:
    """Actions of each run, oldest first. Table: the same; stopped runs are in the table only.

    Raises
    ------
    ValueError
        without any run.
    """
    if not runs:
        raise ValueError("A trend needs at least one run.")
    title = "What is to be done, run by run"
    rows = [_row(run) for run in runs]
    table = pd.DataFrame(rows, columns=["Run", "As of", *(action_name(action) for action in CHARTED), "All"])
    went_through = [run for run in runs if not run.stopped]
    if not went_through:
        return nothing(runs[-1], title, table)
    lines = figure(title, 420)
    places = [_label(run) for run in went_through]
    if len(set(places)) < len(places):
        # Made within one minute: one place would show one of them alone.
        places = [f"{place}<br>{run.folder.name}" for place, run in zip(places, went_through, strict=True)]
    for action in CHARTED:
        marks = {"symbol": _SYMBOLS[action], "size": 10, "color": COLORS[action], "line": {"color": INK, "width": 1}}
        counts = [run.counts[action] for run in went_through]
        name = action_name(action)
        lines.add_trace(
            go.Scatter(
                x=places,
                y=counts,
                name=name,
                mode="lines+markers",
                marker=marks,
                line={"color": PALE_LINE[action], "dash": _DASHES[action], "width": 2},
                hovertemplate=f"%{{x}}<br>{name}: %{{y:,}}<extra></extra>",
            )
        )
    lines.update_xaxes(type="category", title="run", showgrid=False)
    lines.update_yaxes(title="enrollments", tickformat=",d", rangemode="tozero")
    return Chart(lines, table, _sentence(went_through))


# Yellow and sky blue lines are too pale on white: a line is drawn darker than its marks.
PALE_LINE = {"add": "#2b7fb8", "update": "#b87f00", "delete": "#d55e00", "hold": "#8a8000"}


def _row(run: RunFolder) -> list[object]:
    counts = [run.counts[action] if not run.stopped else pd.NA for action in CHARTED]
    whole = sum(run.counts[action] for action in CHARTED) if not run.stopped else "stopped"
    return [run.folder.name, run.manifest["as_of"], *counts, whole]


def _label(run: RunFolder) -> str:
    return f"{run.manifest['made'][:16].replace('T', ' ')}<br>{run.manifest['run_number']}"


def _sentence(runs: Sequence[RunFolder]) -> str:
    first, last = (sum(run.counts[action] for action in CHARTED) for run in (runs[0], runs[-1]))
    if len(runs) == 1:
        return f"One run so far, with {last:,} items to do: a trend needs a second."
    word = "fewer" if last < first else "more"
    change = (
        f"{abs(last - first):,} {word} than in the first of {len(runs)} runs"
        if last != first
        else f"as many as in the first of {len(runs)} runs"
    )
    return f"{last:,} items to do in the last run, {change}."


# Below the line what is gone, above it what is there: a color, a pattern and a word each.
_LOOKS = {
    OPEN: ("#e69f00", ""),
    NEW: ("#56b4e9", "/"),
    BACK: ("#d55e00", "x"),
    ON_ITS_WAY: ("#f0e442", "."),
    SOLVED: ("#009e73", "-"),
}
_NAMES = {OPEN: "still open", NEW: "new", BACK: "back again", ON_ITS_WAY: "on its way", SOLVED: "solved"}


def weeks(counted: pl.DataFrame) -> Chart:
    """A bar a run, of `ledger.weeks.counted`: above the line what is there, below it what is solved. Table: the same.

    `counted` may have a column between `as_of` and the counts, such as the school: then its rows are added up.
    """
    by_run = counted.group_by("run", "as_of", maintain_order=True).agg(pl.col(list(_LOOKS)).sum())
    table = by_run.select(
        pl.col("run").alias("Run"),
        pl.col("as_of").cast(pl.String).alias("As of"),
        *(pl.col(state).alias(_NAMES[state].capitalize()) for state in _LOOKS),
    )
    made = figure("From week to week", 440, barmode="relative")
    labels = by_run["as_of"].cast(pl.String).to_list()
    for state, (color, pattern) in _LOOKS.items():
        counts = by_run[state].to_list()
        made.add_trace(
            go.Bar(
                x=labels,
                y=[-count for count in counts] if state == SOLVED else counts,
                name=_NAMES[state],
                marker={"color": color, "line": {"color": INK, "width": 0.5}, "pattern": {"shape": pattern}},
                customdata=counts,
                hovertemplate=f"%{{x}}<br>{_NAMES[state]}: %{{customdata:,}}<extra></extra>",
            )
        )
    made.update_xaxes(type="category", title="run, as of", showgrid=False)
    made.update_yaxes(title="enrollments", tickformat=",d", zeroline=True, zerolinecolor=INK)
    return Chart(made, to_pandas(table), _week_sentence(by_run))


def _week_sentence(by_run: pl.DataFrame) -> str:
    if by_run.is_empty():
        return "The ledger knows of no run yet."
    last = by_run.row(-1, named=True)
    there = sum(last[state] for state in _LOOKS if state != SOLVED)
    return (
        f"As of {last['as_of']} {there:,} enrollments differ: {last[NEW]:,} are new, {last[BACK]:,} are back again, "
        f"{last[ON_ITS_WAY]:,} are on their way; {last[SOLVED]:,} were solved since the run before."
    )
