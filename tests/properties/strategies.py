"""Small random districts, drawn as the text tables of `tests/rulebook.py`: a failing one prints as a rule-book case.

Students are independent of each other and a run costs much the same for one as for hundreds, so one example holds many.
A student is a chain of enrollments in Aeries and, for each, what CALPADS made of it: the same, nothing, or something
else, all drawn from one number. A district that fails is cut down to the students who matter by `holds_for`, in
seconds; Hypothesis, which does not know that students are independent, takes minutes.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import hypothesis
from hypothesis import strategies as st

from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.inputs.extract.senr import Extract
from senrkit.reconciliation.proposal import Proposal, reconcile
from senrkit.reconciliation.scope import Scope, scope_of
from senrkit.reference import SchoolYear, codes
from senrkit.results.files import Plan, order
from senrkit.results.outcome import Outcome, foretell
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet, build_spells
from tests import rulebook

RUN_NUMBER = "0000007"
_STRANGE = 5000
FIRST_DAY = dt.date(2026, 8, 12)
_YEAR = SchoolYear(2026)
_ANY_EXIT = sorted(code[1:] for code in codes("exit_reason", _YEAR) if code not in ("E230", "E150"))
_EXITS = ["160"] * 4 + ["440"] * 4 + ["N"] * 2 + ["GRD", "Y", "-"]
_STATE_EXIT = {"N": "N470", "GRD": "E230", "Y": "E155", "440": "E150", "-": "-"} | {
    code[1:]: code for code in codes("exit_reason", _YEAR)
}
_STATE_GRADE = {"-2": "PS", "18": "IN", "-1": "TK", "0": "KN"} | {str(grade): f"{grade:02d}" for grade in range(1, 13)}
_STATE_STATUS = {"-": "10", "C": "20", "S": "30", "N": "50"}
_STATE_COMPLETION = {"G": "100", "P": "480", "F": "360", "-": "-"}
_SCHOOLS = ["A"] * 6 + ["B"] * 3 + ["N", "V", "D", "X"]
_GRADES = ["5"] * 8 + ["11"] * 4 + ["12"] * 2 + ["6", "0", "-1", "-2", "18"]
_FIRST_DAYS = [0] * 12 + [-42, -43, 1, 20, 97, 103, 104, 110]
_GAPS = [1] * 8 + [0, 0, 2, 2, 10, 10, 11, 30, -3]
_LENGTHS = [0, 9, 20, 20, 29, 30, 30, 40, 60, 90, -1]
_LATER_EXITS = ["2026-11-22", "2026-11-23", "2026-11-24", "2027-06-10", "2027-06-30"]
_ALTERED = (
    ["same"] * 14
    + ["absent"] * 4
    + (
        "start start exit no-exit reason grade status school nps transfer residence receiver completion canceled name"
        " another-child"
    ).split()
)
_EXTRA = ["none"] * 20 + (
    "prior-closed prior-open prior-graduate next-year other-lea other-school future future canceled canceled loose"
    " loose-closed summer prior-e156"
).split()
_STRANGER = ["no"] * 50 + ["unknown"] * 2 + ["local-id", "name"]
_PROCESS = (
    "", "", 'future_dates = "send"', 'last_record = "no-show"', 'prior_year_open = "hold"', "e150_gap_days = 0",
    "e150_gap_days = 30", "keep_preschool_exits = true", "local_record_id = false",
    'compare = ["exit_date", "exit_reason"]', 'compare = ["grade"]', 'future_dates = "send"\nlast_record = "no-show"',
)  # fmt: skip
_YEAR_END = "auto_close = true\nlast_school_day = 2027-06-10"
LACKING = ((), (), (), (), ("ENR.ITD",), ("ENR.IT", "ENR.NS"), ("ENR.HS", "STU.GEX"), ("STU.BCU",), ("STU.DG",))
# Without the NPS column the state's own code stands in the key, which `expectations` does not say a second time.
LACKING_ANY = (*LACKING, ("ENR.NPS",))

thorough = hypothesis.settings(
    max_examples=int(os.environ.get("SENRKIT_EXAMPLES", "5")),
    derandomize="SENRKIT_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
    print_blob=False,
)
"""The same districts every time; `SENRKIT_EXAMPLES=1000` draws so many new ones."""


@dataclass(frozen=True)
class Student:
    """Rows as the rule book's tables have them, without the student's number."""

    enrollments: tuple[dict[str, str], ...]
    person: dict[str, str]
    state: tuple[dict[str, str], ...]
    stranger: str


@dataclass(frozen=True)
class District:
    """A district and its settings; `repr` is what a rule-book test would be written from."""

    students: tuple[Student, ...]
    process: str
    as_of: str
    lacking: tuple[str, ...]

    @cached_property
    def sis(self) -> AeriesTables:
        return rulebook.aeries(_table(self._numbered("enrollments")), self.lacking, stu=_table(self._persons()))

    @cached_property
    def ods(self) -> Extract:
        return rulebook.state(_table(self._state_rows()))

    @cached_property
    def settings(self) -> Settings:
        return rulebook.settings(self.process, as_of=self.as_of, aeries='skip_tags = ["*", "P"]')

    def without(self, gone: set[int]) -> District:
        """The district when some students (by position) never were. The others keep their numbers."""
        nobody = Student((), {}, (), "no")
        left = tuple(nobody if at in gone else one for at, one in enumerate(self.students))
        return replace(self, students=left)

    def ssid(self, at: int) -> str:
        """The SSID of the student at a position, where the student has one of their own."""
        return _ssid(at + 1)

    def strange_ssid(self, at: int) -> str:
        """The SSID of this student's state rows when Aeries does not know it."""
        return _ssid(at + 1 + _STRANGE)

    def __repr__(self) -> str:
        tables = (self._numbered("enrollments"), self._persons(), self._state_rows())
        return f"as of {self.as_of}, {self.process!r}, lacking {self.lacking}\n" + "\n\n".join(map(_table, tables))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In Hypothesis' own report, which would list every field; `holds_for` shows the district that matters."""
        printer.text(f"<a district of {len(self.students)} students>")

    def _numbered(self, what: str) -> list[dict[str, str]]:
        return [{"student": str(at), **row} for at, one in enumerate(self.students, 1) for row in getattr(one, what)]

    def _persons(self) -> list[dict[str, str]]:
        """A `STU` row for every school, or the one school A for a student who has no enrollment."""
        rows = []
        for at, one in enumerate(self.students, 1):
            if not one.person:
                continue
            carried = one.person["CID"]
            own = one.person | {"CID": {"own": _ssid(at), "shared": _ssid(at - 1)}.get(carried, carried)}
            for school in sorted({row["school"] for row in one.enrollments} or {"A"}):
                rows.append({"student": str(at), "school": school, **own})
        return rows

    def _state_rows(self) -> list[dict[str, str]]:
        """No key twice: that stops a run (P13)."""
        found = {}
        for at, one in enumerate(self.students, 1):
            for row in one.state:
                numbered = {"student": _ssid(at), "local_id": str(1000 + at), **_named(at), **row}
                if one.stranger != "no":
                    numbered |= {"student": _ssid(_STRANGE + at)} | _unlike(at, one.stranger)
                key = tuple(numbered[name] for name in ("student", "school", "nps", "start"))
                found.setdefault(key, numbered)
        return list(found.values())


