"""Language: EL and IFEP status in CALPADS against Aeries. Files to take away; nothing is written to Aeries here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from senrkit.app import screens
from senrkit.app.comparison import ROWS_SHOWN, Comparison, newest_comparison
from senrkit.errors import UsageError

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

_STEP = "language"


def context(desk: Desk) -> dict[str, Any]:
    session = desk.session
    extract = session.settings.calpads.sela_extract if session.settings_file else None
    shown = {
        "extract": extract,
        "no_settings": session.settings_file is None,
        "comparison": None,
        "students": None,
        "names": session.language.get("names", {}),
    }
    comparison = _newest(desk)
    if comparison is None:
        return shown
    counts = comparison.document["counts"]
    return shown | {
        "comparison": comparison,
        "document": comparison.document,
        "classes": counts["class"],
        "total": sum(counts["class"].values()),
        "reasons": [
            (name, reason, number)
            for name in counts["class"]
            for reason, number in counts["reason"].get(name, {}).items()
        ],
        "listed": comparison.listed(),
        "most": ROWS_SHOWN,
        "students": session.language.get("students") if _is_taken(desk, comparison) else None,
        "files": _files(comparison),
        "read": [one for one in comparison.document["inputs"] if one["role"] in ("sela_extract", "elpac_file")],
    }


def entered(desk: Desk) -> None:
    """The students of the newest comparison, whoever made it."""
    comparison = _newest(desk)
    if comparison is None or desk.doing:
        return
    if _is_taken(desk, comparison):
        _names_if_shown(desk)
        return

    def found(students: dict[str, Any]) -> None:
        _take(desk, str(comparison.folder), students)
        if desk.session.step == _STEP:
            desk.show()
            _names_if_shown(desk)

    desk.quietly("language_students", found, folder=str(comparison.folder))


def compare(desk: Desk, values: Mapping[str, Any]) -> None:
    """Make a language run with the extract that the settings name."""
    session = desk.session
    settings = session.settings
    if settings is None or settings.calpads.sela_extract is None:
        raise UsageError(screens.words("no_sela_extract"), screens.words("no_sela_extract_cure"))

    def compared(done: dict[str, Any]) -> None:
        _take(desk, done["folder"], done["students"])
        comparison = _newest(desk)
        desk.give_back(comparison.document["inputs"])
        proposed = comparison.listed()["new"]
        desk.show(say=f"Compared. {proposed:,} {'student is' if proposed == 1 else 'students are'} new.", focus="title")
        _names_if_shown(desk)

    desk.work("Comparing language status", "compare_language", compared, settings_file=str(session.settings_file))


def download(desk: Desk, values: Mapping[str, Any]) -> None:
    """One of the comparison's own files, by name."""
    there = {path.name: path for path in _newest(desk).files}
    desk.outgoing.offer(there[str(values["arg"])], desk.post)


def look_names_up(desk: Desk) -> None:
    """Who the students on the screen are; looked up once, kept nowhere."""
    session = desk.session
    taken = dict(session.language)
    if not taken or taken["names"]:
        return

    def found(names: dict[str, str]) -> None:
        session.language = taken | {"names": names}
        desk.show()

    ssids = sorted({row["ssid"] for rows in taken["students"].values() for row in rows} - {""})
    if ssids:
        desk.work(
            "Looking the names up", "names_in_aeries", found, settings_file=str(session.settings_file), ssids=ssids
        )


def _newest(desk: Desk) -> Comparison | None:
    settings = desk.session.settings
    if settings is None:
        return None
    return newest_comparison(settings.output.runs, settings.lea, settings.school_year.text)


def _files(comparison: Comparison) -> list[dict[str, Any]]:
    """Those for Aeries first."""
    there = {path.name: path.stat().st_size for path in comparison.files}
    known = screens.words("language_files")
    return [{"name": name, "bytes": there[name], "does": does} for name, does in known.items() if name in there]


def _is_taken(desk: Desk, comparison: Comparison) -> bool:
    return desk.session.language.get("folder") == str(comparison.folder)


def _take(desk: Desk, folder: str, students: Mapping[str, Any]) -> None:
    desk.session.language = {"folder": folder, "students": students, "names": {}}


def _names_if_shown(desk: Desk) -> None:
    if desk.session.names_shown:
        look_names_up(desk)


ACTIONS = {"language/compare": compare, "language/download": download}
