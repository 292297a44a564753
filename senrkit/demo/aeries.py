"""The demo's Aeries: `STU`, `ENR`, `LOC`, `XRF`, `LSI`, `LAC`, `IDN` as frames that are ready to be written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from senrkit.demo.data_files import local_codes, read
from senrkit.demo.people import ADULT, ALUMNI
from senrkit.demo.schools import attended
from senrkit.demo.traps import Trap

# Reasons that Aeries does not store: it makes them up when it extracts.
_NOT_STORED = {"": "", "E155": "", "E450": "", "E150": "440"}
_STU_TEXTS = {
    "CID": "ssid",
    "LN": "last",
    "FN": "first",
    "MN": "middle",
    "LNA": "alias_last",
    "FNA": "alias_first",
    "BCY": "city",
}
_STU_CODES = {"SF": "suffix", "GN": "gender", "BST": "state", "BCU": "country", "LF": "elas", "HL": "language"}
_STU_BLANK = {"MNA": "", "EOY": "", "HSG": "", "SWR": "", "GEX": "", "CUC": "", "CCS": "", "CCO": ""}


def enr_rows(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Agreed enrollments (`history.rows_of`) as Aeries holds them, in local codes.

    Columns: `person`, `year`, `school`, `home`, `grade`, `next`, `deleted` (int64), `start`, `exit` (datetime64[s]),
    `reason`, `program`, `transfer`, `residence`, `nps`, `track` (text).
    """
    back = rows["year"].max() - rows["year"].to_numpy() if len(rows) else 0
    grade = people["grade"].to_numpy()[rows["person"]]
    virtual = rows["virtual"].to_numpy()
    exits = _NOT_STORED | local_codes("ATT", "RS")
    programs = local_codes("STU", "SP") | {"10": ""}
    return pd.DataFrame(
        {
            "person": rows["person"],
            "year": rows["year"],
            "school": np.where(virtual > 0, virtual, rows["school"]),
            "home": np.where(virtual > 0, rows["school"], 0),
            "start": rows["start"],
            "exit": rows["exit"],
            "grade": np.where(grade == ADULT, ADULT, np.maximum(grade - back, -2)),
            "next": rows["receiver"],
            "deleted": 0,
            "reason": rows["reason"].map(exits).astype("str"),
            "program": rows["status"].map(programs).astype("str"),
            "transfer": rows["transfer"].map({"": ""} | local_codes("STU", "IT")).astype("str"),
            "residence": (rows["residence"] + "0000000").where(rows["residence"] != "", ""),
            "nps": rows["nps"],
            "track": "",
        }
    ).astype({"track": "str"})


