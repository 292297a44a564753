"""From a proposal to what will be sent: people's decisions, the plan, and what CALPADS will say to it (section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from senrkit.calpads.predict import Prediction, predict
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store
from senrkit.frames import text
from senrkit.frames.pandas_door import to_pandas
from senrkit.frames.text import taken
from senrkit.inputs.directory import SchoolDirectory
from senrkit.reconciliation.decisions import Applied
from senrkit.reconciliation.proposal import Proposal, hold
from senrkit.reconciliation.scope import Scope, key_of
from senrkit.reference import ODS_FIELDS, SENR_FIELDS
from senrkit.results.files import SINGLE, Plan, order, unsendable
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from senrkit.spells.build import SpellSet

PREDICTED, DECIDED = "predicted-rejection", "decision"
# Fields about the record itself, not the enrollment.
_OF_THE_RECORD = ("record_type", "transaction", "local_record_id")


@dataclass(frozen=True)
class Outcome:
    """What is sent, who is held, and what CALPADS will hold afterwards.

    Attributes
    ----------
    proposal
        With every hold in it.
    plan
        The files in order.
    findings
        Predicted findings about the files that are sent, and those that held a student.
    store
        The model of CALPADS after the last file.
    """

    proposal: Proposal
    plan: Plan
    findings: pd.DataFrame
    store: Store


def decide(proposal: Proposal, applied: Applied) -> Proposal:
    """The proposal with the students held whom a person decided to hold."""
    if not applied.held.any():
        return proposal
    ssids = proposal.actions.loc[applied.held, "ssid"].drop_duplicates()
    return hold(proposal, _holds(ssids, DECIDED, "A person decided so; see the decisions file."))


def foretell(
    proposal: Proposal,
    scope: Scope,
    spell_set: SpellSet,
    settings: Settings,
    run_number: str,
    directory: SchoolDirectory | None = None,
) -> Outcome:
    """Plan the files, let the model of CALPADS answer, hold who would sink one, and plan again without them.

    Raises
    ------
    AssertionError
        when a file would still be refused, or the model does not end where it must (`assert_settled`): a fault of
        senrkit.
    """
    context = CheckContext(settings.school_year, settings.as_of, settings.lea, settings.charter, directory)
    store = Store(scope.rows)
    proposal = _without_unsendable(proposal)
    plan = order(proposal, settings, run_number)
    prediction = predict(plan.files, store, context)
    findings = to_pandas(prediction.findings)  # seam
    if settings.process.submission_mode != SINGLE:
        if len(prediction.held):
            # Of students who are held no record stands in any file, so neither does what would have been said of it.
            rejected = findings[text.is_in(findings["ssid"], to_pandas(prediction.held)["ssid"])].assign(file="")
            proposal = hold(proposal, _rejections(prediction))
            left = order(proposal, settings, run_number)
            prediction = predict(left.files, store, context)
            assert not len(prediction.held), "A file would be refused for a student who was not held."
            findings, plan = pd.concat([to_pandas(prediction.findings), rejected], ignore_index=True), left
        assert_settled(prediction.final_store, proposal, scope)
    findings = findings.drop_duplicates(["rule", "ssid", "school_code", "start_date", "message"], ignore_index=True)
    return Outcome(proposal, plan, _with_file(findings, plan), prediction.final_store)


def _with_file(findings: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Findings of the look-ahead, too, name the file that holds the record: the last one with its key."""
    if not plan.files:
        return findings
    key = ["ssid", "school_code", "start_date"]
    sent = pd.concat([file.records[key].assign(file=file.name) for file in reversed(plan.files)], ignore_index=True)
    at = text.positions(text.joined([findings[name] for name in key]), text.joined([sent[name] for name in key]))
    return findings.assign(file=text.first_filled(findings["file"], taken(sent["file"], at).fillna("")))


