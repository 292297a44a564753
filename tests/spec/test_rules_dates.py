"""Dates, exits and what may follow a graduation."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.tables import assert_rule, context

FILE_TABLES = {
    "SENR0018": """
        start_date  exit_date  exit_reason  says
        20260812    20260812   T160         fine
        20260812    20260811   T160         fatal
        20260812    20260811   N470         fine
        20260812    20260812   N470         fine
        20260812    20260810   N470         fatal
        20260812    20260813   N470         fatal
        """,
    "SENR0742": """
        start_date  academic_year  says
        20260701    2026-2027      fine
        20260630    2026-2027      fatal
        20270630    2026-2027      fine
        20270701    2026-2027      fatal
        """,
    "SENR0167": """
        transaction  start_date  says
        R            20260701    fine
        R            20260630    fatal
        A            20260630    fine
        """,
    "local-start-ceiling": """
        start_date  says
        20270523    fine
        20270524    warning
        """,
    "local-exit-ceiling": """
        exit_date  exit_reason  says
        20261223   T160         fine
        20261224   T160         warning
        """,
    "local-year-end-window": """
        start_date  exit_date  exit_reason  says
        20250812    20260515   E155         fine
        20250812    20260514   E155         warning
        20250812    20260815   E155         fine
        20250812    20260816   E155         warning
        20250812    20260514   T160         fine
        """,
    "local-grade-12-year-end": """
        grade  start_date  exit_date  exit_reason  says
        12     20250812    -          -            warning
        12     20250812    20260610   E155         warning
        12     20250812    20260610   E156         fine
        11     20250812    20260610   E155         fine
        12     20260812    -          -            fine
        """,
}

# Student 1 graduated, 2 finished adult education, 3 was promoted, 4 graduated in another LEA.
HELD = """
    student  reporting_lea  start_date  exit_date  exit_reason  completion_status
    1        1999990        20250812    20260610   E230         100
    2        1999990        20250812    20260610   E230         250
    3        1999990        20250812    20260610   E230         480
    4        1888880        20250812    20260610   E230         100
    """
STATE_TABLES = {
    "SENR0024": """
        student  start_date  exit_date  exit_reason  status  says
        1        20260812    -          -            10      fatal
        2        20260812    -          -            10      fatal
        3        20260812    -          -            10      fine
        4        20260812    -          -            10      fine
        1        20260610    -          -            10      fine
        1        20260812    -          -            20      fine
        1        20260812    20260811   N470         10      fine
        """,
    "SENR0586": """
        student  start_date  exit_date  exit_reason  status  says
        1        20260812    20261101   T160         10      fatal
        4        20260812    20261101   T160         10      fatal
        2        20260812    20261101   T160         10      fine
        1        20260101    20260610   T160         10      fine
        1        20260812    20261101   E170         20      fine
        1        20260812    20260812   N470         10      fine
        """,
    "SENR0587": """
        student  start_date  exit_date  exit_reason  says
        1        20260812    -          -            fatal
        1        20250811    -          -            fine
        1        20260812    20261101   T160         fine
        3        20260812    -          -            fine
        """,
}


@pytest.mark.parametrize("rule", FILE_TABLES)
def test_rule(rule):
    assert_rule(rule, FILE_TABLES[rule])


@pytest.mark.parametrize("rule", STATE_TABLES)
def test_rule_against_the_state(rule):
    assert_rule(rule, STATE_TABLES[rule], held=HELD)


def test_grade_12_of_this_year_is_asked_for_in_june():
    table = """
        grade  start_date  says
        12     20260812    warning
        11     20260812    fine
        """
    assert_rule("local-grade-12-year-end", table, asked=context(dt.date(2027, 6, 1)))


def test_a_completion_status_that_the_file_itself_corrects_no_longer_counts():
    assert_rule(
        "SENR0587",
        """
        student  start_date  exit_date  exit_reason  completion_status  says
        1        20250812    20260610   E230         360                fine
        1        20260812    -          -            -                  fine
        4        20260812    -          -            -                  fatal
        """,
        held=HELD,
    )


def test_the_graduation_itself_may_be_sent_again():
    assert_rule(
        "SENR0586",
        """
        student  start_date  exit_date  exit_reason  completion_status  says
        1        20250812    20260611   E230         100                fine
        4        20260812    20260901   T160         -                  fatal
        """,
        held=HELD,
    )
