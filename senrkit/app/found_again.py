"""Work that was under way when its page was closed or loaded again: shown on, canceled, or gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.app import screens
from senrkit.app.lasting import Claim
from senrkit.app.notice import Notice

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

# Work with a result of its own on the disk. All other is short, or worth nothing without its page, and ends with it.
_LASTING = ("run", "make_demo", "compare_language")


def told(desk: Desk, doing: str, job: str) -> dict[str, Any] | None:
    """What a later page has to know of this work; `None` of work that ends with its page."""
    if job not in _LASTING:
        return None
    return {
        "job": job,
        "doing": doing,
        "settings_file": str(desk.session.settings_file or ""),
        "back_to": desk.session.step,
    }


def look(desk: Desk) -> None:
    """Take up work that has no page, if there is any. That of a page which is open is its own."""
    claim = Claim.left(desk.places.home)
    if claim is None:
        return
    found = claim.told() or {}
    if "answer" in found and desk.session.step == "start":
        # Over for long, perhaps: nobody is led away from where they begin.
        claim.end()
        _tell(desk, found)
        return
    if desk.session.settings_file is None and found.get("settings_file"):
        desk.session.choose_settings(Path(found["settings_file"]))
    desk.take_up(claim, found.get("doing", ""), lambda place: _go_on(desk, found, place))


def _go_on(desk: Desk, found: Mapping[str, Any], place: str) -> None:
    """As if the page had stayed."""
    if found["job"] == "make_demo":
        desk.session.choose_settings(Path(place))
        desk.go("load")
    elif found["job"] == "run":
        desk.take_run(place)
        desk.go("check" if desk.session.run.stopped else found["back_to"])
    else:
        desk.go("language")


def _tell(desk: Desk, found: Mapping[str, Any]) -> None:
    answer = found["answer"]
    if answer.get("refused"):
        desk.notice = Notice("error", f"{found['doing']}: {answer['refused']}", answer["cure"])
    elif answer.get("fault"):
        desk.notice = Notice("error", f"{found['doing']}: {screens.words('fault')}", "", answer["fault"])
    else:
        desk.notice = Notice("good", screens.words("done_meanwhile").format(doing=found["doing"]))
    desk.show(focus="notice")
