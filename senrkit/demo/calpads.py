"""A made-up CALPADS: it holds rows, posts files or refuses them, and gives back extracts and error files.

It knows the form of the files and nothing of the rules: what is refused is what it is told to refuse. Written from
senr_file.md and closed_loop.md, apart from the copy of the store that predicts, so that the two can be compared.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter

from senrkit.reference import ODS_FIELDS, SENR_FIELDS

_AT = {name: place for place, name in enumerate(ODS_FIELDS)}
_KEY = [_AT[name] for name in ("school_code", "nps_code", "ssid", "start_date")]
_HEADINGS = ("Job ID", "Local Record ID", "SSID", "School of Attendance", "Start Date", "Error Code", "Error Severity",
             "Error Description", "Field Name", "Field Value")  # fmt: skip

_JOB = "4711234"


@dataclass(frozen=True)
class Error:
    """What is said of one record: `line` of the file, 1-based; `severity` is `F` or `W`."""

    line: int
    code: str
    severity: str = "F"
    message: str = "An error"
    field: str = "Start Date"


class Calpads:
    """What the state holds, row by row, as `SENR-R` lines."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rows = [line.split("^") for line in lines if line]

    @classmethod
    def of_extract(cls, path: Path) -> Calpads:
        """What an extract shows."""
        return cls(path.read_text(encoding="utf-8").splitlines())

    def post(self, data: bytes, on: dt.date) -> None:
        """Post a file: `A` adds a row or takes the place of the one with its key, `D` takes it away."""
        day = f"{on:%Y%m%d}"
        rows = {self._key(row): row for row in self._rows}
        for record in _records(data):
            key = self._key(record)
            if record[_AT["transaction"]] == "D":
                rows.pop(key, None)
            else:
                held = ["SENR-R", "", *record[_AT["local_record_id"] :], day, day]
                held[_AT["local_record_id"]] = ""
                rows[key] = held
        self._rows = list(rows.values())

    def change(self, ssid: str, on: dt.date, /, **values: str) -> None:
        """Somebody else changes the rows of a student, online or from another LEA."""
        for row in self._rows:
            if row[_AT["ssid"]] == ssid:
                for name, value in (values | {"last_updated": f"{on:%Y%m%d}"}).items():
                    row[_AT[name]] = value

    def extract(self, on: dt.date | None = None) -> bytes:
        """The ODS extract. `on`: a day on which somebody changed something, so that the extract is at least as new."""
        rows = [list(row) for row in self._rows]
        if on is not None:
            # Something is always changed somewhere: the row that nobody has looked at for longest.
            oldest = min(rows, key=lambda row: row[_AT["last_updated"]])
            oldest[_AT["last_updated"]] = f"{on:%Y%m%d}"
        return "".join("^".join(row) + "\r\n" for row in rows).encode()

    @staticmethod
    def _key(row: list[str]) -> tuple[str, ...]:
        return tuple(row[at] for at in _KEY)


def rejected_records(data: bytes, errors: Iterable[Error], *, added: int = 5) -> bytes:
    """The older Rejected Records Extract: the input's fields, then five more, or six (closed_loop.md F7)."""
    records = list(_records(data))
    lines = []
    for error in errors:
        record = list(records[error.line - 1])
        record[:2] = ["SENR-E", ""]
        more = [error.code, error.severity, error.message, error.field, "", ""][:added]
        lines.append("^".join([*record, *more]))
    return "".join(f"{line}\r\n" for line in lines).encode()


def error_list(data: bytes, errors: Iterable[Error], *, ids: bool = True) -> bytes:
    """A list with headings, as CSV; without Local Record IDs when `ids` is false."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows(_table(data, errors, ids))
    return out.getvalue().encode("utf-8-sig")


def error_workbook(data: bytes, errors: Iterable[Error], *, ids: bool = True) -> bytes:
    """The same as a workbook."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Errors")
        for place, cells in enumerate(_table(data, errors, ids)):
            sheet.write_row(place, 0, cells)
    return out.getvalue()


# Every form in which errors may come back.
VARIANTS: Mapping[str, tuple[str, Callable[..., bytes]]] = {
    "rejected records": ("Rejected.txt", rejected_records),
    "rejected records, six more": ("Rejected.txt", lambda data, errors: rejected_records(data, errors, added=6)),
    "list": ("Errors.csv", error_list),
    "list without ids": ("Errors.csv", lambda data, errors: error_list(data, errors, ids=False)),
    "workbook": ("Errors.xlsx", error_workbook),
    "workbook without ids": ("Errors.xlsx", lambda data, errors: error_workbook(data, errors, ids=False)),
}


def _table(data: bytes, errors: Iterable[Error], ids: bool) -> list[list[str]]:
    records = list(_records(data))
    rows = []
    for error in errors:
        record = dict(zip(SENR_FIELDS, records[error.line - 1], strict=True))
        who = [record["local_record_id"], record["ssid"], record["school_code"], record["start_date"]]
        severity = {"F": "Fatal", "W": "Warning"}[error.severity]
        rows.append([_JOB, *who, error.code, severity, error.message, error.field, ""])
    table = [list(_HEADINGS), *rows]
    return table if ids else [[*cells[:1], *cells[2:]] for cells in table]


def _records(data: bytes) -> Iterable[list[str]]:
    return (line.split("^") for line in data.decode().splitlines())
