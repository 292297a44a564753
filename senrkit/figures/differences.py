"""Charts of what differs: by grade, and by field."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from senrkit.figures.chart import (
    CHARTED,
    Chart,
    action_name,
    capital,
    figure,
    marker,
    nothing,
    of_all,
    rows_height,
    stacked_bars,
)
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.results.folder import RunFolder
from senrkit.results.tables import unpacked

# As a pupil passes through them; the ungraded at their school's end (CALPADS code set "Grade Level").
_GRADES = "IN TD PS TK KN 01 02 03 04 05 06 07 08 UE 09 10 11 12 US AD".split()


def by_grade(run: RunFolder) -> Chart:
    """Discrepancies by grade and action. Table: the same."""
    title = "What is to be done, by grade"
    rows = run.proposal[run.proposal["action"].isin(CHARTED)]
    counts = pd.crosstab(rows["grade"], rows["action"]).reindex(columns=list(CHARTED), fill_value=0)
    counts = counts.loc[sorted(counts.index, key=lambda grade: (_place(grade), grade))]
    counts.index = [grade or "(none)" for grade in counts.index]
    table = counts.rename(columns=action_name).rename_axis(index="Grade", columns=None).reset_index()
    table["All"] = counts.sum(axis=1).to_numpy()
    if rows.empty:
        return nothing(run, title, table)
    bars = figure(title, 420, barmode="stack", bargap=0.2)
    bars.add_traces(stacked_bars(counts, horizontal=False))
    bars.update_xaxes(type="category", title="grade", showgrid=False)
    bars.update_yaxes(title="enrollments", tickformat=",d", rangemode="tozero")
    sums = counts.sum(axis=1)
    said = capital(f"{of_all(int(sums.max()), len(rows), 'item')} in grade {sums.idxmax()}, more than in any other.")
    behind = rows.assign(place=rows["grade"].replace("", "(none)"), part=rows["action"].map(action_name))
    return Chart(bars, table, said, behind=behind)


def by_field(run: RunFolder) -> Chart:
    """How many updates change each field; one update may change several. Table: the same, with an example of each."""
    title = "What the updates change, by field"
    updates = run.proposal[run.proposal["action"] == "update"]
    fields = to_pandas(unpacked(to_polars(updates)))
    examples = fields.drop_duplicates("field").set_index("field")
    counts = fields["field"].value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    names = [field.replace("_", " ") for field in counts.index]
    table = pd.DataFrame(
        {
            "Field": names,
            "Updates": counts.to_numpy(),
            "CALPADS has, for example": [examples["before"][field] or "(blank)" for field in counts.index],
            "CALPADS gets": [examples["after"][field] or "(blank)" for field in counts.index],
        }
    )
    if counts.empty:
        none = "No update is needed: where both sides hold an enrollment, its values agree."
        return nothing(run, title, table, none)
    most = int(counts.iloc[0])
    bars = figure(title, rows_height(len(counts)), bargap=0.25, showlegend=False, margin_t=52)
    texts = [f"{count:,}" for count in counts]
    bars.add_trace(
        go.Bar(
            x=counts.to_numpy(),
            y=names,
            orientation="h",
            text=texts,
            textposition="outside",
            cliponaxis=False,
            marker=marker("update"),
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    bars.update_yaxes(autorange="reversed", showgrid=False, type="category")
    bars.update_xaxes(title="updates that change the field", tickformat=",d", rangemode="tozero")
    return Chart(
        bars,
        table,
        capital(f"{of_all(most, len(updates), 'update')} {'change' if most > 1 else 'changes'} the {names[0]}."),
        behind=_behind(updates),
    )


def _behind(updates: pd.DataFrame) -> pd.DataFrame:
    """A row a field that an update changes; there is one trace, without a name."""
    rows = updates.assign(place=updates["changed"].str.split("|")).explode("place", ignore_index=True)
    return rows.assign(place=rows["place"].str.replace("_", " "), part="").astype({"place": "str"})


def _place(grade: str) -> int:
    return _GRADES.index(grade) if grade in _GRADES else len(_GRADES)
