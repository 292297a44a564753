"""What a trap is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

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
