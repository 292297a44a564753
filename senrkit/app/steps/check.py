"""Check: the preconditions, each with its light, evidence and cure; soft stops are accepted here, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from senrkit.app.session import ACCEPTED, STOPPED

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

_FIRST = {STOPPED: 0, ACCEPTED: 1, "warning": 2, "passed": 3}


def context(desk: Desk) -> dict[str, Any]:
    session = desk.session
    found = (session.checked or {}).get("preconditions", [])
    lines = [
        {
            **one,
            "state": session.state_of(one),
            "because": session.accepted.get(one["id"], one["because"]),
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
    }


def entered(desk: Desk) -> None:
    if desk.session.checked is None:
        again(desk, {})


def again(desk: Desk, values: Mapping[str, Any]) -> None:
    """Check from the beginning; what was accepted has to be accepted anew."""
    session = desk.session

    def checked(manifest: dict[str, Any]) -> None:
        session.checked = manifest
        stops = len(session.stops)
        need = "1 precondition stops the run." if stops == 1 else f"{stops} preconditions stop the run."
        desk.show(say=need if stops else "Nothing stops the run.", focus="title")

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
        desk.say("Write down why you go on. The reason is kept with the run.")
        return
    desk.session.accepted = {**desk.session.accepted, name: because}
    desk.show(say=f"{name} is accepted.", focus=f"precondition-{name}")


def accept_deletes(desk: Desk, values: Mapping[str, Any]) -> None:
    """P12: only by the exact number."""
    one = next(one for one in desk.session.checked["preconditions"] if one["id"] == "P12")
    typed, number = str(values.get("number", "")).replace(",", "").strip(), sum(one["by_school"].values())
    if typed != str(number):
        desk.say("That is not the number of deletes. Read the evidence, then type its number.")
        return
    desk.session.accept_deletes = number
    desk.show(say=f"{number:,} deletes are accepted.", focus="precondition-P12")


def withdraw(desk: Desk, values: Mapping[str, Any]) -> None:
    """Take an acceptance back."""
    name = values["arg"]
    desk.session.accepted = {known: why for known, why in desk.session.accepted.items() if known != name}
    if name == "P12":
        desk.session.accept_deletes = None
    desk.show(say=f"{name} stops the run again.", focus=f"precondition-{name}")


ACTIONS = {"check/again": again, "check/accept": accept, "check/deletes": accept_deletes, "check/withdraw": withdraw}
