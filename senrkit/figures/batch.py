"""Charts of many LEAs: what is to be done at each, at each school, and what each took; and a piece of a page that shows
the schools of one LEA.
"""

from __future__ import annotations

import html
import json
from importlib import resources
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.io import to_json
from plotly.subplots import make_subplots

from senrkit.figures.chart import (
    CHARTED,
    INK,
    SHADES,
    Chart,
    action_name,
    capital,
    empty_chart,
    figure,
    label,
    of_all,
    rows_height,
    stacked_bars,
)

LINES_SHOWN = 40
_NOTHING = "Nothing to change at any LEA that was finished."
_NONE_FINISHED = "No LEA was finished: there is nothing to show."
_TWO_HEADS = {"t": 72, "l": 8, "r": 24, "b": 40}


def by_lea(leas: pd.DataFrame) -> Chart:
    """What is to be done, LEA by LEA, most first; table: every finished LEA.

    Parameters
    ----------
    leas
        finished LEAs: `lea` (text) and a count for each action of `chart.CHARTED`. The first `LINES_SHOWN` are drawn;
        the sum of the others is in the title of the axis and in the sentence.
    """
    leas = most_to_do_first(leas, ["lea"])
    table = _table(leas, {"lea": "LEA"})
    title = "What is to be done, by LEA"
    if not len(leas) or not leas["to_do"].any():
        return empty_chart(title, table, _NOTHING if len(leas) else _NONE_FINISHED)
    return _bars(title, leas, leas["lea"], "LEA", table, _most(leas, f"LEA {leas.iloc[0]['lea']}"))


def by_school_of_leas(schools: pd.DataFrame) -> Chart:
    """What is to be done, school by school over all LEAs, most first; table: all schools with something to do.

    `schools` has `lea, school_code, school_name` and the counts, as `by_lea`.
    """
    schools = most_to_do_first(schools, ["lea", "school_code"])
    schools = schools[schools["to_do"] > 0].reset_index(drop=True)
    table = _table(schools, {"lea": "LEA", "school_code": "School code", "school_name": "School"})
    title = "What is to be done, by school, all LEAs"
    if not len(schools):
        return empty_chart(title, table, _NOTHING)
    first = schools.iloc[0]
    sentence = _most(schools, f"{first['school_name'] or first['school_code']}, LEA {first['lea']}")
    return _bars(title, schools, school_names(schools, " · " + schools["lea"]), "school", table, sentence)


def work_by_lea(leas: pd.DataFrame) -> Chart:
    """Seconds and most memory of each LEA, slowest first; table: every LEA that was begun.

    `leas` has `lea` (text), `seconds` and `peak_mib` (nullable numbers).
    """
    begun = leas[leas["seconds"].notna()].sort_values(["seconds", "lea"], ascending=[False, True], ignore_index=True)
    table = pd.DataFrame(
        {"LEA": begun["lea"], "Seconds": begun["seconds"].round(1), "Most memory (MiB)": begun["peak_mib"]}
    ).astype({"Most memory (MiB)": "Int64"})
    title = "What each LEA took"
    if not len(begun):
        return empty_chart(title, table, "No LEA was begun.")
    shown = begun.head(LINES_SHOWN)
    drawn = make_subplots(
        cols=2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=("seconds", "most memory, MiB")
    )
    drawn.update_layout(figure(title, rows_height(len(shown)), margin=_TWO_HEADS, bargap=0.25, showlegend=False).layout)
    for at, (column, form) in enumerate((("seconds", "{:,.1f}"), ("peak_mib", "{:,.0f}")), start=1):
        known = shown[shown[column].notna()]
        words = [form.format(value) for value in known[column]]
        drawn.add_trace(_plain_bars(known[column].astype("float64").tolist(), known["lea"].tolist(), words), 1, at)
    drawn.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
    drawn.update_xaxes(tickformat=",d", rangemode="tozero", gridcolor="#dddddd")
    others = len(begun) - len(shown)
    if others:
        drawn.update_xaxes(title=f"the {len(shown)} slowest; {others:,} others took less", col=1)
    return Chart(drawn, table, _work_sentence(begun))


def most_to_do_first(counted: pd.DataFrame, then: list[str]) -> pd.DataFrame:
    """The rows with `to_do`, the sum of what is to be done; equal ones in the order of the columns `then`."""
    counted = counted.assign(to_do=counted[list(CHARTED)].sum(axis=1).astype("int64"))
    return counted.sort_values(["to_do", *then], ascending=[False] + [True] * len(then), ignore_index=True)


def school_names(schools: pd.DataFrame, after: pd.Series | str = "") -> pd.Series:
    """Each school's name as an axis shows it, and `after`; its code when it has none, or shares it with another."""
    named = schools["school_name"].where(schools["school_name"] != "", schools["school_code"])
    labels = named.map(label).astype("str") + after
    # Two schools of one name would be one bar.
    return labels.where(~labels.duplicated(keep=False), labels + " (" + schools["school_code"] + ")")


def _bars(title: str, counted: pd.DataFrame, labels: pd.Series, what: str, table: pd.DataFrame, said: str) -> Chart:
    shown, others = counted.head(LINES_SHOWN), counted.iloc[LINES_SHOWN:]
    others = others[others["to_do"] > 0]
    bars = figure(title, rows_height(len(shown)), barmode="stack", bargap=0.25)
    bars.add_traces(stacked_bars(shown.set_axis(labels.head(LINES_SHOWN).tolist()), horizontal=True))
    bars.update_yaxes(autorange="reversed", showgrid=False, type="category")
    bars.update_xaxes(title="enrollments", tickformat=",d", rangemode="tozero")
    if len(others):
        # Their sum as one more bar would make all that are drawn too short to read.
        rest = f"{len(others):,} other {what}{'s' if len(others) > 1 else ''}"
        summed = " · ".join(f"{int(others[action].sum()):,} {action_name(action)[2:].lower()}" for action in CHARTED)
        bars.update_xaxes(title=f"enrollments; not drawn: {rest} with {int(others['to_do'].sum()):,}")
        said = f"{said} The {len(shown)} with most to do are drawn; the {rest} have {summed}."
    return Chart(bars, table, said)


def _most(counted: pd.DataFrame, where: str) -> str:
    share = of_all(int(counted["to_do"].iloc[0]), int(counted["to_do"].sum()), "item")
    return capital(f"{share} {'is' if share.startswith('the only') else 'are'} at {where}.")


def _table(counted: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    headings = names | {action: action_name(action) for action in CHARTED} | {"to_do": "All"}
    return counted[list(headings)].rename(columns=headings)


def _plain_bars(lengths: list[float], places: list[str], words: list[str]) -> go.Bar:
    return go.Bar(
        x=lengths,
        y=places,
        orientation="h",
        text=words,
        textposition="auto",
        textangle=0,
        textfont={"color": INK},
        marker={"color": SHADES[1], "line": {"color": INK, "width": 0.8}},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _work_sentence(begun: pd.DataFrame) -> str:
    slowest = begun.iloc[0]
    said = f"LEA {slowest['lea']} took {slowest['seconds']:,.1f} seconds"
    if len(begun) > 1:
        said += f", the longest; all {len(begun):,} LEAs together {begun['seconds'].sum():,.0f} seconds of work"
    if begun["peak_mib"].notna().any():
        largest = begun.loc[begun["peak_mib"].astype("float64").idxmax()]
        said += f". The most memory was {int(largest['peak_mib']):,} MiB, for LEA {largest['lea']}"
    return f"{said}."


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
