"""Who Aeries knows: one row per live `STU` row, with the demographics that a SENR record carries.

A row of `STU` is a student at one school. The row of the enrollment's own school speaks for it; a student's other rows
only when there is none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.frames.text import column_of, taken

# SENR demographics, with the Aeries columns they come from: LSI (legal) before STU.
_NAMES = {
    "first_name": ("LFN", "FN"),
    "middle_name": ("LMN", "MN"),
    "last_name": ("LLN", "LN"),
}
_ALIAS = {"alias_first_name": "FNA", "alias_middle_name": "MNA", "alias_last_name": "LNA"}
DEMOGRAPHICS = (
    "local_id first_name middle_name last_name suffix alias_first_name alias_middle_name alias_last_name "
    "birth_date gender birth_city birth_state birth_country"
).split()
_AS_STORED = {
    "eoy": "EOY", "ens": "ENS", "hsg": "HSG", "next_grade": "NG", "gex": "GEX", "swr": "SWR", "sld": "SLD",
    "completed_on": "DG", "left_on": "LD", "meets_uc": "CUC", "meets_csu": "CCS", "uc_csu_override": "CCO",
    "local_grade": "GR", "local_program": "SP",
}  # fmt: skip


def people(stu: pd.DataFrame, lsi: pd.DataFrame | None) -> pd.DataFrame:
    """Every live `STU` row, the one that speaks for a student first.

    Columns (text): `student` (`STU.ID`), `aeries_school`, `tag`, `ssid`, `stu_first_name`, `stu_last_name`, the SENR
    demographics in local codes, and `eoy`, `ens`, `hsg`, `next_grade`, `gex`, `swr`, `sld`, `completed_on` (`STU.DG`),
    `left_on` (`STU.LD`), `meets_uc`, `meets_csu`, `uc_csu_override`, `local_grade`, `local_program` as Aeries stores
    them. A column that the source lacks is unknown, and so is a birth date that cannot be read.
    """
    stu = _active_first(stu)
    legal = _legal(stu, lsi)
    found = {
        "student": stu["ID"],
        "aeries_school": stu["SC"],
        "tag": stu["TG"].str.strip(),
        "ssid": stu["CID"].str.strip(),
        "stu_first_name": stu["FN"],
        "stu_last_name": stu["LN"],
        "local_id": stu["ID"],
    }
    found |= {name: text.first_filled(legal(lsi_column), stu[column]) for name, (lsi_column, column) in _NAMES.items()}
    found["suffix"] = text.first_filled(legal("LSF"), column_of(stu, "SF"))
    found |= {name: column_of(stu, column) for name, column in _ALIAS.items()}
    found["birth_date"] = _readable_day(stu["BD"])
    found["gender"] = text.first_filled(legal("GN"), stu["GN"] if "GN" in stu else stu["SX"])
    found |= {
        "birth_city": column_of(stu, "BCY"),
        "birth_state": column_of(stu, "BST"),
        "birth_country": column_of(stu, "BCU"),
    }
    found |= {name: column_of(stu, column) for name, column in _AS_STORED.items()}
    return pd.DataFrame(found).reset_index(drop=True)


def row_for(rows: pd.DataFrame, persons: pd.DataFrame) -> np.ndarray:
    """Which row of `persons` speaks for each enrollment (`student`, `attended`): its position, -1 when none does."""
    at = text.positions(rows["student"], persons["student"])
    # Few students have rows at several schools; only those whose first row is of another school need a second look.
    elsewhere = np.flatnonzero((at >= 0) & (taken(persons["aeries_school"], at) != rows["attended"]).to_numpy())
    if not len(elsewhere):
        return at
    asked, known = rows.iloc[elsewhere], [persons["student"], persons["aeries_school"]]
    at_school = text.positions(text.joined([asked["student"], asked["attended"]]), text.joined(known))
    at[elsewhere] = np.where(at_school >= 0, at_school, at[elsewhere])
    return at


def _readable_day(column: pd.Series) -> pd.Series:
    """ISO days as CCYYMMDD; blank stays blank, what is no day is unknown."""
    day = dates.to_ccyymmdd(dates.from_iso(column))
    return text.choose(text.equals(day, "") & ~text.equals(column, ""), text.unknown(column.index), day)


def _active_first(stu: pd.DataFrame) -> pd.DataFrame:
    inactive = (stu["TG"].str.strip() != "").to_numpy()
    return stu.iloc[np.argsort(inactive, kind="stable")].reset_index(drop=True)


def _legal(stu: pd.DataFrame, lsi: pd.DataFrame | None):
    if lsi is None or "ID" not in lsi:
        return lambda column: text.unknown(stu.index)
    at = text.positions(stu["ID"], lsi["ID"])
    return lambda column: taken(lsi[column], at) if column in lsi else text.unknown(stu.index)
