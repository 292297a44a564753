"""Values that must, or must not, stand together."""

from __future__ import annotations

import pytest

from tests.tables import assert_rule

TABLES = {
    "SENR0036": """
        birth_state  birth_country  says
        -            US             fine
        -            FR             fine
        US-CA        US             fine
        US-CA        MX             fatal
        CA           US             fatal
        US-PR        US             unknown
        PR           PR             unknown
        """,
    "local-seals-blank": """
        completion_status  exit_reason  exit_date  golden_state_seal  biliteracy_seal  says
        100                E230         20261101   N                  Y                fine
        100                E230         20261101   -                  Y                warning
        100                E230         20261101   N                  -                warning
        480                E230         20261101   -                  -                fine
        """,
    "receiver-missing": """
        exit_reason  exit_date  receiver_school  says
        T165         20261101   1990002          fine
        T165         20261101   -                warning
        T160         20261101   -                fine
        """,
    "SENR0022": """
        exit_reason  exit_date  completion_status  says
        E230         20261101   100                fine
        E230         20261101   -                  fatal
        T160         20261101   480                fatal
        T160         20261101   -                  fine
        -            -          -                  fine
        """,
    "SENR0175": """
        exit_reason  exit_date  completion_status  says
        E230         20261101   100                fine
        E155         20261101   100                fatal
        E155         20261101   480                fine
        """,
    "SENR0630": """
        completion_status  graduation_exemption  says
        100                N                     fine
        360                N                     fatal
        -                  N                     fatal
        -                  -                     fine
        """,
    "SENR0632": """
        completion_status  exit_reason  exit_date  start_date  graduation_exemption  says
        100                E230         20230701   20220812    -                     fatal
        100                E230         20230630   20220812    -                     fine
        100                E230         20230701   20220812    Y                     fine
        360                E230         20230701   20220812    -                     fine
        """,
    "SENR0315": """
        completion_status  golden_state_seal  says
        100                Y                  fine
        -                  Y                  fatal
        -                  N                  fine
        """,
    "SENR0316": """
        completion_status  biliteracy_seal  says
        100                Y                fine
        360                Y                fatal
        360                N                fine
        """,
    "SENR0302": """
        status  start_date  exit_date  exit_reason  says
        20      20260812    -          -            fine
        20      20260812    20261101   E170         fine
        20      20260812    20261101   T160         fatal
        20      20150812    20160629   T160         fine
        20      20150812    20160630   T160         fatal
        10      20260812    20261101   T160         fine
        """,
    "SENR0522": """
        status  exit_date  exit_reason  says
        50      -          -            fine
        50      20261101   E170         fine
        50      20261101   E150         fine
        50      20260812   N470         fine
        50      20261101   T160         fatal
        10      20261101   T160         fine
        """,
    "SENR0523": """
        status  exit_date  exit_reason  says
        20      20261101   E170         fine
        50      20261101   E170         fine
        10      20261101   E170         fatal
        30      20260901   E170         fatal
        """,
    "local-exit-pair": """
        exit_date  exit_reason  says
        -          -            fine
        20261101   T160         fine
        20261101   -            fatal
        -          T160         fatal
        """,
    "local-uc-csu": """
        completion_status  uc_csu  says
        100                Y       fine
        100                -       fatal
        360                -       fine
        """,
    "local-district-of-choice": """
        transfer_code  residence_district  says
        4              3467439             fine
        4              -                   warning
        1              -                   fine
        """,
    "local-exit-grade": """
        grade  exit_date  exit_reason  says
        12     20261101   T280         fine
        05     20261101   T280         fatal
        PS     20261101   E450         fine
        KN     20261101   E450         fatal
        05     20261101   T160         fine
        """,
    "local-completion-grade": """
        grade  exit_date  exit_reason  completion_status  says
        12     20261101   E230         360                fine
        11     20261101   E230         360                fatal
        09     20261101   E230         100                fatal
        10     20261101   E230         100                fine
        """,
}


@pytest.mark.parametrize("rule", TABLES)
def test_rule(rule):
    assert_rule(rule, TABLES[rule])


def test_a_pair_is_judged_by_the_table_of_its_school_year():
    """E450 was for kindergarten too until 2019-20."""
    assert_rule(
        "local-exit-grade",
        """
        grade  start_date  exit_date  exit_reason  says
        KN     20190812    20200601   E450         fine
        KN     20200812    20210601   E450         fatal
        """,
    )
