"""History: the runs of these settings over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senrkit.app.steps import start

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

CLASSES = ("new", "open", "back", "solved")
_RUNS = 20


def context(desk: Desk) -> dict[str, Any]:
    runs = desk.listed["runs"] = _runs(desk)
    told = {line["folder"]: line for line in desk.form.get("told", [])}
    return {
        "lines": [{**start.run_line(run), "told": told.get(str(run.folder))} for run in runs],
        "classes": CLASSES,
        "charts": desk.form.get("trend", []),
        "latest": desk.form["told"][-1] if desk.form.get("told") else None,
    }


def entered(desk: Desk) -> None:
    """What changed from run to run, when there are two to compare."""
    finished = [str(run.folder) for run in reversed(_runs(desk)) if not run.stopped]
    desk.form["trend"], desk.form["told"] = [], []
    if len(finished) < 2:
        return

    def keep(name: str) -> Any:
        def kept(found: list[dict[str, Any]]) -> None:
            desk.form[name] = found
            if desk.session.step == "history":
                desk.show()

        return kept

    desk.quietly("history", keep("told"), folders=finished)
    desk.quietly("charts", keep("trend"), folder=finished[-1], others=finished)


def _runs(desk: Desk) -> list[Any]:
    session = desk.session
    if session.settings_file is None:
        return desk.past_runs()[:_RUNS]
    return desk.places.runs([session.runs_folder])[:_RUNS]
