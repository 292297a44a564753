"""From a proposal to what will be sent: people's decisions, the plan, and what CALPADS will say to it (section 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl
from polars import col

from senrkit import reference
from senrkit.calpads.predict import Prediction, predict
from senrkit.calpads.records import NONPUBLIC
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store
from senrkit.frames import days
from senrkit.inputs.directory import SchoolDirectory
from senrkit.ledger.arrivals import KEY
from senrkit.ledger.overlay import Postings
from senrkit.reconciliation.decisions import Applied
from senrkit.reconciliation.evidence import sentence
from senrkit.reconciliation.identity import CONFLICT
from senrkit.reconciliation.proposal import Proposal, hold
from senrkit.reconciliation.scope import Scope
from senrkit.reference import ODS_FIELDS, SENR_FIELDS
from senrkit.results.files import SINGLE, Plan, order, unsendable
from senrkit.results.tables import PREDICTED, TO_DO
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from senrkit.spells.build import SpellSet
from senrkit.texts import wording
from senrkit.texts.card import Carded

DECIDED, ABSENT = "decision", "posted-but-absent"
# Fields about the record itself, not the enrollment.
_OF_THE_RECORD = ("record_type", "transaction", "local_record_id")


@dataclass(frozen=True, repr=False)
class Outcome(Carded):
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
    findings: pl.DataFrame
    store: Store


def decide(proposal: Proposal, applied: Applied) -> Proposal:
    """The proposal with the students held whom a person decided to hold."""
    if not applied.held.any():
        return proposal
    theirs = proposal.actions.filter(applied.held)
    return hold(proposal, _holds(theirs, DECIDED, pl.lit("A person decided so; see the decisions file."), pl.lit("")))


def with_postings(proposal: Proposal, posted: Postings) -> Proposal:
    """What rests on a row that no extract shows yet says so, and what CALPADS refused the last time; who was posted
    twice and never arrived is held."""
    if len(posted.absent):
        why = wording.phrase("hold", ABSENT)
        absent = pl.DataFrame({"ssid": posted.absent}).with_columns(
            hold_reason=pl.lit(ABSENT), detail=pl.lit(""), text=pl.lit(why.sentence)
        )
        proposal = hold(proposal, absent)
    proposal = _with_refusals(proposal, posted.refused)
    if posted.overlay is None:
        return proposal
    rests = col.ods_row.is_not_null()
    told = proposal.actions.join(posted.overlay.laid, on=list(KEY), how="left", maintain_order="left").with_columns(
        evidence=pl.when(rests & col.said.is_not_null())
        .then(pl.concat_str("evidence", pl.lit(" "), "said"))
        .otherwise("evidence")
    )
    return replace(proposal, actions=told.drop("said"))


def _with_refusals(proposal: Proposal, refused: pl.DataFrame) -> Proposal:
    if not len(refused):
        return proposal
    named = {rule: f"{title} ({rule})" for rule, title in reference.rule_titles().items()}
    rules = col.rules.list.eval(pl.element().replace(named)).list.join(", ")
    words = sentence("refused-before").format(on="{}", rules="{}")
    said = refused.select(
        "ssid", "school_code", start_date="start_key", intended="action", said=pl.format(words, days.iso(col.on), rules)
    )
    key = ["ssid", "school_code", "start_date", "intended"]
    told = proposal.actions.join(said, on=key, how="left", maintain_order="left")
    both = pl.concat_str("evidence", pl.lit(" "), "said").str.strip_chars_start()
    return replace(proposal, actions=told.with_columns(evidence=pl.coalesce(both, "evidence")).drop("said"))


def with_first_seen(plan: Plan, first_seen: pl.DataFrame, as_of: dt.date) -> Plan:
    """The plan, with `first_seen` (Date) of every action that is to be sent or held, the day of the first run that had
    it, of this one when none did; and `age` (Int64), the days since then."""
    day = pl.when(col.action.is_in(TO_DO)).then(col.first_seen.fill_null(as_of))
    known = first_seen.rename({"start_key": "start_date"})
    key = ["ssid", "school_code", "start_date", "action"]
    actions = plan.actions.join(known, on=key, how="left", maintain_order="left").with_columns(first_seen=day)
    actions = actions.with_columns(age=(pl.lit(as_of) - col.first_seen).dt.total_days())
    return replace(plan, actions=actions)


def with_concerned(plan: Plan, conflicts: pl.DataFrame) -> Plan:
    """The plan, with `concerned` (String): of students who are held by a conflict of identity the other SSIDs of it,
    with a bar between them; null of all others. `conflicts` as `Proposal.conflicts`."""
    others = conflicts.filter(~col.cleared).select("ssid", other=col.group.str.split("|")).explode("other")
    told = others.filter(col.other != col.ssid).group_by("ssid").agg(concerned=col.other.unique().sort().str.join("|"))
    told = told.with_columns(hold_reason=pl.lit(CONFLICT))
    return replace(plan, actions=plan.actions.join(told, on=["ssid", "hold_reason"], how="left", maintain_order="left"))


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
    # Once, for the plan is asked about a second time when students are held.
    store = store.opened(proposal.actions.filter(col.transaction != ""))
    prediction = predict(plan.files, store, context)
    findings = prediction.findings
    if settings.process.submission_mode != SINGLE:
        if len(prediction.held):
            # Of students who are held no record stands in any file, so neither does what would have been said of it.
            rejected = findings.join(prediction.held, on="ssid", how="semi", maintain_order="left")
            proposal = hold(proposal, _rejections(prediction))
            plan = order(proposal, settings, run_number)
            prediction = predict(plan.files, store, context)
            assert not len(prediction.held), "A file would be refused for a student who was not held."
            findings = pl.concat([prediction.findings, rejected.with_columns(file=pl.lit(""))])
        assert_settled(prediction.final_store, proposal, scope)
    same = ["rule", "ssid", "school_code", "start_date", "message"]
    findings = findings.unique(same, keep="first", maintain_order=True)
    return Outcome(proposal, plan, _with_file(findings, plan), prediction.final_store)


def _with_file(findings: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Findings of the look-ahead, too, name the file that holds the record: the last one with its key."""
    if not plan.files:
        return findings
    key = ["ssid", "school_code", "start_date"]
    sent = pl.concat(file.records.select(*key, sent_in=pl.lit(file.name)) for file in reversed(plan.files))
    last = findings.join(sent.unique(key, keep="first", maintain_order=True), on=key, how="left", maintain_order="left")
    named = pl.when(col.file == "").then(col.sent_in.fill_null("")).otherwise("file")
    return last.with_columns(file=named).drop("sent_in")


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
    touched = proposal.actions.filter(col.transaction != "")
    gone = touched.filter(col.ods_row >= 0)["ods_row"].implode()
    of_them = col.ssid.is_in(touched["ssid"].unique().implode())
    after = store.rows_of(touched).with_columns(_KEY)
    kept = scope.rows.where(of_them & ~pl.int_range(pl.len()).is_in(gone)).with_columns(_KEY)
    written = touched.filter(col.transaction == "A").select("row", "spell")
    records = written.join(proposal.records, on="row", maintain_order="left").with_columns(_KEY)

    expected = pl.concat([kept.select("key"), records.select("key")])
    lost = len(expected.join(after, on="key", how="anti"))
    strange = len(after.join(expected, on="key", how="anti"))
    assert not lost, f"{lost:,} enrollments that should be in the model of CALPADS are not."
    assert not strange and len(after) == len(expected), (
        f"{strange:,} enrollments in the model of CALPADS should not be."
    )
    changed = len(kept.join(after, on=ODS_FIELDS, how="anti"))
    assert not changed, f"{changed:,} enrollments that were not sent differ in the model of CALPADS."
    differ = _unequal(after, records, [name for name in SENR_FIELDS if name not in _OF_THE_RECORD])
    assert not differ, f"{differ:,} enrollments differ in the model of CALPADS from what was sent."
    spells = proposal.spells.select("spell", *COMPARED)
    of_spells = records.filter(col.spell >= 0).select("key", col.spell)
    unlike = _unequal(after, of_spells.join(spells, on="spell"), COMPARED)
    assert not unlike, f"{unlike:,} enrollments differ in the model of CALPADS from what Aeries says."


