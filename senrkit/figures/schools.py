"""Charts with one line a school: what is to be done there, why, and what CALPADS is expected to say."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from senrkit import reference
from senrkit.figures.chart import (
    CHARTED,
    PALE_INK,
    SHADES,
    Chart,
    action_name,
    capital,
    drawn_lines,
    figure,
    first_schools,
    gathered,
    label,
    nothing,
    of_all,
    rows_height,
    school_labels,
    stacked_bars,
)
from senrkit.results.folder import RunFolder
from senrkit.texts import wording

_COLUMNS_SHOWN = 20
# Below this, a cell is not drawn as if it were many.
_PALE_UP_TO = 5
# Of a letter of a label at 40 degrees.
_SLANT_PIXELS = 5


def by_school(run: RunFolder) -> Chart:
    """Discrepancies by school and action, each school's rate at the end of its bar. Table: every school with something
    to do, and its rate."""
    title = "What is to be done, by school"
    schools = _to_do(run)
    table = schools.rename(columns={action: action_name(action) for action in CHARTED})
    table = table.rename(columns={"school_code": "School code", "school_name": "School", "to_do": "All"})
    table["Of 100 enrollments"] = rates = [f"{rate:.1%}" for rate in schools["rate"]]
    table = table[["School code", "School", *(action_name(action) for action in CHARTED), "All", "Of 100 enrollments"]]
    if schools.empty:
        return nothing(run, title, table)
    places = set(school_labels(schools))
    counts = first_schools(schools.set_index(school_labels(schools))[[*CHARTED, "to_do"]])
    counts = counts.rename(index=lambda name: name if name in places else f"{name}: {counts['to_do'].iloc[-1]:,}")
    bars = figure(title, rows_height(len(counts)), barmode="stack", bargap=0.25)
    bars.add_traces(stacked_bars(counts, horizontal=True))
    bars.update_yaxes(autorange="reversed", showgrid=False, type="category")
    bars.update_xaxes(title="enrollments, and their share of all at the school", tickformat=",d")
    # Room for the rates. The others together have none, and may reach beyond: their line says how many they are.
    bars.update_xaxes(range=[0, float(schools["to_do"].max()) * 1.12])
    for place, length, rate in zip(counts.index, counts["to_do"], rates, strict=False):
        if place in places:
            bars.add_annotation(
                x=float(length), y=place, text=rate, showarrow=False, xanchor="left", xshift=4, font={"color": PALE_INK}
            )
    rows = run.proposal[run.proposal["action"].isin(CHARTED)]
    behind = rows.assign(place=_places(schools, rows["school_code"]), part=rows["action"].map(action_name))
    return Chart(bars, table, _most(schools), drawn_lines(table), gathered(behind, counts))


def reasons_by_school(run: RunFolder) -> Chart:
    """School × reason heat map. Table: the same, all schools."""
    title = "Why, by school"
    schools = _to_do(run)
    rows = run.proposal[run.proposal["action"].isin(CHARTED)]
    counts = rows.groupby(["school_code", "action", "reason"]).size().unstack(["action", "reason"], fill_value=0)
    counts = counts.reindex(schools["school_code"], fill_value=0)
    counts = counts[sorted(counts, key=lambda pair: (CHARTED.index(pair[0]), -counts[pair].sum(), pair[1]))]
    # In words: a sign on a slanting label reads as another one.
    names = [
        f"{wording.phrase('action', action).title}: {wording.phrase(action, reason).title}" for action, reason in counts
    ]
    places = _places(schools, rows["school_code"])
    named = dict(zip(counts, names, strict=True))
    parts = [named[pair] for pair in zip(rows["action"], rows["reason"], strict=True)]
    behind = rows.assign(place=places, part=parts)
    return _heat_map(run, title, schools, counts.set_axis(names, axis=1), "reason", "", behind)


def findings_by_school(run: RunFolder) -> Chart:
    """Predicted findings by rule and school, a rule with its severity. Table: all of them."""
    title = "What CALPADS is expected to say, by rule and school"
    found = run.findings
    rules = found.groupby("rule")["severity"].agg(["first", "size"]).reset_index()
    rules = rules.sort_values(["size", "rule"], ascending=[False, True])
    at = run.schools["school_code"].isin(found["school_code"])
    elsewhere = sorted(set(found["school_code"]) - set(run.schools["school_code"]))
    more = pd.DataFrame(
        {"school_code": elsewhere, "school_name": [code or "No school" for code in elsewhere]}, dtype="str"
    )
    schools = pd.concat([run.schools.loc[at, ["school_code", "school_name"]], more], ignore_index=True)
    counts = pd.crosstab(found["school_code"], found["rule"]).reindex(
        index=schools["school_code"], columns=rules["rule"], fill_value=0
    )
    # Words first; the number leads to the rule book.
    titles = reference.rule_titles()
    names = [
        f"{titles.get(rule, rule)} ({rule}, {severity})"
        for rule, severity in zip(rules["rule"], rules["first"], strict=True)
    ]
    fatal = int((found["severity"] == "fatal").sum())
    after = f" {fatal:,} would have CALPADS refuse a file: those students are held." if fatal else ""
    named = dict(zip(rules["rule"], names, strict=True))
    places = _places(schools, found["school_code"])
    behind = found.assign(place=places, part=[named[rule] for rule in found["rule"]])
    return _heat_map(run, title, schools, counts.set_axis(names, axis=1), "finding", after, behind)


def _places(schools: pd.DataFrame, codes: pd.Series) -> list[str]:
    """The label of each row's school."""
    return codes.map(dict(zip(schools["school_code"], school_labels(schools), strict=True))).fillna("").tolist()


