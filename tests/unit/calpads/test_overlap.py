"""Overlap by sorting agrees with overlap by looking at every pair, and with the pairs as the rule words them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from senrkit.calpads.overlap import overlap
from senrkit.calpads.records import Records
from senrkit.reference import SENR_FIELDS
from tests.tables import AS_OF

FIRST = dt.date(2026, 8, 1)
NOBODY = dict.fromkeys(SENR_FIELDS, "")

SPELL = st.tuples(
    st.integers(1, 2),  # student
    st.integers(1, 2),  # school
    st.integers(0, 6),  # start
    st.one_of(st.none(), st.integers(-2, 6)),  # days to the exit, none: open
    st.sampled_from(["T160", "N470"]),
)


def day(count: int) -> str:
    return (FIRST + dt.timedelta(days=count)).strftime("%Y%m%d")


def made(spells: list[tuple]) -> Records:
    rows = []
    for student, school, start, days, reason in spells:
        closed = {} if days is None else {"exit_date": day(start + days), "exit_reason": reason}
        key = {"ssid": f"900000000{student}", "school_code": f"019990{school}", "start_date": day(start)}
        rows.append(NOBODY | key | closed)
    return Records(pd.DataFrame(rows, columns=list(SENR_FIELDS), dtype="str"), AS_OF)


def pair(one: tuple, other: tuple, group: str) -> str:
    """What the rule says of two enrollments: `overlap`, `same day` or nothing."""
    same_group = one[0] == other[0] and (group == "ssid" or one[1] == other[1])
    if not same_group or one[:3] == other[:3] or _void(one) or _void(other):
        return ""
    if one[2] > _end(other) or other[2] > _end(one):
        return ""
    return "same day" if one[2] == _end(other) or other[2] == _end(one) else "overlap"


def _void(spell: tuple) -> bool:
    """Cancelled, or impossible."""
    return spell[3] is not None and (spell[3] < 0 or (spell[4] == "N470" and spell[3] == 0))


def _end(spell: tuple) -> float:
    return np.inf if spell[3] is None else spell[2] + spell[3]


@settings(max_examples=150, deadline=None)
@given(st.lists(SPELL, max_size=7), st.lists(SPELL, max_size=7), st.sampled_from(["ssid", "school"]))
def test_as_if_every_pair_were_looked_at(asked, others, group):
    records, state = made(asked), made(others)
    found = overlap(records, state, group, np.ones(len(asked), dtype=bool), np.ones(len(others), dtype=bool))
    for position, spell in enumerate(asked):
        said = [pair(spell, other, group) for other in others]
        expected = "overlap" if "overlap" in said else "same day" if "same day" in said else ""
        given_answer = "overlap" if found.overlaps[position] else "same day" if found.same_day[position] else ""
        assert given_answer == expected
        assert expected == ("" if found.partner[position] < 0 else said[found.partner[position]])


def test_the_partner_is_the_one_that_overlaps_not_one_that_only_shares_the_day():
    asked = [(1, 1, 0, 5, "T160")]
    others = [(1, 1, 0, 5, "T160"), (1, 2, 0, 0, "T160"), (1, 3, 0, 5, "T160")]
    found = overlap(made(asked), made(others), "ssid", np.ones(1, dtype=bool), np.ones(3, dtype=bool))
    assert found.overlaps.tolist() == [True] and found.partner.tolist() == [2]


def test_one_ssid_on_a_hundred_thousand_rows():
    """Pair by pair this would be ten thousand million comparisons."""
    count = 100_000
    one = made([(1, 1, 0, 5, "T160")])
    schools = (pd.Series(range(count)) + 1_000_000).astype("str")
    repeated = one.frame.take(np.zeros(count, dtype="int64")).reset_index(drop=True)
    many = Records(repeated.assign(school_code=schools), AS_OF)
    everyone = np.ones(count, dtype=bool)
    assert overlap(many, many, "ssid", everyone, everyone).overlaps.all()
    assert not overlap(many, many, "school", everyone, everyone).overlaps.any()
