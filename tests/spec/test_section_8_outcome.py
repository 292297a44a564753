"""Section 8: after the last file the model of CALPADS must be where Aeries is; a run that ends elsewhere must stop."""

from __future__ import annotations

import dataclasses

import pandas as pd
import polars as pl
import pytest

from senrkit.calpads.store import Store
from senrkit.frames.pandas_door import to_pandas
from senrkit.results.outcome import Outcome, assert_settled, foretell
from tests.rulebook import aeries, run, settings, state


@pytest.fixture(scope="module")
def ran():
    """Student 1: an update and a row of last year; 2: a delete and an add; 3: a row that is right."""
    sis = aeries("student start exit reason\n1 2026-08-12 2026-10-01 160\n2 2026-08-15 - -\n3 2026-08-12 - -")
    ods = state(
        """
        student start      exit       reason academic_year
        1       2026-08-12 -          -      2026-2027
        1       2025-08-12 2026-06-09 E155   2025-2026
        2       2026-08-12 -          -      2026-2027
        3       2026-08-12 -          -      2026-2027
        """
    )
    proposal, scope, spell_set = run(sis, ods, settings())
    return foretell(proposal, scope, spell_set, settings(), "7"), scope, spell_set


def final(ran, change) -> None:
    outcome, scope, _ = ran
    assert_settled(Store(change(to_pandas(outcome.store.rows))), outcome.proposal, scope)


def at(rows: pd.DataFrame, start: str) -> pd.Series:
    return rows["ssid"].str.endswith("01") & (rows["start_date"] == start)


def test_the_model_that_the_files_lead_to_is_settled(ran):
    final(ran, lambda rows: rows)


def lost(rows, start):
    return rows[~at(rows, start)]


def added(rows, **other):
    return pd.concat([rows, rows[at(rows, "20260812")].assign(**other)])


def altered(rows, start, **other):
    return rows.assign(**{name: rows[name].mask(at(rows, start), value) for name, value in other.items()})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: lost(rows, "20260812"), "1 enrollments that should be in the model of CALPADS are not"),
        (lambda rows: lost(rows, "20250812"), "1 enrollments that should be in the model of CALPADS are not"),
        (lambda rows: added(rows, start_date="20260901"), "1 enrollments in the model of CALPADS should not be"),
        (added, "enrollments in the model of CALPADS should not be"),
        (lambda rows: altered(rows, "20250812", grade="04"), "1 enrollments that were not sent differ"),
        (lambda rows: altered(rows, "20250812", last_updated=""), "1 enrollments that were not sent differ"),
        (lambda rows: altered(rows, "20260812", receiver_school="1990002"), "1 enrollments differ .* from what was"),
    ],
    ids=["update-lost", "last-year-lost", "too-many", "one-twice", "last-year-changed", "any-column", "not-as-sent"],
)
def test_a_model_that_ends_elsewhere_stops_the_run(ran, change, said):
    with pytest.raises(AssertionError, match=said):
        final(ran, change)


def test_what_was_sent_must_be_what_aeries_says(ran):
    outcome, scope, _ = ran
    other = dataclasses.replace(outcome.proposal, spells=outcome.proposal.spells.with_columns(grade=pl.lit("06")))
    with pytest.raises(AssertionError, match="2 enrollments differ in the model of CALPADS from what Aeries says"):
        assert_settled(outcome.store, other, scope)


# Mended faults.


def outcome_of(sis, ods, chosen=None) -> Outcome:
    chosen = chosen or settings()
    proposal, scope, spell_set = run(sis, ods, chosen)
    return foretell(proposal, scope, spell_set, chosen, "7")


@pytest.mark.parametrize("codes", [("1999001", "1999002"), ("1999002", "1999001")])
@pytest.mark.parametrize("start", ["2026-08-12", "2026-08-20"])
def test_unknown_nps_with_two_in_calpads_deleted_the_one_that_stood_later_in_the_file(codes, start):
    """Nobody can tell which of the two Aeries means, so a person decides."""
    sis = aeries(f"school start\nN {start}", lacking=("ENR.NPS",))
    ods = state("school start nps\n" + "\n".join(f"N 2026-08-12 {code}" for code in codes))
    outcome = outcome_of(sis, ods)
    assert outcome.plan.files == ()
    assert set(to_pandas(outcome.proposal.actions)["hold_reason"]) == {"ambiguous-pair"}


def test_unknown_nps_with_one_in_calpads_is_that_one():
    sis = aeries("school start\nN 2026-08-12", lacking=("ENR.NPS",))
    outcome = outcome_of(sis, state("school nps\nN 1999002"))
    assert to_pandas(outcome.proposal.actions)["action"].tolist() == ["same"]


@pytest.mark.parametrize(("primary", "secondary"), [("A", "B"), ("B", "A")])
def test_primary_and_secondary_exchanged_was_held_when_the_new_primary_came_first(primary, secondary):
    """What stops being primary goes first; before, the order of the schools decided whether CALPADS would take it."""
    sis = aeries(f"school program\n{primary} -\n{secondary} C")
    outcome = outcome_of(sis, state(f"school status\n{primary} 20\n{secondary} 10"))
    assert [file.records["status"].item() for file in outcome.plan.files] == ["20", "10"]


@pytest.mark.parametrize("rows", [("B -", "N 1999001"), ("N 1999001", "B -")])
def test_which_of_two_equal_rows_moved_hung_on_their_order_in_the_file(rows):
    outcome = outcome_of(aeries("school\nA"), state("school nps\n" + "\n".join(rows)))
    actions = to_pandas(outcome.proposal.actions)
    moved = actions[(actions["action"] == "delete") & (actions["reason"] == "school-moved")]
    assert moved["school_code"].tolist() == ["0000001"]
