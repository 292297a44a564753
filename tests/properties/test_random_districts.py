"""What must hold of every district, tried on random ones. `SENRKIT_EXAMPLES=1000` draws a thousand new districts."""

from __future__ import annotations

import dataclasses
import io
from random import Random

import pandas as pd
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.extract.senr import Extract
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reconciliation.proposal import HOLD_ORDER, balance, hold
from senrkit.reference import ODS_FIELDS, SENR_FIELDS
from senrkit.results.files import decode, encode, encode_files
from senrkit.results.outcome import foretell
from senrkit.results.tables import ACTIONS, formula_safe, proposal_table, to_csv
from tests.properties import expectations
from tests.properties.strategies import (
    LACKING_ANY,
    RUN_NUMBER,
    District,
    Ran,
    districts,
    holds_for,
    planned,
    run,
    student,
    thorough,
)

_NUMBERS = st.integers(0, 2**32 - 1)
# What an action is, apart from where its row happens to stand.
_WHAT = (
    "action intended reason hold_reason transaction school_code nps_code school_name ssid local_id grade start_date"
    " exit_date changed before after evidence hold_detail hold_text shortens at_risk no_show step"
).split()
_SETTLED = {"same", "hold", "settled-no-show", "settled-completion", "left-as-is", "future-dated"}


@thorough
@given(districts())
def test_a_run_agrees_with_aeries_and_the_next_one_finds_nothing_to_do(district: District):
    """Sections 7 to 9: every row in one class, files that touch what they may, the model where Aeries is, then rest."""
    holds_for(district, _runs_to_rest)


def _runs_to_rest(district: District) -> None:
    before = {name: table.copy(deep=True) for name, table in district.sis.tables.items()}
    extract = district.ods.rows.copy(deep=True)
    ran = _run(district)

    for name, table in before.items():
        assert_frame_equal(district.sis.tables[name], table)
    assert_frame_equal(district.ods.rows, extract)

    balance(ran.outcome.proposal, ran.scope, ran.spell_set)
    expectations.every_row_has_one_class(ran, district.sis.tables["ENR"])
    expectations.files_touch_only_what_they_may(ran, district.settings)
    expectations.the_model_ends_where_aeries_is(ran, district.settings)
    _what_is_written_reads_back(ran)

    again = run(district.sis, _as_extract(district.ods, to_pandas(ran.outcome.store.rows)), district.settings)
    assert again.outcome.plan.files == ()
    assert set(again.outcome.proposal.actions["action"]) <= _SETTLED
    assert expectations.held(again) <= expectations.held(ran)


@thorough
@given(districts(lacking=LACKING_ANY), _NUMBERS)
def test_the_order_of_rows_changes_no_byte(district: District, number: int):
    holds_for(district, lambda one: _is_the_same_shuffled(one, Random(number)))


def _is_the_same_shuffled(district: District, chance: Random) -> None:
    tables = {name: _shuffled(table, chance) for name, table in district.sis.tables.items()}
    sis = dataclasses.replace(district.sis, tables=tables)
    ods = _as_extract(district.ods, _shuffled(district.ods.rows, chance))
    plan, shuffled = planned(district.sis, district.ods, district.settings), planned(sis, ods, district.settings)
    assert_frame_equal(to_pandas(shuffled.actions)[_WHAT], to_pandas(plan.actions)[_WHAT])
    sent, as_well = (encode_files(one) for one in (plan, shuffled))
    assert [one.data for one in sent] == [one.data for one in as_well]


@thorough
@given(districts(lacking=LACKING_ANY), _NUMBERS)
def test_students_do_not_touch_each_other(district: District, number: int):
    """Half of the students gone, the other half have the actions they had; all but those who shared an SSID."""
    holds_for(district, lambda one: _is_the_same_for_half(one, Random(number)))


def _is_the_same_for_half(district: District, chance: Random) -> None:
    every = range(len(district.students))
    gone = {at for at in every if chance.random() < 0.5}
    shared = {at - by for at in every if district.students[at].person.get("CID") == "shared" for by in (0, 1)}
    numbers = set(every) - gone - shared
    ssids = {district.ssid(at) for at in numbers} | {district.strange_ssid(at) for at in numbers}
    left, whole = (
        to_pandas(planned(one.sis, one.ods, one.settings).actions)[_WHAT] for one in (district.without(gone), district)
    )
    assert_frame_equal(*(side[side["ssid"].isin(ssids)].reset_index(drop=True) for side in (left, whole)))


