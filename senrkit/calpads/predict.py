"""What CALPADS would answer to a file, and to the plan's files in order, and who would sink them.

Source: reconciliation.md section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl
from polars import col

from senrkit.calpads.check import check_against_state, check_file, look_ahead
from senrkit.calpads.findings import FATAL, joined_findings
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store, after
from senrkit.frames.pandas_door import to_polars
from senrkit.reference import ODS_FIELDS, SENR_FIELDS
from senrkit.texts.card import Carded


class UploadFile(Protocol):
    """What is predicted: a name and the SENR records of one file."""

    name: str
    records: pl.DataFrame


@dataclass(frozen=True, repr=False)
class Answer(Carded):
    """What CALPADS says to a file: `posted` is False, and `store` the old one, when one finding is fatal."""

    findings: pl.DataFrame
    posted: bool
    store: Store | None


@dataclass(frozen=True, repr=False)
class Prediction(Carded):
    """What CALPADS would answer.

    `findings`: the findings frame, with the file's name (`""` for the look-ahead to certification).
    `held`: `ssid`, `rule`, `message`, `fix`, one row per student and rule that would reject a file; empty when every
    file would post.
    `final_store`: the state after the last file, without the records of held students.
    """

    findings: pl.DataFrame
    final_store: Store
    held: pl.DataFrame


def apply(store: Store | None, records: pl.DataFrame, context: CheckContext) -> Answer:
    """The file checked, and posted whole when nothing fatal was found, otherwise not at all.

    Parameters
    ----------
    store
        What CALPADS holds; without it the file is checked against itself alone.
    records
        SENR fields as text, one submission file.
    """
    records = to_polars(records)
    found = [check_file(records, context)]
    if store is not None:
        found.append(check_against_state(records, store.rows_of(records), context))
    findings = joined_findings(found)
    posted = not (findings["severity"] == FATAL).any()
    return Answer(findings, posted, store.posted(records, context) if posted and store is not None else store)


def predict(plan_files: Sequence[UploadFile], store: Store, context: CheckContext) -> Prediction:
    """Apply the files in upload order; a student with a fatal finding drops out of that file and all later ones.

    Dropping the student, not the file, keeps one student's error from making every later file look wrong. No rule
    about a record looks beyond the records and rows of its own student: so all files are asked at once as if every one
    had posted, and what was said after a student's first fatal finding does not count. The caller holds those students
    and plans again until `held` is empty; only then does `final_store` say what CALPADS will hold.

    Parameters
    ----------
    plan_files
        Each with `name` and `records`, a frame of pandas or Polars with the 35 SENR fields as text.
    store
        What CALPADS holds now: `Store(extract.state)`.

    Returns
    -------
    Prediction
        `findings`: `file, rule, severity, school_code, ssid, start_date, fields, message, fix` (String; dates
        CCYYMMDD), `row` (position in its file). `held`: `ssid, rule, message, fix`.
    """
    sent = _in_order(plan_files)
    store = store.opened(sent)
    final, before = _posted(sent, store, context)
    said = joined_findings([check_file(sent, context), check_against_state(sent, before, context)])
    order = pl.DataFrame({"file": [file.name for file in plan_files]}, {"file": pl.String}).with_row_index("number")
    said = said.join(order, on="file", maintain_order="left").sort("number", maintain_order=True)
    sunk = said.filter(col.severity == FATAL).group_by("ssid").agg(sunk=col.number.min())
    said = said.join(sunk, on="ssid", how="left", maintain_order="left")
    said = said.filter((col.number <= col.sunk).fill_null(True))
    # Of who drops out there stands what stood before that file.
    stays = sunk.join(order.select("file", sunk="number"), on="sunk")
    final = final.put(sunk, before.join(stays, on=["ssid", "file"], how="semi").select(ODS_FIELDS))
    every = joined_findings([said.drop("number", "sunk"), look_ahead(final, context)])
    held = every.filter(col.severity == FATAL).unique(["ssid", "rule"], keep="first", maintain_order=True)
    return Prediction(every, final, held.select("ssid", "rule", "message", "fix"))


def _in_order(plan_files: Sequence[UploadFile]) -> pl.DataFrame:
    """The records of all files, one file after the other, with `file` and `row`."""
    return pl.concat([_none(SENR_FIELDS), *(_of_file(to_polars(file.records), file.name) for file in plan_files)])


def _posted(sent: pl.DataFrame, store: Store, context: CheckContext) -> tuple[Store, pl.DataFrame]:
    """The state after the last file; and, with `file` and `row`, what it was before each of the file's students."""
    before = [_none(ODS_FIELDS)]
    for records in sent.partition_by("file", maintain_order=True) if len(sent) else ():
        held = store.rows_of(records)
        before.append(_of_file(held, records["file"][0]))
        store = store.put(records, after(held, records.select(SENR_FIELDS), context))
    return store, pl.concat(before)


def _none(fields: Sequence[str]) -> pl.DataFrame:
    return _of_file(pl.DataFrame(schema=dict.fromkeys(fields, pl.String)), "")


def _of_file(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.with_row_index("row").with_columns(file=pl.lit(name))
