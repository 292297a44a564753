"""From week to week: how many items are new, still open, on their way, back again, and solved."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from senrkit.figures.chart import INK, Chart, figure
from senrkit.frames.pandas_door import to_pandas
from senrkit.ledger.weeks import BACK, NEW, ON_ITS_WAY, OPEN, SOLVED

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
    return Chart(made, to_pandas(table), _sentence(by_run))


def _sentence(by_run: pl.DataFrame) -> str:
    if by_run.is_empty():
        return "The ledger knows of no run yet."
    last = by_run.row(-1, named=True)
    there = sum(last[state] for state in _LOOKS if state != SOLVED)
    return (
        f"As of {last['as_of']} {there:,} enrollments differ: {last[NEW]:,} are new, {last[BACK]:,} are back again, "
        f"{last[ON_ITS_WAY]:,} are on their way; {last[SOLVED]:,} were solved since the run before."
    )
