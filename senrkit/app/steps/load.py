"""Load: the extract, uploaded, dropped into a folder, or named in the settings; and what was recognized in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.app.address import NAMED
from senrkit.app.places import found_file

if TYPE_CHECKING:
    from senrkit.app.desk import Desk


def context(desk: Desk) -> dict[str, Any]:
    settings = desk.session.settings
    named = settings.calpads.senr_extract if settings else ()
    dropped = desk.listed["dropped"] = desk.places.dropped()
    year = settings.school_year.first if settings else 0
    return {
        "settings": settings,
        "from_day": f"1 July {year - (settings.calpads.years_back if settings else 10)}",
        "dropped": dropped,
        "drop_folder": desk.places.drop,
        # An address is read by the run, not looked at here.
        "named": [found_file(path) for path in named if isinstance(path, Path) and path.is_file()],
        "recognized": desk.session.recognized,
        "of_another_lea": desk.session.of_another_lea,
    }


def use_named(desk: Desk, values: Mapping[str, Any]) -> None:
    """The extract that the settings name."""
    desk.session.forget_extract()
    _recognize(desk, [str(path) for path in desk.session.settings.calpads.senr_extract], "", None)


def use_dropped(desk: Desk, values: Mapping[str, Any]) -> None:
    take_extract(desk, desk.listed["dropped"][int(values["dropped"])].path)


def refresh(desk: Desk, values: Mapping[str, Any]) -> None:
    found = len(desk.places.dropped())
    desk.show(say=f"{found} files are in the drop folder.", focus="dropped" if found else "refresh")


def uploaded(desk: Desk, file: Path) -> None:
    take_extract(desk, file, is_upload=True)


def upload_refused(desk: Desk) -> None:
    """The extract of before does not go on behind one that was refused."""
    desk.session.forget_extract()


def take_extract(desk: Desk, file: Path, is_upload: bool = False) -> None:
    """Look at this file and, when it is an extract, go on with it."""
    desk.session.forget_extract()
    _recognize(desk, [str(file)], str(file), file if is_upload else None)


def take_up(desk: Desk, extract: str, step: str) -> None:
    """The extract that an address names, looked at again: after a reload the page is where it was."""
    session, home = desk.session, desk.places.home
    file = home / extract
    if extract == NAMED:
        _recognize(desk, [str(path) for path in session.settings.calpads.senr_extract], "", None, lambda: desk.go(step))
    elif file.is_file() and file.resolve().is_relative_to(home.resolve()):
        _recognize(desk, [str(file)], str(file), None, lambda: desk.go(step))


def look_again(desk: Desk) -> None:
    """The same extract, with settings that were changed, and on to the check."""
    session = desk.session
    files = [session.extract] if session.extract else [str(path) for path in session.settings.calpads.senr_extract]
    session.step = "check"
    _recognize(desk, files, session.extract, None, lambda: desk.go("check"))
    if desk.doing:
        desk.show(focus="title")


def _recognize(
    desk: Desk, files: list[str], extract: str, upload: Path | None, then: Callable[[], None] | None = None
) -> None:
    settings = desk.session.settings

    def recognized(facts: dict[str, Any]) -> None:
        desk.session.extract, desk.session.recognized = extract, facts
        if then is not None:
            then()
            return
        said = (
            f"This extract is not of LEA {settings.lea}."
            if desk.session.of_another_lea
            else f"Recognized: {facts['layout']}, {facts['rows']:,} rows."
        )
        desk.show(say=said, focus="recognized")

    def refused(text: str, cure: str) -> None:
        # A refused upload is of no use, and may hold anybody's data.
        if upload is not None:
            shutil.rmtree(upload.parent, ignore_errors=True)
        desk.session.step = "load"
        desk.refuse(text, cure)

    desk.work(
        "Looking at the file", "recognize", recognized, refused,
        files=files, lea=settings.lea, as_of=settings.as_of.isoformat(),
    )  # fmt: skip


ACTIONS = {"load/named": use_named, "load/dropped": use_dropped, "load/refresh": refresh}
