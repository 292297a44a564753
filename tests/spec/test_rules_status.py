"""Status, overlap, grade and age."""

from __future__ import annotations

import datetime as dt

import pytest

from senrkit.calpads.check import check_file
from tests.tables import assert_rule, context, records

FILE_TABLES = {
    "SENR0027": """
        student  school_code  start_date  exit_date  exit_reason  status  says
        1        0199901      20260812    20261101   T160         10      fatal
        1        0199902      20261031    -          -            10      fatal
        2        0199901      20260812    20261101   T160         10      fine
        2        0199902      20261101    -          -            10      fine
        3        0199901      20260812    -          -            10      fine
        3        0199902      20260812    -          -            20      fine
        4        0199901      20260812    -          -            10      fine
        4        0199902      20260812    20260811   N470         10      fine
        5        0199901      20260812    -          -            10      fatal
        5        0199902      20260901    20261001   T160         30      fatal
        6        0199901      20260812    -          -            10      fine
        6        0199902      20260901    20260930   T160         30      fine
        """,
    "SENR0178": """
        student  school_code  nps_code  start_date  exit_date  exit_reason  status  says
        1        0199901      -         20260812    20261101   E170         20      fatal
        1        0199901      -         20261031    -          -            20      fatal
        2        0199901      -         20260812    20261101   E170         20      fine
        2        0199902      -         20261031    -          -            20      fine
        3        0000001      0111111   20260812    -          -            20      fine
        3        0000001      0122222   20261031    -          -            20      fine
        """,
    "local-same-day": """
        student  school_code  start_date  exit_date  exit_reason  says
        1        0199901      20260812    20261101   T160         warning
        1        0199902      20261101    -          -            warning
        2        0199901      20260812    20261031   T160         fine
        2        0199902      20261101    -          -            fine
        3        0199901      20260812    20261102   T160         fine
        3        0199902      20261101    -          -            fine
        """,
    "local-exit-and-entry-one-file": """
        student  school_code  start_date  exit_date  exit_reason  status  says
        1        0199901      20260812    20261101   T160         10      fatal
        1        0199902      20261102    -          -            10      fine
        2        0199901      20260812    20261101   E150         20      fatal
        2        0199901      20261102    -          -            20      fine
        3        0199901      20260812    20261101   E170         20      fine
        3        0199902      20261102    -          -            10      fine
        4        0199901      20260812    20260811   N470         10      fine
        4        0199902      20260812    -          -            10      fine
        5        0199901      20260812    20261101   T160         10      fine
        6        0199902      20261102    -          -            10      fine
        """,
    "SENR0187": """
        status  start_date  exit_date  exit_reason  says
        30      20260901    20260930   T160         fine
        30      20260901    20261001   T160         fatal
        30      20261025    -          -            fine
        30      20261024    -          -            fatal
        10      20260812    -          -            fine
        """,
    "SENR0262": """
        grade  birth_date  says
        KN     20220812    fine
        KN     20220813    fatal
        KN     20180813    fine
        KN     20180812    fatal
        01     20180812    fine
        """,
    "SENR0622": """
        grade  birth_date  says
        TK     20220901    fine
        TK     20220902    fatal
        PS     20220902    fine
        """,
    "IVR0012": """
        grade  birth_date  says
        AD     20100812    fine
        AD     20100813    warning
        AD     19460812    warning
        12     20030813    fine
        12     20030812    warning
        """,
    "SENR0719E3": """
        grade  birth_date  says
        12     20030813    fine
        12     20030812    warning
        AD     20030812    fine
        05     20260813    warning
        """,
    "SENR0731F1": """
        grade  status  birth_date  start_date  says
        PS     50      20230813    20260812    warning
        PS     50      20230812    20260812    fine
        TD     50      20240813    20260812    fine
        PS     10      20240813    20260812    fine
        PS     50      20240813    20261007    warning
        PS     50      20240813    20261008    fine
        """,
}

