"""What CALPADS would answer to a file, and to the plan's files in order, and who would sink them.

Source: reconciliation.md section 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from senrkit.calpads.check import file_findings, look_ahead, state_findings
from senrkit.calpads.findings import FATAL, joined_findings
from senrkit.calpads.records import Records
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store
from senrkit.frames import text

# Numbered anew when students drop out of the files; no rule asks for its value.
_TRACE = "local_record_id"


class UploadFile(Protocol):
    """What is predicted: a name and the SENR records of one file."""

    name: str
    records: pd.DataFrame


@dataclass(frozen=True)
class Answer:
    """What CALPADS says to a file: `posted` is False, and `store` the old one, when one finding is fatal."""

    findings: pd.DataFrame
    posted: bool
    store: Store | None


@dataclass(frozen=True)
class Prediction:
    """What CALPADS would answer.

    `findings`: the findings frame, with the file's name (`""` for the look-ahead to certification).
    `held`: `ssid`, `rule`, `message`, `fix`, one row per student and rule that would reject a file; empty when every
    file would post.
    `final_store`: the state after the last file, without the records of held students. `first_store`: the state before
    the first, with the students of the files set apart.
    """

    findings: pd.DataFrame
    first_store: Store
    final_store: Store
    held: pd.DataFrame


def apply(store: Store | None, records: pd.DataFrame, context: CheckContext) -> Answer:
    """The file checked, and posted whole when nothing fatal was found, otherwise not at all.

    Parameters
    ----------
    store
        What CALPADS holds; without it the file is checked against itself alone.
    records
        SENR fields as text, one submission file.
    """
    sent = Records(records, context.as_of)
    parts, held = [file_findings(sent, context)], None
    if store is not None:
        held = store.rows_of(sent.frame["ssid"])
        parts.append(state_findings(sent, Records(held, context.as_of), context))
    findings = joined_findings(parts)
    posted = not (findings["severity"] == FATAL).any()
    return Answer(findings, posted, store.posted(sent, context, held) if posted and store is not None else store)


def predict(plan_files: Sequence[UploadFile], store: Store, context: CheckContext) -> Prediction:
    """Apply the files in upload order; a student with a fatal finding drops out of that file and all later ones.

    Dropping the student, not the file, keeps one student's fault from making every later file look wrong. The caller
    holds those students and plans again until `held` is empty; only then does `final_store` say what CALPADS will hold.
    """
    first = store = store.opened(_all_ssids(plan_files))
    findings, held = [], pd.Series(dtype="str")
    for file, alone in zip(plan_files, _each_alone(plan_files, context), strict=True):
        rows = _rows_in_file(file.records, held)
        sent = Records(_only(file.records, rows), context.as_of)
        held_now = store.rows_of(sent.frame["ssid"])
        against = state_findings(sent, Records(held_now, context.as_of), context)
        alone = alone[~text.is_in(alone["ssid"], held)]
        found = joined_findings([alone, against.assign(row=rows[against["row"]])])
        findings.append(found.assign(file=file.name))
        new = found.loc[found["severity"] == FATAL, "ssid"].drop_duplicates()
        store = store.posted(_without(sent, new), context, held_now)
        held = pd.concat([held, new], ignore_index=True)
    findings.append(look_ahead(store, context))
    every = joined_findings(findings)
    return Prediction(every, first, store, _held(every))


def predict_without_held(
    prediction: Prediction,
    plan_files: Sequence[UploadFile],
    left_files: Sequence[UploadFile],
    context: CheckContext,
) -> Prediction:
    """What `predict` says of `left_files`: the files of the prediction, made again without the students it holds.

    No rule about a record looks beyond the records and rows of its own student, so what was said of the students who
    are left still stands and is not asked again; what CALPADS holds in the end is worked out anew.

    Raises
    ------
    AssertionError
        when other records are left than those that were asked about: a fault of senrkit.
    """
    store = prediction.first_store
    stays = [_rows_in_file(file.records, prediction.held["ssid"]) for file in plan_files]
    asked = [(file, rows) for file, rows in zip(plan_files, stays, strict=True) if len(rows)]
    assert len(asked) == len(left_files), "Other files than were checked."
    findings = []
    for (before, rows), left in zip(asked, left_files, strict=True):
        assert _same_records(_only(before.records, rows), left.records), "Other records than were checked."
        said = prediction.findings[text.equals(prediction.findings["file"], before.name)]
        said = said[np.isin(said["row"], rows)]
        findings.append(said.assign(file=left.name, row=np.searchsorted(rows, said["row"])))
        store = store.posted(left.records, context)
    findings.append(look_ahead(store, context))
    every = joined_findings(findings)
    return Prediction(every, prediction.first_store, store, _held(every))


def _each_alone(plan_files: Sequence[UploadFile], context: CheckContext) -> Iterator[pd.DataFrame]:
    """Findings about each file against itself, asked about all files at once: a rule costs more than its records."""
    if not plan_files:
        return
    number = np.repeat(np.arange(len(plan_files)), [len(file.records) for file in plan_files])
    records = pd.concat([file.records for file in plan_files], ignore_index=True)
    found = file_findings(Records(records, context.as_of, pd.Series(number).astype("str")), context)
    of_file, first = number[found["row"]], np.searchsorted(number, np.arange(len(plan_files)))
    for at in range(len(plan_files)):
        said = found[of_file == at]
        yield said.assign(row=said["row"] - first[at])


def _all_ssids(plan_files: Sequence[UploadFile]) -> pd.Series:
    columns = [file.records["ssid"] for file in plan_files]
    return pd.concat(columns, ignore_index=True) if columns else pd.Series(dtype="str")


def _rows_in_file(records: pd.DataFrame, held: pd.Series) -> np.ndarray:
    """Positions in the file of the rows that are left when the held students are out."""
    return np.flatnonzero(~text.is_in(records["ssid"], held))


def _only(records: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    # Mostly nobody is out, and copying a wide frame takes a while.
    return records if len(rows) == len(records) else records.take(rows)


def _without(records: Records, students: pd.Series) -> Records:
    return records.take(_rows_in_file(records.frame, students)) if len(students) else records


def _same_records(before: pd.DataFrame, left: pd.DataFrame) -> bool:
    plain = [records.drop(columns=_TRACE).reset_index(drop=True) for records in (before, left)]
    return plain[0].equals(plain[1])


def _held(findings: pd.DataFrame) -> pd.DataFrame:
    fatal = findings.loc[findings["severity"] == FATAL, ["ssid", "rule", "message", "fix"]]
    return fatal.drop_duplicates(["ssid", "rule"]).reset_index(drop=True)
