"""Enrollment counts on census day: CALPADS now, Aeries, CALPADS after the files of the run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from senrkit.figures.chart import INK, Chart, figure, first_schools, nothing, rows_height, school_labels
from senrkit.results.folder import RunFolder

# Told apart by shape and fill, not by color alone.
_MARKS = {
    "now": ("CALPADS now", {"symbol": "circle-open", "size": 12, "color": "#d55e00", "line": {"width": 2.5}}),
    "after": ("CALPADS after these files", {"symbol": "diamond", "size": 11, "color": "#0072b2"}),
    "aeries": ("Aeries", {"symbol": "line-ns-open", "size": 15, "color": INK, "line": {"width": 3}}),
}


def enrollment_counts(run: RunFolder) -> Chart:
    """Open enrollments on census day by school, and how far CALPADS is from Aeries, before and after. Table: by school
    and grade."""
    title = "Open enrollments on census day, by school"
    census = run.census
    headings = {
        "school_code": "School code",
        "school_name": "School",
        "grade": "Grade",
        "now": "CALPADS now",
        "aeries": "Aeries",
        "after": "CALPADS after",
    }
    table = census.rename(columns=headings)
    if census.empty:
        return nothing(run, title, table, "No enrollment is open on census day, on either side.")
    counts = first_schools(_by_school(run, census))
    drawn = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.03, column_widths=[0.55, 0.45])
    drawn.update_layout(figure(title, rows_height(len(counts)) + 30).layout)
    labels = counts.index.tolist()
    for side, (name, marks) in _MARKS.items():
        dots = {"y": labels, "mode": "markers", "marker": marks, "name": name, "legendgroup": side}
        drawn.add_trace(
            go.Scatter(x=counts[side], hovertemplate=f"%{{y}}<br>{name}: %{{x:,}}<extra></extra>", **dots), row=1, col=1
        )
        if side != "aeries":
            gap = counts[side] - counts["aeries"]
            drawn.add_trace(
                go.Scatter(
                    x=gap,
                    showlegend=False,
                    hovertemplate=f"%{{y}}<br>{name} less Aeries: %{{x:+,}}<extra></extra>",
                    **dots,
                ),
                row=1,
                col=2,
            )
    reach = max(3, int((counts[["now", "after"]].sub(counts["aeries"], axis=0)).abs().to_numpy().max()) + 1)
    axis = {"gridcolor": "#dddddd", "linecolor": "#595959", "automargin": True, "zeroline": False}
    drawn.update_xaxes(**axis)
    drawn.update_xaxes(title="open enrollments", tickformat=",d", rangemode="tozero", col=1)
    drawn.update_xaxes(
        title="CALPADS less Aeries",
        tickformat="+,d",
        range=[-reach, reach],
        zeroline=True,
        zerolinecolor=INK,
        zerolinewidth=2,
        col=2,
    )
    drawn.update_yaxes(autorange="reversed", type="category", gridcolor="#eeeeee", automargin=True)
    return Chart(drawn, table, _sentence(run, census))


def _by_school(run: RunFolder, census: pd.DataFrame) -> pd.DataFrame:
    """In the order that all charts share; schools without an action come last."""
    counts = census.groupby(["school_code", "school_name"], as_index=False)[["now", "aeries", "after"]].sum()
    order = {code: place for place, code in enumerate(run.schools["school_code"])}
    counts = counts.sort_values("school_code", key=lambda codes: codes.map(order).fillna(len(order)), ignore_index=True)
    return counts.set_index(school_labels(counts))[["now", "aeries", "after"]]


def _sentence(run: RunFolder, census: pd.DataFrame) -> str:
    forecast = run.manifest["what_if"]
    sums = census[["now", "aeries", "after"]].sum()
    concurrent = forecast["concurrent"]
    said = (
        f"On census day, {forecast['census_day']}, CALPADS counts {sums['now']:,} open enrollments now and "
        f"{sums['after']:,} after these files; Aeries counts {sums['aeries']:,}."
    )
    if any(concurrent.values()):
        said += (
            f" Students with two primary enrollments on the same days: {concurrent['now']:,} in CALPADS now, "
            f"{concurrent['after']:,} after, {concurrent['aeries']:,} in Aeries."
        )
    return said
