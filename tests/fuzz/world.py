"""A made-up district of a few students, small enough to be run thousands of times, with every kind of input.

All names hold `CANARY`; with the SSIDs they must never be seen in what senrkit says.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
from click.testing import CliRunner

from senrkit.cli.main import main
from senrkit.inputs.extract.sela import sela_layouts
from senrkit.reconciliation import decisions
from senrkit.reference import PACKAGED
from tests import vendor_files
from tests.districts import district, enrollment, school, student, translation, write_database, write_folder
from tests.extracts import extract_bytes, state_row

CANARY = "Zzcanary"
STUDENTS = range(1, 7)
KNOWN = {0, 2, 3, 4, 5}
LEA = "1999990"
SETTINGS = """\
# Everybody in here is made up.
school_year = "2026-2027"
lea = "1999990"
as_of = 2026-11-23

[aeries]
source = "{source}"
schools = "default"
skip_tags = ["*"]
skip_programs = ["Z"]

[calpads]
senr_extract = "SENR_ODS.txt"
sela_extract = "SELA_ODS.txt"
school_directory = "pubschls.txt"
elpac_file = "vendor.csv"
max_extract_age_days = 400

[process]
submission_mode = "in-order"
compare = ["grade", "exit_date"]

[output]
runs = "runs"

[translations."ATT.RS"]
"165" = "T165"
"""


def ssid(number: int) -> str:
    return f"900000{number:04d}"


def tables() -> dict[str, list[dict[str, object]]]:
    people = [
        student(ID=100 + n, SN=n, CID=ssid(n), LN=f"{CANARY}{n}", FN=f"{CANARY}n{n}", LF="T", HL="01",
                BD=dt.date(2014, 2, 10 + n), TG="I" if n == 6 else "")
        for n in STUDENTS
    ]  # fmt: skip
    rows = [enrollment(ID=100 + n, SN=n, ED=dt.date(2026, 8, 19)) for n in STUDENTS]
    rows[1] |= {"LD": dt.date(2026, 10, 2), "ER": "160"}
    codes = [translation("STU", "LF", local, state) for local, state in {"T": "TBD", "L": "EL", "I": "IFEP"}.items()]
    return district(
        STU=people,
        ENR=rows,
        LOC=[school(CD=0, NM="Heron Marsh Unified", SC="0000000"), school()],
        XRF=[translation("STU", "SP", "K", "20"), translation("ATT", "RS", "160", "T160"), *codes],
        LAC=[{"ID": 100 + n, "SD": None, "IFD": None, "USS": dt.date(2020, 8, 12), "DEL": False} for n in STUDENTS],
        IDN=[{"ID": 100 + n, "DEL": False} for n in STUDENTS],
    )


def senr() -> bytes:
    rows = [
        state_row(ssid=ssid(n), local_id=str(100 + n), last_name=f"{CANARY}{n}", first_name=f"{CANARY}n{n}",
                  birth_date=f"201402{10 + n}", start_date="20260819",
                  grade="06" if n == 3 else "07")
        for n in STUDENTS
    ]  # fmt: skip
    past = [row | {"academic_year": "2024-2025", "start_date": "20240812", "exit_date": "20250605",
                   "exit_reason": "E155", "grade": "05"} for row in rows]  # fmt: skip
    return extract_bytes([*past, *rows[:-1]])


def sela() -> bytes:
    columns = sela_layouts()[18].columns
    lines = []
    for n in STUDENTS:
        known = {
            "record_type": "SELA-R", "reporting_lea": LEA, "school_code": "0199901", "academic_year": "2026-2027",
            "ssid": ssid(n), "first_name": f"{CANARY}n{n}", "last_name": f"{CANARY}{n}", "local_id": str(100 + n),
            "birth_date": f"201402{10 + n}", "gender": "F", "elas": "EL" if n < 3 else "TBD",
            "elas_date": "20261014", "primary_language": "spa", "upload_date": "20261120", "last_updated": "20261120",
        }  # fmt: skip
        lines.append("^".join(known.get(column, "") for column in columns))
    return "".join(f"{line}\r\n" for line in lines).encode()


def vendor() -> bytes:
    return vendor_files.written(
        vendor_files.row(str(n), "EL" if n < 5 else "", ssid=ssid(n), local_id=str(100 + n), last_name=f"{CANARY}{n}",
                         first_name=f"{CANARY}n{n}", birth_date=f"2014-02-{10 + n}",
                         school_code="19999900199901")
        for n in STUDENTS
    )  # fmt: skip


def directory() -> bytes:
    heads = {row["column"]: row["heading"] for row in reversed(PACKAGED.rows("directory_columns"))}
    place = {"county": "Kern", "district": "Heron Marsh Unified", "status": "Active", "open_date": "7/1/1980"}
    rows = [
        {"cds14": "19999900000000", "doc": "54"} | place,
        {"cds14": "19999900199901", "school": "Heron Marsh Middle", "charter": "N", "doc": "54", "soc": "64",
         "grades_offered": "6-8"} | place,
    ]  # fmt: skip
    lines = [list(heads.values()), *([row.get(column, "") for column in heads] for row in rows)]
    return "".join("\t".join(line) + "\r\n" for line in lines).encode()


def decided() -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, decisions.COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for n, action in ((3, "update"), (6, "add")):
        writer.writerow(
            {"ssid": ssid(n), "school_code": "0199901", "start_date": "2026-08-19", "action": action,
             "decision": "hold", "reason": f"{CANARY} called", "author": "somebody", "made": "2026-11-20"}
        )  # fmt: skip
    return text.getvalue().encode()


def workbook(table: str) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    rows = tables()[table]
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(data)
    return data.getvalue()


@cache
def database() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "aeries.db"
        write_database(file, tables())
        with closing(sqlite3.connect(file)) as opened:
            # Small pages, so that a byte that changes is likelier one that matters.
            opened.executescript("PRAGMA page_size = 512; VACUUM")
        return file.read_bytes()


@cache
def exports() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        write_folder(Path(folder), tables())
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@contextmanager
def made() -> Iterator[Path]:
    """The district, in a folder of its own; nothing in it is spoilt."""
    with TemporaryDirectory(prefix="senrkit-fuzz-") as place:
        folder = Path(place)
        (folder / "exports").mkdir()
        (folder / "aeries.db").write_bytes(database())
        for name, data in exports().items():
            (folder / "exports" / name).write_bytes(data)
        for name, data in {"SENR_ODS.txt": senr(), "SELA_ODS.txt": sela(), "vendor.csv": vendor(),
                           "pubschls.txt": directory(), "decisions.csv": decided()}.items():  # fmt: skip
            (folder / name).write_bytes(data)
        (folder / "senrkit.toml").write_text(SETTINGS.format(source="sqlite:///aeries.db"))
        (folder / "exports.toml").write_text(SETTINGS.format(source="exports"))
        yield folder


def asked(folder: Path, *words: str) -> int:
    """Give the command; what it says must name nobody. Gives the exit code, which must be a known one."""
    done = CliRunner().invoke(main, [*words, "--quiet"])
    # Nothing of a run is looked at: the next one begins anew.
    for runs in folder.glob("runs*"):
        shutil.rmtree(runs)
    said = done.output
    assert done.exit_code in KNOWN, f"exit code {done.exit_code}: {said}"
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert "Traceback" not in said and CANARY not in said, said
    assert not shown(said), said
    return done.exit_code


def shown(said: str, students: Sequence[int] = STUDENTS) -> set[str]:
    """Those SSIDs that stand in it."""
    return {ssid(n) for n in students} & set(re.findall(r"\d+", said))