@dataclass(frozen=True)
class Ran:
    """The core's answer to a district."""

    spell_set: SpellSet
    scope: Scope
    proposal: Proposal
    outcome: Outcome


def planned(sis: AeriesTables, ods: Extract, settings: Settings) -> Plan:
    """What would be sent if CALPADS took everything: a run without the prediction, which costs most of its time."""
    spell_set = build_spells(sis, settings)
    return order(reconcile(scope_of(ods, spell_set, settings), spell_set, settings), settings, RUN_NUMBER)


def run(sis: AeriesTables, ods: Extract, settings: Settings) -> Ran:
    """As `senrkit.engine` does it, without files and without preconditions."""
    spell_set = build_spells(sis, settings)
    scope = scope_of(ods, spell_set, settings)
    proposal = reconcile(scope, spell_set, settings)
    return Ran(spell_set, scope, proposal, foretell(proposal, scope, spell_set, settings, RUN_NUMBER))


def holds_for(district: District, promise: Callable[[District], None]) -> None:
    """Whether the promise is kept; when it is not, the failure of the smallest district found that breaks it."""
    try:
        promise(district)
    except Exception as fault:
        small = _cut_down(district, promise, type(fault))
        hypothesis.note(repr(small))
        promise(small)
        raise


def _cut_down(district: District, promise: Callable[[District], None], fault: type[Exception]) -> District:
    """Takes ever smaller groups of students out as long as what is left still fails."""
    group = len(district.students) // 2
    while group:
        at = 0
        while at < len(district.students):
            smaller = replace(district, students=district.students[:at] + district.students[at + group :])
            if _fails(smaller, promise, fault):
                district = smaller
            else:
                at += group
        group //= 2
    return district


def _fails(district: District, promise: Callable[[District], None], fault: type[Exception]) -> bool:
    try:
        promise(district)
    except fault:
        return True
    return False


