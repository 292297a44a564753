"""The same comparison as analysts make it without senrkit: datacompy, and a plain merge and loop.

Both find which of this year's enrollments differ. Neither asks whether the two sides may be compared at all, whether
two rows are one child, in which order files must go, or what CALPADS would answer. Nothing of senrkit is imported:
datacompy has an environment of its own, where senrkit is not installed.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STATE_COLUMNS = 37
# Position in a line of the extract.
FIELDS = {
    "school_code": 4,
    "academic_year": 6,
    "ssid": 7,
    "local_id": 8,
    "first_name": 9,
    "last_name": 11,
    "birth_date": 16,
    "start_date": 21,
    "grade": 23,
    "exit_date": 24,
    "exit_reason": 25,
}
KEY = ["ssid", "school_code", "start_date"]
COMPARED = ["local_id", "first_name", "last_name", "birth_date", "grade", "exit_date", "exit_reason"]
_LEA, _SENT_FIELDS = "1999990", 35
_USUAL_GRADES = {"-1": "TK", "0": "KN"}


def datacompy(folder: Path, year: int) -> dict[str, Any]:
    """datacompy's comparison and its report; read by Arrow, the quickest way to give it the extract."""
    import datacompy
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv

    began = time.perf_counter()
    names = [str(position) for position in range(STATE_COLUMNS)]
    kept = {str(position): field for field, position in FIELDS.items()}
    text = pa.csv.read_csv(
        folder / "SENR_ODS.txt",
        pa.csv.ReadOptions(column_names=names),
        pa.csv.ParseOptions(delimiter="^", quote_char=False),
        pa.csv.ConvertOptions(
            column_types=dict.fromkeys(kept, pa.large_string()), include_columns=list(kept), strings_can_be_null=False
        ),
    ).rename_columns(list(kept.values()))
    state = text.filter(pc.equal(text["academic_year"], _school_year(year))).select([*KEY, *COMPARED]).to_pandas()
    aeries = aeries_side(folder, year)
    read = time.perf_counter()
    compared = datacompy.PandasCompare(state, aeries, join_columns=KEY, df1_name="CALPADS", df2_name="Aeries")
    report = compared.report()
    found = {
        "only_state": len(compared.df1_unq_rows),
        "only_aeries": len(compared.df2_unq_rows),
        "different": len(compared.intersect_rows) - int(compared.count_matching_rows()),
    }
    over = time.perf_counter()
    stages = {"reading both sides": read - began, "comparing, with its report": over - read}
    return {"found": found, "stages": stages, "version": datacompy.__version__, "report_length": len(report)}


def merge_and_loop(folder: Path, year: int, out: Path) -> dict[str, Any]:
    """pandas as in the first notebook that anybody writes: read, merge, loop over the rows, write the lines."""
    import pandas as pd

    began = time.perf_counter()
    rows = pd.read_csv(
        folder / "SENR_ODS.txt", sep="^", header=None, dtype=str, keep_default_na=False, quoting=3, encoding="utf-8"
    )
    state = rows[rows[FIELDS["academic_year"]] == _school_year(year)].rename(
        columns={position: field for field, position in FIELDS.items()}
    )[[*KEY, *COMPARED]]
    aeries = aeries_side(folder, year)
    read = time.perf_counter()
    both = state.merge(aeries, on=KEY, how="outer", suffixes=("_state", "_aeries"), indicator="side").fillna("")
    merged = time.perf_counter()
    lines, found = [], {"only_state": 0, "only_aeries": 0, "different": 0}
    for row in both.itertuples(index=False):
        ours = [getattr(row, f"{field}_aeries") for field in COMPARED]
        theirs = [getattr(row, f"{field}_state") for field in COMPARED]
        if row.side == "left_only":
            found["only_state"] += 1
            lines.append(_line("D", year, row, theirs))
        elif row.side == "right_only":
            found["only_aeries"] += 1
            lines.append(_line("A", year, row, ours))
        elif ours != theirs:
            found["different"] += 1
            lines.append(_line("R", year, row, ours))
    out.write_text("".join(lines), encoding="utf-8", newline="")
    over = time.perf_counter()
    stages = {"reading both sides": read - began, "merging": merged - read, "the loop, and writing": over - merged}
    return {"found": found, "stages": stages}


def aeries_side(folder: Path, year: int) -> pd.DataFrame:
    """Aeries' enrollments of the year in the state's words: key and compared fields, all text."""
    import pandas as pd

    with closing(sqlite3.connect(folder / "aeries.db")) as aeries:
        enr = pd.read_sql("SELECT ID, SC, ED, LD, ER, GR FROM ENR WHERE YR = ? AND DEL = 0", aeries, params=(year,))
        stu = pd.read_sql("SELECT ID, CID, FN, LN, BD FROM STU WHERE DEL = 0", aeries)
        loc = pd.read_sql("SELECT CD AS SC, SC AS school_code FROM LOC WHERE DEL = 0", aeries)
        xrf = pd.read_sql("SELECT TC1, FC1, CD1, CD FROM XRF WHERE DEL = 0", aeries)
    codes = {pair: dict(zip(table["CD1"], table["CD"], strict=True)) for pair, table in xrf.groupby(["TC1", "FC1"])}
    rows = enr.merge(stu, on="ID").merge(loc, on="SC")
    grade = rows["GR"].astype("str")
    return pd.DataFrame(
        {
            "ssid": rows["CID"],
            "school_code": rows["school_code"],
            "start_date": _digits(rows["ED"]),
            "local_id": rows["ID"].astype("str"),
            "first_name": rows["FN"],
            "last_name": rows["LN"],
            "birth_date": _digits(rows["BD"]),
            "grade": grade.map(_USUAL_GRADES | codes["STU", "GR"]).fillna(grade.str.zfill(2)),
            "exit_date": _digits(rows["LD"]),
            "exit_reason": rows["ER"].map(codes["ATT", "RS"]).fillna(rows["ER"]),
        }
    )


def _digits(days: pd.Series) -> pd.Series:
    return days.str.slice(0, 10).str.replace("-", "").fillna("")


def _school_year(year: int) -> str:
    return f"{year}-{year + 1}"


def _line(transaction: str, year: int, row: Any, values: list[str]) -> str:
    sent = [""] * _SENT_FIELDS
    sent[0:2], sent[3] = ["SENR", transaction], _LEA
    sent[FIELDS["academic_year"]] = _school_year(year)
    for field, value in zip([*KEY, *COMPARED], [row.ssid, row.school_code, row.start_date, *values], strict=True):
        sent[FIELDS[field]] = value
    return "^".join(sent) + "\r\n"
