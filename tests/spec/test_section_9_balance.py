"""Section 9: the balance, printed and asserted in every run."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from senrkit.reconciliation.proposal import balance
from tests import rulebook
from tests.rulebook import aeries, settings, state

SIS = """
    student school start      exit       reason grade
    1       A      2026-08-12 -          -      5
    2       A      2026-08-12 2026-10-02 160    5
    3       A      2026-08-12 -          -      5
    3       A      2026-08-12 -          -      5
    4       A      2026-08-12 2026-10-02 440    5
    4       A      2026-10-05 -          -      6
    5       A      2026-08-12 2026-10-02 160    5
    5       B      2026-10-01 -          -      5
    6       A      2026-08-12 -          -      5
    7       X      2026-08-12 -          -      5
    8       A      2026-12-01 -          -      5
"""
ODS = """
    student school start      exit       reason lea
    1       A      2026-08-12 -          -      1999990
    2       A      2026-08-12 -          -      1999990
    4       A      2026-08-12 -          -      1999990
    5       A      2026-08-12 -          -      1999990
    6       A      2026-08-12 2026-08-12 N470   1999990
    6       B      2026-08-12 2026-08-11 N470   1999990
    7       A      2026-08-12 -          -      1999990
    8       A      2026-12-01 -          -      1999990
    9       A      2026-08-12 -          -      1999990
    7       X      2026-08-12 -          -      1999990
    1       A      2025-08-13 2026-06-05 E155   1999990
    1       A      2026-08-12 -          -      1099990
"""
LINES = {
    "state-rows": (11, {"in-scope": 9, "other-school": 1, "other-year": 1}),
    "in-scope": (
        9,
        {
            "same": 1,
            "update": 3,
            "delete": 2,
            "held": 1,
            "settled-no-show": 1,
            "settled-completion": 0,
            "left-as-is": 0,
            "future-dated": 1,
        },
    ),
    "enr-rows": (11, {"in-spells": 9, "left-out": 2}),
    "spells": (8, {"same": 1, "update": 3, "add": 2, "held": 2}),
}


def made():
    return rulebook.run(aeries(SIS), state(ODS), settings())


def test_every_row_of_either_side_is_counted_once():
    lines = balance(*made())
    assert {name: (line["total"], line["parts"]) for name, line in lines.items()} == LINES


def test_rows_of_other_leas_are_not_among_the_rows_read():
    _, scope, _ = made()
    assert scope.counts()["other_lea"] == 1


@pytest.mark.parametrize("lost", ["same", "update", "delete", "hold", "settled-no-show", "future-dated"])
def test_a_lost_state_row_is_a_fault(lost):
    proposal, scope, spell_set = made()
    actions = proposal.actions
    one = actions.filter(pl.col("action") == lost, pl.col("ods_row") >= 0)[:1]
    with pytest.raises(AssertionError, match="in-scope"):
        balance(replace(proposal, actions=actions.join(one, "row", "anti")), scope, spell_set)


def test_a_lost_spell_and_a_lost_row_of_aeries_are_faults():
    proposal, scope, spell_set = made()
    add = proposal.actions.filter(action="add")[:1]
    with pytest.raises(AssertionError, match="spells"):
        balance(replace(proposal, actions=proposal.actions.join(add, "row", "anti")), scope, spell_set)
    with pytest.raises(AssertionError, match="enr-rows"):
        balance(proposal, scope, replace(spell_set, left_out=spell_set.left_out[:1]))
