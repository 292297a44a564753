"""The demo's traps: tables of what stands in CALPADS, what in Aeries, and what must come out (`data/traps/*.toml`).

A chapter is a file, a trap a table of it: `says` in a sentence, `calpads` and `aeries` with a row a line, and whatever
else of `Trap` is not as usual. A row reads `START[..EXIT] [REASON] [column=value …] [-> what must come of it]`.

A day is one of the calendar (`days.py`): `first` (school day), `today`, `40%` of the way between the two, `friday-40%`
(the first Friday from there on), `year-07-20` (in the calendar year in which the school year begins), `last-06-05` (in
the one before) or `summer` (four weeks before the first school day, July at the earliest); `+3` and `-3` count days.
Where a value may be a text as well as a day, a day begins with `@`; `@none` is none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from senrkit.demo.days import DAY, Calendar

CHAPTERS = ("moves", "exits", "completions", "changes", "identity", "scope", "language")

SAME = "same"


@dataclass(frozen=True)
class State:
    """A row of the extract, this year. State codes.

    `school` is `here` (where the child of this grade and zone goes), `there`, `third` (others of its kind) or a role of
    `schools.csv`. `gives` is what must come of it: `action` or `action:reason`.
    """

    start: dt.date
    exit: dt.date | None = None
    reason: str = ""
    gives: str = SAME
    school: str = "here"
    status: str = "10"
    grade_shift: int = 0
    completion: str = ""
    transfer: str = ""
    residence: str = ""
    nps: str = ""
    receiver: str = ""
    uc_csu: str = ""
    golden_state_seal: str = ""
    biliteracy_seal: str = ""
    graduation_exemption: str = ""


@dataclass(frozen=True)
class Aeries:
    """A row of `ENR`, this year. Local codes.

    `gives` is blank where the row ends up in a spell that has its partner; `as_start` is the start of the spell where
    that is another day.
    """

    start: dt.date
    exit: dt.date | None = None
    reason: str = ""
    gives: str = ""
    school: str = "here"
    program: str = ""
    grade_shift: int = 0
    transfer: str = ""
    residence: str = ""
    home: str = ""
    next: str = ""
    nps: str = ""
    track: str = ""
    deleted: bool = False
    role: int = 0
    as_start: dt.date | None = None


@dataclass(frozen=True)
class Language:
    """What SELA and Aeries hold. `sela`: status and day, oldest first; `lf`: local code; `lac`: columns of LAC.

    `gives` is the class of `language.csv`. `correction` is the reason with which the newest status was entered, `lea`
    another LEA that reported it all.
    """

    sela: tuple[tuple[str, dt.date], ...]
    lf: str
    gives: str
    lac: Mapping[str, dt.date | str | None] = field(default_factory=dict)
    spoken: str = "spa"
    correction: str = ""
    lea: str = ""


@dataclass(frozen=True)
class Trap:
    """One kind of difficulty, planted on students of its own.

    Attributes
    ----------
    name, sentence
        Its name for machines, and one sentence for people.
    state, aeries
        Its rows of this year.
    grade, years
        Grade now; past school years in the district.
    state_as, aeries_as
        Where a side knows the person otherwise: columns of the people frame. `spare` stands for another number,
        a number of days moves the birth date.
    stu
        Columns of `STU`, local.
    roles
        Persons in it; the second one has the SSID of the first.
    known
        Whether Aeries knows the student at all.
    at_risk
        Whether the delete leaves the student without any record.
    rejected_by
        The rule by which CALPADS would refuse the file: then the student is held as `predicted-rejection`, and `gives`
        says what it would have been.
    information
        What is reported without an action.
    award
        The code of an award in `ACT`, dated on the first day of the students' year.
    """

    name: str
    sentence: str
    state: tuple[State, ...] = ()
    aeries: tuple[Aeries, ...] = ()
    grade: int = 7
    years: int = 3
    state_as: Mapping[str, object] = field(default_factory=dict)
    aeries_as: Mapping[str, object] = field(default_factory=dict)
    stu: Mapping[str, object] = field(default_factory=dict)
    person: Mapping[str, str] = field(default_factory=dict)
    roles: int = 1
    known: bool = True
    graduated: bool = False
    at_risk: bool = False
    rejected_by: str = ""
    information: str = ""
    award: str = ""
    language: Language | None = None
    in_lac: bool = True

    @property
    def deletes(self) -> bool:
        """Whether it makes deletes, which are planted sparingly: many of them are precondition P12."""
        return any(row.gives.startswith("delete") for row in self.state)

    def copies(self, students: int) -> int:
        """How many times it is planted among so many students."""
        thousands = students // 1000
        return max(1, thousands if self.deletes else thousands + (thousands > 0))


def all_traps(calendar: Calendar) -> tuple[Trap, ...]:
    """The traps with the days of this calendar."""
    return tuple(_trap(calendar, name, entry) for chapter in CHAPTERS for name, entry in _read(chapter).items())


def _read(chapter: str) -> dict[str, dict[str, Any]]:
    """The tables of a chapter; what its table `usual` says holds for each of them."""
    source = resources.files("senrkit.demo").joinpath("data", "traps", f"{chapter}.toml")
    tables = tomllib.loads(source.read_text(encoding="utf-8"))
    usual = tables.pop("usual", {})
    return {name: usual | entry for name, entry in tables.items()}


def _trap(calendar: Calendar, name: str, entry: Mapping[str, Any]) -> Trap:
    more = dict(entry)
    language = more.pop("language", None)
    return Trap(
        name,
        more.pop("says"),
        tuple(_row(calendar, State, line) for line in more.pop("calpads", ())),
        tuple(_row(calendar, Aeries, line) for line in more.pop("aeries", ())),
        state_as=more.pop("calpads_as", {}),
        stu=_values(calendar, more.pop("stu", {})),
        language=_language(calendar, language) if language else None,
        **more,
    )


def _row(calendar: Calendar, side: type, line: str) -> Any:
    kinds = {one.name: one.type for one in dataclasses.fields(side)}
    said, _, gives = line.partition(" -> ")
    days, *words = said.split()
    start, _, end = days.partition("..")
    values: dict[str, Any] = {"gives": gives} if gives else {}
    for word in words:
        name, _, value = word.rpartition("=")
        values[name or "reason"] = _TYPED.get(kinds[name or "reason"], str)(value)
    if "as_start" in values:
        values["as_start"] = _day(calendar, values["as_start"])
    return side(_day(calendar, start), _day(calendar, end) if end else None, **values)


# The types of a row's fields, as they are spelled above.
_TYPED = {"int": int, "bool": "yes".__eq__}


def _language(calendar: Calendar, entry: Mapping[str, Any]) -> Language:
    steps = (step.split() for step in entry["sela"])
    sela = tuple((status, _day(calendar, day)) for status, day in steps)
    return Language(**{**entry, "sela": sela, "lac": _values(calendar, entry.get("lac", {}))})


def _values(calendar: Calendar, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(calendar, value) for name, value in entry.items()}


def _value(calendar: Calendar, value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    return None if value == "@none" else _day(calendar, value[1:])


_DAY = re.compile(
    r"(first|today|summer|(?P<friday>friday-)?(?P<share>\d+)%|(?P<year>year|last)-(?P<date>\d\d-\d\d))(?P<days>[+-]\d+)?"
)


def _day(calendar: Calendar, said: str) -> dt.date:
    found = _DAY.fullmatch(said)
    if found is None:
        raise ValueError(f"{said!r} is no day of the demo's calendar")
    if found["share"]:
        share = int(found["share"]) / 100
        day = calendar.friday(share) if found["friday"] else calendar.at(share)
    elif found["date"]:
        day = dt.date.fromisoformat(f"{calendar.year - (found['year'] == 'last')}-{found['date']}")
    else:
        summer = max(dt.date(calendar.year, 7, 1), calendar.first - 28 * DAY)
        day = {"first": calendar.first, "today": calendar.as_of, "summer": summer}[found[1]]
    return day + int(found["days"] or 0) * DAY
