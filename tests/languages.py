"""Language status as small text tables: what CALPADS and Aeries hold in, class and reason out.

A row is a student; `-` is blank, a column that a table does not name has the default below. `sela` lists the statuses
in the extract as `TBD@2026-08-12,EL@2026-10-14`, oldest first; a correction names its reason, `EL@2026-10-14/5`. `lea`
reported them. `lf` is the local code in Aeries (T, E, L, I, R, A); `HL` (00 English, 01 Spanish), `GR` and `TG` are
STU's, LAC columns go by their codes. `lac` and `idn` say whether the row is there; `LD` ends the year's enrollment.
Nobody here exists.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.inputs.extract.sela import sela_layouts
from senrkit.language import work
from senrkit.settings.settings import Settings
from tests.rulebook import settings
from tests.text_tables import LEA, rows_of, ssid

AS_OF = dt.date(2026, 11, 23)
SELA_COLUMNS = sela_layouts()[18].columns
LOCAL_CODES = {"T": "TBD", "E": "EO", "L": "EL", "I": "IFEP", "R": "RFEP", "A": "ADEL"}
LANGUAGES = {"00": "eng", "01": "spa", "37": "ase", "99": "und"}
STU_COLUMNS = ("GR", "HL", "TG")
LAC_COLUMNS = "ID USS STS SD IFD RD1 AES EAC EAD ITF".split()
_DEFAULTS = {"sela": "TBD@2026-08-12,EL@2026-10-14", "lf": "T", "lac": "yes", "idn": "yes", "lea": LEA}


def sela_row(student: str, status: str, day: str, **values: str) -> dict[str, str]:
    """A row of the extract about the student with that number."""
    known = {
        "record_type": "SELA-R", "reporting_lea": LEA, "school_code": "1990001", "academic_year": "2026-2027",
        "ssid": ssid(student), "first_name": f"Given{student}", "last_name": f"Family{student}", "gender": "F",
        "birth_date": "20150312", "local_id": str(1000 + int(student)), "elas": status,
        "elas_date": day.replace("-", ""), "primary_language": "spa", "upload_date": "20261120",
        "last_updated": "20261120",
    }  # fmt: skip
    return dict.fromkeys(SELA_COLUMNS, "") | known | values


def stu_row(student: str, lf: str, **values: str) -> dict[str, str]:
    """A row of STU about the student with that number."""
    known = {
        "ID": str(1000 + int(student)), "SC": "1", "SN": student, "CID": ssid(student), "LN": f"Family{student}",
        "FN": f"Given{student}", "MN": "", "BD": "2015-03-12", "GN": "F", "GR": "5", "TG": "", "SP": "", "LF": lf,
        "HL": "01",
    }  # fmt: skip
    return known | values


def district(table: str, stu: tuple[dict[str, str], ...] = (), sela: tuple[dict[str, str], ...] = ()):
    """The extract's rows and the Aeries tables of a text table, with further rows of either."""
    held, students, lac, idn, enr = list(sela), [], [], [], []
    for number, row in enumerate(rows_of(table), start=1):
        row = _DEFAULTS | row
        student = row.get("student", str(number))
        statuses = [status.split("@") for status in row["sela"].split(",") if status]
        for status, said in statuses:
            day, _, correction = said.partition("/")
            held.append(sela_row(student, status, day, correction_reason=correction, reporting_lea=row["lea"]))
        if row["lf"] != "none":
            students.append(stu_row(student, row["lf"], **{code: row[code] for code in STU_COLUMNS if code in row}))
        if "LD" in row:
            enr.append({"ID": str(1000 + int(student)), "YR": "2026", "SC": "1", "LD": row["LD"]})
        if row["lac"] == "yes":
            lac.append({code: row.get(code, "") for code in LAC_COLUMNS} | {"ID": str(1000 + int(student))})
        if row["idn"] == "yes":
            idn.append({"ID": str(1000 + int(student))})
    return _frame(held, SELA_COLUMNS), _tables([*students, *stu], lac, idn, enr)


def compared(*both) -> pd.DataFrame:
    """Every student with class and reason."""
    return to_pandas(work.compared(*both))


def classes(table: str, chosen: Settings | None = None, **more: tuple[dict[str, str], ...]) -> list[tuple[str, str]]:
    """Class and reason of each student, in order of the SSID."""
    held, tables = district(table, **more)
    found = compared(held, tables, chosen or settings()).sort_values(["ssid", "local_id"])
    return list(zip(found["class"], found["reason"], strict=True))


def says(table: str) -> list[tuple[str, str]]:
    """The expected class and reason, from the columns `class` and `reason`."""
    return [(row["class"], row.get("reason", "")) for row in rows_of(table)]


def _tables(stu: list[dict], lac: list[dict], idn: list[dict], enr: list[dict]) -> AeriesTables:
    schools = [
        {"CD": "0", "NM": "Demo Unified", "CC": LEA[:2], "DC": LEA[2:], "SC": "0000000"},
        {"CD": "1", "NM": "Alder", "CC": LEA[:2], "DC": LEA[2:], "SC": "1990001"},
        {"CD": "2", "NM": "Birch", "CC": LEA[:2], "DC": LEA[2:], "SC": "1990002"},
    ]
    xrf = [
        {"TC": "CLPD", "SC": "0", "TC1": "STU", "FC1": column, "CD1": local, "CD": state}
        for column, codes in (("LF", LOCAL_CODES), ("HL", LANGUAGES), ("GR", {"-3": "TD", "-2": "PS", "18": "AD"}))
        for local, state in codes.items()
    ]
    frames = {
        "STU": _frame(stu, stu_row("1", "T")),
        "ENR": _frame(enr, ["ID", "YR", "SC", "LD"]),
        "LAC": _frame(lac, LAC_COLUMNS),
        "IDN": _frame(idn, ["ID"]),
        "LOC": _frame(schools, schools[0]),
        "XRF": _frame(xrf, xrf[0]),
    }
    return AeriesTables(frames, "DST26000Demo", "a table in a test", [], {}, 2026)


def _frame(rows: list[dict[str, str]], columns: Mapping | tuple | list) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns)).astype("str")
    return frame.assign(line=pd.RangeIndex(1, len(rows) + 1)) if "elas" in frame else frame
