"""The fictional schools of Demo Unified: as Aeries keeps them, as the state lists them, and who goes where."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.demo.data_files import read
from senrkit.demo.people import ADULT, PRESCHOOL

LEA = "1999990"
NAME = "Demo Unified"
NEIGHBOR = "1999982"

DIRECTORY_HEADINGS = (
    "CDSCode NCESDist NCESSchool StatusType County District School Street StreetAbr City Zip State OpenDate ClosedDate "
    "Charter CharterNum FundingType DOC DOCType SOC SOCType EdOpsCode EdOpsName EILCode EILName GSoffered GSserved "
    "Virtual Magnet LastUpDate"
).split()


def codes_of(role: str) -> np.ndarray:
    """Aeries codes of the schools with one role."""
    table = read("schools")
    return table.loc[table["role"] == role, "code"].to_numpy(dtype="int64")


def attended(grade: np.ndarray, zone: np.ndarray, step: int = 0) -> np.ndarray:
    """The Aeries school of a child of the zone in that grade; `step` zones further for another of its kind."""
    levels = [
        (grade == PRESCHOOL, "preschool"),
        (grade <= 5, "elementary"),
        (grade <= 8, "middle"),
        (grade < ADULT, "high"),
    ]
    choices = [codes_of(role)[(zone + step) % len(codes_of(role))] for _, role in levels]
    return np.select([holds for holds, _ in levels], choices, codes_of("adult")[0])


def state_codes(aeries: pd.Series) -> pd.Series:
    """School of Attendance for Aeries school codes; 0 (no school) becomes blank."""
    table = read("schools")
    known = dict(zip(table["code"].astype("int64"), table["cds_school"], strict=True)) | {0: ""}
    return aeries.map(known).astype("str")


def loc(lea: str = LEA, district: str = NAME) -> pd.DataFrame:
    """Aeries' `LOC`; schools without a county code of their own still belong to the district."""
    table = read("schools")
    flags = {"DNR": table["do_not_report"].astype("int64"), "DEL": 0}
    numbers = {name: table[column].astype("int64") for name, column in (("CD", "code"), ("LO", "low"), ("HI", "high"))}
    texts = {
        name: table[column] for name, column in (("NM", "name"), ("SC", "cds_school"), ("TG", "tag"), ("U", "session"))
    }
    texts["NM"] = texts["NM"].replace(NAME, district)
    return pd.DataFrame({**numbers, **texts, "CC": lea[:2], "DC": lea[2:], **flags})


def directory(lea: str = LEA, district: str = NAME) -> pd.DataFrame:
    """The state's public school directory in CDE's newer headings, with the demo's schools and a neighbor district."""
    table = read("schools")
    table = table[table["listed"] == "yes"]
    school = table["role"] != "district"
    rows = {
        "CDSCode": lea + table["cds_school"],
        "StatusType": np.where(table["closed"] == "", "Active", "Closed"),
        "District": district,
        "School": table["name"].where(school, "No Data"),
        "SOC": table["soc"],
        "SOCType": table["soc_type"],
        "EdOpsCode": table["ed_ops"],
        "EdOpsName": table["ed_ops_name"],
        "EILCode": table["eil"],
        "EILName": table["eil_name"],
        "GSoffered": table["span"],
        "GSserved": table["span"],
        "OpenDate": _slashed(table["opened"]),
        "ClosedDate": _slashed(table["closed"]),
        "Charter": np.where(school, "N", ""),
        "Virtual": np.where(school, "N", ""),
        "Magnet": np.where(school, "N", ""),
    }
    listed = pd.concat([pd.DataFrame(rows), _neighbor()], ignore_index=True)
    listed = listed.assign(
        NCESDist="",
        County="Demo",
        City="Alderton",
        State="CA",
        DOC="54",
        DOCType="Unified School District",
        LastUpDate="07/01/2026",
    )
    return listed.reindex(columns=DIRECTORY_HEADINGS, fill_value="").replace("", "No Data").fillna("No Data")


def _neighbor() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "CDSCode": [f"{NEIGHBOR}0000000"],
            "StatusType": ["Active"],
            "District": ["Neighbor Unified"],
            "School": ["No Data"],
        }
    )


def _slashed(iso: pd.Series) -> pd.Series:
    """CDE's text download writes dates as MM/DD/CCYY."""
    return iso.str.replace(r"^(\d{4})-(\d\d)-(\d\d)$", r"\2/\3/\1", regex=True)
