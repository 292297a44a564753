"""Review: the proposal row by row, the student behind a row, and what people decide about it."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from senrkit import reference
from senrkit.app import address, screens, student
from senrkit.app.notice import Notice
from senrkit.app.proposal import FILTERS
from senrkit.errors import UsageError
from senrkit.ledger.journal import this_person
from senrkit.reconciliation import decisions
from senrkit.reference import SchoolYear
from senrkit.results.masking import masked_identifier, masked_text
from senrkit.results.tables import SENT, changes_of
from senrkit.texts import wording

if TYPE_CHECKING:
    from senrkit.app.address import Address
    from senrkit.app.desk import Desk

COLUMNS = (
    ("action", "Action"), ("reason", "Why"), ("school_name", "School"), ("student", "Student"), ("grade", "Grade"),
    ("start_date", "Start"), ("changed", "What changes"), ("decision", "Decision"),
)  # fmt: skip
DECISIONS = ("send", "hold", "not-an-error")
TOLD, LISTED = 5, 200
_SHORTEST_REASON = 3
_NO_REASON = "Write down why. Whoever looks at this later will want to know."
_Key = tuple[str, str, str, str]


class Overtaken(Exception):
    """Somebody decided between what the page showed and what a person does about it."""


def context(desk: Desk) -> dict[str, Any]:
    session, table = desk.session, desk.session.proposal
    schools = {row["school_code"]: row["school_name"] for row in table.rows}
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
        "story": [_told(session, schools, one) for one in session.story[:LISTED]],
        "older": max(len(session.story) - LISTED, 0),
        "story_open": desk.form.pop("story_open", False),
    }


def opened(desk: Desk) -> dict[str, Any] | None:
    """The student whose row is open, or `None`."""
    session = desk.session
    if session.step != "review" or desk.student is None or session.proposal is None:
        return None
    view = student.view(session, desk.student)
    year = SchoolYear.parse(session.run.manifest["school_year"])
    return {
        "view": view,
        "person": who(session, view["row"]),
        "expires": year.end.isoformat(),
        "concerned": [who(session, one["row"]) for one in view["identity"] or ()],
        "kept": f"{desk.student}-{desk.form.get('kept', 0)}",
        "undo": any(key == _key(view["decision"] or {}) for key in desk.form.get("undo", {})),
        **_standing(session.proposal, [desk.student]),
    }


def before(desk: Desk) -> None:
    """Rows and decisions come together: the decisions in force, perhaps made on another page, before the first row."""
    _look(desk)
    desk.form.pop("undo", None)


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
            table.filter(name, map(str, values[name]))
    _show_rows(desk)


def search(desk: Desk, values: Mapping[str, Any]) -> None:
    """Enter in the search box: what was typed a moment ago counts at once."""
    desk.session.proposal.find(str(values["search"]))
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
    show_student(desk, int(values["arg"]))


def close_student(desk: Desk, values: Mapping[str, Any]) -> None:
    show_student(desk, None)


def show_student(desk: Desk, place: int | None) -> None:
    """Open the window of the student of this row, or close it: then the keyboard is on the row again."""
    before, desk.student = desk.student, _known(desk, place)
    _show_student(desk, focus="" if before is None or desk.student is not None else f"row-{before}")


def take_address(desk: Desk, wanted: Address) -> None:
    """The filters and the student of an address; what was searched for stays."""
    table = desk.session.proposal
    for name in FILTERS:
        table.filter(name, wanted.filters.get(name, ()))
    desk.student = _known(desk, wanted.student)


def decide(desk: Desk, values: Mapping[str, Any]) -> None:
    """*Send*, *Hold* or *Not an error*, for the chosen rows or for the row that is open, with a reason."""
    _look(desk)
    table = desk.session.proposal
    places = [desk.student] if desk.student is not None else sorted(table.chosen)
    places = [place for place in places if table.decidable(place)]
    decision, reason = str(values.get("decision", "")), str(values.get("reason", "")).strip()
    expires = str(values.get("expires", "")).strip()
    wrong = _wrong(decision, reason, str(values.get("number", "")), [table.rows[place] for place in places])
    wrong = wrong or _over(desk, expires)
    if wrong:
        _form_error(desk, wrong)
        return
    found = _standing(table, places)
    if found["standing"] and values.get("replace") != found["replace"]:
        _tell_standing(desk, places)
        return
    made = [_line(table, place, decision, reason, expires, desk) for place in places]
    before = {_key(line): table.decision_on(place) for line, place in zip(made, places, strict=True)}
    try:
        written = _append(desk, made, before)
    except Overtaken:
        _look(desk)
        _tell_standing(desk, places)
        return
    desk.form["undo"] = {_key(line): (line, before[_key(line)]) for line in written}
    said = (
        f"{len(made):,} {'row is' if len(made) == 1 else 'rows are'} decided: {screens.words('decisions')[decision]}."
    )
    _kept(desk, said, undo=True)


def check_identity(desk: Desk, values: Mapping[str, Any]) -> None:
    """*The SSIDs are right*, of the conflict of identity that is open; the decision names all SSIDs of it."""
    _look(desk)
    table, place = desk.session.proposal, desk.student
    if place is None or not table.is_identity(place):
        return
    if table.decision_on(place) is not None:
        _no_longer(desk)
        return
    reason, expires = str(values.get("reason", "")).strip(), str(values.get("expires", "")).strip()
    wrong = _NO_REASON if len(reason) < _SHORTEST_REASON else _over(desk, expires)
    if wrong:
        _form_error(desk, wrong)
        return
    row = table.rows[place]
    others = sorted(table.concerned(place) - {row["ssid"]})
    made = _decision(desk, row["ssid"], decisions.IDENTITY_CHECKED, " ".join([*others, reason]), expires)
    try:
        written = _append(desk, [made], {_key(made): None})
    except Overtaken:
        _no_longer(desk)
        return
    desk.form["undo"] = {_key(line): (line, None) for line in written}
    _kept(desk, "It is kept that the SSIDs are right. Make the files again to let the rows go on.", undo=True)


def take_back(desk: Desk, values: Mapping[str, Any]) -> None:
    """The decision that is named ends, and no other; the line that said so stays in the file."""
    desk.form["story_open"] = desk.student is None
    _look(desk)
    one = next((one for one in desk.session.decided if _token([one]) == values["arg"]), None)
    if one is None:
        _no_longer(desk)
        return
    try:
        _append(desk, [_taken_back(desk, one)], {_key(one): one})
    except Overtaken:
        _no_longer(desk)
        return
    desk.form.pop("undo", None)
    _kept(desk, "The decision is taken back.")


def undo(desk: Desk, values: Mapping[str, Any]) -> None:
    """What was just decided here ends, and what it had replaced stands again."""
    done = desk.form.pop("undo", {})
    if not done:
        desk.say("There is nothing to undo.")
        return
    try:
        _append(
            desk,
            [before or _taken_back(desk, made) for made, before in done.values()],
            {key: made for key, (made, _) in done.items()},
        )
    except Overtaken:
        _no_longer(desk)
        return
    _kept(desk, "It is undone: the rows are decided as they were before.")


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
        [
            f"{screens.words('action_signs').get(row['action'], '')} {wording.phrase('action', row['action']).title}",
            screens.words("at_risk") if row.get("at_risk") == "true" else "",
        ],
        [
            wording.phrase(row["action"], row["reason"]).title,
            screens.with_days(masked_text(row["evidence"], session.names_shown)),
        ],
        [row["school_name"] or row["school_code"], row["school_code"]],
        [name, below],
        [row["grade"], ""],
        [screens.day(row["start_date"]), ""],
        [changes(row), ""],
        [screens.words("decisions")[decided] if decided else "", ""],
    ]
    return {
        "place": place, "cells": cells, "action": row["action"], "chosen": place in table.chosen, "decided": decided,
        "decidable": table.decidable(place), "label": f"{cells[0][0]}, {cells[1][0]}, {cells[2][0]}, {name}",
    }  # fmt: skip


def changes(row: Mapping[str, str]) -> str:
    """What a row changes in CALPADS, in words."""
    if not row["changed"] or "=" not in row["after"]:
        return {"delete": "Removed from CALPADS", "add": "New in CALPADS"}.get(row["action"], "")
    said = []
    for name, *sides in changes_of(row["before"], row["after"]):
        old, new = (screens.day(side) or "blank" for side in sides)
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
    if name == "rule":
        return f"{reference.rule_titles().get(value, value)} ({value})"
    if name == "at_risk":
        return "Last records"
    if name == "school_code":
        return next((row["school_name"] for row in table.rows if row["school_code"] == value), "") or value
    return value


def _show_rows(desk: Desk) -> None:
    desk.post({"t": "rows-changed"})
    shown = len(desk.session.proposal.view)
    region = screens.render("review_count", {"table": desk.session.proposal})
    desk.post(
        {
            "t": "show",
            "regions": {"review-count": region},
            "say": f"{shown:,} {'row' if shown == 1 else 'rows'}.",
            "hash": str(address.of(desk)),
        }
    )


def _chosen(desk: Desk) -> dict[str, Any]:
    """What the form that decides about the chosen rows is told."""
    table = desk.session.proposal
    deletes = sum(table.rows[place]["action"] == "delete" for place in table.chosen)
    year = SchoolYear.parse(desk.session.run.manifest["school_year"])
    return {
        "session": desk.session,
        "chosen": len(table.chosen),
        "chosen_deletes": deletes,
        "expires": year.end.isoformat(),
        "at": "",
        **_standing(table, sorted(table.chosen)),
    }


def _show_student(desk: Desk, focus: str = "") -> None:
    # The table behind it stays as it is, and with it the row that the keyboard goes back to.
    region = screens.render("dialog", {"desk": desk, "session": desk.session, "opened": opened(desk)})
    desk.post({"t": "show", "regions": {"dialog": region}, "focus": focus, "hash": str(address.of(desk))})


def _known(desk: Desk, place: int | None) -> int | None:
    """A row that there is: an address may name any."""
    return place if place is not None and place < len(desk.session.proposal.rows) else None


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
    if len(reason) < _SHORTEST_REASON:
        return _NO_REASON
    if decision == "send" and deletes and number.strip() != str(deletes):
        return f"These rows delete enrollments. Type how many: {deletes:,}."
    return ""


def _line(table: Any, place: int, decision: str, reason: str, expires: str, desk: Desk) -> dict[str, str]:
    row, known = table.rows[place], table.decision_on(place)
    action = row["action"] if row["action"] in SENT else known["action"]
    about = {"school_code": row["school_code"], "start_date": row["start_key"], "action": action}
    return _decision(desk, row["ssid"], decision, reason, expires) | about


def _decision(desk: Desk, ssid: str, decision: str, reason: str, expires: str) -> dict[str, str]:
    """A line about a student, and about none of the enrollments."""
    return {
        "ssid": ssid, "school_code": "", "start_date": "", "action": "", "decision": decision, "reason": reason,
        "author": _author(desk), "made": desk.today().isoformat(), "expires": expires, "taken_back": "",
    }  # fmt: skip


def _author(desk: Desk) -> str:
    return desk.places.person or this_person()


def _taken_back(desk: Desk, one: Mapping[str, str]) -> dict[str, str]:
    return {**one, "taken_back": desk.today().isoformat(), "author": _author(desk)}


def _append(
    desk: Desk, made: Sequence[Mapping[str, str]], seen: Mapping[_Key, Mapping[str, str] | None]
) -> list[dict[str, str]]:
    """Write the lines, unless something else stands about one of their rows than what was seen; as they are read.

    Raises
    ------
    Overtaken
        when it does; nothing is written.
    """

    def look(lines: Any) -> None:
        stands = {_key(one): one for one in decisions.standing(lines, _as_of(desk)).to_dicts()}
        for key, before in seen.items():
            if _token([stands[key]] if key in stands else []) != _token([before] if before else []):
                raise Overtaken

    return decisions.append(desk.session.decisions_file, *(decisions.Decision(**one) for one in made), look=look)


def _kept(desk: Desk, said: str, undo: bool = False) -> None:
    """Show that it is written."""
    _look(desk)
    desk.session.proposal.chosen = set()
    desk.form["kept"] = desk.form.get("kept", 0) + 1
    desk.notice = Notice("good", said, do="review/undo" if undo else "", label="Undo")
    focus = "student-title" if desk.student is not None else "review-table"
    desk.show(say=said, focus="all-decisions" if desk.form.get("story_open") else focus)


def _form_error(desk: Desk, text: str) -> None:
    desk.say(text)
    desk.post({"t": "form-error", "text": text})


def _no_longer(desk: Desk) -> None:
    """What was to end has ended already."""
    _look(desk)
    desk.notice = Notice("warning", *screens.words("overtaken"))
    desk.show(focus="" if desk.student is not None else "notice")
    _form_error(desk, " ".join(screens.words("overtaken")))


def _tell_standing(desk: Desk, places: Sequence[int]) -> None:
    """Who decided what and when, beside the box that says to replace it."""
    found = _standing(desk.session.proposal, places)
    desk.show(focus=f"{'one-' if desk.student is not None else ''}replace-{found['replace']}")
    _form_error(desk, screens.words("decided_before")["one" if len(found["standing"]) == 1 else "many"])


def _standing(table: Any, places: Sequence[int]) -> dict[str, Any]:
    """The decisions that stand about these rows, and the word that replaces just these."""
    found = [one for one in map(table.decision_on, places) if one is not None]
    return {"standing": found, "replace": _token(found), "told": TOLD}


def _key(one: Mapping[str, str]) -> _Key | None:
    names = ("ssid", "school_code", "start_date", "action")
    return tuple(one[name] for name in names) if one else None  # type: ignore[return-value]


def _token(ones: Sequence[Mapping[str, str]]) -> str:
    """A word that says just these decisions, and nothing of their students."""
    said = "\n".join("^".join(str(one[name]) for name in decisions.COLUMNS) for one in ones)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _told(session: Any, schools: Mapping[str, str], one: Mapping[str, str]) -> dict[str, Any]:
    """A decision as the list of all shows it."""
    line = {name: one[name] for name in decisions.COLUMNS}
    return {
        **one,
        "student": who(session, one),
        "school": schools.get(one["school_code"]) or one["school_code"],
        "token": _token([line]) if one["state"] == "in-force" else "",
        "stands": screens.words("decision_states")[one["state"]].format(
            by=one["ended_by"], on=screens.day(one["ended_on"]), day=screens.day(one["expires"])
        ),
    }


def _over(desk: Desk, expires: str) -> str:
    """Why a decision cannot end on this day, or ""."""
    try:
        last = dt.date.fromisoformat(expires) if expires else None
    except ValueError:
        return "“Until” is no day. Write it as 2027-06-30, or leave it blank."
    year = SchoolYear.parse(desk.session.run.manifest["school_year"])
    # Of a run of an earlier year only its own day counts.
    first = max(_as_of(desk), desk.today()) if desk.today() <= year.end else _as_of(desk)
    if last is None or last >= first:
        return ""
    return f"“Until” is over: {screens.day(last)}. Choose {screens.day(first)} or a later day, or leave it blank."


def _as_of(desk: Desk) -> dt.date:
    return dt.date.fromisoformat(desk.session.run.manifest["as_of"])


def _look(desk: Desk) -> None:
    session = desk.session
    desk.form["decisions_seen"] = _written(desk)
    lines = decisions.read(session.decisions_file)
    session.decided = decisions.standing(lines, _as_of(desk)).to_dicts()
    session.story = decisions.story(lines, _as_of(desk)).to_dicts()
    session.proposal.take_decisions(session.decided)


def _written(desk: Desk) -> int:
    file = desk.session.decisions_file
    return file.stat().st_mtime_ns if file.is_file() else 0


ACTIONS = {
    "review/narrow": narrow, "review/search": search, "review/clear": clear, "review/sort": sort,
    "review/choose": choose,
    "review/choose-none": choose_none, "review/open": open_student, "review/close": close_student,
    "review/decide": decide, "review/identity": check_identity, "review/take-back": take_back, "review/undo": undo,
}  # fmt: skip
