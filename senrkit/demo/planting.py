"""Traps become people, state rows, `ENR` rows and expectations: whole frames, however often a trap is planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from senrkit.demo.data_files import read
from senrkit.demo.days import Calendar
from senrkit.demo.history import VALUES, rows_of
from senrkit.demo.people import SPARE_LOCAL_IDS, SPARE_SSIDS, grade_text
from senrkit.demo.schools import attended, state_codes
from senrkit.demo.traps import Trap

EXPECTATION_COLUMNS = (
    "trap ssid local_id school_code start_date expected_action expected_reason before_prediction rejected_by at_risk"
).split()
_STEPS = {"here": 0, "there": 1, "third": 2}
PREDICTED = "predicted-rejection"


def trap_people(traps: Sequence[Trap], students: int) -> pd.DataFrame:
    """The people of all traps, without identities yet: as `people.make_people`, `trap` is the position in `traps`."""
    copies = [trap.copies(students) for trap in traps]
    trap = np.repeat(np.arange(len(traps)), [many * trap.roles for many, trap in zip(copies, traps, strict=True)])
    role = np.concatenate([np.tile(np.arange(trap.roles), many) for many, trap in zip(copies, traps, strict=True)])
    number = np.arange(len(trap))
    return pd.DataFrame(
        {
            "grade": np.array([trap.grade for trap in traps])[trap],
            "years": np.where(role == 0, np.array([trap.years for trap in traps])[trap], 0),
            "left": 0,
            # Both persons of a pair live in one zone.
            "zone": (number - role) % 12,
            "trap": trap,
            "role": role,
            "graduated": np.array([trap.graduated for trap in traps])[trap],
        }
    )


def personalized(people: pd.DataFrame, traps: Sequence[Trap]) -> pd.DataFrame:
    """The people with the names that their traps ask for; the second of a pair has the SSID of the first."""
    people = _overridden(people, [trap.person for trap in traps])
    second = np.flatnonzero(people["role"] == 1)
    ssid = people["ssid"].to_numpy(dtype=object, copy=True)
    ssid[second] = ssid[second - 1]
    return people.assign(ssid=pd.Series(ssid, dtype="str"))


def as_state_knows(people: pd.DataFrame, traps: Sequence[Trap]) -> pd.DataFrame:
    """The people as CALPADS knows them."""
    return _overridden(people, [trap.state_as for trap in traps])


def as_aeries_knows(people: pd.DataFrame, traps: Sequence[Trap]) -> pd.DataFrame:
    """The people as Aeries knows them."""
    return _overridden(people, [trap.aeries_as for trap in traps])


def _overridden(people: pd.DataFrame, changes: Sequence) -> pd.DataFrame:
    people = people.copy()
    for position, change in enumerate(changes):
        who = np.flatnonzero((people["trap"] == position) & (people["role"] == 0)) if change else ()
        for column, value in change.items():
            at = people.columns.get_loc(column)
            if column == "birth":
                people.iloc[who, at] = people["birth"].iloc[who] - pd.Timedelta(days=value)
            elif value == "spare":
                first = SPARE_SSIDS if column == "ssid" else SPARE_LOCAL_IDS
                people.iloc[who, at] = [str(first + int(row)) for row in who]
            else:
                people.iloc[who, at] = value
    return people


def state_rows(people: pd.DataFrame, traps: Sequence[Trap], calendar: Calendar) -> pd.DataFrame:
    """This year's planted state rows: the columns of `history.rows_of`, and `gives`."""
    rows = _spread(people, traps, "state")
    school = _school(rows, "school")
    grade = grade_text(rows["grade"].to_numpy() + rows["grade_shift"].to_numpy(dtype="int64"))
    values = {name: rows[name].to_numpy() for name in VALUES if name != "grade"}
    planted = rows_of(
        rows.index,
        person=rows["person"].to_numpy(),
        # A trap may plant a row of last year, too.
        year=np.where(
            pd.to_datetime(rows["start"]) < pd.Timestamp(calendar.year, 7, 1), calendar.year - 1, calendar.year
        ),
        school=school,
        receiver=_school(rows, "receiver"),
        start=rows["start"],
        exit=rows["exit"],
        **values,
        grade=grade.to_numpy(),
    )
    return planted.assign(gives=rows["gives"])


