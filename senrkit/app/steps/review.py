"""Review: the proposal row by row, the student behind a row, and what people decide about it."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from senrkit.app import screens, student
from senrkit.app.proposal import FILTERS
from senrkit.errors import UsageError
from senrkit.ledger.journal import this_person
from senrkit.reconciliation import decisions
from senrkit.reference import SchoolYear
from senrkit.results.masking import masked_identifier
from senrkit.results.tables import SENT
from senrkit.texts import wording

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

COLUMNS = (
    ("action", "Action"), ("reason", "Why"), ("school_name", "School"), ("student", "Student"), ("grade", "Grade"),
    ("start_date", "Start"), ("changed", "What changes"), ("decision", "Decision"),
)  # fmt: skip
DECISIONS = ("send", "hold", "not-an-error")


def context(desk: Desk) -> dict[str, Any]:
    session, table = desk.session, desk.session.proposal
    return {
        **_chosen(desk),
        "table": table,
        "options": {
            name: [(value, _option(name, value, table), number) for value, number in table.options(name)]
            for name in FILTERS
        },
        "counts": table.counts(),
        "forecast": table.forecast(),
        "decided": session.decided,
    }


def opened(desk: Desk) -> dict[str, Any] | None:
    """The student whose row is open, or `None`."""
    session = desk.session
    if session.step != "review" or desk.student is None or session.proposal is None:
        return None
    view = student.view(session, desk.student)
    year = SchoolYear.parse(session.run.manifest["school_year"])
    return {"view": view, "person": who(session, view["row"]), "expires": year.end.isoformat()}


def before(desk: Desk) -> None:
    """Rows and decisions come together: the decisions in force, perhaps made on another page, before the first row."""
    _look(desk)


def entered(desk: Desk) -> None:
    """The students' names, where they are shown."""
    if desk.session.names_shown:
        look_names_up(desk)


def look_again(desk: Desk) -> None:
    """Somebody may decide on another page: when the file has changed, this page shows it."""
    if desk.session.step != "review" or desk.doing:
        return
    # Settings that are wrong for the moment are told when somebody does something, not at every beat.
    with contextlib.suppress(UsageError):
        if _written(desk) != desk.form.get("decisions_seen"):
            _look(desk)
            desk.show(say="Decisions were added on another page.")


def give_rows(desk: Desk, wanted: Mapping[str, Any]) -> None:
    """The page of rows that the table on the screen asks for."""
    table, session = desk.session.proposal, desk.session
    first, number = max(int(wanted["first"]), 0), min(int(wanted["number"]), 200)
    places = table.view[first : first + number]
    desk.post(
        {
            "t": "rows",
            "first": first,
            "total": len(table.view),
            "columns": [{"id": name, "title": title} for name, title in COLUMNS],
            "sorted": table.sorted_by,
            "descending": table.descending,
            "rows": [row_shown(table, place, session) for place in places],
        }
    )


def narrow(desk: Desk, values: Mapping[str, Any]) -> None:
    """A filter or the search."""
    table = desk.session.proposal
    if "search" in values:
        table.find(str(values["search"]))
    for name in FILTERS:
        if name in values:
            table.filter(name, str(values[name]))
    _show_rows(desk)


def clear(desk: Desk, values: Mapping[str, Any]) -> None:
    desk.session.proposal.clear()
    desk.show(say=f"{len(desk.session.proposal.view):,} rows.", focus="review-search")


def sort(desk: Desk, values: Mapping[str, Any]) -> None:
    desk.session.proposal.sort(str(values["arg"]))
    _show_rows(desk)


def choose(desk: Desk, values: Mapping[str, Any]) -> None:
    """Rows by their places, or every row in view; of them those about which one can decide."""
    table = desk.session.proposal
    places = table.view if values.get("all") else [int(place) for place in values["places"]]
    table.choose([place for place in places if table.decidable(place)], bool(values["on"]))
    _show_chosen(desk)


def choose_none(desk: Desk, values: Mapping[str, Any]) -> None:
    desk.session.proposal.chosen = set()
    _show_chosen(desk)


def open_student(desk: Desk, values: Mapping[str, Any]) -> None:
    desk.student = int(values["arg"])
    _show_student(desk)