def assert_settled(store: Store, proposal: Proposal, scope: Scope) -> None:
    """After the last file the model equals the spells in scope, save the held, the settled and the future-dated.

    Looked at are all rows of every student whom a file touches; the rows of all others are by construction those of
    the extract. What was neither updated nor deleted must stand there unchanged to the last column, in scope or not;
    what was sent must stand there as it was sent, and as Aeries says; and nothing else may stand there.

    Raises
    ------
    AssertionError
        with counts only.
    """
    touched = proposal.actions[proposal.actions["transaction"] != ""]
    ssids = touched["ssid"].drop_duplicates()
    after = to_pandas(store.rows_of(pl.DataFrame({"ssid": pl.Series(ssids.to_list(), dtype=pl.String)})))
    left_alone = scope.rows.is_in("ssid", ssids)
    left_alone[touched.loc[touched["ods_row"] >= 0, "ods_row"]] = False
    kept = scope.rows.where(left_alone)
    written = touched[touched["transaction"] == "A"]
    records = proposal.records.loc[written.index]

    expected, found = pd.concat([key_of(kept), key_of(records)], ignore_index=True), key_of(after)
    lost, strange = int((~text.is_in(expected, found)).sum()), int((~text.is_in(found, expected)).sum())
    assert not lost, f"{lost:,} enrollments that should be in the model of CALPADS are not."
    assert not strange and len(found) == len(expected), (
        f"{strange:,} enrollments in the model of CALPADS should not be."
    )
    stands = text.positions(expected, found)
    changed = _unequal(after, stands[: len(kept)], kept, ODS_FIELDS)
    assert not changed, f"{changed:,} enrollments that were not sent differ in the model of CALPADS."
    sent = stands[len(kept) :]
    differ = _unequal(after, sent, records, [name for name in SENR_FIELDS if name not in _OF_THE_RECORD])
    assert not differ, f"{differ:,} enrollments differ in the model of CALPADS from what was sent."
    spell = written["spell"].to_numpy()
    said = proposal.spells[list(COMPARED)].iloc[spell[spell >= 0]]
    unlike = _unequal(after, sent[spell >= 0], said, COMPARED)
    assert not unlike, f"{unlike:,} enrollments differ in the model of CALPADS from what Aeries says."


def _unequal(left: pd.DataFrame, at: np.ndarray, right: pd.DataFrame, names: Sequence[str]) -> int:
    """How many rows differ from their counterpart, at those positions on the left, in the named columns; unknown on the
    right is equal to anything."""
    differs = np.zeros(len(at), dtype=bool)
    for name in names:
        stands = text.arrow(left[name]).combine_chunks().take(pa.array(at))
        unlike = pc.not_equal(stands, text.arrow(right[name]).combine_chunks())
        differs |= pc.fill_null(unlike, False).to_numpy(zero_copy_only=False)
    return int(differs.sum())


def _without_unsendable(proposal: Proposal) -> Proposal:
    """A caret or a line end typed into Aeries would break the line it stands in: no file can carry it."""
    rows = proposal.records.index[unsendable(proposal.records).to_numpy()]
    if not len(rows):
        return proposal
    said = (
        "A value in Aeries holds a caret, a line end or a NUL, which no file can carry. "
        "Take it out in Aeries and run again."
    )
    return hold(proposal, _holds(proposal.actions.loc[rows, "ssid"].drop_duplicates(), PREDICTED, said))


def _rejections(prediction: Prediction) -> pd.DataFrame:
    """Every student with a finding that would reject a file, with rule, sentence and fix."""
    held = to_pandas(prediction.held).drop_duplicates("ssid")
    said = text.concatenated(held["rule"], ": ", held["message"], " ", held["fix"])
    return _holds(held["ssid"], PREDICTED, said, held["rule"])


def _holds(ssids: pd.Series, reason: str, said: str | pd.Series, detail: str | pd.Series = "") -> pd.DataFrame:
    values = {"ssid": ssids, "hold_reason": reason, "detail": detail, "text": said}
    held = {name: value.to_numpy() if isinstance(value, pd.Series) else value for name, value in values.items()}
    return pd.DataFrame(held, index=pd.RangeIndex(len(ssids))).astype("str")