@st.composite
def districts(draw: st.DrawFn, students: int = 250, lacking: tuple[tuple[str, ...], ...] = LACKING) -> District:
    """Districts that no precondition but P09 and P12 would stop."""
    as_of = draw(st.sampled_from(["2026-11-23"] * 6 + ["2026-08-20", "2027-06-05", "2027-06-05"]))
    process = draw(st.sampled_from(_PROCESS))
    if as_of == "2027-06-05" and draw(st.booleans()):
        process += "\n" + _YEAR_END
    drawn = draw(st.lists(st.integers(0, 2**32 - 1), min_size=students, max_size=students))
    return District(tuple(map(student, drawn)), process, as_of, draw(st.sampled_from(lacking)))


def student(number: int) -> Student:
    """The student of a number, on both sides."""
    chance = Random(number)
    person = {
        "CID": chance.choice(["own"] * 50 + ["shared", "-", "12345"]),
        "TG": chance.choice(["-"] * 25 + ["*", "I", "P"]),
        "HSG": chance.choice("--GGPF"),
        "GEX": chance.choice("NYN-"),
        "NG": chance.choice(["6", "12", "13"]),
        "EOY": chance.choice(["-", "-", "160", "Y", "156"]),
        "DG": chance.choice(["-"] * 8 + ["2026-07-20", "2026-11-18", "2026-11-18", "2027-06-01", "2027-06-04"]),
        "CUC": chance.choice("YN-"),
        "CCS": chance.choice("YN-"),
        "GR": chance.choice(["5", "12"]),
    }
    enrollments = _enrollments(chance)
    state = [row for one in enrollments for row in _as_held(chance, one, person)]
    extra = chance.choice(_EXTRA)
    state += [_extra_row(chance, extra)] if extra != "none" else []
    if chance.random() < 0.05:
        enrollments = enrollments + [dict(one) for one in enrollments[-1:]]
    if chance.random() < 0.03:
        enrollments = []
    if chance.random() < 0.02:
        enrollments, state = _tied(chance)
    return Student(tuple(enrollments), person, tuple(state), chance.choice(_STRANGER))


def _enrollments(chance: Random) -> list[dict[str, str]]:
    """A chain of Aeries rows, each beginning soon after the one before."""
    start = FIRST_DAY + dt.timedelta(chance.choice(_FIRST_DAYS))
    first = _values(chance)
    count = chance.choice([0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4])
    rows = []
    for at in range(count):
        values = _values(chance) if at and chance.random() < 0.4 else first
        stays_open = chance.random() < (0.6 if at == count - 1 else 0.04)
        end = "-" if stays_open else str(start + dt.timedelta(chance.choice(_LENGTHS)))
        if stays_open and chance.random() < 0.1:
            end = chance.choice(_LATER_EXITS)
        reason = chance.choice([*_EXITS, chance.choice(_ANY_EXIT)]) if end != "-" else "-"
        rows.append(values | {"year": "2026", "start": str(start), "exit": end, "reason": reason})
        last = dt.date.fromisoformat(end) if end != "-" else start + dt.timedelta(30)
        start = last + dt.timedelta(chance.choice(_GAPS))
    if rows and chance.random() < 0.03:
        rows[-1] |= chance.choice([{"year": "2025"}, {"start": "2026-02-30"}, {"exit": "2026-11-31"}])
    return rows


