"""One student's enrollments on both sides, CALPADS above Aeries, on one scale of days."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import plotly.graph_objects as go

from senrkit.figures.chart import COLORS, INK, PALE_INK, Chart, figure, label, nothing
from senrkit.reference import SchoolYear
from senrkit.results.folder import RunFolder
from senrkit.results.tables import AERIES, CALPADS

_SIDES = {CALPADS: "CALPADS", AERIES: "Aeries"}
_LOOKS = {
    CALPADS: {
        "color": COLORS["update"],
        "pattern": {"shape": "/", "fgcolor": INK, "fgopacity": 0.35, "size": 7, "solidity": 0.2, "fillmode": "overlay"},
    },
    AERIES: {"color": COLORS["add"]},
}
_ROW_PIXELS, _WORDS_PIXELS = 34, 256
_DAY_IN_MILLISECONDS = 86_400_000


def student_timeline(run: RunFolder, ssids: tuple[str, ...] | list[str]) -> Chart:
    """Both sides' enrollments of a student, by all of the student's SSIDs, each a bar with its dates in words.

    The words stand at the right, clear of the bars and of the day of the run. Table: the same rows. Of Aeries, the run
    year alone is known, and the sentence says so. A student with nothing to change is not in a run folder: the chart
    says so.
    """
    title = "CALPADS and Aeries, enrollment by enrollment"
    rows = run.enrollments[run.enrollments["ssid"].isin(list(ssids))]
    rows = rows.sort_values(["side", "start_date", "exit_date"], ascending=[False, True, True], kind="stable")
    rows = rows.iloc[rows["side"].eq(AERIES).argsort(kind="stable")].reset_index(drop=True)
    rows = rows.assign(school=rows["school_name"].where(rows["school_name"] != "", rows["school_code"]))
    table = _table(rows)
    if rows.empty:
        return nothing(run, title, table, "This run has nothing to change for the student, and so keeps no timeline.")
    as_of = pd.Timestamp(run.manifest["as_of"])
    bars = _bars(rows, as_of)
    drawn = figure(title, 150 + _ROW_PIXELS * max(len(rows), 2), bargap=0.3, barmode="overlay", margin_r=_WORDS_PIXELS)
    for side in _SIDES:
        drawn.add_trace(_trace(side, bars[rows["side"] == side]))
    year = SchoolYear.parse(run.manifest["school_year"])
    _shade(drawn, year, as_of)
    drawn.update_yaxes(autorange="reversed", type="category", showgrid=False, ticklabelstandoff=6)
    drawn.update_xaxes(type="date", showgrid=True, range=_range(bars, year))
    for label_, words in zip(bars["label"], bars["words"], strict=True):
        drawn.add_annotation(
            x=1, xref="paper", xanchor="left", xshift=8, y=label_, text=words, showarrow=False, font={"color": INK}
        )
    return Chart(drawn, table, _sentence(rows, as_of, year))


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Side": rows["side"].map(_SIDES).astype("str"),
            "School": rows["school"],
            "Grade": rows["grade"],
            "Status": rows["status"],
            "Start": rows["start_date"],
            "Exit": rows["exit_date"].where(rows["exit_date"] != "", "open"),
            "Exit reason": rows["exit_reason"],
        }
    )


def _bars(rows: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Where each bar begins and ends, its axis label and its words. An open one ends on the day of the run."""
    start, end = (
        pd.to_datetime(rows[name], format="%Y-%m-%d", errors="coerce") for name in ("start_date", "exit_date")
    )
    shown_end = end.fillna(as_of).clip(lower=start)
    words = [
        f"{first} → {last or 'open'}{f', {why}' if why else ''}"
        for first, last, why in zip(rows["start_date"], rows["exit_date"], rows["exit_reason"], strict=True)
    ]
    places = rows.groupby("side").cumcount() + 1
    labels = [
        f"{_SIDES[side]} {place}: {label(name)}, grade {grade or '?'}"
        for side, place, name, grade in zip(rows["side"], places, rows["school"], rows["grade"], strict=True)
    ]
    length = (shown_end - start).dt.total_seconds() * 1000 + _DAY_IN_MILLISECONDS
    return pd.DataFrame(
        {"label": labels, "start": start, "end": shown_end, "length": length, "words": words}, index=rows.index
    )


def _trace(side: str, bars: pd.DataFrame) -> go.Bar:
    return go.Bar(
        base=bars["start"].dt.strftime("%Y-%m-%d").tolist(),
        x=bars["length"].tolist(),
        y=bars["label"].tolist(),
        orientation="h",
        name=_SIDES[side],
        customdata=bars["words"].tolist(),
        marker={**_LOOKS[side], "line": {"color": INK, "width": 1}},
        hovertemplate="%{y}<br>%{customdata}<extra></extra>",
    )


def _shade(drawn: go.Figure, year: SchoolYear, as_of: pd.Timestamp) -> None:
    ends = year.end + dt.timedelta(days=1)
    drawn.add_vrect(x0=str(year.start), x1=str(ends), fillcolor="#f2f2f2", line_width=0, layer="below")
    drawn.add_annotation(
        x=str(year.start),
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="left",
        text=f"school year {year.short}",
        showarrow=False,
        font={"color": PALE_INK, "size": 12},
    )
    drawn.add_shape(
        type="line",
        x0=str(as_of.date()),
        x1=str(as_of.date()),
        y0=0,
        y1=1,
        yref="paper",
        line={"color": INK, "dash": "dash", "width": 1.5},
    )
    drawn.add_annotation(
        x=str(as_of.date()),
        y=1,
        yref="paper",
        yanchor="bottom",
        xanchor="left",
        yshift=14,
        text="day of the run",
        showarrow=False,
        font={"color": PALE_INK, "size": 12},
    )


def _range(bars: pd.DataFrame, year: SchoolYear) -> list[str]:
    first = min(bars["start"].min(), pd.Timestamp(year.start)) - pd.Timedelta(days=30)
    last = max(bars["end"].max(), pd.Timestamp(year.end))
    return [str(first.date()), str((last + pd.Timedelta(days=30)).date())]


def _sentence(rows: pd.DataFrame, as_of: pd.Timestamp, year: SchoolYear) -> str:
    """What each side holds. CALPADS is shown in all years, Aeries in the year of the run alone."""
    today = as_of.strftime("%Y-%m-%d")
    parts = []
    for side, name in _SIDES.items():
        of_side = rows[rows["side"] == side]
        still = of_side[(of_side["exit_date"] == "") | (of_side["exit_date"] > today)]
        here = ", ".join(dict.fromkeys(still["school"]))
        known = f"{len(of_side):,} enrollment{'' if len(of_side) == 1 else 's'}"
        if side == CALPADS:
            this = int((of_side["start_date"] >= str(year.start)).sum())
            known += f", {this:,} of them in {year.short}" if this < len(of_side) else f" of {year.short}"
        else:
            known += f" of {year.short}"
        where = f"open at {here}" if here else "none of them open" if len(of_side) else ""
        parts.append(f"{name} holds {known}" + (f", {where}" if where else ""))
    return "; ".join(parts) + ". Earlier years of Aeries are not part of a run."
