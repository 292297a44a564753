"""Rules that need the school directory; the directory is the state's real one of June 2018.

Schools of Sacramento City Unified (3467439): Luther Burbank High 3431012 (9-12), A. M. Winn 6033765 (K-8), American
Legion 3430154 (continuation, 9-12), McClaskey 3430071 (adult), Washington 0133777 (opened 1 September 2016),
Clayton B. Wire 6033849 (closed 14 June 2013). Sacramento County Office (3410348): North Area 0106245
(county community), and 0136275, a charter of no such kind.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from senrkit.calpads.check import check_file
from tests.tables import assert_rule, context, real_directory, records

LEA = "3467439"
TABLES = {
    "SENR0002": """
        reporting_lea  school_code  says
        3467439        3431012      fine
        3410348        3431012      fatal
        3467439        9999998      fatal
        3467439        0000001      fine
        3467439        0000002      fine
        """,
    "SENR0182": """
        school_code  start_date  says
        0133777      20160901    fine
        0133777      20160831    fatal
        9999998      19500101    fine
        """,
    "SENR0184": """
        school_code  start_date  says
        6033849      20130614    fine
        6033849      20130615    fatal
        """,
    "SENR0189": """
        school_code  status  exit_date  exit_reason  says
        3430154      30      20260901   T160         fine
        3431012      30      20260901   T160         unknown
        3431012      10      20260901   T160         fine
        """,
    "SENR0192": """
        residence_district  says
        3467439             fine
        -                   fine
        3410348             fatal
        3431012             fatal
        5672645             unknown
        """,
    "SENR0269": """
        school_code  grade  status  says
        3431012      09     10      fine
        3431012      08     10      fatal
        6033765      KN     10      fine
        6033765      TK     10      fine
        6033765      PS     10      fatal
        6033765      IN     50      unknown
        """,
    "SENR0269F1": """
        school_code  grade  says
        3431012      12     fine
        3431012      08     warning
        """,
    "SENR0319": """
        school_code  grade  says
        3430071      AD     fine
        3430071      12     fatal
        3431012      AD     fatal
        3431012      12     fine
        """,
}
COUNTY_TABLE = """
    school_code  transfer_code  status  residence_district  says
    0106245      1              10      3467439             fine
    0106245      1              10      -                   warning
    0106245      5              10      -                   fine
    0106245      -              10      -                   fine
    0106245      1              20      -                   fine
    0136275      1              10      -                   fine
    """


@pytest.mark.parametrize("rule", TABLES)
def test_rule(rule):
    assert_rule(rule, TABLES[rule], asked=context(lea=LEA, directory=True), reporting_lea=LEA)


def test_residence_at_a_county_office():
    asked = context(lea="3410348", directory=True)
    assert_rule("local-coe-residence", COUNTY_TABLE, asked=asked, reporting_lea="3410348")


def test_a_district_of_residence_that_closed_on_a_known_day():
    """Sacramento City Unified closed on 31 October 2026, for the sake of the test."""
    rows = real_directory().rows
    shut = pl.when(pl.col("is_district") & (pl.col("district_code") == LEA))
    closed = rows.with_columns(closed_date=shut.then(dt.date(2026, 10, 31)).otherwise("closed_date"))
    asked = replace(context(), directory=replace(real_directory(), rows=closed))
    table = """
        start_date  academic_year  exit_date  exit_reason  says
        20260812    2026-2027      -          -            fine
        20260812    2026-2027      20261030   T160         fine
        20260812    2026-2027      20261031   T160         fatal
        20270812    2027-2028      -          -            fatal
        """
    assert_rule("SENR0192", table, asked=asked, residence_district=LEA)


def test_without_a_directory_none_of_these_is_asked():
    strange = records("school_code grade residence_district\n9999998 AD 9999998")
    asked_of_directory = set(TABLES) | {"local-coe-residence"}
    assert not asked_of_directory & set(check_file(strange, context())["rule"])
    assert asked_of_directory & set(check_file(strange, context(directory=True))["rule"])
