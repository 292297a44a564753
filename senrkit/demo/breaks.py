"""The same district with one thing wrong: what each precondition is there to catch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.schools import NEIGHBOR, codes_of

_STRAY_SSIDS, _STRAY_LOCAL_IDS = 9_800_000_001, 8_000_001


@dataclass(frozen=True)
class District:
    """Everything that is about to be written.

    Attributes
    ----------
    settings
        What the settings file says beside the constants: `lea`, `as_of` and, where asked for, `max_extract_age_days`.
    extract
        The SENR ODS rows as text.
    tables
        The Aeries tables.
    cut_line
        Position of a line of the extract that is written without its last columns; -1 is none.
    """

    calendar: Calendar
    settings: dict[str, object]
    extract: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    cut_line: int = -1


@dataclass(frozen=True)
class Break:
    """`also`: preconditions that cannot but trip with it."""

    id: str
    sentence: str
    make: Callable[[District], District]
    also: tuple[str, ...] = ()


def _this_year(d: District) -> np.ndarray:
    return (d.extract["academic_year"] == d.calendar.school_year).to_numpy()


def _rows(d: District, kept: np.ndarray) -> District:
    return replace(d, extract=d.extract[kept].reset_index(drop=True))


def _more(d: District, rows: pd.DataFrame) -> District:
    return replace(d, extract=pd.concat([d.extract, rows], ignore_index=True))


def _enr(d: District, enr: pd.DataFrame) -> District:
    return replace(d, tables=d.tables | {"ENR": enr.reset_index(drop=True)})


def _after_the_year(d: District) -> District:
    return replace(d, settings=d.settings | {"as_of": d.calendar.ends + 5 * DAY, "max_extract_age_days": 400})


def _next_year_begun(d: District) -> District:
    enr = d.tables["ENR"]
    rolled = enr[enr["YR"] == d.calendar.year].head(5)
    return _enr(
        d,
        pd.concat(
            [enr, rolled.assign(YR=d.calendar.year + 1, ED=pd.Timestamp(d.calendar.ends + 45 * DAY), LD=pd.NaT, ER="")]
        ),
    )


def _cut(d: District) -> District:
    return replace(d, cut_line=len(d.extract) // 2)


def _neighbors(d: District) -> District:
    return _more(d, _strays(d, 5).assign(reporting_lea=NEIGHBOR))


def _home_school_lost(d: District) -> District:
    enr = d.tables["ENR"]
    return _enr(d, enr.assign(HS=enr["HS"].mask(enr["SC"] == codes_of("virtual")[0], 0)))


def _active_only(d: District) -> District:
    return _rows(d, (d.extract["exit_date"] == "").to_numpy())


def _this_year_only(d: District) -> District:
    return _rows(d, _this_year(d))


def _old(d: District) -> District:
    newest = (d.calendar.as_of - 30 * DAY).strftime("%Y%m%d")
    stamps = {
        name: d.extract[name].where(d.extract[name] <= newest, newest) for name in ("upload_date", "last_updated")
    }
    return replace(d, extract=d.extract.assign(**stamps))


def _last_year_open(d: District) -> District:
    rows = d.extract.copy()
    last_year = np.flatnonzero(
        (rows["academic_year"] == f"{d.calendar.year - 1}-{d.calendar.year}") & (rows["exit_reason"] == "E155")
    )
    rows.loc[last_year[:7], ["exit_date", "exit_reason"]] = ""
    return replace(d, extract=rows)


def _unknown_program(d: District) -> District:
    enr = d.tables["ENR"]
    open_rows = np.flatnonzero(
        (enr["YR"] == d.calendar.year) & enr["LD"].isna() & (enr["PR"] == "") & (enr["DEL"] == 0)
    )
    program = enr["PR"].copy()
    program.iloc[open_rows[:3]] = "X"
    return _enr(d, enr.assign(PR=program))


def _thin(d: District) -> District:
    enr = d.tables["ENR"]
    return _enr(d, enr[((enr["YR"] < d.calendar.year) | (enr["ID"] % 10 < 3)).to_numpy()])


def _many_strays(d: District) -> District:
    return _more(d, _strays(d, max(26, int(_this_year(d).sum() * 0.03))))


def _twice(d: District) -> District:
    return _more(d, d.extract[_this_year(d)].head(1))


def _five_years(d: District) -> District:
    return _rows(d, (d.extract["start_date"] >= f"{d.calendar.year - 5}0701").to_numpy())


def _dates_spoilt(d: District) -> District:
    stu = d.tables["STU"]
    born, every_third = pd.to_datetime(stu["BD"]).dt, pd.Series(np.arange(len(stu)) % 3 == 0, index=stu.index)
    written = born.strftime("%m/%d/%Y").mask(every_third, born.strftime("%d/%m/%Y")).fillna("").astype("str")
    return replace(d, tables=d.tables | {"STU": stu.assign(BD=written)})


def _students_lost(d: District) -> District:
    stu = d.tables["STU"]
    return replace(d, tables=d.tables | {"STU": stu[(stu["ID"] % 10 != 7).to_numpy()].reset_index(drop=True)})


def _strays(d: District, count: int) -> pd.DataFrame:
    """State rows of students whom Aeries does not know."""
    rows = d.extract[_this_year(d) & (d.extract["exit_date"] == "").to_numpy()].drop_duplicates("ssid").head(count)
    number = np.arange(len(rows))
    return rows.assign(
        ssid=(_STRAY_SSIDS + number).astype("str"),
        local_id=(_STRAY_LOCAL_IDS + number).astype("str"),
        last_name="Strayfield",
        first_name=np.array(
            [f"Extra{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)}" for n in number]
        ),
    ).astype("str")


BREAKS = {
    one.id: one
    for one in (
        Break("P01", "The settings speak for a day after the school year.", _after_the_year),
        Break("P02", "Aeries already holds enrollments of next year: the database is rolled over.", _next_year_begun),
        Break("P03", "One line of the extract has lost its last columns.", _cut),
        Break("P04", "The extract holds rows of the neighbor district.", _neighbors),
        Break(
            "P05",
            "The independent-study pupils have no reporting home school, and their school has no state code.",
            _home_school_lost,
        ),
        Break(
            "P06",
            "The extract was asked for with the option Active Student: no row has an exit date.",
            _active_only,
            ("P07", "P14"),
        ),
        Break("P07", "The extract was asked for since this July only.", _this_year_only, ("P14",)),
        Break("P08", "The extract is a month old.", _old),
        Break("P09", "Some enrollments of last year are still open in CALPADS.", _last_year_open),
        Break("P10", "A local program has no translation.", _unknown_program),
        Break("P11", "Aeries holds this year's enrollments of three students in ten.", _thin, ("P12",)),
        Break("P12", "CALPADS holds many enrollments of students whom Aeries does not know.", _many_strays),
        Break("P13", "The extract holds one enrollment twice.", _twice),
        Break("P14", "The extract was asked for since five years ago (a warning).", _five_years),
        Break("P15", "In every third birth date in Aeries day and month are swapped.", _dates_spoilt),
        Break("P16", "One student in ten has enrollments in Aeries and no row in STU.", _students_lost),
    )
}
