"""Rules as small text tables: Aeries rows and state rows in, the actions out.

A case reads like the rule book, in the dialect of `tests.text_tables`; `?` is unknown, and what a table does not name
has the default below. Schools: A (Alder, 1990001), B (Birch, 1990002), N (the NPS record, 0000001), V (virtual, no
state code), D (do-not-report), U (summer), X (tag, inactive).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.inputs.extract.senr import Extract, InputFile
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reconciliation.proposal import Proposal, balance, reconcile
from senrkit.reconciliation.scope import Scope, scope_of
from senrkit.reference import ODS_FIELDS, layouts_by_column_count
from senrkit.settings.settings import Settings, read_settings_text
from senrkit.spells.build import SpellSet, build_spells
from tests.text_tables import LEA, frame, rows_of, ssid

SCHOOLS = {
    # letter: Aeries code, name, LOC.SC, LOC.TG, LOC.DNR, LOC.U
    "A": ("1", "Alder", "1990001", "", "0", ""),
    "B": ("2", "Birch", "1990002", "", "0", ""),
    "N": ("90", "Nonpublic schools", "0000001", "", "0", ""),
    "V": ("91", "Virtual Academy", "", "", "0", ""),
    "D": ("92", "District office", "1990092", "", "1", ""),
    "U": ("93", "Summer school", "1990093", "", "0", "1"),
    "X": ("99", "Inactive students", "1990099", "I", "0", ""),
}
# LOC.HI: the highest grade of each school.
_TOP_GRADE = dict.fromkeys([code for code, *_ in SCHOOLS.values()], "12") | {"2": "8"}
# What tables call a field for short.
_STATE_NAMES = {
    "start": "start_date", "exit": "exit_date", "reason": "exit_reason", "completion": "completion_status",
    "nps": "nps_code", "lea": "reporting_lea", "transfer": "transfer_code", "residence": "residence_district",
    "receiver": "receiver_school",
}  # fmt: skip
LETTER = {code: letter for letter, (_, _, code, *_) in SCHOOLS.items() if code}
TRANSLATIONS = [
    ("STU", "SP", "C", "20"), ("STU", "SP", "S", "30"), ("STU", "SP", "N", "50"), ("STU", "GR", "-2", "PS"),
    ("STU", "GR", "18", "IN"), ("STU", "HSG", "G", "100"), ("STU", "HSG", "P", "480"), ("STU", "HSG", "F", "360"),
    ("STU", "IT", "D", "1"), ("ATT", "RS", "156", "E156"),
    ("ATT", "RS", "N", "N470"), ("ATT", "RS", "GRD", "E230"), ("ATT", "RS", "Y", "E155"),
]  # fmt: skip


def aeries(
    table: str,
    lacking: tuple[str, ...] = (),
    stu: str = "",
    year: int = 2026,
    lsi: list[dict] | None = None,
    act: str | None = None,
) -> AeriesTables:
    """Aeries tables from `student school start exit reason grade program ...` rows, with `STU` rows to match.

    `stu` is a table of further `STU` rows or of what differs on a student's row (`student` and columns by code), `act`
    one of awards (`student CD DT`).
    """
    enr, persons = [], {}
    for row in rows_of(table):
        student, school = row.get("student", "1"), SCHOOLS[row.get("school", "A")][0]
        enr.append(
            {
                "ID": str(1000 + int(student)), "YR": row.get("year", str(year)), "SC": school,
                "ED": row.get("start", "2026-08-12"), "LD": row.get("exit", ""), "ER": row.get("reason", ""),
                "GR": row.get("grade", "5"), "PR": row.get("program", ""),
                "IT": row.get("transfer", ""), "ITD": row.get("residence", ""), "NPS": row.get("nps", ""),
                "NS": row.get("next", "0"), "HS": SCHOOLS[row["home"]][0] if row.get("home") else "0",
            }
        )  # fmt: skip
        persons.setdefault((student, school), person(student, school))
    for row in rows_of(stu):
        student = row.pop("student")
        school = SCHOOLS[row.pop("school", "A")][0]
        persons.setdefault((student, school), person(student, school)).update(
            {code: ssid(value) if code == "CID" else value.replace("_", " ") for code, value in row.items()}
        )
    tables = {
        "ENR": frame(enr, "ID YR SC ED LD ER GR PR IT ITD NPS NS HS".split()),
        "STU": frame(persons.values(), person("1", "1")),
        "LOC": _loc(),
        "XRF": frame(
            [
                {"TC": "CLPD", "SC": "0", "TC1": t, "FC1": f, "CD1": local, "CD": state}
                for t, f, local, state in TRANSLATIONS
            ],
            "TC SC TC1 FC1 CD1 CD".split(),
        ),
    }
    if lsi is not None:
        tables["LSI"] = frame(lsi, "ID LFN LMN LLN LSF GN".split())
    if act is not None:
        awards = [{"PID": str(1000 + int(row["student"])), "CD": row["CD"], "DT": row["DT"]} for row in rows_of(act)]
        tables["ACT"] = frame(awards, "PID CD DT".split())
    for column in lacking:
        name, code = column.split(".")
        tables[name] = tables[name].drop(columns=code)
    newest = max((int(row["YR"]) for row in enr), default=None)
    return AeriesTables(tables, "DST26000Demo", "a table in a test", [], {}, newest)


def person(student: str, school: str) -> dict[str, str]:
    """A made-up `STU` row: names follow from the number."""
    return {
        "ID": str(1000 + int(student)), "SC": school, "SN": student, "CID": ssid(student), "LN": f"Family{student}",
        "FN": f"Given{student}", "MN": "", "BD": f"2015-03-{int(student) % 28 + 1:02d}", "GN": "F", "GR": "5",
        "TG": "", "SP": "",
        "SF": "", "LNA": "", "FNA": "", "MNA": "", "BCY": "", "BST": "", "BCU": "US", "NG": "6", "EOY": "", "ENS": "0",
        "HSG": "", "GEX": "", "SWR": "", "SLD": "", "DG": "", "LD": "", "CUC": "", "CCS": "", "CCO": "",
    }  # fmt: skip


def state(table: str, layout: int = 37) -> Extract:
    """An extract from `student school start exit reason grade status ...` rows."""
    rows = []
    for number, row in enumerate(rows_of(table), start=1):
        who = row.get("student", "1")
        known = {
            "record_type": "SENR-R", "reporting_lea": LEA, "school_code": SCHOOLS[row.get("school", "A")][2],
            "ssid": ssid(who), "academic_year": "2026-2027", "local_id": str(1000 + int(who)) if who.isdigit() else "",
            "first_name": f"Given{who}", "last_name": f"Family{who}",
            "birth_date": f"201503{int(who) % 28 + 1:02d}" if who.isdigit() else "20150301",
            "gender": "F", "birth_country": "US", "start_date": "20260812", "status": "10", "grade": "05",
            "last_updated": "20261120", "upload_date": "20260820",
        }  # fmt: skip
        for name, value in row.items():
            named = _STATE_NAMES.get(name, name)
            if named not in ("student", "school"):
                known[named] = value.replace("-", "") if named.endswith("_date") else value
        rows.append({name: known.get(name, "") for name in ODS_FIELDS} | {"line": number})
    state_rows = frame(rows, ODS_FIELDS)
    file = InputFile(Path("SENR_ODS.txt"), "SENR_ODS.txt", "0" * 64, 0, len(rows), dt.datetime(2026, 11, 22))
    return Extract(StateRows.of_frame(state_rows), (file,), layouts_by_column_count()[layout], "^", "utf-8", ())


def settings(
    process: str = "", top: str = "", aeries: str = "", more: str = "", as_of: str = "2026-11-23", calpads: str = ""
) -> Settings:
    """Settings of the test district, with lines of TOML added to a section."""
    text = f"""school_year = "2026-2027"\nlea = "{LEA}"\n{top}\n[aeries]\nsource = "sqlite:///aeries.db"\n{aeries}