# The operational key; a nonpublic school's own code counts only at the nonpublic school.
_KEY = pl.concat_str(
    "school_code",
    pl.when(col.school_code == NONPUBLIC).then("nps_code").otherwise(pl.lit("")),
    "ssid",
    "start_date",
    separator="^",
).alias("key")


def _unequal(after: pl.DataFrame, expected: pl.DataFrame, names: Sequence[str]) -> int:
    """How many rows differ from the first with their key in the model, in the named columns; unknown is equal to
    anything."""
    stands = after.select("key", *names).join(expected, on="key", how="semi", maintain_order="left")
    stands = stands.unique("key", keep="first", maintain_order=True)
    met = expected.select("key", *names).join(stands, on="key", suffix="_after")
    differs = pl.any_horizontal((col(name) != col(f"{name}_after")).fill_null(False) for name in names)
    return met.select(differs.sum()).item()


def _without_unsendable(proposal: Proposal) -> Proposal:
    """A caret or a line end typed into Aeries would break the line it stands in: no file can carry it."""
    records = proposal.records
    bad = records.filter(unsendable(records)).select("row")
    if not len(bad):
        return proposal
    said = (
        "A value in Aeries holds a caret, a line end or a NUL, which no file can carry. "
        "Take it out in Aeries and run again."
    )
    theirs = proposal.actions.join(bad, on="row", how="semi", maintain_order="left")
    return hold(proposal, _holds(theirs, PREDICTED, pl.lit(said), pl.lit("")))


def _rejections(prediction: Prediction) -> pl.DataFrame:
    """Every student with a finding that would reject a file, with rule, sentence and fix."""
    return _holds(prediction.held, PREDICTED, pl.format("{}: {} {}", "rule", "message", "fix"), col.rule)


def _holds(students: pl.DataFrame, reason: str, said: pl.Expr, detail: pl.Expr) -> pl.DataFrame:
    """One hold a student (column `ssid`)."""
    first = students.unique("ssid", keep="first", maintain_order=True)
    return first.select("ssid", hold_reason=pl.lit(reason), detail=detail, text=said)
