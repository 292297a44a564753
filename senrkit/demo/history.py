"""What both systems agree on: ten years of closed enrollments, and this year's as most of them are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.demo.days import Calendar, first_days, last_days
from senrkit.demo.people import ADULT, ALUMNI, BASE, PRESCHOOL, TK, grade_text, pick
from senrkit.demo.schools import NEIGHBOR, attended, codes_of

NONE = np.datetime64("NaT", "D")
CERTIFIED_NPS = "6990001"
# The values of an enrollment in state codes, beside `person`, `year`, `school`, `start`, `exit`.
VALUES = (
    "reason status grade completion transfer residence nps uc_csu golden_state_seal biliteracy_seal "
    "graduation_exemption"
).split()
_ONE = np.timedelta64(1, "D")
_FIRST_TK_YEAR, _LAST_UNGRADED_YEAR = 2023, 2017


def rows_of(index: pd.RangeIndex, **columns: object) -> pd.DataFrame:
    """Enrollments as a frame: what is not given is blank, status 10, no receiver school.

    Columns: `person`, `year`, `school`, `virtual`, `receiver` (int64; Aeries school codes, 0 is none), `start`, `exit`
    (datetime64[s]) and `VALUES` (text, state codes).
    """
    blank = dict.fromkeys(VALUES, "") | {"status": "10"}
    texts = {name: columns.get(name, blank[name]) for name in VALUES}
    numbers = {name: columns.get(name, 0) for name in ("person", "year", "school", "virtual", "receiver")}
    days = {name: np.asarray(columns[name]).astype("datetime64[s]") for name in ("start", "exit")}
    frame = pd.DataFrame({**numbers, **days, **texts}, index=index)
    return frame.astype(dict.fromkeys(VALUES, "str") | dict.fromkeys(numbers, "int64"))


def past(people: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """A row for every past school year of every person; every one is closed.

    Yearly exits are E155, promotions from the top grade E230/480, preschool E450; those who left went elsewhere (T160)
    or graduated. `people["graduated"]` makes last year end with a diploma.
    """
    count = people["years"].to_numpy()
    person = np.repeat(np.arange(len(people)), count)
    since = np.arange(len(person)) - np.repeat(np.cumsum(count) - count, count)
    back = since + np.maximum(people["left"].to_numpy()[person], 1)
    now = people["grade"].to_numpy()[person]
    grade = np.where(now == ADULT, ADULT, np.maximum(now - back, TK))
    year = calendar.year - back
    alumnus = people["trap"].to_numpy()[person] == ALUMNI
    last = since == 0
    graduated = (last & people["graduated"].to_numpy()[person]) | (alumnus & last & (grade == 12))
    moved = alumnus & last & ~graduated
    promoted = np.isin(grade, (5, 8)) & ~moved & ~graduated
    start, end = first_days(year), last_days(year)
    started_late = (person % 7 == 3) & (since == count[person] - 1)
    after_2023 = graduated & (year >= 2023)
    blank_y_n = ["", "Y", "N"]
    return rows_of(
        pd.RangeIndex(len(person)),
        person=person,
        year=year,
        school=attended(grade, people["zone"].to_numpy()[person]),
        start=np.where(started_late, start + 20 + person % 60, start),
        exit=np.where(moved, end - (30 + person % 40), end),
        reason=pick(["E155", "E230", "T160"], np.select([promoted | graduated, moved], [1, 2], 0)),
        grade=_past_grade(grade, year, person),
        completion=pick(["", "480", "100"], np.select([graduated, promoted], [2, 1], 0)),
        uc_csu=pick(blank_y_n, np.where(graduated, 1 + person % 2, 0)),
        golden_state_seal=pick(blank_y_n, np.where(graduated, 2, 0)),
        biliteracy_seal=pick(blank_y_n, np.where(graduated, 1 + (person % 5 > 0), 0)),
        graduation_exemption=pick(blank_y_n, np.where(after_2023, 2, 0)),
    )


def current(people: pd.DataFrame, calendar: Calendar, rng: np.random.Generator) -> pd.DataFrame:
    """This year's enrollments of everyone who is in no trap, right on both sides: late starts, exits, moves, E150s."""
    person = np.flatnonzero(people["trap"] == BASE)
    mine = people.iloc[person]
    grade, number = mine["grade"].to_numpy(), np.arange(len(person))
    school, status, nps, virtual = _placement(grade, mine["zone"].to_numpy(), number)
    chance, day = rng.random(len(person)), rng.integers(1, 1000, len(person)) / 1000
    school_age = (grade > PRESCHOOL) & (grade < ADULT) & (status == "10") & (nps == "")
    left = (chance < 0.02) & school_age
    late = (chance >= 0.02) & (chance < 0.05)
    moved = (chance >= 0.05) & (chance < 0.06) & school_age & (school < 40)
    changed = (chance >= 0.06) & (chance < 0.075) & school_age & (virtual == 0)
    transfer = (chance >= 0.075) & (chance < 0.1) & school_age
    first = np.datetime64(calendar.first)
    middle = first + ((np.datetime64(calendar.as_of) - first).astype("int64") * (0.3 + 0.5 * day)).astype("int64")
    reason = np.select(
        [left, moved, changed], [rng.choice(["T160", "T180", "T200", "E140"], len(person)), "T160", "E150"], ""
    )
    shared = {"person": person, "year": calendar.year, "virtual": virtual, "status": status, "nps": nps}
    shared |= {"grade": grade_text(grade).to_numpy()}
    opening = rows_of(
        pd.RangeIndex(len(person)),
        **shared,
        school=school,
        start=np.where(late, first + 5 + number % 14, first),
        exit=np.where(reason != "", middle, NONE),
        reason=reason,
        transfer=np.where(transfer, "1", ""),
        residence=np.where(transfer, NEIGHBOR, ""),
    )
    again = np.flatnonzero(moved | changed)
    other = attended(grade, mine["zone"].to_numpy(), 1)
    following = rows_of(
        pd.RangeIndex(len(again)),
        **{name: np.asarray(value)[again] if np.ndim(value) else value for name, value in shared.items()},
        school=np.where(moved, other, school)[again],
        start=(middle + 1)[again],
        exit=np.full(len(again), NONE),
        transfer=np.where(changed, "1", "")[again],
        residence=np.where(changed, NEIGHBOR, "")[again],
    )
    return pd.concat([opening, following], ignore_index=True)