def close_student(desk: Desk, values: Mapping[str, Any]) -> None:
    place, desk.student = desk.student, None
    _show_student(desk, focus=f"row-{place}")


def decide(desk: Desk, values: Mapping[str, Any]) -> None:
    """*Send*, *Hold* or *Not an error*, for the chosen rows or for the row that is open, with a reason."""
    table = desk.session.proposal
    places = [desk.student] if desk.student is not None else sorted(table.chosen)
    decision, reason = str(values.get("decision", "")), str(values.get("reason", "")).strip()
    wrong = _wrong(decision, reason, str(values.get("number", "")), [table.rows[place] for place in places])
    if wrong:
        desk.say(wrong)
        desk.post({"t": "form-error", "text": wrong})
        return
    made = [_line(table, place, decision, reason, str(values.get("expires", "")), desk) for place in places]
    _keep(
        desk,
        made,
        f"{len(made):,} {'row is' if len(made) == 1 else 'rows are'} decided: {screens.words('decisions')[decision]}.",
    )


def take_back(desk: Desk, values: Mapping[str, Any]) -> None:
    """A decision ends; the line that said so stays in the file."""
    one = desk.session.proposal.decision_on(int(values["arg"]))
    _keep(
        desk,
        [{**one, "taken_back": dt.date.today().isoformat(), "author": _author(desk)}],
        "The decision is taken back.",
    )


def look_names_up(desk: Desk) -> None:
    """Who the students of the proposal are; looked up once, kept nowhere."""
    session = desk.session
    tables = [one for one in (session.proposal, session.deletes) if one is not None]
    if not tables or session.names:
        return

    def found(names: dict[str, str]) -> None:
        session.names = names
        for table in tables:
            table.take_names(names)
        desk.show()

    ssids = sorted({row["ssid"] for table in tables for row in table.rows} - {""})
    if not ssids:
        return
    desk.work(
        "Looking the names up",
        "names",
        found,
        settings_file=str(session.settings_file),
        extract=session.extract,
        ssids=ssids,
    )


def who(session: Any, row: Mapping[str, str]) -> tuple[str, str]:
    """How a student is called on the page: name and SSID, or hidden."""
    if not session.names_shown:
        return f"SSID {masked_identifier(row['ssid'])}", ""
    return session.names.get(row["ssid"], "") or f"SSID {row['ssid']}", f"SSID {row['ssid']}"


def field_words(name: str) -> str:
    return screens.words("fields").get(name, name.replace("_", " "))


def row_shown(table: Any, place: int, session: Any) -> dict[str, Any]:
    """A row as the page shows it."""
    row = table.rows[place]
    name, below = who(session, row)
    decided = table.decided_as(place)
    cells = [
        [f"{screens.words('action_signs').get(row['action'], '')} {wording.phrase('action', row['action']).title}", ""],
        [wording.phrase(row["action"], row["reason"]).title, ""],
        [row["school_name"] or row["school_code"], row["school_code"]],
        [name, below],
        [row["grade"], ""],
        [screens.day(row["start_date"]), ""],
        [_changes(row), ""],
        [screens.words("decisions")[decided] if decided else "", ""],
    ]
    return {
        "place": place, "cells": cells, "action": row["action"], "chosen": place in table.chosen, "decided": decided,
        "decidable": table.decidable(place), "label": f"{cells[0][0]}, {cells[1][0]}, {cells[2][0]}, {name}",
    }  # fmt: skip


def _changes(row: Mapping[str, str]) -> str:
    if not row["changed"] or "=" not in row["after"]:
        return {"delete": "Removed from CALPADS", "add": "New in CALPADS"}.get(row["action"], "")
    before, after = (
        dict(part.split("=", 1) for part in row[side].split("|") if "=" in part) for side in ("before", "after")
    )
    said = []
    for name in row["changed"].split("|"):
        old, new = (screens.day(side.get(name, "")) or "blank" for side in (before, after))
        said.append(f"{field_words(name)}: {old} → {new}")
    return " · ".join(said)


