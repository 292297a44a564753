"""Where a page is, as the part of its address behind the #: run (or settings and extract), step, student, filters.

An address stays in the browser's history and is passed on in links. So a student is the place of a row in the run's
proposal, which never changes, and no name or SSID; and what was typed into the search, which may be one, is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from senrkit.app.proposal import FILTERS

if TYPE_CHECKING:
    from senrkit.app.desk import Desk


NAMED = "named"


@dataclass(frozen=True)
class Address:
    """`settings` is their file below the home, where no run says them, and `extract` that below it or `NAMED`, the
    settings' own; `student` is a place in the proposal."""

    step: str = "start"
    run: str = ""
    settings: str = ""
    extract: str = ""
    student: int | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = {"run": self.run, "settings": self.settings, "extract": self.extract, "step": self.step}
        student = {} if self.student is None else {"student": self.student}
        shown = {name: value for name, value in parts.items() if value} | student | dict(self.filters)
        return f"#{urlencode(shown, doseq=True)}"

    @classmethod
    def read(cls, text: str) -> Address:
        """From what stands in the browser; what cannot be understood is as if it were not there."""
        pairs = parse_qsl(text.lstrip("#"))
        given = dict(pairs)
        student = given.get("student", "")
        return cls(
            given.get("step", "start"),
            given.get("run", ""),
            given.get("settings", ""),
            given.get("extract", ""),
            int(student) if student.isascii() and student.isdecimal() else None,
            {name: tuple(value for one, value in pairs if one == name) for name in FILTERS if given.get(name)},
        )


def of(desk: Desk) -> Address:
    """Where this page is now."""
    session = desk.session
    if session.run is None:
        home = desk.places.home
        file = Path(session.extract) if session.extract else None
        extract = "" if session.recognized is None else _below(file, home) if file else NAMED
        return Address(session.step, settings=_below(session.settings_file, home), extract=extract)
    if session.step != "review" or session.proposal is None:
        return Address(session.step, session.run.folder.name)
    chosen = {name: value for name, value in session.proposal.filters.items() if value}
    return Address("review", session.run.folder.name, student=desk.student, filters=chosen)


def _below(file: Path | None, home: Path) -> str:
    return file.relative_to(home).as_posix() if file is not None and file.is_relative_to(home) else ""