[calpads]\nsenr_extract = "SENR_ODS.txt"\n{calpads}\n[process]\n{process}\n{more}"""
    return read_settings_text(text, Path(), "senrkit.toml", as_of=dt.date.fromisoformat(as_of))


def run(sis: AeriesTables, ods: Extract, chosen: Settings) -> tuple[Proposal, Scope, SpellSet]:
    """The core, with its balance asserted."""
    spell_set = build_spells(sis, chosen)
    scope = scope_of(ods, spell_set, chosen)
    proposal = reconcile(scope, spell_set, chosen)
    balance(proposal, scope, spell_set)
    return proposal, scope, spell_set


def actions(sis: AeriesTables | str, ods: Extract | str, chosen: Settings | None = None) -> list[tuple[str, ...]]:
    """`(action, reason or hold reason, student, school, start, exit)` of every row, in order of student and start."""
    sis = aeries(sis) if isinstance(sis, str) else sis
    ods = state(ods) if isinstance(ods, str) else ods
    proposal, _, _ = run(sis, ods, chosen or settings())
    return [
        (
            row.action,
            row.hold_reason or row.reason,
            str(int(row.ssid[-2:])),
            LETTER.get(row.school_code, "N"),
            day(row.start_date),
            day(row.exit_date),
        )
        for row in to_pandas(proposal.actions).itertuples()
    ]


def expected(table: str) -> list[tuple[str, ...]]:
    """The expected actions, written as a table."""
    columns = ("action", "reason", "student", "school", "start", "exit")
    return [
        tuple(
            row.get(name, {"student": "1", "school": "A", "start": "2026-08-12", "exit": ""}.get(name, ""))
            for name in columns
        )
        for row in rows_of(table)
    ]


def spells(
    sis: AeriesTables | str, chosen: Settings | None = None, shown: str = "start exit reason", **how: object
) -> list[tuple[str, ...]]:
    """The spells that the rows give: the named columns, in order of student and start."""
    sis = aeries(sis, **how) if isinstance(sis, str) else sis  # type: ignore[arg-type]
    built = to_pandas(build_spells(sis, chosen or settings()).spells)
    named = _STATE_NAMES | {"school": "school_code"}
    listed = built.sort_values(["ssid", "start_date", "school_code"])
    columns = [listed[named.get(name, name)].fillna("?").map(str) for name in shown.split()]
    return [
        tuple(day(cell) if name in ("start", "exit") else cell for name, cell in zip(shown.split(), row, strict=True))
        for row in zip(*columns, strict=True)
    ]


def day(text: str) -> str:
    """`CCYYMMDD` as it is easier to read."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text


def _loc() -> pd.DataFrame:
    district = {
        "CD": "0",
        "NM": "Demo Unified",
        "CC": LEA[:2],
        "DC": LEA[2:],
        "SC": "0000000",
        "TG": "",
        "DNR": "0",
        "U": "",
    }
    schools = [
        {
            "CD": code,
            "NM": name,
            "CC": LEA[:2],
            "DC": LEA[2:],
            "SC": state_code,
            "TG": tag,
            "DNR": unreported,
            "U": session,
            "HI": _TOP_GRADE[code],
        }
        for code, name, state_code, tag, unreported, session in SCHOOLS.values()
    ]
    return frame([district | {"HI": "12"}, *schools], "CD NM CC DC SC TG DNR U HI".split())
