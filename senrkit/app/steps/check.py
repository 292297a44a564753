"""Check: the preconditions, each with its light, evidence and cure; soft stops are accepted here, with a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from senrkit.app import mending, screens
from senrkit.app.proposal import ProposalTable
from senrkit.app.session import ACCEPTED, STOPPED
from senrkit.app.steps import review
from senrkit.reconciliation import decisions

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

DELETES_A_PAGE = 200
_FIRST = {STOPPED: 0, ACCEPTED: 1, "warning": 2, "passed": 3}
_NO_REASON = "Write down why you go on. The reason is kept with the run."


def context(desk: Desk) -> dict[str, Any]:
    session = desk.session
    found = (session.checked or {}).get("preconditions", [])
    lines = [
        {
            **one,
            "state": session.state_of(one),
            "because": _because(session.accepted.get(one["id"], one["because"])),
            "cure": screens.words("cures").get(one["id"], one["cure"]),
            "by_school": sorted(one["by_school"].items(), key=lambda item: -item[1]),
            "number": sum(one["by_school"].values()),
            "unanswered": one["evidence"].startswith("Not checked:"),
            "may_withdraw": one["state"] == STOPPED and session.state_of(one) == ACCEPTED,
        }
        for one in found
    ]
    lines.sort(key=lambda one: _FIRST[one["state"]])
    return {
        "preconditions": lines,
        "stops": [one for one in lines if one["state"] == STOPPED],
        "hard": [one for one in lines if one["state"] == STOPPED and one["kind"] == "hard"],
        "unanswered": sum(one["unanswered"] for one in lines),
        "passed": sum(one["state"] == "passed" for one in lines),
        "notes": (session.checked or {}).get("notes", []),
        "deletes": _deletes(desk),
        "settings_mend": mending.ABOUT,
    }


def _because(given: str) -> str:
    """What is shown as the reason: a run of the command line may have none but the number of deletes."""
    return screens.words("number_given") if given.startswith("--accept-deletes") else given


def _deletes(desk: Desk) -> dict[str, Any] | None:
    """The part of the deletes that is shown, each with its number: the last one's is what P12 asks for."""
    session, table = desk.session, desk.session.deletes
    if table is None:
        return None
    as_of = dt.date.fromisoformat(session.checked["as_of"])
    table.take_decisions(decisions.in_force(session.decisions_file, as_of).to_dicts())
    first = min(int(desk.form.get("deletes_from", 0)), max(len(table.rows) - 1, 0))
    places = range(first, min(first + DELETES_A_PAGE, len(table.rows)))
    return {
        "columns": [title for _, title in review.COLUMNS],
        "lines": [(place + 1, review.row_shown(table, place, session)["cells"]) for place in places],
        "before": first - DELETES_A_PAGE if first else None,
        "after": first + DELETES_A_PAGE if first + DELETES_A_PAGE < len(table.rows) else None,
        "at_risk": any(row["at_risk"] == "true" for row in table.rows),
    }


def entered(desk: Desk) -> None:
    if desk.session.checked is None:
        again(desk, {})
    elif desk.session.names_shown:
        review.look_names_up(desk)


def again(desk: Desk, values: Mapping[str, Any]) -> None:
    """Check from the beginning; what was accepted has to be accepted anew."""
    session = desk.session

    def checked(found: dict[str, Any]) -> None:
        session.checked = found["manifest"]
        session.deletes = None if found["deletes"] is None else ProposalTable(found["deletes"]).deletes()
        desk.form["deletes_from"] = 0
        stops = len(session.stops)
        need = "1 precondition stops the run." if stops == 1 else f"{stops} preconditions stop the run."
        desk.show(say=need if stops else "Nothing stops the run.", focus="title")
        if session.names_shown:
            review.look_names_up(desk)

    session.forget_check()
    session.close_run()
    desk.work(
        "Checking the preconditions",
        "check",
        checked,
        settings_file=str(session.settings_file),
        extract=session.extract,
    )


def accept(desk: Desk, values: Mapping[str, Any]) -> None:
    """Go on past a soft stop, with a reason that somebody wrote."""
    name, because = values["id"], str(values.get("because", "")).strip()
    one = next(one for one in desk.session.checked["preconditions"] if one["id"] == name)
    if one["kind"] != "soft" or name == "P12":
        raise ValueError(name)
    if len(because) < 3:
        _wrong(desk, name, _NO_REASON)
        return
    desk.session.accepted = {**desk.session.accepted, name: because}
    desk.show(say=f"{name} is accepted.", focus=f"precondition-{name}")


def accept_deletes(desk: Desk, values: Mapping[str, Any]) -> None:
    """P12: only by the exact number of the deletes that were shown, with a reason."""
    session = desk.session
    one = next(one for one in session.checked["preconditions"] if one["id"] == "P12")
    if session.deletes is None:
        raise ValueError("P12")
    because = str(values.get("because", "")).strip()
    typed, number = str(values.get("number", "")).replace(",", "").strip(), sum(one["by_school"].values())
    if typed != str(number):
        _wrong(
            desk,
            "P12",
            "That is not the number of deletes. Each has its number in the list; the last one's is asked for.",
        )
        return
    if len(because) < 3:
        _wrong(desk, "P12", _NO_REASON)
        return
    session.accepted, session.accept_deletes = {**session.accepted, "P12": because}, number
    desk.show(say=f"{number:,} deletes are accepted.", focus="precondition-P12")


def withdraw(desk: Desk, values: Mapping[str, Any]) -> None:
    """Take an acceptance back."""
    name = values["arg"]
    if name == "P12":
        refuse_deletes(desk.session)
    desk.session.accepted = {known: why for known, why in desk.session.accepted.items() if known != name}
    desk.show(say=f"{name} stops the run again.", focus=f"precondition-{name}")


def refuse_deletes(session: Any) -> None:
    """The deletes are not accepted, or not any more."""
    session.accepted = {known: why for known, why in session.accepted.items() if known != "P12"}
    session.accept_deletes = None


def turn_deletes(desk: Desk, values: Mapping[str, Any]) -> None:
    """Other deletes of the list."""
    desk.form["deletes_from"] = max(int(values["arg"]), 0)
    desk.show(say=f"Deletes from number {desk.form['deletes_from'] + 1:,}.", focus="deletes")


def _wrong(desk: Desk, name: str, text: str) -> None:
    desk.say(text)
    desk.post({"t": "form-error", "text": text, "form": f"accept-{name}"})


ACTIONS = {
    "check/again": again, "check/accept": accept, "check/deletes": accept_deletes, "check/withdraw": withdraw,
    "check/turn": turn_deletes,
}  # fmt: skip