def enr(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """`ENR` as written."""
    numbers = {
        name: rows[column]
        for name, column in (("YR", "year"), ("SC", "school"), ("NS", "next"), ("HS", "home"), ("DEL", "deleted"))
    }
    texts = {"ER": "reason", "PR": "program", "TR": "track", "IT": "transfer", "ITD": "residence", "NPS": "nps"}
    student = people["local_id"].to_numpy(dtype="int64")[rows["person"]]
    frame = pd.DataFrame(
        {
            "ID": student,
            **numbers,
            "SN": rows["person"] + 1,
            "ED": rows["start"],
            "LD": rows["exit"],
            "GR": _local_grade(rows["grade"]),
        }
        | {name: rows[column] for name, column in texts.items()}
    )
    return frame.sort_values(["ID", "YR", "ED"], kind="stable", ignore_index=True)


def stu(people: pd.DataFrame, rows: pd.DataFrame, traps: Sequence[Trap], year: int) -> pd.DataFrame:
    """`STU` as written: a row for every student at every school of this year, and one for those who have none.

    Students whom Aeries does not know are left out; what a trap says about `STU` is on the student's rows.
    """
    places = _places(people, rows, year)
    who = people.iloc[places["person"].to_numpy()].reset_index(drop=True)
    trap = who["trap"].to_numpy()
    frame = pd.DataFrame({"ID": who["local_id"].astype("int64"), "SC": places["school"], "SN": places["person"] + 1})
    frame = frame.assign(**{name: who[column] for name, column in _STU_TEXTS.items()}, **dict.fromkeys(_STU_BLANK, ""))
    for name, column in _STU_CODES.items():
        frame[name] = who[column].map(local_codes("STU", name) | {"": ""}).astype("str")
    grade = who["grade"].to_numpy()
    gone = (trap == ALUMNI) | places["closed"].to_numpy()
    frame = frame.assign(
        BD=who["birth"],
        GR=_local_grade(pd.Series(grade)),
        NG=np.where(grade == ADULT, 18, np.minimum(grade + 1, 13)),
        TG=np.where(gone, "I", ""),
        SP=places["program"],
        ED=places["start"],
        LD=places["exit"],
        ENS=0,
        DG=pd.NaT,
        SLD=pd.NaT,
        DEL=places["deleted"],
    )
    frame = frame.astype({"DG": "datetime64[s]", "SLD": "datetime64[s]", "TG": "str"})
    for position, one in enumerate(traps):
        changes = dict(one.stu) | ({"LF": one.language.lf} if one.language else {})
        for name, value in changes.items():
            stored = value if isinstance(value, str) else pd.Timestamp(value)
            frame.loc[(trap == position) & (who["role"] == 0).to_numpy(), name] = stored
    return frame[known_to_aeries(people, traps)[places["person"]]].reset_index(drop=True)


def known_to_aeries(people: pd.DataFrame, traps: Sequence[Trap]) -> np.ndarray:
    """Whether Aeries knows each person at all."""
    return ~people["trap"].isin([position for position, one in enumerate(traps) if not one.known]).to_numpy()


def _places(people: pd.DataFrame, rows: pd.DataFrame, year: int) -> pd.DataFrame:
    """Where each student has a row: `person`, `school`, `start`, `exit`, `program`, `closed`, `deleted`."""
    # The second of a pair whose rows are all deleted is a deleted student.
    second = people["role"].to_numpy()[rows["person"]] == 1
    rows = rows[(rows["year"] == year) & ((rows["deleted"] == 0) | second)]
    last = rows.sort_values(["person", "school", "start"], kind="stable").drop_duplicates(
        ["person", "school"], keep="last"
    )
    last = last[["person", "school", "start", "exit", "program", "deleted"]].assign(closed=last["exit"].notna())
    without = np.setdiff1d(np.arange(len(people)), last["person"])
    absent = people.iloc[without]
    rest = pd.DataFrame(
        {
            "person": without,
            "school": attended(absent["grade"].to_numpy(), absent["zone"].to_numpy()),
            "program": "",
            "start": pd.NaT,
            "exit": pd.NaT,
            "closed": False,
            "deleted": 0,
        }
    ).astype({"start": "datetime64[s]", "exit": "datetime64[s]", "program": "str"})
    return pd.concat([last, rest], ignore_index=True).sort_values(
        ["person", "school"], kind="stable", ignore_index=True
    )


def lsi(people: pd.DataFrame, traps: Sequence[Trap]) -> pd.DataFrame:
    """`LSI`: legal names of those who go by another name."""
    other = [position for position, one in enumerate(traps) if {"FN", "LN"} & set(one.stu)]
    who = people[people["trap"].isin(other)]
    texts = {"LFN": who["first"], "LMN": who["middle"], "LLN": who["last"]}
    return pd.DataFrame({"ID": who["local_id"].astype("int64"), **texts, "LSF": "", "GN": "", "DEL": 0}).reset_index(
        drop=True
    )


def act(people: pd.DataFrame, traps: Sequence[Trap], first: dt.date) -> pd.DataFrame:
    """`ACT`: the awards of those whose trap they are."""
    codes = pd.Series([one.award for one in traps] + [""], dtype="str")
    code = codes.iloc[people["trap"].clip(lower=-1)].set_axis(people.index)
    own = people[(code != "").to_numpy() & (people["role"] == 0).to_numpy()]
    given = pd.Series(pd.Timestamp(first), index=own.index).astype("datetime64[s]")
    awards = {"PID": own["local_id"].astype("int64"), "CD": code.loc[own.index], "DT": given, "DEL": 0}
    return pd.DataFrame(awards).reset_index(drop=True)


def xrf() -> pd.DataFrame:
    """`XRF`: the translations of the demo's local codes into state codes."""
    codes = read("codes")
    texts = {"TC1": codes["table"], "FC1": codes["column"], "CD1": codes["local"], "CD": codes["state"]}
    return pd.DataFrame({"TC": "CLPD", "SC": 0, **texts, "DEL": 0})


def idn(people: pd.DataFrame, traps: Sequence[Trap]) -> pd.DataFrame:
    """`IDN`: the parent row of every student, save those whose trap is its absence."""
    orphans = people["trap"].isin([position for position, one in enumerate(traps) if not one.in_lac]).to_numpy()
    known = known_to_aeries(people, traps) & ~orphans
    return pd.DataFrame({"ID": people["local_id"].astype("int64")})[known].reset_index(drop=True)


def _local_grade(grade: pd.Series) -> pd.Series:
    return grade.where(grade != ADULT, int(local_codes("STU", "GR")["AD"]))
