"""The look-ahead to certification: what the state as it will be would be told."""

from __future__ import annotations

import datetime as dt

import pytest

from senrkit.calpads.check import look_ahead
from senrkit.frames.pandas_door import to_pandas
from tests.tables import context, store
from tests.text_tables import rows_of

STATE_TABLES = {
    "CERT112": """
        student  start_date  exit_date  exit_reason  reporting_lea  says
        1        20250812    -          -            1999990        warning
        2        20250812    20260610   E155         1999990        fine
        3        20260812    -          -            1999990        fine
        4        20250812    -          -            1888880        fine
        """,
    "CERT114": """
        student  school_code  start_date  exit_date  exit_reason  says
        1        0199901      20260812    20261002   E150         warning
        2        0199901      20260812    20261002   E150         fine
        2        0199902      20261003    -          -            fine
        3        0199901      20260812    20261002   E150         warning
        3        0199901      20261003    20261002   N470         fine
        4        0199901      20260812    20261002   T160         fine
        """,
    "SENR0286E3": """
        student  school_code  start_date  exit_date  exit_reason  says
        1        0199901      20260812    20261002   E150         fine
        1        0199901      20261003    -          -            fine
        2        0199901      20260812    20261002   E150         warning
        2        0199901      20261004    -          -            fine
        3        0199901      20260812    20261002   E150         fine
        3        0199902      20261005    -          -            fine
        """,
}


@pytest.mark.parametrize("rule", STATE_TABLES)
def test_rule(rule):
    table = STATE_TABLES[rule]
    found = to_pandas(look_ahead(store(table), context()))
    found = found[found["rule"] == rule]
    said = {(row.ssid[-1], row.start_date): row.severity for row in found.itertuples()}
    expected = {(row["student"], row["start_date"]): row["says"] for row in rows_of(table) if row["says"] != "fine"}
    assert said == expected
    assert (found["row"] == -1).all()


def test_last_year_may_stay_open_until_15_august():
    held = store("start_date academic_year\n20250812 2025-2026")
    assert "CERT112" not in set(look_ahead(held, context(dt.date(2026, 8, 15)))["rule"])
    assert "CERT112" in set(look_ahead(held, context(dt.date(2026, 8, 16)))["rule"])


def test_a_school_without_enrollment():
    """District 0261333 has two active schools in the directory: an elementary and a community day school."""
    asked = context(lea="0261333", directory=True)
    one = store("school_code\n6002794", reporting_lea="0261333")
    both = store("school_code\n6002794\n0230029", reporting_lea="0261333")
    last_year = store("school_code academic_year\n6002794 2026-2027\n0230029 2025-2026", reporting_lea="0261333")

    def lacking(held) -> list[str]:
        found = to_pandas(look_ahead(held, asked))
        return found.loc[found["rule"] == "CERT001", "school_code"].tolist()

    assert lacking(one) == ["0230029"]
    assert lacking(both) == []
    assert lacking(last_year) == ["0230029"]


TESTED_HERE = (*STATE_TABLES, "CERT001")