HELD = """
    student  school_code  start_date  exit_date  exit_reason  status  reporting_lea
    1        0199901      20260812    -          -            10      1999990
    2        0199901      20260812    20261101   T160         10      1999990
    3        0199901      20260812    -          -            10      1888880
    4        0199901      20260812    20260811   N470         10      1999990
    5        0199901      20260812    -          -            20      1999990
    """
STATE_TABLES = {
    "SENR0027": """
        student  school_code  start_date  exit_date  exit_reason  status  says
        1        0199902      20261102    -          -            10      fatal
        1        0199902      20250812    20260813   T160         10      fatal
        1        0199902      20261102    -          -            20      fine
        1        0199901      20260812    20261101   T160         10      fine
        2        0199902      20261101    -          -            10      fine
        2        0199902      20261031    -          -            10      fatal
        3        0199902      20261102    -          -            10      fine
        4        0199902      20260812    -          -            10      fine
        5        0199902      20260812    -          -            10      fine
        """,
    "SENR0178": """
        student  school_code  start_date  exit_date  exit_reason  status  says
        1        0199901      20260813    -          -            20      fatal
        1        0199901      20260801    20260812   E170         20      fine
        1        0199901      20260801    20260813   E170         20      fatal
        2        0199901      20261031    -          -            10      fatal
        2        0199901      20261101    -          -            10      fine
        4        0199901      20260813    -          -            10      fine
        5        0199901      20260812    20261101   E170         20      fine
        """,
    "local-same-day": """
        student  school_code  start_date  exit_date  exit_reason  status  says
        2        0199902      20261101    -          -            10      warning
        2        0199901      20260801    20260812   T160         10      warning
        2        0199902      20261103    -          -            10      fine
        3        0199901      20260801    20260812   T160         10      fine
        """,
}


@pytest.mark.parametrize("rule", FILE_TABLES)
def test_rule(rule):
    assert_rule(rule, FILE_TABLES[rule])


@pytest.mark.parametrize("rule", STATE_TABLES)
def test_rule_against_the_state(rule):
    assert_rule(rule, STATE_TABLES[rule], held=HELD, one_by_one=True)


def test_the_state_before_the_file_counts_even_when_the_same_file_deletes():
    """Since 2022 a file is tested against what CALPADS holds, not against what it will hold."""
    assert_rule(
        "SENR0027",
        """
        student  school_code  start_date  transaction  says
        1        0199901      20260812    D            fine
        1        0199902      20261102    A            fatal
        """,
        held=HELD,
    )


def test_one_day_enrollments():
    """One that lies inside another overlaps it; one that shares its only day with an end does not."""
    assert_rule(
        "SENR0027",
        """
        student  school_code  start_date  exit_date  exit_reason  says
        1        0199901      20260812    20261101   T160         fatal
        1        0199902      20260901    20260901   T160         fatal
        2        0199901      20260812    20261101   T160         fine
        2        0199902      20261101    20261101   T160         fine
        3        0199901      20260812    20260812   T160         fine
        3        0199902      20260812    -          -            fine
        """,
    )


def test_what_a_replace_takes_away_is_not_known_so_it_overlaps_nothing():
    assert_rule(
        "SENR0027",
        """
        student  school_code  start_date  transaction  says
        1        0199902      20261102    R            fine
        1        0199902      20261103    A            fatal
        """,
        held=HELD,
    )


def test_a_charter_has_no_highest_age():
    adult = records("grade birth_date\n12 20030812")
    assert "IVR0012" in set(check_file(adult, context())["rule"])
    assert "IVR0012" not in set(check_file(adult, context(charter=True))["rule"])


def test_an_open_short_stay_becomes_primary_with_time():
    table = """
        student  school_code  start_date  status  says
        1        0199902      20261024    30      {}
        9        0199901      20260812    10      fine
        5        0199901      20261024    10      fatal
        """
    held = HELD + "\n    5        0199909      20260812    -          -            10      1999990"
    assert_rule("SENR0027", table.format("fatal"), held=held)
    assert_rule("SENR0027", table.format("fine"), held=held, asked=context(dt.date(2026, 11, 22)))
