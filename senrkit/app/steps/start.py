"""Start: the demo district, a settings file, a new set-up, or a run made before."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.app.steps import setup
from senrkit.errors import SenrkitError
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
        **setup.context(desk),
    }


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
    _use(desk, file)


def open_past(desk: Desk, values: Mapping[str, Any]) -> None:
    run = desk.listed["runs"][int(values["arg"])]
    desk.session.open_run(run)
    desk.go("check" if run.stopped else "evaluate")


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


def _settings_line(file: Path, home: Path) -> dict[str, Any]:
    shown = file.relative_to(home)
    try:
        settings = load_settings(file)
    except SenrkitError as error:
        return {"title": str(shown), "wrong": error.message}
    return {"title": str(shown), "wrong": "", "lea": settings.lea, "school_year": settings.school_year.text}


ACTIONS = {"start/demo": use_demo, "start/settings": use_settings, "start/open": open_past}
