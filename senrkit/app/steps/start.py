"""Start: the demo district, a settings file, a new set-up, or a run made before."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.app import screens
from senrkit.app.places import open_run
from senrkit.app.steps import setup
from senrkit.errors import SenrkitError
from senrkit.ledger import journal
from senrkit.results.tables import SENT
from senrkit.settings.settings import load_settings

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

DEMO_STUDENTS = 500
_RUNS_SHOWN = 8


def context(desk: Desk) -> dict[str, Any]:
    runs = desk.listed["runs"] = desk.past_runs()[:_RUNS_SHOWN]
    files = desk.listed["settings"] = desk.places.settings_files()
    return {
        "runs": [run_line(one) for one in runs],
        "settings_files": [_settings_line(file, desk.places.home) for file in files],
        "waiting": _waiting(desk) if _ledgers(desk) else [],
        **setup.context(desk),
    }


def entered(desk: Desk) -> None:
    """What is on its way is read beside the page, and only where there is a ledger."""
    ledgers = _ledgers(desk)
    if not ledgers:
        return

    def found(told: list[dict[str, Any]]) -> None:
        desk.listed["waiting"] = told
        if desk.session.step == "start":
            region = screens.render("on_its_way", {"waiting": _waiting(desk)})
            desk.post({"t": "show", "regions": {"on-its-way": region}})

    desk.quietly("waiting", found, settings_files=[str(file) for file in ledgers])


def runs_folder(file: Path) -> Path:
    """Where the runs of these settings are; raises `UsageError` for settings that are wrong."""
    return _runs_folder(file, file.stat().st_mtime_ns)


@functools.lru_cache(256)
def _runs_folder(file: Path, changed: int) -> Path:
    # `changed` is part of the key: settings that were edited are read again.
    return load_settings(file).output.runs


def use_demo(desk: Desk, values: Mapping[str, Any]) -> None:
    folder = desk.places.home / "demo"
    there = folder / "senrkit.toml"
    if there.is_file():
        _use(desk, there)
        return
    students = int(values.get("students") or DEMO_STUDENTS)
    desk.work(
        "Making the demo district",
        "make_demo",
        lambda file: _use(desk, Path(file)),
        folder=str(folder),
        students=students,
    )


def use_settings(desk: Desk, values: Mapping[str, Any]) -> None:
    file = desk.listed["settings"][int(values["settings"])]
    load_settings(file)
    if values.get("then") == "settings":
        desk.session.choose_settings(file)
        desk.go("settings")
        return
    _use(desk, file)


def open_past(desk: Desk, values: Mapping[str, Any]) -> None:
    run = desk.listed["runs"][int(values["arg"])]
    desk.session.open_run(run)
    desk.go("check" if run.stopped else "evaluate")


def open_waiting(desk: Desk, values: Mapping[str, Any]) -> None:
    """A run of which something is on its way, at Export."""
    run = open_run(Path(desk.listed["waiting"][int(values["arg"])]["folder"]))
    if run is None:
        desk.refuse("The folder of this run is not there any more.", "`senrkit loop` still says where its files stand.")
        return
    desk.session.open_run(run)
    desk.go("export")


def _use(desk: Desk, file: Path) -> None:
    desk.session.choose_settings(file)
    desk.go("load")


def run_line(run: Any) -> dict[str, Any]:
    manifest = run.manifest
    by_action = {} if run.stopped else manifest["counts"]["action"]
    return {
        "made": run.made, "lea": manifest["lea"], "school_year": manifest["school_year"], "as_of": manifest["as_of"],
        "number": manifest["run_number"], "stopped": run.stopped, "held": by_action.get("hold", 0),
        "to_do": sum(by_action.get(action, 0) for action in SENT), "folder": run.folder.name,
        "stops": ", ".join(one["id"] for one in manifest["preconditions"] if one["state"] == "stopped"),
    }  # fmt: skip


def _ledgers(desk: Desk) -> list[Path]:
    """Settings files with a ledger beside their runs; of several with the same one, the first."""
    found: dict[Path, Path] = {}
    for file in desk.places.settings_files():
        with contextlib.suppress(SenrkitError):
            found.setdefault(runs_folder(file) / journal.FOLDER / journal.FILE, file)
    return [file for place, file in found.items() if place.is_file()]


def _waiting(desk: Desk) -> list[dict[str, Any]] | None:
    """Run by run what waits, in words; `None` while it is being read."""
    told = desk.listed.get("waiting")
    if told is None:
        return None
    return [one if "wrong" in one else one | {"said": _said(one["files"])} for one in told]


def _said(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """The files of a run, a sentence each; those that wait for another one together."""
    words = screens.words("on_its_way")
    later = [file for file in files if file["state"] == "prepared" and file["waits_for"]]
    said = []
    for file in files:
        if file in later:
            continue
        refused = file["records"].get("refused", 0)
        said.append(
            words[file["state"]].format(
                number=file["number"],
                day=screens.day(file["on"]),
                job=f", job {file['job']}" if file["job"] else "",
                refused=f": {refused:,} of its records" if refused else "",
                unproved=f"{file['unproved']:,}",
            )
        )
    if later:
        numbers = {"number": later[0]["number"], "last": later[-1]["number"], "before": later[0]["waits_for"]}
        kind = "after_refused" if any(file["state"] == "rejected" for file in files) else "after"
        said.append(words[kind if len(later) == 1 else f"{kind}_all"].format(**numbers))
    return said


def _settings_line(file: Path, home: Path) -> dict[str, Any]:
    shown = file.relative_to(home)
    try:
        settings = load_settings(file)
    except SenrkitError as error:
        return {"title": str(shown), "wrong": str(error)}
    return {"title": str(shown), "wrong": "", "lea": settings.lea, "school_year": settings.school_year.text}


ACTIONS = {
    "start/demo": use_demo, "start/settings": use_settings, "start/open": open_past, "start/waiting": open_waiting,
}  # fmt: skip