def aeries_rows(people: pd.DataFrame, traps: Sequence[Trap], calendar: Calendar) -> pd.DataFrame:
    """This year's planted `ENR` rows in local codes, with `gives`, `as_start` and `effective` (the reporting school).

    Columns as `aeries.enr_rows` makes them.
    """
    rows = _spread(people, traps, "aeries")
    attended_school, home = _school(rows, "school"), _school(rows, "home")
    texts = {
        name: rows[name].astype("str")
        for name in ("reason", "program", "transfer", "residence", "nps", "track", "gives")
    }
    starts = rows["start"].astype("datetime64[s]")
    return pd.DataFrame(
        {
            "person": rows["person"],
            "year": calendar.year,
            "school": attended_school,
            "home": home,
            "start": starts,
            "exit": rows["exit"].astype("datetime64[s]"),
            "grade": rows["grade"] + rows["grade_shift"].astype("int64"),
            "next": _school(rows, "next"),
            "deleted": rows["deleted"].astype("int64"),
            **texts,
            "effective": np.where(home > 0, home, attended_school),
            "as_start": rows["as_start"].astype("datetime64[s]").fillna(starts),
        }
    )


def _spread(people: pd.DataFrame, traps: Sequence[Trap], side: str) -> pd.DataFrame:
    """Each row of each trap, once for every person planted for it."""
    templates = pd.DataFrame(
        [
            {"trap": position, "role": 0, **asdict(row)}
            for position, trap in enumerate(traps)
            for row in getattr(trap, side)
        ]
    )
    planted = people.loc[people["trap"] >= 0, ["trap", "role", "grade", "zone"]]
    return planted.rename_axis("person").reset_index().merge(templates, on=["trap", "role"], how="inner")


def _school(rows: pd.DataFrame, column: str) -> np.ndarray:
    """Aeries codes of `here`, `there`, a role of schools.csv; blank is 0."""
    table = read("schools").drop_duplicates("role")
    codes = (
        rows[column]
        .map(dict(zip(table["role"], table["code"].astype("int64"), strict=True)))
        .fillna(0)
        .to_numpy(dtype="int64")
    )
    grade, zone = rows["grade"].to_numpy(), rows["zone"].to_numpy()
    for word, step in _STEPS.items():
        codes = np.where(rows[column] == word, attended(grade, zone, step), codes)
    return codes


def expectations(
    traps: Sequence[Trap], state: pd.DataFrame, aeries: pd.DataFrame, knows: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """What must come out, a line a planted state row and a line a spell or `ENR` row without one.

    Columns (text): `EXPECTATION_COLUMNS`. `expected_action` is an action of `proposal.csv`, or `left-out`,
    `out-of-scope`, `information` or `language`; `before_prediction` is `action:reason` while the prediction of CALPADS'
    answer is not made, where that differs; `at_risk` is `yes` on deletes that leave no record.
    """
    sides = [
        _expected(state.assign(effective=state["school"], as_start=state["start"]), knows["state"]),
        _expected(aeries[(aeries["gives"] != "").to_numpy()], knows["aeries"]),
        _notes(traps, knows["aeries"]),
    ]
    lines = pd.concat(sides, ignore_index=True)
    trap = lines["trap"].to_numpy()
    rejected = pd.Series([one.rejected_by for one in traps], dtype="str").iloc[trap].reset_index(drop=True)
    at_risk = np.array([one.at_risk for one in traps])[trap]
    action, reason = (lines["gives"].str.partition(":")[part] for part in (0, 2))
    held = (rejected != "") & ~action.isin(["information", "language"])
    lines = lines.assign(
        trap=np.array([one.name for one in traps], dtype=object)[trap],
        expected_action=action.mask(held, "hold"),
        expected_reason=reason.mask(held, PREDICTED),
        before_prediction=lines["gives"].where(held, ""),
        rejected_by=rejected,
        at_risk=np.where(at_risk & (action == "delete"), "yes", ""),
    )
    return lines[EXPECTATION_COLUMNS].astype("str")


def _expected(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    who = people.iloc[rows["person"].to_numpy()].reset_index(drop=True)
    rows = rows.reset_index(drop=True)
    return pd.DataFrame(
        {
            "trap": who["trap"],
            "ssid": who["ssid"],
            "local_id": who["local_id"],
            "school_code": state_codes(rows["effective"]),
            "start_date": rows["as_start"].dt.strftime("%Y%m%d").astype("str"),
            "gives": rows["gives"],
        }
    )


def _notes(traps: Sequence[Trap], people: pd.DataFrame) -> pd.DataFrame:
    """Information and language classes: about students, not about rows."""
    found = [(position, f"information:{trap.information}") for position, trap in enumerate(traps) if trap.information]
    found += [(position, f"language:{trap.language.gives}") for position, trap in enumerate(traps) if trap.language]
    notes = pd.DataFrame(found, columns=["trap", "gives"])
    who = people.loc[people["role"] == 0, ["trap", "ssid", "local_id"]].merge(notes, on="trap")
    return who.assign(school_code="", start_date="")
