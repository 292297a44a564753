"""Makes small Aeries districts for tests, as a database or a folder of exports; nobody in them exists."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import sqlite3
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.reference import aeries_columns
from senrkit.settings.settings import AeriesSettings

Row = Mapping[str, object]
Tables = Mapping[str, Iterable[Row]]

_SQL_TYPES = {"int": "INTEGER", "date": "DATETIME", "flag": "BIT", "text": "VARCHAR"}


def student(**values: object) -> dict[str, object]:
    """An ordinary STU row, with `values` in place of its own."""
    ordinary = {
        "SC": 991, "SN": 17, "ID": 101, "CID": "9000000001", "LN": "Quillfeather", "FN": "Tansy", "MN": "",
        "BD": dt.date(2014, 2, 28), "GN": "F", "GR": 7, "TG": "", "SP": "", "DEL": False,
    }  # fmt: skip
    return ordinary | values


def enrollment(**values: object) -> dict[str, object]:
    """An open ENR row of 2026-27, with `values` in place of its own."""
    ordinary = {
        "ID": 101, "YR": 2026, "SC": 991, "SN": 17, "ED": dt.date(2026, 8, 12), "LD": None, "ER": "", "GR": 7,
        "PR": "", "ITD": "", "DEL": False,
    }  # fmt: skip
    return ordinary | values


def school(**values: object) -> dict[str, object]:
    """A LOC row of the made-up district 19-99990, with `values` in place of its own."""
    ordinary = {"CD": 991, "NM": "Heron Marsh Middle", "CC": "19", "DC": "99990", "SC": "0199901", "DEL": False}
    return ordinary | values


def translation(table: str, field: str, local: str, state: str, **values: object) -> dict[str, object]:
    """An XRF row of the set CLPD: the Aeries code `local` is `state` in CALPADS."""
    ordinary = {"TC": "CLPD", "SC": 0, "TC1": table, "FC1": field, "CD1": local, "CD": state, "DEL": False}
    return ordinary | values


def district(**tables: Iterable[Row]) -> dict[str, list[Row]]:
    """One school, one student, one enrollment, two translations; `tables` replaces whole tables of it."""
    ordinary = {
        "STU": [student()],
        "ENR": [enrollment()],
        "LOC": [school(CD=0, NM="Heron Marsh Unified", SC="0000000"), school()],
        "XRF": [translation("STU", "SP", "K", "20"), translation("ATT", "RS", "160", "T160")],
    }
    return ordinary | {table: list(rows) for table, rows in tables.items()}


def write_database(file: Path, tables: Tables, *, types: Mapping[str, str] | None = None) -> str:
    """Write a SQLite database, columns as wide as its rows, typed as Aeries types them; gives its address.

    Dates are written the way SQLAlchemy writes a DateTime. `types`: other SQL types, by `STU.BD`.
    """
    with sqlite3.connect(file) as database:
        for table, rows in tables.items():
            codes, content = _as_columns(table, rows)
            typed = [f'"{code}" {(types or {}).get(f"{table}.{code}", _type(table, code))}' for code in codes]
            database.execute(f'CREATE TABLE "{table}" ({", ".join(typed)})')
            marks = ", ".join("?" * len(codes))
            database.executemany(
                f'INSERT INTO "{table}" VALUES ({marks})', [tuple(map(_stored, row)) for row in content]
            )
    database.close()
    return f"sqlite:///{file}"


def write_folder(
    folder: Path,
    tables: Tables,
    *,
    form: str = "csv",
    delimiter: str = ",",
    encoding: str = "utf-8",
    headings: Mapping[str, str] | None = None,
) -> str:
    """Write one file a table: `form` is `csv`, `txt` or `xlsx`; gives the folder's path.

    Text files have dates as MM/DD/CCYY, as Aeries Query writes them; workbooks have real dates and numbers.
    `headings`: what to write instead of a code, by `STU.CID`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        codes, content = _as_columns(table, rows)
        lines = [[(headings or {}).get(f"{table}.{code}", code) for code in codes], *content]
        if form == "xlsx":
            _write_workbook(folder / f"{table}.xlsx", lines)
            continue
        with (folder / f"{table}.{form}").open("w", newline="", encoding=encoding) as file:
            csv.writer(file, delimiter=delimiter).writerows([map(_exported, line) for line in lines])
    return str(folder)


def settings_for(
    source: str, *, first: int = 2026, translations: Mapping[str, Mapping[str, str]] | None = None, **aeries: object
) -> SimpleNamespace:
    """The part of the settings that reading Aeries looks at."""
    return SimpleNamespace(
        school_year=SimpleNamespace(first=first),
        aeries=AeriesSettings(source, **aeries),
        translations=translations or {},
    )


def shown(aeries: AeriesTables) -> AeriesTables:
    """With the tables as people are shown them: pandas' frames."""
    return dataclasses.replace(aeries, tables={name: to_pandas(table) for name, table in aeries.tables.items()})


def _as_columns(table: str, rows: Iterable[Row]) -> tuple[list[str], list[list[object]]]:
    rows = list(rows)
    codes = list(dict.fromkeys(code for row in rows for code in row)) or _needed(table)
    return codes, [[row.get(code) for code in codes] for row in rows]


def _needed(table: str) -> list[str]:
    columns = to_pandas(aeries_columns())
    return columns["column"][columns["table"].eq(table) & columns["need"].eq("needed")].tolist()


@cache
def column_kinds() -> dict[tuple[str, str], str]:
    columns = to_pandas(aeries_columns())
    return dict(zip(zip(columns["table"], columns["column"], strict=True), columns["kind"], strict=True))


def _type(table: str, code: str) -> str:
    return _SQL_TYPES[column_kinds().get((table, code), "text")]


def _stored(value: object) -> object:
    if isinstance(value, dt.date):
        moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
        return moment.isoformat(sep=" ", timespec="microseconds")
    return int(value) if isinstance(value, bool) else value


def _exported(value: object) -> object:
    return value.strftime("%m/%d/%Y") if isinstance(value, dt.date) else value


def _write_workbook(file: Path, lines: Iterable[list[object]]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    book.save(file)
