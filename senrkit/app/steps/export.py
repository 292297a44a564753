"""Export: the files with the decisions in, in upload order, each with what it does and what to wait for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.app import screens
from senrkit.app.steps import evaluate

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

_COVERING_SHEET = "READ_ME_FIRST.txt"


def context(desk: Desk) -> dict[str, Any]:
    session, manifest = desk.session, desk.session.run.manifest
    folder = session.run.folder / "submission"
    files = [
        {**one, "does": screens.words("files").get(one["step"], ""), "path": folder / one["name"]}
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


def _file_line(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


ACTIONS = {"export/make": make, "export/confirm": confirm, "export/download": download}
