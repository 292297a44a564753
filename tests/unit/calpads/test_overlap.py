"""Overlap by sorting agrees with overlap by looking at every pair, and with the pairs as the rule words them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from senrkit.calpads.overlap import with_overlaps
from senrkit.calpads.records import with_terms
from senrkit.reference import SENR_FIELDS
from tests.tables import context

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


def made(spells: list[tuple]) -> pl.DataFrame:
    rows = []
    for student, school, start, days, reason in spells:
        closed = {} if days is None else {"exit_date": day(start + days), "exit_reason": reason}
        key = {"ssid": f"900000000{student}", "school_code": f"019990{school}", "start_date": day(start)}
        rows.append(NOBODY | key | closed)
    return with_terms(pl.DataFrame(rows, dict.fromkeys(SENR_FIELDS, pl.String)), context())


def overlap(records: pl.DataFrame, others: pl.DataFrame, group: str) -> tuple[list, list, list]:
    """Overlaps, only shares a day, with which."""
    columns = ["student"] if group == "ssid" else ["student", "school"]
    found = with_overlaps(records, others, "found", columns, pl.lit(True), pl.lit(True))
    return tuple(found[f"found_{name}"].to_list() for name in ("overlaps", "same_day", "other"))


def pair(one: tuple, other: tuple, group: str) -> str:
    """What the rule says of two enrollments: `overlap`, `same day` or nothing."""
    same_group = one[0] == other[0] and (group == "ssid" or one[1] == other[1])
    if not same_group or one[:3] == other[:3] or _void(one) or _void(other):
        return ""
    if one[2] > _end(other) or other[2] > _end(one):
        return ""
    return "same day" if one[2] == _end(other) or other[2] == _end(one) else "overlap"


def _void(spell: tuple) -> bool:
    """Canceled, or impossible."""
    return spell[3] is not None and (spell[3] < 0 or (spell[4] == "N470" and spell[3] == 0))


def _end(spell: tuple) -> float:
    return np.inf if spell[3] is None else spell[2] + spell[3]


@settings(max_examples=150, deadline=None)
@given(st.lists(SPELL, max_size=7), st.lists(SPELL, max_size=7), st.sampled_from(["ssid", "school"]))
def test_as_if_every_pair_were_looked_at(asked, others, group):
    records, state = made(asked), made(others)
    found = overlap(records, state, group)
    for spell, overlaps, same_day, partner in zip(asked, *found, strict=True):
        said = [pair(spell, other, group) for other in others]
        expected = "overlap" if "overlap" in said else "same day" if "same day" in said else ""
        given_answer = "overlap" if overlaps else "same day" if same_day else ""
        assert given_answer == expected
        assert expected == ("" if partner is None else said[partner])


def test_the_partner_is_the_one_that_overlaps_not_one_that_only_shares_the_day():
    asked = [(1, 1, 0, 5, "T160")]
    others = [(1, 1, 0, 5, "T160"), (1, 2, 0, 0, "T160"), (1, 3, 0, 5, "T160")]
    assert overlap(made(asked), made(others), "ssid") == ([True], [False], [2])


def test_one_ssid_on_a_hundred_thousand_rows():
    """Pair by pair this would be ten thousand million comparisons."""
    count = 100_000
    one = made([(1, 1, 0, 5, "T160")])
    schools = (pl.int_range(count) + 1_000_000).cast(pl.String)
    repeated = one.select(SENR_FIELDS)[[0] * count].with_columns(school_code=schools)
    many = with_terms(repeated, context())
    assert all(overlap(many, many, "ssid")[0])
    assert not any(overlap(many, many, "school")[0])
