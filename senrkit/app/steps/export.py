"""Export: the files with the decisions in, in upload order, each with what it does, where it stands, and what to say
of it: uploaded, posted, refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit import reference
from senrkit.app import screens
from senrkit.app.steps import evaluate, review
from senrkit.errors import SenrkitError
from senrkit.ledger import journal

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

_COVERING_SHEET = "READ_ME_FIRST.txt"
_REFUSED_SHOWN = 100


def context(desk: Desk) -> dict[str, Any]:
    session, manifest = desk.session, desk.session.run.manifest
    folder = session.run.folder / "submission"
    files = [
        {
            **one,
            "does": screens.words("files").get(one["step"], ""),
            "path": folder / one["name"],
            **_stands(desk, one["number"]),
        }
        for one in manifest["files"]
    ]
    deletes = sum(one["transactions"].get("D", 0) for one in files)
    package = next(iter(sorted(folder.glob("*.zip"))), None)
    return {
        "manifest": manifest,
        "files": files,
        "records": sum(one["rows"] for one in files),
        "deletes": deletes,
        "at_risk": sum(one["rows"] for one in files if one["step"] == "delete_last_record"),
        "package": _file_line(package) if package else None,
        "covering_sheet": (folder / _COVERING_SHEET).read_text(encoding="utf-8") if files else "",
        "missing": [one for one in manifest["missing_steps"] if files],
        "out_of_date": not has_decisions_of_now(desk),
        "confirmed": session.confirmed == session.run.folder or not deletes,
        "under_way": any(one["stand"] and one["stand"]["state"] not in ("prepared", "withdrawn") for one in files),
        "replaced": session.loop.get("replaced", False),
        "telling": _telling(desk),
        "counts": manifest["counts"]["action"],
        "charts": [one for one in session.charts if one["id"] == "enrollment_counts"],
        "what_if": manifest.get("what_if"),
        "warnings": [
            (rule, found["count"])
            for rule, found in (manifest["findings"] or {}).items()
            if found["severity"] == "warning"
        ],
    }


def entered(desk: Desk) -> None:
    _look(desk, lambda: _show_files(desk))
    if not desk.session.charts:
        evaluate.draw(desk)


def has_decisions_of_now(desk: Desk) -> bool:
    """Whether the run was made with the decisions file as it stands now."""
    file = desk.session.decisions_file
    now = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
    used = desk.session.run.manifest["decisions"]
    return now == (used["sha256"] if used else None)


def make(desk: Desk, values: Mapping[str, Any]) -> None:
    """Make the files anew, with what was decided since."""
    evaluate.run_now(desk, lambda: desk.go("export"))


def confirm(desk: Desk, values: Mapping[str, Any]) -> None:
    """The files are handed out to whoever has read how many enrollments they delete."""
    deletes = context(desk)["deletes"]
    if str(values.get("number", "")).replace(",", "").strip() != str(deletes):
        wrong = f"That is not the number of deletes in these files. They delete {deletes:,}."
        desk.post({"t": "form-error", "text": wrong})
        desk.say(wrong)
        return
    desk.session.confirmed = desk.session.run.folder
    desk.show(say="The files are ready to download.", focus="download-all")


def download(desk: Desk, values: Mapping[str, Any]) -> None:
    """One of the run's own files, by name."""
    shown = context(desk)
    if not shown["confirmed"] or shown["out_of_date"]:
        raise PermissionError("not confirmed")
    folder = desk.session.run.folder
    there = {path.name: path for path in [*(folder / "submission").iterdir(), folder / "report.xlsx"]}
    desk.outgoing.offer(there[str(values["arg"])], desk.post)


def look_again(desk: Desk) -> None:
    """Somebody may tell the ledger on another page or by command: when it has changed, this page shows it."""
    if desk.session.step != "export" or desk.doing or desk.session.run is None:
        return
    # Settings that are wrong for the moment are told when somebody does something, not at every beat.
    with contextlib.suppress(SenrkitError):
        if _written(desk) != desk.form.get("ledger_seen"):
            _look(desk, lambda: _show_files(desk, say="The files were told of elsewhere."))