@thorough
@given(districts(), _NUMBERS)
def test_a_further_hold_takes_that_student_out_and_nobody_else(district: District, number: int):
    holds_for(district, lambda one: _holds_only_those(one, Random(number)))


def _holds_only_those(district: District, chance: Random) -> None:
    ran = _run(district)
    ssids = to_pandas(ran.proposal.actions)["ssid"].drop_duplicates()
    chosen = ssids[[chance.random() < 0.2 for _ in ssids]]
    asked = pd.DataFrame({"ssid": chosen, "hold_reason": "decision", "detail": "", "text": "A person said so."}).astype(
        "str"
    )
    proposal = hold(ran.proposal, asked)
    outcome = foretell(proposal, ran.scope, ran.spell_set, district.settings, RUN_NUMBER)

    assert set(outcome.proposal.holds["ssid"]) == expectations.held(ran) | set(chosen)
    assert not any(set(file.records["ssid"]) & set(chosen) for file in outcome.plan.files)
    earlier = to_pandas(ran.proposal.holds).set_index("ssid")["hold_reason"]
    assert to_pandas(proposal.holds).set_index("ssid")["hold_reason"][earlier.index].equals(earlier)
    sides = (to_pandas(one.plan.actions)[_WHAT] for one in (outcome, ran.outcome))
    assert_frame_equal(*(side[~side["ssid"].isin(chosen)] for side in sides))


def test_the_random_districts_meet_every_action_reason_and_hold():
    """A promise about districts in which nothing happens would be worth nothing."""
    district = District(tuple(map(student, range(1500))), 'prior_year_open = "hold"', "2026-11-23", ())
    actions = to_pandas(_run(district).outcome.proposal.actions)
    assert set(actions["action"]) == {*ACTIONS}
    assert set(actions["hold_reason"]) == {"", *HOLD_ORDER} - {"decision"}
    assert set(actions.loc[actions["action"] == "delete", "reason"]) == {
        "no-current-year-enrollment", "start-date-moved", "school-moved", "not-in-aeries",
    }  # fmt: skip
    assert set(actions.loc[actions["action"] == "add", "reason"]) == {
        "start-date-moved", "school-moved", "mid-year-change", "missing-in-calpads",
    }  # fmt: skip
    assert set(actions.loc[actions["intended"] == "update", "reason"]) == {
        "mid-year-change", "completion", "exit", "reopened", "exit-changed", "values-changed",
    }  # fmt: skip


_VALUES = st.text(st.characters(exclude_characters="^\r\n\0", exclude_categories=["Cs"]), max_size=8)


@thorough
@given(st.lists(st.lists(_VALUES, min_size=34, max_size=34), min_size=1, max_size=4))
def test_any_text_that_a_file_can_carry_comes_back(rows: list[list[str]]):
    records = pd.DataFrame([["SENR", *row] for row in rows], columns=list(SENR_FIELDS)).astype("str")
    assert_frame_equal(to_pandas(decode(encode(records))), records)


def _run(district: District) -> Ran:
    return run(district.sis, district.ods, district.settings)


def _what_is_written_reads_back(ran: Ran) -> None:
    for file, encoded in zip(ran.outcome.plan.files, encode_files(ran.outcome.plan), strict=True):
        assert decode(encoded.data).equals(file.records)
    table = proposal_table(ran.outcome.plan.actions, list_same=True)
    read = pd.read_csv(io.BytesIO(to_csv(table)), dtype="str", keep_default_na=False)
    assert_frame_equal(read, to_pandas(table.select(formula_safe(pl.all()))))


def _as_extract(like: Extract, rows: pd.DataFrame) -> Extract:
    file = dataclasses.replace(like.files[0], rows=len(rows))
    return dataclasses.replace(like, state=StateRows.of_frame(rows[list(ODS_FIELDS)]), files=(file,))


def _shuffled(table: pd.DataFrame, chance: Random) -> pd.DataFrame:
    return table.iloc[chance.sample(range(len(table)), len(table))].reset_index(drop=True)
