"""The same comparison as analysts make it without senrkit: datacompy, plain Polars, plain DuckDB, and a plain merge and
loop.

All find which of this year's enrollments differ. None asks whether the two sides may be compared at all, whether
two rows are one child, in which order files must go, or what CALPADS would answer. Nothing of senrkit is imported:
all but the loop have an environment of their own, where senrkit is not installed.
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


def plain_polars(folder: Path, year: int) -> dict[str, Any]:
    """Polars as its own guide would have it: a streaming scan, and one join."""
    import polars as pl

    began = time.perf_counter()
    names = {f"column_{position + 1}": field for field, position in FIELDS.items()}
    scan = pl.scan_csv(
        folder / "SENR_ODS.txt", separator="^", has_header=False, quote_char=None, infer_schema=False
    ).select(pl.col(name).fill_null("").alias(field) for name, field in names.items())
    wanted = pl.col("academic_year") == _school_year(year)
    state = scan.filter(wanted).select(*KEY, *COMPARED).collect(engine="streaming")
    aeries = _aeries_in_polars(folder, year)
    read = time.perf_counter()
    both = state.join(aeries, on=KEY, suffix="_aeries")
    unequal = pl.any_horizontal(pl.col(field) != pl.col(f"{field}_aeries") for field in COMPARED)
    found = {
        "only_state": state.join(aeries, on=KEY, how="anti").height,
        "only_aeries": aeries.join(state, on=KEY, how="anti").height,
        "different": both.filter(unequal).height,
    }
    over = time.perf_counter()
    return {"found": found, "stages": _spent(began, read, over), "version": pl.__version__}


def plain_duckdb(folder: Path, year: int) -> dict[str, Any]:
    """DuckDB reads the extract itself; Aeries comes by way of pandas, for the extension for SQLite is a download."""
    import duckdb

    began = time.perf_counter()
    aeries = aeries_side(folder, year)
    columns = {f"c{position}": "VARCHAR" for position in range(STATE_COLUMNS)}
    kept = ", ".join(f"coalesce(c{FIELDS[field]}, '') AS {field}" for field in (*KEY, *COMPARED))
    database = duckdb.connect()
    database.register("aeries", aeries)
    database.execute(
        f"CREATE TABLE state AS SELECT {kept} FROM read_csv('{folder / 'SENR_ODS.txt'}', delim='^', header=false, "
        f"quote='', escape='', auto_detect=false, columns={columns}) WHERE c{FIELDS['academic_year']} = ?",
        [_school_year(year)],
    )
    read = time.perf_counter()
    same_key = " AND ".join(f"s.{name} = a.{name}" for name in KEY)
    unequal = " OR ".join(f"s.{name} <> a.{name}" for name in COMPARED)
    counts = database.execute(
        f"SELECT count(*) FILTER (a.ssid IS NULL), count(*) FILTER (s.ssid IS NULL), count(*) FILTER ({unequal}) "
        f"FROM state s FULL JOIN aeries a ON {same_key}"
    ).fetchone()
    over = time.perf_counter()
    found = dict(zip(("only_state", "only_aeries", "different"), counts, strict=True))
    return {"found": found, "stages": _spent(began, read, over), "version": duckdb.__version__}


def _spent(began: float, read: float, over: float) -> dict[str, float]:
    return {"reading both sides": read - began, "comparing": over - read}


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


def _aeries_in_polars(folder: Path, year: int) -> Any:
    """As `aeries_side`, in Polars."""
    import polars as pl

    with closing(sqlite3.connect(folder / "aeries.db")) as aeries:
        asked = {
            "enr": f"SELECT ID, SC, ED, LD, ER, GR FROM ENR WHERE YR = {year} AND DEL = 0",
            "stu": "SELECT ID, CID, FN, LN, BD FROM STU WHERE DEL = 0",
            "loc": "SELECT CD AS SC, SC AS school_code FROM LOC WHERE DEL = 0",
            "xrf": "SELECT TC1, FC1, CD1, CD FROM XRF WHERE DEL = 0",
        }
        enr, stu, loc, xrf = (pl.read_database(sql, aeries, infer_schema_length=None) for sql in asked.values())
    codes = {(table, column, local): state for table, column, local, state in xrf.iter_rows()}
    grades = _USUAL_GRADES | {local: state for (t, c, local), state in codes.items() if (t, c) == ("STU", "GR")}
    reasons = {local: state for (t, c, local), state in codes.items() if (t, c) == ("ATT", "RS")}
    grade = pl.col("GR").cast(pl.String)
    rows = enr.join(stu, on="ID").join(loc, on="SC")
    return rows.select(
        pl.col("CID").alias("ssid"),
        "school_code",
        _day("ED").alias("start_date"),
        pl.col("ID").cast(pl.String).alias("local_id"),
        pl.col("FN").alias("first_name"),
        pl.col("LN").alias("last_name"),
        _day("BD").alias("birth_date"),
        grade.replace_strict(grades, default=grade.str.zfill(2)).alias("grade"),
        _day("LD").alias("exit_date"),
        pl.col("ER").replace(reasons).alias("exit_reason"),
    )


def _day(name: str) -> Any:
    import polars as pl

    return pl.col(name).str.slice(0, 10).str.replace_all("-", "").fill_null("")


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