def open_form(desk: Desk, values: Mapping[str, Any]) -> None:
    """What somebody wants to say of a file, as `2|posted`; the same again closes it."""
    number, _, what = str(values["arg"]).partition("|")
    shown = _telling(desk)
    forget(desk)
    if shown and (shown["number"], shown["what"]) == (int(number), what):
        _show_files(desk, focus=f"tell-{what}-{number}")
        return
    wanted = next((one for one in _stands(desk, int(number))["may"] if one["what"] == what), None)
    if wanted is None:
        # A button of a moment ago: somebody has told of the file meanwhile.
        _show_files(desk, say="That cannot be said of the file any more.", focus=f"file-{number}")
        return
    if wanted["why_not"]:
        desk.say(wanted["why_not"])
        return
    desk.form["telling"] = {"folder": desk.session.run.folder, "number": int(number), "what": what}
    _show_files(desk, focus="telling")


def close_form(desk: Desk, values: Mapping[str, Any]) -> None:
    shown = _telling(desk)
    forget(desk)
    _show_files(desk, focus=f"tell-{shown['what']}-{shown['number']}" if shown else "")


def uploaded(desk: Desk, file: Path) -> None:
    """An error file that CALPADS gave back. It is read when the refusal is kept, and kept nowhere else."""
    shown = _telling(desk)
    if shown is None or shown["what"] != "rejected":
        shutil.rmtree(file.parent, ignore_errors=True)
        return
    desk.form.setdefault("errors", []).append(file)
    _show_files(desk, say=f"{file.name} is here.", focus="telling-keep")


def drop_error(desk: Desk, values: Mapping[str, Any]) -> None:
    """Take an error file away again."""
    file = desk.form["errors"].pop(int(values["arg"]))
    shutil.rmtree(file.parent, ignore_errors=True)
    _show_files(desk, say=f"{file.name} is taken away.", focus="telling")


def tell(desk: Desk, values: Mapping[str, Any]) -> None:
    """Keep what is said of the file whose form is open."""
    shown, session = _telling(desk), desk.session
    if shown is None:
        return
    number, what = shown["number"], shown["what"]
    if shown["is_again"] and not shown["errors"]:
        desk.say("Give CALPADS' error file first.")
        return

    def kept(found: dict[str, Any]) -> None:
        _take(desk, found)
        forget(desk)
        lines = [f"{one['name']}: {_numbers(one['lines'])}" for one in found["unmatched"]]
        if lines:
            desk.warn(screens.words("unmatched"), " ".join(lines))
            return
        state = screens.words("file_states")[_stand_of(desk, number)["state"]]
        desk.show(say=f"File {number}: {state.lower()}.", focus=f"file-{number}")

    def refused(text: str, cure: str) -> None:
        # An error file that was not taken may hold anybody's data; what was typed stays.
        _drop_errors(desk)
        desk.refuse(text, cure)

    desk.work(
        "Keeping it", "tell", kept, refused,
        settings_file=str(session.settings_file), folder=str(session.run.folder), number=number,
        what="sent" if what == "again" else what,
        on=str(values.get("on", "")), job_number=str(values.get("job", "")).strip(),
        because=str(values.get("because", "")),
        errors=[str(file) for file in desk.form.get("errors", ())],
    )  # fmt: skip


def forget(desk: Desk) -> None:
    """Close the form; error files that were uploaded and not read go with it."""
    desk.form.pop("telling", None)
    _drop_errors(desk)


def open_student(desk: Desk, values: Mapping[str, Any]) -> None:
    """The student of a refused record, in Review."""
    desk.session.proposal.clear()
    desk.go("review")
    review.open_student(desk, values)


def _look(desk: Desk, then: Any) -> None:
    session = desk.session

    def found(loop: dict[str, Any]) -> None:
        if session.run is run:
            session.loop = loop
            if session.step == "export":
                then()

    run = session.run
    desk.form["ledger_seen"] = _written(desk)
    desk.quietly(
        "loop_of",
        found,
        settings_file=str(session.settings_file),
        run=run.manifest["run_id"],
        made=run.manifest["made"],
    )


def _take(desk: Desk, found: dict[str, Any]) -> None:
    desk.form["ledger_seen"] = _written(desk)
    desk.session.loop = {name: value for name, value in found.items() if name != "unmatched"}


