"""Settings: a few of them changed on the page, one look at the lines before they are written, and back.

The checker is `read_settings_text`: what it refuses is not written. The old file stays beside the new one.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.addresses.address import address_of
from senrkit.app import mending, screens, setting_fields
from senrkit.app.mending import Mending
from senrkit.app.notice import Notice
from senrkit.app.setting_fields import FIELDS
from senrkit.app.steps import load
from senrkit.errors import UsageError
from senrkit.reference import SchoolYear, code_names
from senrkit.settings import rewrite as rewriting
from senrkit.settings.edit import Value, changed_lines, edited
from senrkit.settings.lines import KeyPath
from senrkit.settings.settings import TRANSLATION_SETS, Settings, read_settings_text

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

_FILES = {".txt", ".csv", ".zip", ".dat", ".xlsx"}
_FILES_SHOWN = 100
# How the checker begins: senrkit.toml, line 3: lea is …, or the setting lea is missing.
_NAMED = re.compile(r"(?:, line \d+)?(?:: )?(?:the setting )?(\w+) ")
_BACK = ("check", "language")


@dataclass
class Change:
    """A change under way: what the file held when it was looked at, and what was answered.

    Attributes
    ----------
    why
        The precondition, or the setting, for which the screen was opened; or "".
    now, answers
        Setting by setting, as the fields show it: what the file says, and what it is to say.
    codes
        Translations by set and local code: what the file says, or "".
    code_answers
        What it is to say.
    rows
        Of a code that P10 is about: on how many rows it stands.
    refused
        Sentences by field.
    text
        What is to be written, once it was looked at; else "".
    wrong
        Why nothing of the file can be changed here: the sentence and its cure.
    """

    file: Path
    back: str = "start"
    why: str = ""
    seen: bytes = b""
    now: dict[str, str | None] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    codes: dict[tuple[str, str], str] = field(default_factory=dict)
    code_answers: dict[tuple[str, str], str] = field(default_factory=dict)
    rows: dict[tuple[str, str], str] = field(default_factory=dict)
    words: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    text: str = ""
    wrong: tuple[str, str] | None = None

    @property
    def old(self) -> str:
        return self.seen.decode("utf-8")


def before(desk: Desk) -> None:
    """The file is read whenever the screen is opened."""
    _begin(desk, *desk.form.pop("settings_for", ("", "start")))


def open_at(desk: Desk, values: Mapping[str, Any]) -> None:
    """Open the screen for a precondition, or for a setting; from where one comes back to later."""
    step = desk.session.step
    desk.form["settings_for"] = (str(values.get("arg", "")), step if step in _BACK else "start")
    desk.go("settings")


def leave(desk: Desk, values: Mapping[str, Any]) -> None:
    """Back without a change."""
    desk.go(desk.form["settings"].back)


def context(desk: Desk) -> dict[str, Any]:
    change: Change = desk.form["settings"]
    shown = {
        "file": _named(desk, change.file),
        "wrong": change.wrong,
        "lines": None,
        "undo": _may_undo(desk),
        "back": change.back,
    }
    if change.wrong:
        return shown
    if change.text:
        settings = read_settings_text(change.text.removeprefix("\ufeff"), change.file.parent, change.file.name)
        return shown | {"lines": changed_lines(change.old, change.text), "missing": _missing(change, settings)}
    stop = _stop(desk, change.why)
    asked = mending.ABOUT.get(change.why, (change.why,))
    fields = [_field(desk, change, one) for one in FIELDS]
    codes = [_code(change, place, *key) for place, key in enumerate(change.code_answers)]
    first = change.why == "P10"
    return shown | {
        "stop": stop,
        "why": screens.words("mends").get(change.words, ""),
        "asked": sorted((one for one in fields if one["name"] in asked), key=lambda one: asked.index(one["name"])),
        "others": [one for one in fields if one["name"] not in asked],
        "asked_codes": [one for one in codes if first and one["rows"]],
        "other_codes": [one for one in codes if not (first and one["rows"])],
        "sets": {name: screens.words("translation_sets")[name] for name in TRANSLATION_SETS},
        "places": _places(desk, change.file.parent),
        "refused": change.refused,
    }


def answer(desk: Desk, values: Mapping[str, Any]) -> None:
    """An answer is remembered, for a screen that is drawn anew before it is looked at."""
    change: Change = desk.form["settings"]
    for name in change.answers:
        change.answers[name] = str(values.get(name, change.answers[name])).strip()
    for place, key in enumerate(change.code_answers):
        change.code_answers[key] = str(values.get(f"code-{place}", change.code_answers[key])).strip()


def look(desk: Desk, values: Mapping[str, Any]) -> None:
    """What was answered, as the lines that would be written; nothing is written yet."""
    change: Change = desk.form["settings"]
    change.refused = {}
    answer(desk, values)
    if code := str(values.get("new_code", "")).strip():
        key = (str(values["new_set"]), code)
        if key[0] not in TRANSLATION_SETS:
            raise ValueError(key[0])
        change.code_answers.setdefault(key, "")
        # What it is translated to is chosen among the codes of its set, which stand there from now on.
        desk.show(say=f"{code} is in the list.", focus=f"settings-code-{list(change.code_answers).index(key)}")
        return
    changes = _changes(change)
    change.refused = _addresses(change) or _refused(desk, change, changes)
    if change.refused:
        name, said = next(iter(change.refused.items()))
        desk.show(say=said, focus=f"settings-{name}" if name else "settings-refused")
        return
    new = edited(change.old, changes)
    if new == change.old:
        change.refused = {"": screens.words("nothing_changed")}
        desk.show(say=screens.words("nothing_changed"), focus="settings-refused")
        return
    change.text = new
    desk.show(focus="title")


def fields_again(desk: Desk, values: Mapping[str, Any]) -> None:
    """From the lines back to the fields, with the answers in them."""
    desk.form["settings"].text = ""
    desk.show(focus="title")


def write(desk: Desk, values: Mapping[str, Any]) -> None:
    """Write what was looked at, keep the old file, and look at everything with the new settings."""
    change: Change = desk.form["settings"]
    if not change.text:
        raise ValueError("nothing was looked at")
    try:
        done = rewriting.rewrite(change.file, change.seen, change.text.encode(), dt.datetime.now())
    except rewriting.ChangedMeanwhile as error:
        _begin(desk, change.why, change.back)
        desk.warn(error.message, error.cure)
        return
    if change.answers.get("senr_extract") != change.now["senr_extract"]:
        # Who names another extract wants that one.
        desk.session.extract = ""
    desk.form["rewritten"] = (done, change.back)
    desk.notice = Notice(
        "good", screens.words("settings_written"), screens.words("settings_kept").format(name=done.kept.name),
        do="settings/undo", label=screens.words("settings_undo"),
    )  # fmt: skip
    _go_on(desk, change.back)


def undo(desk: Desk, values: Mapping[str, Any]) -> None:
    """The old file again, as it was."""
    done, back = desk.form["rewritten"]
    rewriting.put_back(done)
    del desk.form["rewritten"]
    desk.notice = Notice("good", screens.words("settings_put_back"))
    _go_on(desk, back)


def _begin(desk: Desk, why: str, back: str) -> None:
    file = desk.session.settings_file
    change = desk.form["settings"] = Change(file, back, why)
    try:
        change.seen = rewriting.read(file)
        settings = read_settings_text(change.seen.decode("utf-8-sig"), file.parent, file.name)
        _refuse_of_others(desk, file)
    except UsageError as error:
        change.wrong = (error.message, error.cure)
        return
    except UnicodeDecodeError:
        change.wrong = (f"The settings file {file.name} is not UTF-8 text.", "Save it again as UTF-8.")
        return
    document = tomllib.loads(change.seen.decode("utf-8-sig"))
    change.now = {one.name: setting_fields.shown(document, one) for one in FIELDS}
    change.answers = {name: text for name, text in change.now.items() if text is not None}
    change.codes = {
        (kind, code): state for kind, codes in settings.translations.items() for code, state in codes.items()
    }
    change.code_answers = dict(change.codes)
    _fill_in(change, _mending(desk, change))


def _mending(desk: Desk, change: Change) -> Mending:
    if _stop(desk, change.why):
        return mending.of_stop(change.why, desk.session.checked, change.answers, desk.today())
    if change.why == "sela_extract" and not change.answers.get("sela_extract"):
        return mending.of_sela(_places(desk, change.file.parent))
    return Mending("")


def _fill_in(change: Change, found: Mending) -> None:
    change.words = found.words
    change.answers |= {name: text for name, text in found.answers.items() if name in change.answers}
    for kind, code, rows in found.codes:
        change.code_answers.setdefault((kind, code), "")
        change.rows[kind, code] = rows


def _stop(desk: Desk, name: str) -> Mapping[str, Any] | None:
    """The precondition, where it stops the run."""
    return next((one for one in desk.session.stops if one["id"] == name and name in mending.ABOUT), None)


def _changes(change: Change) -> dict[KeyPath, Value]:
    found = {
        one.path: setting_fields.meant(one, change.answers[one.name], change.file.parent)
        for one in FIELDS
        if one.name in change.answers and change.answers[one.name] != change.now[one.name]
    }
    codes = {
        ("translations", *key): state or None
        for key, state in change.code_answers.items()
        if state != change.codes.get(key, "")
    }
    return found | codes


def _addresses(change: Change) -> dict[str, str]:
    """An address may have a password in it, and stands in no field."""
    files = [one.name for one in FIELDS if one.kind == "file" and address_of(change.answers.get(one.name, ""))]
    return dict.fromkeys(files, screens.words("no_address_here"))


def _refused(desk: Desk, change: Change, changes: Mapping[KeyPath, Value]) -> dict[str, str]:
    """What the checker says against the change, by the field that it is about; under "" what is about none."""
    said: dict[str, str] = {}
    left = dict(changes)
    # The checker says one thing at a time: without what it is about it says the next.
    while sentence := _judged(desk, change, left):
        name = _about(desk, change, left, sentence)
        said.setdefault(name, sentence)
        path = next((one for one in left if _field_name(change, one) == name), None)
        if path is None:
            break
        del left[path]
    return said


def _about(desk: Desk, change: Change, changes: Mapping[KeyPath, Value], sentence: str) -> str:
    """The field that the checker names, or else that of the change that it refuses alone."""
    named = _NAMED.match(sentence.removeprefix(change.file.name))
    if named and named[1] in change.answers:
        return named[1]
    alone = (path for path, value in changes.items() if _judged(desk, change, {path: value}))
    return next((_field_name(change, path) for path in alone), "")


def _judged(desk: Desk, change: Change, changes: Mapping[KeyPath, Value]) -> str:
    try:
        new = edited(change.old, changes)
        settings = read_settings_text(new.removeprefix("\ufeff"), change.file.parent, change.file.name)
        _refuse_places_of_others(desk, change, settings)
    except UsageError as error:
        return str(error)
    return ""


def _field_name(change: Change, path: KeyPath) -> str:
    return f"code-{list(change.code_answers).index(path[1:])}" if path[0] == "translations" else path[-1]


def _refuse_of_others(desk: Desk, file: Path) -> None:
    """Where people sign on, each changes settings of their own alone: others may rely on those that are shared."""
    if desk.places.person and not file.resolve().is_relative_to(desk.places.home.resolve()):
        raise UsageError("These settings are not in your folder.", "Ask whoever looks after them.")


def _refuse_places_of_others(desk: Desk, change: Change, settings: Settings) -> None:
    """Where people sign on, no file is named that is in somebody else's folder."""
    if not desk.places.person:
        return
    mine = [desk.places.home.resolve(), desk.places.drop.resolve()]
    for name, place in _files_named(change, settings):
        if not any(place.resolve().is_relative_to(folder) for folder in mine):
            raise UsageError(f"{name} names a file that is not in your folder.", "Lay it there, or in the drop folder.")