def _to_do(run: RunFolder) -> pd.DataFrame:
    return run.schools[run.schools["to_do"] > 0].reset_index(drop=True)


def _most(schools: pd.DataFrame) -> str:
    first, whole = schools.iloc[0], int(schools["to_do"].sum())
    most = max(CHARTED, key=lambda action: first[action])
    mostly = wording.phrase("action", most).title.lower()
    return capital(
        f"{of_all(int(first['to_do']), whole, 'item')} at {first['school_name']}; "
        f"most there: {mostly} ({first[most]:,})."
    )


def _heat_map(
    run: RunFolder, title: str, schools: pd.DataFrame, counts: pd.DataFrame, word: str, after: str, behind: pd.DataFrame
) -> Chart:
    """Schools down, `counts`' columns across; the number stands in each cell."""
    counts = counts.set_axis(school_labels(schools).tolist())
    codes = pd.DataFrame(
        {"School code": schools["school_code"].to_numpy(), "School": schools["school_name"].to_numpy()}
    )
    table = pd.concat([codes, counts.reset_index(drop=True).astype("int64")], axis=1)
    if counts.empty or not counts.to_numpy().sum():
        return nothing(run, title, table, "No finding is predicted." if word == "finding" else "")
    sums, whole = counts.sum(), int(counts.to_numpy().sum())
    largest = sums.idxmax()
    where = counts[largest].idxmax()
    item = "finding" if word == "finding" else "item"
    share = of_all(int(sums[largest]), whole, item)
    most = int(counts[largest].max())
    sentence = f"The most frequent {word} is “{largest}”: {share}, the most at {where} ({most:,}).{after}"
    shown = first_schools(_first_columns(counts))
    cells = shown.to_numpy()
    heat = go.Heatmap(
        z=cells,
        x=shown.columns.tolist(),
        y=shown.index.tolist(),
        text=[[f"{count:,}" if count else "" for count in row] for row in cells],
        texttemplate="%{text}",
        colorscale=list(SHADES),
        zmin=0,
        # The line of all others would leave the schools pale.
        zmax=max(_PALE_UP_TO, int(counts.to_numpy().max())),
        xgap=2,
        ygap=2,
        showscale=False,
        hovertemplate="%{y}<br>%{x}: %{z:,}<extra></extra>",
    )
    columns = shown.columns.tolist()
    labels = [_short(name) for name in columns]
    # Slanting words take their height from the cells.
    height = rows_height(len(shown)) + max(150, int(_SLANT_PIXELS * max(map(len, labels))))
    drawn = figure(title, height, plot_bgcolor="#eeeeee", margin_t=52)
    drawn.add_trace(heat)
    drawn.update_yaxes(autorange="reversed", showgrid=False, type="category")
    drawn.update_xaxes(showgrid=False, type="category", side="bottom", tickangle=-40)
    drawn.update_xaxes(tickvals=columns, ticktext=labels)
    return Chart(drawn, table, sentence, drawn_lines(table), gathered(behind, shown))


def _short(name: str) -> str:
    """Long words before a number in brackets are cut, the number is not."""
    words, bracket, number = name.rpartition(" (")
    return f"{label(words)}{bracket}{number}" if bracket else name


def _first_columns(counts: pd.DataFrame) -> pd.DataFrame:
    if counts.shape[1] <= _COLUMNS_SHOWN + 1:
        return counts
    kept = counts[counts.sum().nlargest(_COLUMNS_SHOWN).index]
    kept = counts[[name for name in counts if name in kept]]
    return kept.assign(**{f"{counts.shape[1] - _COLUMNS_SHOWN} others": counts.sum(axis=1) - kept.sum(axis=1)})