def _tied(chance: Random) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Two short enrollments in Aeries, and in CALPADS one that lies in the middle between them."""
    values = _values(chance) | {"year": "2026", "reason": "160"}
    days = [("2026-08-12", "2026-08-14"), ("2026-08-26", "2026-08-28"), ("2026-08-19", "2026-08-21")]
    *there, between = (values | {"start": start, "exit": end} for start, end in days)
    return there, [_translated(between, {})]


def _values(chance: Random) -> dict[str, str]:
    school = chance.choice(_SCHOOLS)
    return {
        "school": school,
        "home": chance.choice("AB") if school == "V" else "-",
        "grade": chance.choice(_GRADES),
        "program": chance.choice(["-"] * 9 + ["C", "C", "S", "N"]),
        "transfer": chance.choice("---D"),
        "residence": chance.choice(["-", "-", "-", "19999910000000"]),
        "nps": chance.choice(["1999001", "1999001", "1999002"]) if school == "N" else "-",
        "next": chance.choice(["0", "0", "2"]),
    }


def _as_held(chance: Random, one: dict[str, str], person: dict[str, str]) -> list[dict[str, str]]:
    """What CALPADS holds of an Aeries row: the same, nothing, or one thing different."""
    row = _translated(one, person)
    exited = {"exit": "2026-10-30", "reason": "T160", "completion": "-"}
    different = {
        "same": {},
        "absent": None,
        "start": {"start": _moved(row["start"], chance.choice([-15, -14, -3, -1, 1, 2, 14, 15]))},
        "exit": exited,
        "no-exit": {"exit": "-", "reason": "-", "completion": "-"},
        "reason": {"reason": chance.choice(["T160", "E150", "N470", "E140"]), "completion": "-"},
        "grade": {"grade": chance.choice(["06", "12", "PS"])},
        "status": {"status": chance.choice(["10", "20", "30", "50"])},
        "school": {"school": chance.choice("AB"), "nps": "-"},
        "nps": {"nps": "1999002"} if row["school"] == "N" else {},
        "transfer": {"transfer": "2"},
        "residence": {"residence": "1999992"},
        "receiver": {"receiver": "1990002"},
        "completion": exited | {"reason": "E230", "completion": "480"},
        "canceled": {"exit": row["start"], "reason": "N470", "completion": "-"},
        "name": {"last_name": "Other"},
        "another-child": {"last_name": "Other", "birth_date": "2010-01-01"},
    }[chance.choice(_ALTERED)]
    return [] if different is None else [row | different]


def _extra_row(chance: Random, kind: str) -> dict[str, str]:
    """A state row that Aeries has no row for, or that is none of the run's business."""
    day = str(FIRST_DAY + dt.timedelta(chance.choice([0, -3, 3, 14, 60, 95])))
    base = _translated(_values(chance) | {"start": day, "exit": "-", "reason": "-"}, {})
    last_year = {"academic_year": "2025-2026", "start": "2025-08-12"}
    return (
        base
        | {
            "prior-closed": last_year | {"exit": "2026-06-09", "reason": "E155"},
            "prior-open": last_year,
            "prior-graduate": last_year | {"exit": "2026-06-09", "reason": "E230", "completion": "100", "grade": "12"},
            "next-year": {"academic_year": "2027-2028", "start": "2027-08-11"},
            "other-lea": {"school": "X", "nps": "-", "lea": "1999991", "exit": _moved(day, 2), "reason": "T160"},
            "other-school": {"school": chance.choice("DUX"), "nps": "-"},
            "future": {"start": chance.choice(["2026-11-24", "2027-01-11", "2027-06-30"])},
            "canceled": {"exit": chance.choice([day, _moved(day, -1)]), "reason": "N470"},
            "loose": {},
            "prior-e156": last_year | {"exit": "2026-06-09", "reason": "E156", "grade": "12"},
            "summer": {
                "start": "2026-07-20",
                "exit": "2026-07-20",
                "reason": "E230",
                "completion": "100",
                "grade": "12",
            },
            "loose-closed": {"exit": _moved(day, 5), "reason": "T160"},
        }[kind]
    )


def _translated(one: dict[str, str], person: dict[str, str]) -> dict[str, str]:
    """The state row that an Aeries row alone would make."""
    school = one["home"] if one["home"] != "-" else one["school"]
    reason = _STATE_EXIT[one["reason"]]
    return {
        "school": school,
        "start": "2026-08-12" if one["start"] == "2026-02-30" else one["start"],
        "exit": "-" if one["exit"] == "2026-11-31" else one["exit"],
        "reason": reason,
        "grade": _STATE_GRADE[one["grade"]],
        "status": _STATE_STATUS[one["program"]],
        "completion": _STATE_COMPLETION[person.get("HSG", "-")] if reason == "E230" else "-",
        "transfer": "1" if one["transfer"] == "D" else "-",
        "residence": one["residence"][:7],
        "receiver": "1990002" if one["next"] == "2" else "-",
        "nps": one["nps"],
        "lea": rulebook.LEA,
        "academic_year": "2026-2027",
    }


def _ssid(number: int) -> str:
    return f"900000{number:04d}"


def _named(number: int) -> dict[str, str]:
    """As `rulebook.person` names the student."""
    birth_date = f"2015-03-{number % 28 + 1:02d}"
    return {"first_name": f"Given{number}", "last_name": f"Family{number}", "birth_date": birth_date}


def _unlike(number: int, stranger: str) -> dict[str, str]:
    """An SSID that Aeries does not know: nobody's, or that of a student whom it knows under another."""
    nobody = {"local_id": "-", "first_name": f"Stranger{number}", "last_name": f"Unheard{number}"}
    return {
        "unknown": nobody,
        "local-id": nobody | {"local_id": str(1000 + number)},
        "name": {"local_id": "-"},
    }[stranger]


def _moved(day: str, by: int) -> str:
    return str(dt.date.fromisoformat(day) + dt.timedelta(by))


def _table(rows: list[dict[str, str]]) -> str:
    names = list(rows[0]) if rows else []
    return "\n".join(" ".join(line) for line in [names, *([row[name] for name in names] for row in rows)])
