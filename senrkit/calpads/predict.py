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
from senrkit.calpads.store import Store
from senrkit.frames.pandas_door import to_polars
from senrkit.reference import SENR_FIELDS
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
    opened = None if store is None else store.opened(records)
    if opened is not None:
        found.append(check_against_state(records, opened.at(opened.places_of(records)), context))
    findings = joined_findings(found)
    posted = not (findings["severity"] == FATAL).any()
    return Answer(findings, posted, opened.posted(records, context) if posted and opened is not None else store)


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
    final, places = _posted(sent, store.opened(sent), context)
    held = final.at(places).with_columns(places["file"]).with_row_index("row")
    said = joined_findings([check_file(sent, context), check_against_state(sent, held, context)])
    order = pl.DataFrame({"file": [file.name for file in plan_files]}, {"file": pl.String}).with_row_index("number")
    said = said.join(order, on="file", maintain_order="left").sort("number", maintain_order=True)
    sunk = said.filter(col.severity == FATAL).group_by("ssid").agg(sunk=col.number.min())
    said = said.join(sunk, on="ssid", how="left", maintain_order="left")
    said = said.filter((col.number <= col.sunk).fill_null(True))
    # Of who drops out there stands what stood before that file.
    stays = sunk.join(order.select("file", sunk="number"), on="sunk")
    final = final.restored(sunk, places.join(stays, on=["ssid", "file"], how="semi", maintain_order="left"))
    every = joined_findings([said.drop("number", "sunk"), look_ahead(final, context)])
    held = every.filter(col.severity == FATAL).unique(["ssid", "rule"], keep="first", maintain_order=True)
    return Prediction(every, final, held.select("ssid", "rule", "message", "fix"))


def _in_order(plan_files: Sequence[UploadFile]) -> pl.DataFrame:
    """The records of all files, one file after the other, with `file` and `row`."""
    none = pl.DataFrame(schema=dict.fromkeys(SENR_FIELDS, pl.String))
    files = [("", none), *((file.name, to_polars(file.records)) for file in plan_files)]
    return pl.concat(records.with_row_index("row").with_columns(file=pl.lit(name)) for name, records in files)


def _posted(sent: pl.DataFrame, store: Store, context: CheckContext) -> tuple[Store, pl.DataFrame]:
    """The state after the last file; and at which places (`place`, `ssid`) each `file` found its students' rows."""
    found = [store.places_of(sent).clear().with_columns(file=pl.lit(""))]
    for records in sent.partition_by("file", maintain_order=True) if len(sent) else ():
        found.append(store.places_of(records).with_columns(file=pl.lit(records["file"][0])))
        store = store.posted(records.select(SENR_FIELDS), context)
    return store, pl.concat(found)