def _stands(desk: Desk, number: int) -> dict[str, Any]:
    """Where a file stands, what may be said of it, and which students CALPADS refused."""
    loop = desk.session.loop
    stand = loop.get("files", {}).get(str(number))
    if loop and not stand and not loop["replaced"]:
        # The ledger hears of the run with the first word about it.
        stand = {"state": "prepared", "on": "", "job": "", "waits_for": number - 1, "records": {}, "refused": []}
    if not stand:
        return {"stand": None, "may": [], "refused": [], "refused_more": 0}
    refused = stand["refused"][:_REFUSED_SHOWN]
    return {
        "stand": stand,
        "may": _may(stand, out_of_date=not has_decisions_of_now(desk)),
        "refused": [_refused(desk, one) for one in refused],
        "refused_more": len(stand["refused"]) - len(refused),
    }


def _may(stand: Mapping[str, Any], out_of_date: bool) -> list[dict[str, str]]:
    """What may be said of a file as it stands, and why not yet."""
    state = stand["state"]
    before = f"Wait until file {stand['waits_for']} has posted." if stand["waits_for"] else ""
    anew = "Decisions were made since these files. Make them again first." if out_of_date else ""
    known = {
        "prepared": [("sent", anew or before)],
        "sent": [("posted", before), ("rejected", "")],
        "expired": [("posted", before), ("rejected", "")],
        "rejected": [("again", before), *([] if stand["refused"] else [("rejected", "")])],
        "posted": [("undo", "")],
    }
    labels = screens.words("may_say")
    return [
        {"what": what, "label": labels["errors" if state == what == "rejected" else what], "why_not": why_not}
        for what, why_not in known.get(state, ())
    ]


def _refused(desk: Desk, one: Mapping[str, Any]) -> dict[str, Any]:
    """A refused record: its student as the page calls them, and the rules in plain words."""
    session = desk.session
    titles = reference.rule_titles()
    rules = [f"{titles[rule]} ({rule})" if rule in titles else rule for rule in one["rules"]]
    rows = session.proposal.rows
    place = next((at for at, row in enumerate(rows) if row.get("sequence") == str(one["sequence"])), None)
    row = None if place is None else rows[place]
    who = f"Record {session.run.manifest['run_number']}-{one['sequence']}"
    if row is not None:
        who = f"{review.who(session, row)[0]}, {row['school_name'] or row['school_code']}"
    return {"place": place, "who": who, "rules": "; ".join(rules), "elsewhere": one["elsewhere"]}


def _telling(desk: Desk) -> dict[str, Any] | None:
    """The form that is open, or `None`."""
    shown = desk.form.get("telling")
    if shown is None or desk.session.run is None or shown["folder"] != desk.session.run.folder:
        return None
    stand = _stand_of(desk, shown["number"])
    again = shown["what"] == "rejected" and stand.get("state") == "rejected"
    return shown | {
        # What comes after is not told for a day before; an error file that comes later changes no day.
        "day": stand["on"] if again else max(desk.session.loop.get("day", ""), stand.get("on", "")),
        "job": stand.get("job", ""),
        "is_again": again,
        "errors": [file.name for file in desk.form.get("errors", ())],
    }


def _stand_of(desk: Desk, number: int) -> dict[str, Any]:
    return desk.session.loop.get("files", {}).get(str(number), {})


def _drop_errors(desk: Desk) -> None:
    for file in desk.form.pop("errors", ()):
        shutil.rmtree(file.parent, ignore_errors=True)


def _show_files(desk: Desk, say: str = "", focus: str = "") -> None:
    region = screens.render("export_files", {"desk": desk, "session": desk.session, **context(desk)})
    desk.post({"t": "show", "regions": {"export-files": region}, "say": say, "focus": focus})


def _written(desk: Desk) -> int:
    file = desk.session.runs_folder / journal.FOLDER / journal.FILE
    return file.stat().st_mtime_ns if file.is_file() else 0


def _numbers(lines: list[int]) -> str:
    shown = ", ".join(f"{line:,}" for line in lines[:20])
    return f"line {shown}." if len(lines) == 1 else f"lines {shown}{' and more' if len(lines) > 20 else ''}."


def _file_line(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


ACTIONS = {
    "export/make": make, "export/confirm": confirm, "export/download": download, "export/form": open_form,
    "export/form-close": close_form, "export/error-away": drop_error, "export/tell": tell,
    "export/student": open_student,
}  # fmt: skip
