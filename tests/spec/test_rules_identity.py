"""Identity: LEA, school, year, SSID, and the key."""

from __future__ import annotations

import pytest

from senrkit.calpads.check import check_file
from tests.tables import assert_rule, context, records

FILE_TABLES = {
    "IVR0034": """
        student  school_code  nps_code  start_date  transaction  says
        1        0199901      -         20260812    A            fatal
        1        0199901      -         20260812    D            fatal
        2        0199901      -         20260812    A            fine
        2        0199901      -         20260813    A            fine
        3        0000001      0111111   20260812    A            fine
        3        0000001      0122222   20260812    A            fine
        """,
    "IVR0668": """
        birth_date  says
        20261123    fine
        20261124    fatal
        """,
    "SENR0001": """
        reporting_lea  transaction  says
        1999990        A            fine
        1999991        A            fatal
        1999991        D            fatal
        """,
    "SENR0003": """
        school_code  nps_code  says
        0000001      0111111   fine
        0199901      0111111   fatal
        """,
    "SENR0004": """
        school_code  nps_code  says
        0000001      0111111   fine
        0000001      -         fatal
        0199901      -         fine
        """,
    "SENR0006": """
        academic_year  says
        2026-2027      fine
        2027-2028      fine
        2028-2029      fatal
        2026-2028      fatal
        26-27          fatal
        """,
    "SENR0032": """
        transaction  ssid        says
        D            9000000001  fine
        D            -           fatal
        R            -           fatal
        A            -           fine
        """,
    "SENR0202": """
        school_code  says
        0199901      fine
        1999990      warning
        """,
    "local-blank-ssid": """
        ssid        says
        9000000001  fine
        -           warning
        """,
}

HELD = """
    student  start_date  birth_date  gender
    1        20260812    20150304    F
    2        20260812    20150304    F
    2        20250812    20150304    F
    3        20260812    20150304    F
    4        20260812    20150304    F
    """
STATE_TABLES = {
    "SENR0035": """
        student  start_date  birth_date  gender  says
        1        20260812    20150304    F       fine
        2        20260812    20151231    F       fine
        3        20260812    20140304    F       warning
        4        20260812    20150304    X       warning
        """,
    "SENR0180": """
        student  start_date  transaction  says
        1        20260812    D            unknown
        2        20260812    D            fine
        3        20260813    D            fine
        4        20260812    A            fine
        """,
    "SENR0181": """
        student  start_date  transaction  says
        1        20260812    D            fine
        1        20260813    D            fatal
        9        20260812    D            fatal
        2        20260813    A            fine
        """,
}


@pytest.mark.parametrize("rule", FILE_TABLES)
def test_rule(rule):
    assert_rule(rule, FILE_TABLES[rule])


@pytest.mark.parametrize("rule", STATE_TABLES)
def test_rule_against_the_state(rule):
    assert_rule(rule, STATE_TABLES[rule], held=HELD)


def test_a_charter_that_reports_for_itself_uses_its_school_number_twice():
    own_number = records("school_code\n1999990")
    assert "SENR0202" in set(check_file(own_number, context())["rule"])
    assert "SENR0202" not in set(check_file(own_number, context(charter=True))["rule"])


def test_two_deletes_that_together_take_the_last_record():
    assert_rule(
        "SENR0180",
        """
        student  start_date  transaction  says
        2        20260812    D            unknown
        2        20250812    D            unknown
        1        20260812    A            fine
        """,
        held=HELD,
    )