def _files_named(change: Change, settings: Settings) -> list[tuple[str, Path]]:
    """The files that the change is about."""
    found = []
    for one in FIELDS:
        if one.kind == "file" and change.answers.get(one.name, change.now[one.name]) != change.now[one.name]:
            value = getattr(settings.calpads, one.name)
            found += [(one.name, place) for place in (value if isinstance(value, tuple) else (value,))]
    return [(name, place) for name, place in found if isinstance(place, Path)]


def _missing(change: Change, settings: Settings) -> list[str]:
    return [place.name for _, place in _files_named(change, settings) if not place.exists()]


def _field(desk: Desk, change: Change, one: setting_fields.Field) -> dict[str, Any]:
    label, hint = screens.words("setting_fields")[one.name]
    text = change.answers.get(one.name)
    options = _years(desk, change) if one.kind == "year" else screens.words("setting_choices").get(one.name, ())
    return {
        "name": one.name, "kind": one.kind, "label": label, "hint": hint, "text": text, "options": options,
        "refused": change.refused.get(one.name, ""),
    }  # fmt: skip


def _years(desk: Desk, change: Change) -> list[tuple[str, str]]:
    this = SchoolYear.of(desk.today()).first
    years = {SchoolYear(first).text for first in (this - 1, this, this + 1)}
    years |= {change.now["school_year"], change.answers["school_year"]}
    return [(year, year) for year in sorted(years, reverse=True)]


