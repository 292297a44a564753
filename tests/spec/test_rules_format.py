"""Format: the shape of single values."""

from __future__ import annotations

import datetime as dt

import pytest

from senrkit.calpads.check import check_file
from senrkit.frames.pandas_door import to_pandas
from tests.tables import assert_rule, context, records

FILE_TABLES = {
    "FRMT0001": f"""
        first_name  suffix  says
        {"a" * 30}  -       fine
        {"a" * 31}  -       fatal
        Tansy       III     fine
        Tansy       IIII    unknown
        """,
    "FRMT0002": """
        start_date  exit_date  exit_reason  says
        20260812    -          -            fine
        20260832    -          -            fatal
        8/12/2026   -          -            fatal
        20260812    20261032   T160         fatal
        20260812    20261031   T160         fine
        """,
    "FRMT0004": """
        birth_date  middle_name      says
        20150304    -                fine
        2015/03/04  -                fine
        2015-03-04  -                fatal
        20150304    Tan\u0007sy      fatal
        """,
    "GERR0001": """
        transaction  grade  local_id  school_code  says
        A            05     000101    0199901      fine
        A            -      000101    0199901      fatal
        A            05     -         0199901      fatal
        D            -      -         0199901      fine
        D            05     000101    -            fatal
        """,
    "GERR0002": """
        grade  exit_date  exit_reason  uc_csu  transfer_code  says
        05     -          -            -       -              fine
        5      -          -            -       -              fatal
        05     20261101   160          -       -              fatal
        05     20261101   T160         -       -              fine
        05     -          -            J       -              fatal
        05     -          -            -       9              unknown
        """,
    "GERR0007": """
        status  start_date  exit_date  exit_reason  says
        10      20260812    -          -            fine
        40      20260812    -          -            fatal
        40      20180812    20190601   T160         fine
        10      20260812    20261101   T270         fatal
        10      20260812    20261101   T260         fine
        """,
    "GERR0008": """
        transaction  says
        -            fine
        _            fine
        A            fine
        D            fine
        R            fine
        U            fatal
        """,
    "IVR0009": """
        first_name   local_id  birth_city        says
        José-María   000101    -                 fine
        O'Neil_Jr.   000101    -                 fine
        Tansy(Tan)   000101    -                 fatal
        Tansy        0001*1    -                 fatal
        Tansy        000101    Washington,_D.C.  unknown
        """,
    "local-digits": """
        ssid        school_code  says
        9000000001  0199901      fine
        9.00E+09    0199901      fatal
        900000000   0199901      fatal
        9000000001  199901       fatal
        -           0199901      fine
        """,
    "local-alias-pair": """
        alias_first_name  alias_last_name  says
        -                 -                fine
        Tan               Quill            fine
        Tan               -                fatal
        -                 Quill            fatal
        """,
    "local-birth-country": """
        status  birth_country  says
        10      US             fine
        10      -              fatal
        50      -              fine
        """,
}


@pytest.mark.parametrize("rule", FILE_TABLES)
def test_rule(rule):
    assert_rule(rule, FILE_TABLES[rule])


def test_a_code_is_judged_in_the_year_of_the_start_date():
    """TK came with 2023-24."""
    table = """
        grade  start_date  academic_year  says
        TK     20230812    2023-2024      fine
        TK     20220812    2022-2023      fatal
        """
    assert_rule("GERR0007", table, birth_date="20180304")


def test_a_message_never_quotes_what_may_be_a_name():
    """A file whose columns have shifted has names where codes should be."""
    shifted = records("grade exit_reason exit_date start_date\nQuillfeather Tansy 9000000001 Quillfeather")
    messages = " ".join(check_file(shifted, context())["message"])
    assert "GERR0002" in set(check_file(shifted, context())["rule"])
    assert not {"Quillfeather", "Tansy", "9000000001"} & set(messages.replace('"', " ").split())


def test_fields_of_a_finding_name_the_field_at_fault():
    found = to_pandas(check_file(records("grade status\nZZ 99"), context()))
    assert sorted(found.loc[found["rule"] == "GERR0002", "fields"]) == ["grade", "status"]


def test_a_rule_is_asked_only_from_its_first_day_on():
    born_later = records("birth_date\n20271231")
    assert "IVR0668" in set(check_file(born_later, context())["rule"])
    assert "IVR0668" not in set(check_file(born_later, context(dt.date(2024, 9, 30)))["rule"])
