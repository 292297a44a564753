"""Counts for certification: who is enrolled on a day, by CALPADS, by Aeries, and by CALPADS after all that has posted.

As the reports 1.1 and 1.2 count (closed_loop.md F15): open on the day with status 10 or 30, grades TK to 12, a student
once in the LEA, at the school of the 10. The certification version of these reports counts only students with a SINF
record, which is not known here; report 1.17 counts something else and is not compared.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from senrkit.engine import compare
from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.frames.intervals import is_canceled
from senrkit.inputs.load import SENR
from senrkit.inputs.spreadsheet import lines
from senrkit.ledger.answers import folded, read_bytes
from senrkit.progress import NoProgress, Progress
from senrkit.reconciliation import preconditions
from senrkit.reconciliation.preconditions import Acceptance
from senrkit.results.tables import TO_DO
from senrkit.settings.settings import Settings

SIDES = ("calpads", "aeries", "after")
REPORTED = "report"
GRADES = ("TK", "KN", *(f"{grade:02d}" for grade in range(1, 13)), "UE", "US")
_COUNTED = ("10", "30")
_COLUMNS = ["reporting_lea", "school_code", "ssid", "start_date", "exit_date", "exit_reason", "status", "grade"]
_SSID, _SCHOOL, _GRADE = (
    ("ssid", "student ssid"),
    ("school code", "school", "school of attendance"),
    ("grade", "grade level"),
)
_GRADE_WORDS = {"K": "KN", "KG": "KN", "KINDERGARTEN": "KN"} | {str(at): f"{at:02d}" for at in range(1, 10)}
_CURE = "Download report 1.2 (or 1.1) from CALPADS as CSV or Excel and give that."


@dataclass(frozen=True)
class Census:
    """The counts of a day.

    Attributes
    ----------
    on
        The day.
    counts
        `school_code, school_name, grade`, a count for each side, `only_after` and `only_aeries` (students of one side
        and not of the other), and `report` where a report was given.
    students
        Who is in one and not in the other: `ssid, school_code, grade, only_in` (`after`, `aeries`, `list`,
        `not in list`), `reason` (of the proposal, blank when it proposes nothing).
    notes
        What these numbers are not.
    """

    on: dt.date
    counts: pl.DataFrame
    students: pl.DataFrame
    notes: tuple[str, ...]

    def document(self, names: bool = False) -> dict[str, Any]:
        """For machines; SSIDs only with `names`."""
        shown = self.students if names else self.students.drop("ssid")
        return {
            "on": self.on.isoformat(), "totals": self.totals(), "counts": self.counts.to_dicts(),
            "students": shown.to_dicts(), "notes": list(self.notes),
        }  # fmt: skip

    def totals(self) -> dict[str, int]:
        """Students of each side in the LEA."""
        sides = [name for name in (*SIDES, REPORTED) if name in self.counts.columns]
        return {name: int(self.counts[name].sum()) for name in sides}

    def lines(self, names: bool = False) -> list[str]:
        """For people: a line a school, and why students differ."""
        sides = list(self.totals())
        by_school = self.counts.group_by("school_code", "school_name", maintain_order=True).agg(
            pl.col([*sides, "only_after", "only_aeries"]).sum()
        )
        head = f"{'':<40}" + "".join(f"{name:>9}" for name in sides) + "  only CALPADS  only Aeries"
        said = [f"Enrolled on {self.on}, status 10 or 30, grades TK to 12, a student once", "", head]
        for row in by_school.iter_rows(named=True):
            counts = "".join(f"{row[name]:>9,}" for name in sides)
            only = f"{row['only_after']:>14,}{row['only_aeries']:>13,}"
            said.append(f"{row['school_name'] or row['school_code']:<40.40}{counts}{only}")
        said.append(f"{'All':<40}" + "".join(f"{count:>9,}" for count in self.totals().values()))
        why = self.students.group_by("only_in", "reason", maintain_order=True).len()
        why = why.sort("len", descending=True, maintain_order=True)
        said += ["", "Why they differ"] if len(why) else []
        said += [
            f"  {row['len']:>5,}  {_WHERE[row['only_in']]}: {row['reason'] or 'nothing is proposed'}"
            for row in why.to_dicts()
        ]
        if names:
            said += ["", "Students"]
            said += [
                f"  {row['ssid']}  school {row['school_code']}  grade {row['grade']}  {_WHERE[row['only_in']]}"
                for row in self.students.to_dicts()
            ]
        return [*said, "", *self.notes]


_WHERE = {
    "after": "in CALPADS, not in Aeries",
    "aeries": "in Aeries, not in CALPADS",
    "list": "in report 1.2, not in the extract",
    "not in list": "in the extract, not in report 1.2",
}


def census(
    settings: Settings,
    on: dt.date,
    *,
    report: Path | None = None,
    listed: Path | None = None,
    progress: Progress | None = None,
) -> Census:
    """Count a day. `report` is report 1.1 as downloaded, `listed` report 1.2.

    Raises
    ------
    InputError
        when an input cannot be read or the two sides cannot be compared, or a report is not understood.
    """
    made = compare(settings, Acceptance(), None, progress or NoProgress(), needed=(SENR,))
    if made.scope is None or made.spell_set is None or made.proposal is None:
        stop = preconditions.stopped(made.preconditions)[0]
        raise InputError(stop.evidence, stop.cure)
    begun = (pl.col("start") <= on) & (pl.col("exit").is_null() | (pl.col("exit") >= on))
    sides = {
        "calpads": _enrolled(made.inputs.extract().state.where(begun, _COLUMNS), settings, on),
        "aeries": _enrolled(made.spell_set.spells.select(_COLUMNS), settings, on),
        "after": _enrolled(made.scope.rows.where(begun, _COLUMNS), settings, on),
    }
    named = made.spell_set.schools.select("school_code", school_name="name").unique("school_code", keep="first")
    counts = pl.DataFrame(schema={"school_code": pl.String, "grade": pl.String})
    for name, rows in sides.items():
        counted = rows.group_by("school_code", "grade").agg(pl.len().alias(name))
        counts = counts.join(counted, on=["school_code", "grade"], how="full", coalesce=True)
    both = (("after", "aeries"), ("aeries", "after"))
    only = {name: sides[name].join(sides[other], on="ssid", how="anti") for name, other in both}
    for name, rows in only.items():
        counted = rows.group_by("school_code", "grade").agg(pl.len().alias(f"only_{name}"))
        counts = counts.join(counted, on=["school_code", "grade"], how="full", coalesce=True)
    if report is not None:
        counts = counts.join(_report(report), on=["school_code", "grade"], how="full", coalesce=True)
    if listed is not None:
        known = _listed(listed)
        only |= {
            "list": known.join(sides["calpads"], on="ssid", how="anti"),
            "not in list": sides["calpads"].join(known, on="ssid", how="anti"),
        }
    numbers = [name for name in counts.columns if name not in ("school_code", "grade")]
    counts = (
        counts.join(named, on="school_code", how="left")
        .with_columns(pl.col("school_name").fill_null(""), pl.col(numbers).fill_null(0).cast(pl.Int64))
        .select("school_code", "school_name", "grade", *numbers)
        .sort("school_code", pl.col("grade").replace_strict(list(GRADES), list(range(len(GRADES))), default=99))
    )
    return Census(on, counts, _with_reasons(only, made.proposal.actions), _NOTES)


_NOTES = (
    "CALPADS' certification version of these reports counts only students who also have a SINF record on the day; "
    "senrkit does not see SINF.",
    "Report 1.17 (FRPM, English learners, foster youth) counts other students and is not compared.",
)


def _enrolled(rows: pl.DataFrame, settings: Settings, on: dt.date) -> pl.DataFrame:
    """Each student who is enrolled on the day once: `ssid, school_code, grade`."""
    dated = rows.with_columns(start=days.of_key(pl.col("start_date")), exit=days.of_key(pl.col("exit_date")))
    there = dated.filter(
        pl.col("reporting_lea") == settings.lea,
        pl.col("status").is_in(_COUNTED),
        pl.col("grade").is_in(GRADES),
        pl.col("ssid") != "",
        pl.col("start") <= on,
        pl.col("exit").is_null() | (pl.col("exit") >= on),
        ~is_canceled(pl.col("start"), pl.col("exit"), pl.col("exit_reason")),
    )
    # Of a 10 and a 30 the school of the 10; of two alike the one that began last.
    first = there.sort("ssid", "status", "start", descending=[False, False, True], maintain_order=True)
    return first.unique("ssid", keep="first", maintain_order=True).select("ssid", "school_code", "grade")


def _with_reasons(only: Mapping[str, pl.DataFrame], actions: pl.DataFrame) -> pl.DataFrame:
    why = actions.filter(pl.col("action").is_in(TO_DO)).select(
        "ssid", reason=pl.when(pl.col("action") == "hold").then("hold_reason").otherwise("reason")
    )
    why = why.unique("ssid", keep="first", maintain_order=True)
    rows = [frame.select("ssid", "school_code", "grade", only_in=pl.lit(name)) for name, frame in only.items()]
    told = pl.concat(rows).join(why, on="ssid", how="left").with_columns(pl.col("reason").fill_null(""))
    return told.sort("only_in", "school_code", "ssid")


def _listed(path: Path) -> pl.DataFrame:
    """Report 1.2: a student a row, by its headings."""
    rows = lines(path.name, read_bytes(path))
    for at, (_, cells) in enumerate(rows[:20]):
        words = [folded(cell) for cell in cells]
        found = {name: next((words.index(word) for word in names if word in words), None)
                 for name, names in (("ssid", _SSID), ("school_code", _SCHOOL), ("grade", _GRADE))}  # fmt: skip
        if found["ssid"] is not None:
            students = [{name: _at(row, place) for name, place in found.items()} for _, row in rows[at + 1 :]]
            schema = dict.fromkeys(found, pl.String)
            table = pl.DataFrame(students, schema=schema).with_columns(pl.col("ssid").str.replace_all(r"[^0-9]", ""))
            return table.filter(pl.col("ssid").str.contains(r"^[0-9]{10}$")).unique(
                "ssid", keep="first", maintain_order=True
            )
    raise InputError(f"{path.name} is no report 1.2: no heading says SSID.", _CURE)


def _report(path: Path) -> pl.DataFrame:
    """Report 1.1: a school a row, a grade a column."""
    rows = lines(path.name, read_bytes(path))
    for at, (_, cells) in enumerate(rows[:20]):
        grades = {place: grade for place, cell in enumerate(cells) if (grade := _grade(cell)) in GRADES}
        if len(grades) > 2:
            counted = [
                (code, grade, _number(_at(row, place)))
                for _, row in rows[at + 1 :]
                if (code := _school(row))
                for place, grade in grades.items()
            ]
            return pl.DataFrame(
                counted, schema={"school_code": pl.String, "grade": pl.String, REPORTED: pl.Int64}, orient="row"
            )
    raise InputError(f"{path.name} is no report 1.1: no line of headings names the grades.", _CURE)


def _grade(cell: str) -> str:
    word = re.sub(r"^GRADE\s+", "", cell.strip().upper())
    return _GRADE_WORDS.get(word, word)


def _school(row: Sequence[str]) -> str:
    """The first cell with a school's code, of seven digits or with county and district before it."""
    for cell in row:
        if found := re.fullmatch(r"(?:\d{7})?(\d{7})(?:\D.*)?", cell):
            return found[1]
    return ""


def _number(cell: str) -> int:
    digits = cell.replace(",", "")
    return int(digits) if digits.isdecimal() else 0


def _at(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""