def _code(change: Change, place: int, kind: str, code: str) -> dict[str, Any]:
    state = change.code_answers[kind, code]
    known = (
        code_names(TRANSLATION_SETS[kind], SchoolYear.parse(change.now["school_year"]))
        if TRANSLATION_SETS[kind]
        else {}
    )
    options = [(one, f"{one} · {name}") for one, name in known.items()]
    if known and state and state not in known:
        options.append((state, f"{state} · {screens.words('no_state_code')}"))
    return {
        "name": f"code-{place}", "set": screens.words("translation_sets")[kind], "code": code, "state": state,
        "options": options, "rows": change.rows.get((kind, code), ""), "was": change.codes.get((kind, code), ""),
        "refused": change.refused.get(f"code-{place}", ""),
    }  # fmt: skip


def _places(desk: Desk, folder: Path) -> list[str]:
    """Files that a setting may name, newest first: beside the settings, in `extracts`, in the drop folder."""
    found: list[tuple[float, Path]] = []
    for place in (folder, folder / "extracts", desk.places.drop):
        if place.is_dir():
            files = (one for one in place.iterdir() if one.suffix.lower() in _FILES and one.is_file())
            found += [(one.stat().st_mtime, one) for one in files]
    newest = [one for _, one in sorted(found, reverse=True)][:_FILES_SHOWN]
    return [setting_fields.as_written(one, folder, desk.places.home) for one in newest]


def _may_undo(desk: Desk) -> bool:
    done, _ = desk.form.get("rewritten", (None, ""))
    return done is not None and desk.session.settings_file.resolve() == done.file


def _named(desk: Desk, file: Path) -> str:
    home = desk.places.home
    return file.relative_to(home).as_posix() if file.is_relative_to(home) else str(file)


def _go_on(desk: Desk, back: str) -> None:
    """With other settings nothing that was found holds any more: where the job was, it is done again."""
    session, was_looked_at = desk.session, desk.session.recognized is not None
    session.forget_found()
    if back == "language":
        desk.go("language")
    elif was_looked_at:
        load.look_again(desk)
    else:
        desk.go("load")


ACTIONS = {
    "settings/open": open_at, "settings/leave": leave, "settings/answer": answer, "settings/look": look,
    "settings/fields": fields_again,
    "settings/write": write, "settings/undo": undo,
}  # fmt: skip
