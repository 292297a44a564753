"""A big district without stories: a long extract against one year of `ENR`, with many differences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from senrkit.demo import aeries, extract, schools, write
from senrkit.demo.days import DAY, Calendar
from senrkit.demo.history import NONE, past, rows_of
from senrkit.demo.people import BASE, grade_text, with_identities
from senrkit.demo.write import settings_text
from senrkit.errors import UsageError

AS_OF = dt.date(2026, 11, 23)
_CHUNK = 250_000
# Exit missing, exit wrong, reopened, grade wrong, start moved, not in CALPADS; pupils not in Aeries come on top.
_KINDS = ("exit", "exit-changed", "reopened", "grade", "start", "add")
_SHARES = (0.32, 0.11, 0.13, 0.26, 0.10, 0.08)
_NOT_IN_AERIES = 0.05


def make_large(
    folder: Path,
    state_rows: int,
    enr_rows: int,
    seed: int = 1,
    differences: float = 0.08,
    lea: str = schools.LEA,
) -> Path:
    """Write `SENR_ODS.txt` with `state_rows` rows, `aeries.db` with `enr_rows` `ENR` rows of this year, and settings.

    One enrollment of the year for each pupil; a share of `differences` of them differs between the two systems, in a
    mix of every action. History fills the extract to the asked length. Returns the settings file. Fictional people; the
    same arguments give the same bytes.

    Raises
    ------
    UsageError
        when the extract would be shorter than the year's own rows.
    InputError
        when the folder cannot be written.
    """
    if state_rows < enr_rows:
        raise UsageError("The extract holds this year's rows too.", "Ask for at least as many state rows as ENR rows.")
    write.make_folder(folder)
    calendar = Calendar.of(AS_OF)
    rng = np.random.default_rng(seed)
    kind = _kinds(rng, enr_rows, differences)
    people = with_identities(_pupils(rng, len(kind), state_rows - int((kind != "add").sum())), rng, calendar.year)
    state, enr = _sides(people, kind, calendar)
    local = aeries.enr_rows(enr, people)
    tables = {
        "STU": aeries.stu(people, local, (), calendar.year),
        "ENR": aeries.enr(local, people),
        "LOC": schools.loc(lea),
        "XRF": aeries.xrf(),
    }
    write.write_database(folder / "aeries.db", tables)
    with (folder / "SENR_ODS.txt").open("wb") as file:
        file.writelines(_lines(people, state, calendar, lea))
    settings = settings_text(calendar, AS_OF, lea=lea).replace(
        'sela_extract = "SELA_ODS.txt"\nelpac_file = "Initial_ELPAC.csv"\n', ""
    )
    write.write_csv(folder / "pubschls.txt", schools.directory(lea), "\t")
    write.write_bytes(folder / "senrkit.toml", settings.encode())
    return folder / "senrkit.toml"


def _pupils(rng: np.random.Generator, count: int, history: int) -> pd.DataFrame:
    """Pupils whose past years add up to `history` rows."""
    each, rest = divmod(history, max(count, 1))
    years = np.full(count, each) + (np.arange(count) < rest)
    frame = {"grade": rng.integers(0, 13, count), "years": years, "left": 0, "zone": rng.integers(0, 12, count)}
    return pd.DataFrame({**frame, "trap": BASE, "role": 0, "graduated": False})


def _kinds(rng: np.random.Generator, count: int, differences: float) -> np.ndarray:
    """How each pupil differs: `count` pupils with an `ENR` row, and some without."""
    differs = rng.random(count) < differences
    kinds = np.where(differs, rng.choice(_KINDS, count, p=_SHARES), "same")
    return np.append(kinds, ["delete"] * int(count * differences * _NOT_IN_AERIES))


def _sides(people: pd.DataFrame, kind: np.ndarray, calendar: Calendar) -> tuple[pd.DataFrame, pd.DataFrame]:
    """This year's enrollments as CALPADS has them, and as Aeries does."""
    grade, number = people["grade"].to_numpy(), np.arange(len(people))
    school = schools.attended(grade, people["zone"].to_numpy())
    first, left, later = (np.datetime64(day) for day in (calendar.first, calendar.at(0.5), calendar.at(0.7)))
    week_later = np.datetime64(calendar.first + 7 * DAY)

    def side(start: np.ndarray, end: np.ndarray, grades: np.ndarray, kept: np.ndarray) -> pd.DataFrame:
        reason = np.where(np.isnat(end), "", "T160")
        rows = rows_of(
            pd.RangeIndex(len(number)),
            person=number,
            year=calendar.year,
            school=school,
            start=start,
            exit=end,
            reason=reason,
            grade=grade_text(grades).to_numpy(),
        )
        return rows[kept].reset_index(drop=True)

    in_state = np.select([kind == "exit-changed", kind == "reopened"], [left, left], NONE)
    in_aeries = np.select([kind == "exit", kind == "exit-changed"], [left, later], NONE)
    moved = np.where(kind == "start", week_later, first)
    wrong_grade = np.where(kind == "grade", (grade + 1) % 13, grade)
    state = side(np.full(len(number), first), in_state, wrong_grade, kind != "add")
    enr = side(moved, in_aeries, grade, kind != "delete")
    return state, enr


def _lines(people: pd.DataFrame, state: pd.DataFrame, calendar: Calendar, lea: str) -> Iterator[bytes]:
    """The extract a piece at a time, history first: twenty million rows as text would fill the memory."""
    pupils = max(1, _CHUNK // max(1, int(people["years"].max())))
    for at in range(0, len(people), pupils):
        some = people.iloc[at : at + pupils]
        yield extract.lines(extract.extract_rows(past(some, calendar), some, calendar.as_of, lea))
    for at in range(0, len(state), _CHUNK):
        yield extract.lines(extract.extract_rows(state.iloc[at : at + _CHUNK], people, calendar.as_of, lea))
