"""Run folders for what is read from them, written by the product itself from small text tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from senrkit.results.folder import RunFolder
from senrkit.results.tables import ENROLLMENT_COLUMNS, FINDINGS_COLUMNS
from senrkit.results.write import write_run, write_stopped
from tests.submissions import SCHOOLS, documents
from tests.text_tables import rows_of, ssid

CENSUS = {
    "census_day": "2026-10-07",
    "schools": {
        "1990001": {"school_name": "Alder", "grades": {"05": {"now": 20, "aeries": 22, "after": 22}}},
        "1990002": {"school_name": "Birch", "grades": {"06": {"now": 7, "aeries": 7, "after": 7}}},
    },
    "concurrent": {"now": 1, "aeries": 0, "after": 0},
}
STOP = {
    "id": "P09",
    "title": "Last year is closed out",
    "kind": "hard",
    "state": "stopped",
    "evidence": "7 are open.",
    "cure": "Close them.",
}


def run_folder(folder: Path, table: str, *, findings: str = "", enrollments: str = "", **changed: object) -> RunFolder:
    """A finished run with these actions (`tests.submissions`), findings and enrollments; `changed`: of the manifest."""
    written = documents(
        table, findings=_findings(findings) if findings else None, enrollments=_enrollments(enrollments)
    )
    manifest = dict(written.manifest) | {"what_if": CENSUS} | changed
    return RunFolder.open(write_run(folder, replace(written, manifest=manifest)))


def stopped_run(folder: Path) -> RunFolder:
    """A run that P09 stopped."""
    manifest = documents("student action\n1 delete").manifest
    nothing = dict.fromkeys(("counts", "balance", "findings", "what_if")) | {"files": [], "preconditions": [STOP]}
    return RunFolder.open(write_stopped(folder, manifest | nothing))


def _findings(table: str) -> pd.DataFrame:
    rows = [
        {
            "file": "", "rule": row["rule"], "severity": row["severity"], "school_code": SCHOOLS[row["school"]][0],
            "ssid": ssid(row.get("student", "1")), "start_date": "20260812", "fields": "grade", "message": "m",
            "fix": "f",
        }
        for row in rows_of(table)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(FINDINGS_COLUMNS), dtype="str")


def _enrollments(table: str) -> pd.DataFrame:
    rows = []
    for row in rows_of(table):
        code, name = SCHOOLS[row.get("school", "A")]
        known = {
            "side": row["side"], "ssid": ssid(row["student"]), "local_id": str(1000 + int(row["student"])),
            "school_code": code, "school_name": name, "start_date": row["start"], "exit_date": row.get("exit", ""),
            "status": "10", "grade": "05", "exit_reason": row.get("reason", ""), "academic_year": "2026-2027",
        }  # fmt: skip
        rows.append({column: known.get(column, "") for column in ENROLLMENT_COLUMNS})
    return pd.DataFrame(rows, columns=list(ENROLLMENT_COLUMNS), dtype="str")
