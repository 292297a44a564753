"""Evaluate: the run itself, its balance, its charts with their tables; a bar leads to the students behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from senrkit.app import screens
from senrkit.app.session import ACCEPTED, STOPPED
from senrkit.app.steps import check
from senrkit.results.tables import SENT
from senrkit.texts import wording

if TYPE_CHECKING:
    from senrkit.app.desk import Desk


def context(desk: Desk) -> dict[str, Any]:
    session = desk.session
    manifest = session.run.manifest if session.run and not session.run.stopped else None
    counts = manifest["counts"]["action"] if manifest else {}
    return {
        "manifest": manifest,
        "counts": counts,
        "to_do": sum(counts.get(action, 0) for action in SENT),
        "held": (manifest["counts"]["reason"].get("hold", {}) if manifest else {}),
        "charts": session.charts,
        "accepted": [
            one for one in (session.checked or {}).get("preconditions", []) if session.state_of(one) == ACCEPTED
        ],
    }


def entered(desk: Desk) -> None:
    if desk.session.run is None:
        again(desk, {})
    elif not desk.session.run.stopped and not desk.session.charts:
        draw(desk)


def again(desk: Desk, values: Mapping[str, Any]) -> None:
    run_now(desk, lambda: desk.go("evaluate"))


def run_now(desk: Desk, then: Any) -> None:
    """Run with what was accepted and decided; a run that is stopped after all leads back to Check."""
    session = desk.session

    def made(done: dict[str, Any]) -> None:
        accepted, deletes = session.accepted, session.accept_deletes
        desk.take_run(done["folder"])
        if session.run.stopped:
            # What was accepted stays so for the stops that it answers.
            session.accepted = {**accepted, **session.accepted}
            session.accept_deletes = deletes
            if any(one["id"] == "P12" and one["state"] == STOPPED for one in session.checked["preconditions"]):
                # Another number than the one accepted: what was said was said of other deletes.
                check.refuse_deletes(session)
            desk.go("check")
        else:
            then()

    desk.work(
        "Comparing CALPADS and Aeries", "run", made,
        settings_file=str(session.settings_file), extract=session.extract, accept=dict(session.accepted),
        accept_deletes=session.accept_deletes, person=desk.places.person,
    )  # fmt: skip


def draw(desk: Desk) -> None:
    """Have the charts drawn, beside the page."""

    def drawn(charts: list[dict[str, Any]]) -> None:
        desk.session.charts = charts
        if desk.session.step in ("evaluate", "export"):
            desk.show()

    desk.quietly("charts", drawn, folder=str(desk.session.run.folder), others=[])


def send_figures(desk: Desk) -> None:
    """The figures of the charts that the screen shows; their words and tables are in the screen already."""
    wanted = {"evaluate": None, "export": ("enrollment_counts",), "history": ("trend",)}.get(desk.session.step, ())
    charts = desk.form.get("trend", []) if desk.session.step == "history" else desk.session.charts
    for chart in charts:
        if wanted is None or chart["id"] in wanted:
            desk.post({"t": "chart", "id": chart["id"], "figure": chart["figure"], "label": chart["sentence"]})


def pick(desk: Desk, values: Mapping[str, Any]) -> None:
    """A bar, or a number in its table: the rows behind it, in Review.

    `arg` is `action|delete`, `hold|identity-conflict`, or `by_school|3|2`: the chart, the table's line, the column.
    A click on a bar says `chart`, the bar's place, `line`, and its `series` instead.
    """
    session, table = desk.session, desk.session.proposal
    wanted = (
        _of_bar(session.charts, values)
        if "chart" in values
        else _of_number(session.charts, str(values["arg"]).split("|"))
    )
    table.clear()
    for name, value in wanted.items():
        table.filter(name, (value,))
    if wanted.get("action") == "delete":
        table.sorted_by, table.descending = "school_name", False
    desk.go("review")


def _of_number(charts: list[dict[str, Any]], parts: list[str]) -> dict[str, str]:
    if parts[0] == "action":
        return {"action": parts[1]}
    if parts[0] == "hold":
        return {"action": "hold", "reason": f"hold/{parts[1]}"}
    chart = next(one for one in charts if one["id"] == parts[0])
    line, column = int(parts[1]), int(parts[2])
    return _behind(chart, chart["rows"][line], chart["columns"][column])


def _of_bar(charts: list[dict[str, Any]], values: Mapping[str, Any]) -> dict[str, str]:
    chart = next(one for one in charts if one["id"] == values["chart"])
    line = int(values["line"])
    # Beyond those that are drawn by themselves, all others are one bar.
    row = chart["rows"][line] if 0 <= line < chart["drawn"] else [""] * len(chart["columns"])
    return _behind(chart, row, str(values.get("series", "")))


def _behind(chart: Mapping[str, Any], row: list[str], heading: str) -> dict[str, str]:
    """What a number counts: the school, grade or field of its line; the action of its column by its sign (`+ Add`), or
    action and reason by their words (`Add: Missing in CALPADS`)."""
    named = dict(zip(chart["columns"], row, strict=True))
    signs = {sign: action for action, sign in screens.words("action_signs").items()}
    fields = {title: name for name, title in screens.words("fields").items()}
    first = str(row[0]) if row else ""
    titles = {phrase.title: id for id, phrase in wording.phrases("action").items()}
    word, _, why = heading.partition(": ")
    action = signs.get(heading[:1]) or (titles.get(word, "") if why else "")
    reasons = {phrase.title: f"{action}/{reason}" for reason, phrase in wording.phrases(action).items()}
    found = {
        "school_code": named.get("School code", ""),
        "grade": named.get("Grade", "") if chart["id"] == "by_grade" else "",
        "field": _field_of(first, fields) if chart["id"] == "by_field" else "",
        "action": action,
        "reason": reasons.get(why, ""),
    }
    return {name: value for name, value in found.items() if value}


def _field_of(title: str, fields: Mapping[str, str]) -> str:
    lowered = {known.lower(): name for known, name in fields.items()}
    return lowered.get(
        title.lower(), title.lower().replace(" ", "_") if title.lower().replace(" ", "_") in fields.values() else ""
    )


ACTIONS = {"evaluate/again": again, "evaluate/pick": pick}
