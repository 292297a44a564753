"""SENR records as small text tables that read like the rule book.

In the dialect of `tests.text_tables`; what a table does not name is that of an ordinary record, and every row is a
student of its own unless `student` says who. In a rule's table the last column says what CALPADS would: `fatal`,
`warning`, `unknown`, or `fine`.
"""

from __future__ import annotations

import datetime as dt
import gzip
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd
import polars as pl

from senrkit.calpads.check import check_against_state, check_file
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.directory import SchoolDirectory, read_school_directory
from senrkit.reference import ODS_FIELDS, SENR_FIELDS, SchoolYear
from tests.extracts import state_row
from tests.text_tables import LEA, frame, rows_of, ssid

AS_OF = dt.date(2026, 11, 23)
_ORDINARY = state_row() | {"record_type": "SENR", "birth_date": "20150304", "grade": "05", "local_record_id": "1-1"}
_DIRECTORY = Path(__file__).parent / "data" / "school_directory_2018-06.csv.gz"


def context(as_of: dt.date = AS_OF, *, lea: str = LEA, charter: bool = False, directory: bool = False) -> CheckContext:
    """Whose file it is; the directory is the state's real one of June 2018."""
    return CheckContext(SchoolYear.of(as_of), as_of, lea, charter, real_directory() if directory else None)


def records(table: str, **ordinary: str) -> pd.DataFrame:
    """A submission file."""
    return _records(table, SENR_FIELDS, _ORDINARY | ordinary)


def store(table: str, **ordinary: str) -> Store:
    """What CALPADS holds before the file."""
    return Store(_records(table, ODS_FIELDS, _ORDINARY | {"record_type": "SENR-R"} | ordinary))


def assert_rule(
    rule: str,
    table: str,
    *,
    held: str = "",
    asked: CheckContext | None = None,
    one_by_one: bool = False,
    **ordinary: str,
) -> None:
    """The rule finds exactly the rows that the `says` column names, with that severity; both kinds of row are there.

    With `held`, the file is tested against those state rows, and the file's own rules are asked too. `one_by_one` makes
    each row a file of its own.
    """
    asked = asked or context()
    expected = [row["says"] for row in rows_of(table)]
    assert "fine" in expected and set(expected) - {"fine"}, "a row that trips, and one that does not"
    file = records(table, **ordinary)
    files = [file.iloc[[row]] for row in range(len(file))] if one_by_one else [file]
    assert [says for each in files for says in _said(rule, each, held, asked, ordinary)] == expected


def _said(rule: str, file: pd.DataFrame, held: str, asked: CheckContext, ordinary: dict[str, str]) -> list[str]:
    file = to_polars(file)
    found = [check_file(file, asked)]
    if held:
        found.append(check_against_state(file, store(held, **ordinary).rows_of(file), asked))
    said = dict(pl.concat(found).filter(pl.col("rule") == rule).select("row", "severity").rows())
    return [said.get(row, "fine") for row in range(len(file))]


@cache
def real_directory() -> SchoolDirectory:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pubschls.csv"
        path.write_bytes(gzip.decompress(_DIRECTORY.read_bytes()))
        return read_school_directory(path)


def _records(table: str, fields: tuple[str, ...], ordinary: dict[str, str]) -> pd.DataFrame:
    rows = []
    for number, row in enumerate(rows_of(table), start=1):
        own = {name: value for name, value in row.items() if name not in ("says", "student")}
        unknown = own.keys() - set(fields)
        if unknown:
            raise KeyError(f"no field of the record: {', '.join(sorted(unknown))}")
        who = {} if "ssid" in own else {"ssid": ssid(row.get("student", str(number)))}
        rows.append(ordinary | who | {name: value.replace("_", " ") for name, value in own.items()})
    return frame(rows, fields)
