"""A new set-up by form: each answer is tested at once, and the settings file is written when all of them hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from senrkit.disk import write_whole
from senrkit.errors import UsageError
from senrkit.reference import SchoolYear
from senrkit.settings import values as settings_values
from senrkit.settings.settings import read_settings_text

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

FIELDS = ("name", "school_year", "lea", "source", "schools")
_EMPTY = {"name": "", "school_year": "", "lea": "", "source": "", "schools": "default", "picked": []}


def context(desk: Desk) -> dict[str, Any]:
    this = SchoolYear.of(date.today())
    form = desk.form.setdefault("answers", dict(_EMPTY, school_year=this.text))
    return {
        "years": [this.text, SchoolYear(this.first + 1).text, this.previous.text],
        "form": form,
        "tested": desk.form.setdefault("tested", {}),
        "aeries": desk.form.get("aeries"),
        "form_open": desk.form.get("open", False),
    }


def open_form(desk: Desk, values: Mapping[str, Any]) -> None:
    desk.form["open"] = not desk.form.get("open", False)
    desk.show(focus="setup-name" if desk.form["open"] else "")


def answer(desk: Desk, values: Mapping[str, Any]) -> None:
    """One answer was given: say at once whether it will do."""
    form, tested = desk.form["answers"], desk.form["tested"]
    for name in (*FIELDS, "picked"):
        if name in values:
            form[name] = values[name]
    changed = next((name for name in FIELDS if name in values), "")
    if changed and changed != "source":
        tested[changed] = _test(changed, form, desk)
    if changed in ("source", "lea", "school_year") and form["source"]:
        _ask_aeries(desk)
    else:
        desk.show(say=tested.get(changed, {}).get("text", ""))


def save(desk: Desk, values: Mapping[str, Any]) -> None:
    """Write the settings file, whole or not at all, and begin with it."""
    form, tested = desk.form["answers"], desk.form["tested"]
    for name in ("name", "lea", "school_year"):
        tested[name] = _test(name, form, desk)
    wrong = next((name for name in FIELDS if tested.get(name, {}).get("good") is not True and name != "schools"), None)
    if wrong:
        tested.setdefault(wrong, {"good": False, "text": "This answer is still missing."})
        desk.show(say=tested[wrong]["text"], focus=f"setup-{wrong}")
        return
    folder = desk.places.home / form["name"]
    text = settings_text(form)
    read_settings_text(text, folder)
    folder.mkdir(mode=0o700)
    (folder / "extracts").mkdir(mode=0o700)
    write_whole(folder / "senrkit.toml", text.encode(), private=False)
    desk.form.clear()
    desk.session.choose_settings(folder / "senrkit.toml")
    desk.go("load")


def settings_text(form: Mapping[str, Any]) -> str:
    """The answers as `senrkit.toml`."""
    schools: Any = (
        form["schools"] if form["schools"] in ("all", "default") else [_code(code) for code in form["picked"]]
    )
    return (
        f"school_year = {_quoted(form['school_year'])}\nlea = {_quoted(form['lea'])}\n\n"
        f"[aeries]\nsource = {_quoted(form['source'])}\nschools = {json.dumps(schools)}\n\n"
        '[calpads]\nsenr_extract = "extracts"\n\n[output]\nruns = "runs"\n'
    )


def _test(name: str, form: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    value = form[name]
    if name == "name":
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,50}", value):
            return {"good": False, "text": "Give it a name of letters, digits and blanks."}
        if (desk.places.home / value).exists():
            return {"good": False, "text": "There is something of this name already. Choose another."}
        return {"good": True, "text": "This name is free."}
    if name == "lea":
        try:
            settings_values.lea(value)
        except settings_values.BadValue as wrong:
            return {"good": False, "text": f"The LEA {wrong.problem}. {wrong.cure}"}
        return {"good": True, "text": "Seven digits."}
    return {"good": True, "text": ""}


def _ask_aeries(desk: Desk) -> None:
    form, tested = desk.form["answers"], desk.form["tested"]
    trial = dict(form, lea=form["lea"] if _test("lea", form, desk)["good"] else "0000000", schools="default")

    def found(aeries: dict[str, Any]) -> None:
        desk.form["aeries"] = aeries
        tested["source"] = _judged(aeries, form)
        desk.show(say=tested["source"]["text"])

    tested["source"] = {"good": None, "text": "Asking Aeries…"}
    desk.form["aeries"] = None
    try:
        desk.work(
            "Asking Aeries",
            "try_setup",
            found,
            settings_text=settings_text(trial),
            folder=str(desk.places.home / "new"),
        )
    except UsageError as error:
        tested["source"] = {"good": False, "text": str(error)}


def _judged(aeries: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    first = SchoolYear.parse(form["school_year"]).first
    said = f"Aeries answers: {aeries['students']:,} students, {len(aeries['schools'])} schools."
    if aeries["newest_year"] != first:
        return {
            "good": False,
            "text": f"{said} Its newest enrollments are of {aeries['newest_year']}, not of {form['school_year']}.",
        }
    if form["lea"] and aeries["district"] and aeries["district"] != form["lea"]:
        return {"good": False, "text": f"{said} Its own district code is {aeries['district']}, not {form['lea']}."}
    return {"good": True, "text": f"{said} {aeries['rows_of_year']:,} enrollment rows are of {form['school_year']}."}


def _code(code: str) -> int | str:
    return int(code) if code.isdecimal() else code


def _quoted(text: str) -> str:
    # JSON's text is TOML's basic string.
    return json.dumps(text, ensure_ascii=False)


ACTIONS = {"setup/open": open_form, "setup/answer": answer, "setup/save": save}