def _option(name: str, value: str, table: Any) -> str:
    if name == "action":
        return wording.phrase("action", value).title
    if name == "reason":
        action, _, reason = value.partition("/")
        return ": ".join(filter(None, (wording.phrase("action", action).title, wording.phrase(action, reason).title)))
    if name == "field":
        return field_words(value)
    if name == "decision":
        return screens.words("decisions")[value]
    if name == "school_code":
        return next((row["school_name"] for row in table.rows if row["school_code"] == value), "") or value
    return value


def _show_rows(desk: Desk) -> None:
    desk.post({"t": "rows-changed"})
    shown = len(desk.session.proposal.view)
    region = screens.render("review_count", {"table": desk.session.proposal})
    desk.post(
        {"t": "show", "regions": {"review-count": region}, "say": f"{shown:,} {'row' if shown == 1 else 'rows'}."}
    )


def _chosen(desk: Desk) -> dict[str, Any]:
    """What the form that decides about the chosen rows is told."""
    table = desk.session.proposal
    deletes = sum(table.rows[place]["action"] == "delete" for place in table.chosen)
    year = SchoolYear.parse(desk.session.run.manifest["school_year"])
    return {"chosen": len(table.chosen), "chosen_deletes": deletes, "expires": year.end.isoformat()}


def _show_student(desk: Desk, focus: str = "") -> None:
    # The table behind it stays as it is, and with it the row that the keyboard goes back to.
    region = screens.render("dialog", {"desk": desk, "session": desk.session, "opened": opened(desk)})
    desk.post({"t": "show", "regions": {"dialog": region}, "focus": focus})


def _show_chosen(desk: Desk) -> None:
    region = screens.render("review_decide", _chosen(desk))
    chosen = len(desk.session.proposal.chosen)
    desk.post({"t": "show", "regions": {"review-decide": region}, "say": f"{chosen:,} chosen."})
    desk.post({"t": "rows-changed"})


def _wrong(decision: str, reason: str, number: str, rows: Sequence[Mapping[str, str]]) -> str:
    """Why this cannot be kept as a decision, or ""."""
    deletes = sum(row["action"] == "delete" for row in rows)
    if not rows:
        return "Choose at least one row first."
    if decision not in DECISIONS:
        return "Choose Send, Hold or Not an error."
    if len(reason) < 3:
        return "Write down why. Whoever looks at this later will want to know."
    if decision == "send" and deletes and number.strip() != str(deletes):
        return f"These rows delete enrollments. Type how many: {deletes:,}."
    return ""


def _line(table: Any, place: int, decision: str, reason: str, expires: str, desk: Desk) -> dict[str, str]:
    row, known = table.rows[place], table.decision_on(place)
    action = row["action"] if row["action"] in SENT else known["action"]
    return {
        "ssid": row["ssid"], "school_code": row["school_code"], "start_date": row["start_key"], "action": action,
        "decision": decision, "reason": reason, "author": _author(desk), "made": dt.date.today().isoformat(),
        "expires": expires, "taken_back": "",
    }  # fmt: skip


def _author(desk: Desk) -> str:
    return desk.places.person or this_person()


def _keep(desk: Desk, made: Sequence[Mapping[str, str]], say: str) -> None:
    decisions.append(desk.session.decisions_file, *(decisions.Decision(**one) for one in made))
    _look(desk)
    desk.session.proposal.chosen = set()
    desk.show(say=say, focus="student-title" if desk.student is not None else "review-table")


def _look(desk: Desk) -> None:
    session = desk.session
    desk.form["decisions_seen"] = _written(desk)
    in_force = decisions.in_force(session.decisions_file, dt.date.fromisoformat(session.run.manifest["as_of"]))
    session.decided = in_force.to_dicts()
    session.proposal.take_decisions(session.decided)


def _written(desk: Desk) -> int:
    file = desk.session.decisions_file
    return file.stat().st_mtime_ns if file.is_file() else 0


ACTIONS = {
    "review/narrow": narrow, "review/clear": clear, "review/sort": sort, "review/choose": choose,
    "review/choose-none": choose_none, "review/open": open_student, "review/close": close_student,
    "review/decide": decide, "review/take-back": take_back,
}  # fmt: skip