def _placement(
    grade: np.ndarray, zone: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """School, status, nonpublic school and virtual school (0 is none) of this year's pupils."""
    school_age = (grade > PRESCHOOL) & (grade < ADULT)
    nonpublic = school_age & (number % 211 == 5)
    private = school_age & (number % 223 == 7) & ~nonpublic
    continuation = (grade >= 10) & school_age & (number % 17 == 2) & ~nonpublic & ~private
    online = school_age & (number % 101 == 3) & ~nonpublic & ~private & ~continuation
    special = [codes_of(role)[0] for role in ("nps", "private", "continuation")]
    school = np.select([nonpublic, private, continuation], special, attended(grade, zone))
    return (
        school,
        np.where(private, "50", "10"),
        np.where(nonpublic, CERTIFIED_NPS, ""),
        np.where(online, codes_of("virtual")[0], 0),
    )


def _past_grade(grade: np.ndarray, year: np.ndarray, person: np.ndarray) -> pd.Series:
    codes = grade_text(np.where((grade == TK) & (year < _FIRST_TK_YEAR), 0, grade))
    ungraded = (year <= _LAST_UNGRADED_YEAR) & (person % 97 == 11) & (grade < ADULT)
    return codes.mask(ungraded & (grade <= 8), "UE").mask(ungraded & (grade > 8), "US")
