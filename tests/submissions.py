"""Proposals as small text tables, for what is made of them: files, run folder, workbook.

A table names the columns that matter (`student action start ...`); `-` is blank. Student 1 has SSID 9000000001; schools
are A (1990001) and B (1990002). All people are made up.
"""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd

from senrkit.frames.pandas_door import to_polars
from senrkit.reference import SENR_FIELDS
from senrkit.results.files import encode_files, order, package_name
from senrkit.results.manifest import RunLabel, build_manifest
from senrkit.results.tables import LEFT_OUT_COLUMNS
from senrkit.results.write import RunDocuments
from senrkit.settings.settings import Settings
from tests.rulebook import settings
from tests.text_tables import rows_of, ssid

SCHOOLS = {"A": ("1990001", "Alder"), "B": ("1990002", "Birch")}
_CODE = {"add": "A", "update": "A", "delete": "D"}
_SHARED = ("school_code", "nps_code", "ssid", "local_id", "start_date", "grade", "exit_date")
_REASON = {"add": "missing-in-calpads", "update": "exit", "delete": "not-in-aeries"}


def proposal(table: str) -> SimpleNamespace:
    """`actions` and `records` as `proposal.Proposal` has them.

    Columns: `student school action start exit grade reason hold intended`, `marks` (`shortens`, `at-risk`).
    """
    actions = [_action(row) for row in rows_of(table)]
    frame = pd.DataFrame(actions, columns=list(_action({"student": "1", "action": "add"})))
    texts = {name: "str" for name in frame if name not in ("shortens", "at_risk")}
    frame = frame.astype(texts | {"shortens": bool, "at_risk": bool})
    goes_out = frame[frame["intended"].isin(_CODE.keys())]
    records = pd.DataFrame("", index=goes_out.index, columns=list(SENR_FIELDS), dtype="str")
    records = records.assign(
        record_type="SENR", transaction=goes_out["intended"].map(_CODE), local_record_id="state-own",
        reporting_lea="1999990", academic_year="2026-2027", first_name="Zoë", last_name="O'Brien",
        birth_date="20150304", gender="X", birth_country="US", status="10",
        **{name: goes_out[name] for name in _SHARED},
    ).astype("str")  # fmt: skip
    rows = pd.RangeIndex(len(frame)).to_series().rename("row")
    return SimpleNamespace(
        actions=to_polars(frame.assign(row=rows)), records=to_polars(records.assign(row=rows.loc[records.index]))
    )


def _action(row: dict[str, str]) -> dict[str, object]:
    action, marks = row["action"], row.get("marks", "")
    intended = row.get("intended") or ("delete" if action == "hold" else action)
    code, name = SCHOOLS[row.get("school", "A")]
    return {
        "action": action, "intended": intended,
        "reason": row.get("reason") or _REASON.get(intended, ""),
        "hold_reason": row.get("hold") or ("identity-conflict" if action == "hold" else ""),
        "hold_detail": "identity-conflict/d" if action == "hold" else "",
        "hold_text": "Two students share the SSID." if action == "hold" else "",
        "transaction": _CODE.get(action, ""), "school_code": code, "nps_code": "", "school_name": name,
        "ssid": ssid(row["student"]), "local_id": str(1000 + int(row["student"])), "grade": row.get("grade", "05"),
        "start_date": row.get("start", "20260812"), "exit_date": row.get("exit", ""),
        "changed": "exit_date|grade" if intended == "update" else "",
        "before": "exit_date=|grade=05" if intended == "update" else "",
        "after": "exit_date=20261009|grade=06" if intended == "update" else "",
        "evidence": "Aeries has no such enrollment.",
        "shortens": "shortens" in marks, "at_risk": "at-risk" in marks,
    }  # fmt: skip


def plan_of(table: str, process: str = "", run_number: str = "7"):
    """The plan of a proposal given as a table."""
    return order(proposal(table), settings(process), run_number)


def documents(table: str, process: str = "", **changed: object) -> RunDocuments:
    """All that a run writes, for a proposal given as a table."""
    chosen = settings(process)
    plan = order(proposal(table), chosen, "7")
    files = encode_files(plan)
    parts = {
        "left_out": pd.DataFrame(
            [["no-ssid", "1990001", "Alder", "1", "", "1050", "20260812", ""]], columns=LEFT_OUT_COLUMNS
        ),
        "findings": None,
        "information": pd.DataFrame(
            [["demographics-differ", "1990001", "9000000001", "1001", "Differs: birth date."]],
            columns=["kind", "school_code", "ssid", "local_id", "detail"],
        ),
        "decisions": None,
        "package": package_name(chosen),
    } | changed  # fmt: skip
    parts = {name: to_polars(part) if isinstance(part, pd.DataFrame) else part for name, part in parts.items()}
    return RunDocuments(manifest(chosen, plan, files, parts["findings"]), plan, files, **parts)


def manifest(chosen: Settings, plan, files, findings=None) -> dict[str, object]:
    """A manifest with every part filled in."""
    return build_manifest(
        RunLabel("20261123-0007", "7", "0.1.0", dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)),
        chosen,
        inputs=[{"role": "senr_extract", "name": "SENR_ODS.txt", "sha256": "0" * 64, "bytes": 100, "rows": 6}],
        layout={"id": "2023-24", "fields": 35},
        preconditions=[
            {"id": "P01", "title": "Day", "cure": "Set it.", "state": "passed", "evidence": "2026-11-23 is in it."},
            {"id": "P07", "title": "Range", "cure": "Ask again.", "state": "accepted", "evidence": "Too short."},
        ],
        accepted=[{"id": "P07", "because": "a new school", "person": "pat"}],
        balance={
            "state-rows": {"total": 6, "parts": {"in-scope": 2, "other-school": 1, "other-year": 3}},
            "in-scope": {"total": 2, "parts": {"same": 1, "update": 1, "delete": 0, "held": 0}},
        },
        plan=plan,
        files=files,
        findings=findings,
    )
