"""The plan's files applied in order to a model of CALPADS, and who would sink them (reconciliation.md section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from senrkit import text
from senrkit.checks import CheckContext, file_findings, look_ahead, state_findings
from senrkit.checks.findings import FATAL, joined_findings
from senrkit.checks.records import Records
from senrkit.ods_model import Store


class UploadFile(Protocol):
    """What is predicted: a name and the SENR records of one file."""

    name: str
    records: pd.DataFrame


@dataclass(frozen=True)
class Prediction:
    """What CALPADS would answer.

    `findings`: the findings frame, with the file's name (`""` for the look-ahead to certification).
    `held`: `ssid`, `rule`, `message`, `fix`, one row per student and rule that would reject a file; empty when every
    file would post.
    `final_store`: the state after the last file, without the records of held students.
    """

    findings: pd.DataFrame
    final_store: Store
    held: pd.DataFrame


def predict(plan_files: Sequence[UploadFile], store: Store, context: CheckContext) -> Prediction:
    """Apply the files in upload order; a student with a fatal finding drops out of that file and all later ones.

    Dropping the student, not the file, keeps one student's fault from making every later file look wrong. The caller
    holds those students and plans again until `held` is empty; only then does `final_store` say what CALPADS will hold.
    """
    store = store.opened(_all_ssids(plan_files))
    findings, held = [], pd.Series(dtype="str")
    for file in plan_files:
        sent = _without(Records(file.records, context.as_of), held)
        state = Records(store.rows_of(sent.frame["ssid"]), context.as_of)
        found = joined_findings([file_findings(sent, context), state_findings(sent, state, context)])
        findings.append(found.assign(file=file.name, row=_rows_in_file(file.records, held)[found["row"]]))
        new = found.loc[found["severity"] == FATAL, "ssid"].drop_duplicates()
        store = store.posted(_without(sent, new).frame, context)
        held = pd.concat([held, new], ignore_index=True)
    findings.append(look_ahead(store, context))
    every = joined_findings(findings)
    return Prediction(every, store, _held(every))


def _all_ssids(plan_files: Sequence[UploadFile]) -> pd.Series:
    columns = [file.records["ssid"] for file in plan_files]
    return pd.concat(columns, ignore_index=True) if columns else pd.Series(dtype="str")


def _rows_in_file(records: pd.DataFrame, held: pd.Series) -> np.ndarray:
    """Positions in the file of the rows that are left when the held students are out."""
    return np.flatnonzero(~text.is_in(records["ssid"], held))


def _without(records: Records, students: pd.Series) -> Records:
    return records.take(_rows_in_file(records.frame, students)) if len(students) else records


def _held(findings: pd.DataFrame) -> pd.DataFrame:
    fatal = findings.loc[findings["severity"] == FATAL, ["ssid", "rule", "message", "fix"]]
    return fatal.drop_duplicates(["ssid", "rule"]).reset_index(drop=True)
