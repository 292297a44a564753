"""Section 3: every precondition stops when it must, and not one day, row or student earlier."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from senrkit.errors import LayoutError, UsageError
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.reconciliation.preconditions import (
    Acceptance,
    accepted,
    check_acceptable,
    in_order,
    of_comparison,
    of_deletes,
    of_inputs,
    of_postings,
    stopped,
)
from senrkit.reconciliation.proposal import reconcile
from senrkit.reconciliation.scope import scope_of
from senrkit.spells.build import build_spells
from tests.rulebook import aeries, settings, state

HARD = ("P01", "P02", "P03", "P04", "P05", "P06", "P09", "P10", "P13", "P15", "P16")
SOFT = ("P07", "P08", "P11", "P12")
# An extract that nothing can be said against: ten years back, last year closed, this year open.
GOOD = """
    student start      exit       reason lea     last_updated school nps
    1       2016-07-01 2017-06-09 E155   1999990 20261120     A      -
    1       2026-08-12 -          -      1999990 20261120     A      -
"""


def checked(sis=None, ods=GOOD, chosen=None, acceptance=None):
    """Every precondition by id, as a run finds them."""
    sis, chosen = sis if sis is not None else aeries("student\n1"), chosen or settings()
    extract = state(ods) if isinstance(ods, str) else ods
    acceptance = acceptance or Acceptance()
    spell_set = build_spells(sis, chosen)
    scope = scope_of(extract, spell_set, chosen)
    found = of_inputs(sis, extract, chosen) + of_comparison(extract, scope, spell_set, sis, chosen)
    found.append(of_deletes(reconcile(scope, spell_set, chosen), scope, acceptance))
    found.append(of_postings(None, None, 0, 0))
    return {one.id: one for one in accepted(in_order(found), acceptance)}


def with_row(row: str) -> str:
    """The good extract and one row more."""
    return f"{GOOD}    {row}"


def many(rows: int, closed: int) -> str:
    """So many state rows of this year, some of them closed."""
    ends = ["2026-10-02 T160" if at < closed else "- -" for at in range(rows)]
    return "student start exit reason\n" + "\n".join(f"{at + 1} 2026-08-12 {end}" for at, end in enumerate(ends))


def test_nothing_stops_a_run_that_may_be_made():
    assert {name: one.state for name, one in checked().items()} == {f"P{at:02d}": "passed" for at in range(1, 18)}


def test_kinds():
    kinds = {name: one.kind for name, one in checked().items()}
    assert kinds == dict.fromkeys(HARD, "hard") | dict.fromkeys(SOFT, "soft") | dict.fromkeys(("P14", "P17"), "warning")


@pytest.mark.parametrize(
    ("posted", "newest", "found"),
    [
        ("2026-11-20", "2026-11-21", "passed"),
        ("2026-11-21", "2026-11-21", "warning"),
        ("2026-11-22", "2026-11-21", "warning"),
    ],
)
def test_p17_the_newest_posting_is_newer_than_the_extract(posted, newest, found):
    one = of_postings(dt.date.fromisoformat(posted), dt.date.fromisoformat(newest), 12, 3)
    assert one.state == found and ("Rows laid over it: 12; rows taken off it: 3." in one.evidence) == (
        found == "warning"
    )


@pytest.mark.parametrize(
    ("as_of", "found"),
    [("2026-06-30", "stopped"), ("2026-07-01", "passed"), ("2027-06-30", "passed"), ("2027-07-01", "stopped")],
)
def test_p01_as_of_is_outside_the_run_year(as_of, found):
    assert checked(chosen=settings(as_of=as_of))["P01"].state == found


@pytest.mark.parametrize(
    ("newest_year", "database", "found"),
    [
        (2026, "DST26000Demo", "passed"),
        (2026, "dst26000demo", "passed"),
        (2026, "Aeries", "passed"),
        (2026, "", "passed"),
        (2026, "DST25000Demo", "stopped"),  # the name says another year
        (2025, "DST26000Demo", "stopped"),
        (2027, "Aeries", "stopped"),
        (None, "Aeries", "stopped"),
    ],
)
def test_p02_the_newest_year_or_the_databases_name_is_not_the_run_year(newest_year, database, found):
    sis = replace(aeries("student\n1"), newest_year=newest_year, database_name=database)
    assert checked(sis)["P02"].state == found


def test_p03_the_extract_is_not_one_shows_the_line_and_leaves_the_rest_unanswered():
    refused = LayoutError("SENR_ODS.txt", 4711, "37 columns", "36 columns", "a spreadsheet saved it")
    found = {one.id: one for one in in_order(of_inputs(aeries("student\n1"), refused, settings()))}
    assert found["P03"].state == "stopped"
    assert "line 4,711" in found["P03"].evidence
    unanswered = [name for name in found if name not in ("P01", "P02", "P03")]
    assert {found[name].state for name in unanswered} == {"warning"}
    assert all(found[name].evidence == "Not checked: P03 stopped the run first." for name in unanswered)


@pytest.mark.parametrize(
    ("rows", "expecting", "found"),
    [
        (with_row("2 2026-08-12 - - 1099990 20261120 A -"), "", "stopped"),
        (with_row("2 2026-08-12 - - 1099990 20261120 A -"), 'other_leas = ["1099990"]', "passed"),
        (GOOD.replace("1999990", "1099990"), 'other_leas = ["1099990"]', "stopped"),  # none is the LEA's own
    ],
)
def test_p04_no_row_of_the_lea_or_rows_of_another_one(rows, expecting, found):
    assert checked(ods=rows, chosen=settings(calpads=expecting))["P04"].state == found


@pytest.mark.parametrize(
    ("table", "schools", "found"),
    [
        ("student school\n1 A", '["1"]', "passed"),
        ("student school\n1 A", '["77"]', "stopped"),  # no school is selected
        ("student school\n1 A\n2 V", '"default"', "stopped"),  # a spell under a school without a state code
        ("student school home\n1 A -\n2 V A", '"default"', "passed"),  # every row has a reporting home school
    ],
)
def test_p05_no_school_is_selected_or_one_has_no_state_code(table, schools, found):
    assert checked(aeries(table), chosen=settings(aeries=f"schools = {schools}"))["P05"].state == found


def test_p05_says_so_when_the_district_record_has_another_code_than_the_settings():
    sis = aeries("student\n1")
    sis.tables["LOC"]["DC"] = "88888"
    assert "says 1988888, the settings say 1999990" in checked(sis)["P05"].evidence


@pytest.mark.parametrize(("rows", "closed", "found"), [(50, 0, "passed"), (51, 0, "stopped"), (51, 1, "passed")])
def test_p06_more_than_50_rows_and_not_one_has_an_exit_date(rows, closed, found):
    assert checked(ods=many(rows, closed))["P06"].state == found


@pytest.mark.parametrize(
    ("earliest", "p07", "p14"),
    [
        ("2016-07-01", "passed", "passed"),
        ("2016-07-02", "passed", "warning"),
        ("2025-07-01", "passed", "warning"),
        ("2025-07-02", "stopped", "warning"),
    ],
)
def test_p07_and_p14_the_range_is_too_short(earliest, p07, p14):
    found = checked(ods=GOOD.replace("2016-07-01", earliest))
    assert (found["P07"].state, found["P14"].state) == (p07, p14)


def test_p14_years_back_is_a_setting():
    assert checked(ods=GOOD.replace("2016", "2022"), chosen=settings(calpads="years_back = 4"))["P14"].state == "passed"


@pytest.mark.parametrize(
    ("updated", "days", "found"),
    [
        ("20261109", 14, "passed"),
        ("20261108", 14, "stopped"),
        ("20261108", 15, "passed"),
        ("2026-11-09", 14, "passed"),
        ("11/09/2026", 14, "passed"),
        ("11/08/2026", 14, "stopped"),
        ("lately", 14, "stopped"),  # its age is not known
    ],
)
def test_p08_the_newest_update_is_too_old(updated, days, found):
    chosen = settings(calpads=f"max_extract_age_days = {days}")
    assert checked(ods=GOOD.replace("20261120", updated), chosen=chosen)["P08"].state == found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("2 2025-08-13 - - 1999990 20261120 A -", "stopped"),
        ("2 2026-06-30 - - 1999990 20261120 A -", "stopped"),
        ("2 2019-08-13 - - 1999990 20261120 X -", "stopped"),  # any earlier year, any school
        ("2 2025-08-13 2026-06-05 E155 1999990 20261120 A -", "passed"),
        ("2 2026-07-01 - - 1999990 20261120 A -", "passed"),
        ("2 2025-08-13 - - 1099990 20261120 A -", "passed"),  # another LEA's
    ],
)
def test_p09_last_year_is_not_closed_out(row, found):
    assert checked(ods=with_row(row))["P09"].state == found


def test_p09_lists_by_school_and_only_warns_when_such_students_are_held():
    ods = with_row("2 2025-08-13 - - 1999990 20261120 A -\n3 2025-08-13 - - 1999990 20261120 B -")
    stop = checked(ods=ods)["P09"]
    assert stop.by_school == {"1990001": 1, "1990002": 1}
    held = checked(ods=ods, chosen=settings('prior_year_open = "hold"'))["P09"]
    assert (held.state, held.by_school) == ("warning", stop.by_school)


def test_p10_lists_each_code_with_its_count():
    stop = checked(aeries("student program grade\n1 Q 5\n2 Q 5\n3 - 20"))["P10"]
    assert stop.state == "stopped"
    assert "STU.SP 'Q' (2 rows)" in stop.evidence and "STU.GR '20' (1 rows)" in stop.evidence


@pytest.mark.parametrize(("in_calpads", "found"), [(2, "passed"), (3, "stopped")])
def test_p11_fewer_than_half_as_many_students(in_calpads, found):
    assert checked(aeries("student\n1"), many(in_calpads, 0))["P11"].state == found


def deletes(count: int, of: int, acceptance: Acceptance | None = None):
    """P12 for so many deletes of so many state rows in scope."""
    actions = pd.DataFrame({"action": ["delete"] * count + ["hold"] * 5, "school_code": "1990001"})
    proposal, scope = SimpleNamespace(actions=to_polars(actions)), SimpleNamespace(state=range(of))
    return of_deletes(proposal, scope, acceptance or Acceptance())


@pytest.mark.parametrize(
    ("count", "of", "found"),
    [
        (25, 30, "passed"),  # not more than 25
        (26, 1299, "stopped"),
        (26, 1300, "passed"),  # exactly 2 %
        (0, 0, "passed"),
    ],
)
def test_p12_deletes_exceed_both_25_and_2_percent(count, of, found):
    assert deletes(count, of).state == found


def test_p12_is_accepted_only_by_the_exact_number():
    assert deletes(26, 100, Acceptance(deletes=26, person="pat")).state == "accepted"
    assert deletes(26, 100, Acceptance(deletes=26, person="pat")).accepted_by == "pat"
    for other in (25, 27):
        stop = deletes(26, 100, Acceptance(deletes=other))
        assert (stop.state, stop.by_school) == ("stopped", {"1990001": 26})
        assert f"The number accepted was {other}." in stop.evidence


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("1 2026-08-12 - - 1999990 20261120 A -", "stopped"),
        ("1 2016-07-01 - - 1999990 20261120 A -", "stopped"),  # of any year
        ("1 2026-08-13 - - 1999990 20261120 A -", "passed"),
        ("1 2026-08-12 - - 1999990 20261120 B -", "passed"),
        ("2 2026-08-12 - - 1999990 20261120 A -", "passed"),
        ("2 2026-08-12 - - 1999990 20261120 N 7000001\n2 2026-08-12 - - 1999990 20261120 N 7000002", "passed"),
        ("2 2026-08-12 - - 1999990 20261120 N 7000001\n2 2026-08-12 - - 1999990 20261120 N 7000001", "stopped"),
    ],
)
def test_p13_one_key_twice(row, found):
    assert checked(ods=with_row(row))["P13"].state == found


def test_p13_two_files_for_one_lea():
    extract = state(GOOD)
    stop = checked(ods=replace(extract, files=extract.files * 2))["P13"]
    assert stop.state == "stopped" and "2 files were given" in stop.evidence


class TestAcceptance:
    """A soft stop can be accepted by name, with a reason; a hard one cannot."""

    def test_a_soft_stop_with_reason_and_person(self):
        acceptance = Acceptance({"P08": "CALPADS was down"}, person="pat")
        found = checked(ods=GOOD.replace("20261120", "20261001"), acceptance=acceptance)
        assert stopped(list(found.values())) == []
        assert (found["P08"].state, found["P08"].because, found["P08"].accepted_by) == (
            "accepted",
            "CALPADS was down",
            "pat",
        )

    def test_what_passes_is_not_accepted(self):
        assert checked(acceptance=Acceptance({"P08": "to be sure"}))["P08"].state == "passed"

    def test_another_stop_stays(self):
        ods = GOOD.replace("20261120", "20261001").replace("2016-07-01", "2025-08-13")
        assert [one.id for one in stopped(list(checked(ods=ods, acceptance=Acceptance({"P08": "x"})).values()))] == [
            "P07"
        ]

    @pytest.mark.parametrize("name", ["P07", "P08", "P11"])
    def test_may_be_accepted(self, name):
        check_acceptable(Acceptance({name: "a reason"}))

    @pytest.mark.parametrize("name", [*HARD, "P12", "P14", "P15"])
    def test_may_not(self, name):
        with pytest.raises(UsageError):
            check_acceptable(Acceptance({name: "a reason"}))

    def test_deletes_with_their_number_may_have_a_reason(self):
        check_acceptable(Acceptance({"P12": "a reason"}, 31))

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_not_without_a_reason(self, reason):
        with pytest.raises(UsageError, match="needs a reason"):
            check_acceptable(Acceptance({"P07": reason}))


def test_no_evidence_names_a_student():
    ods = with_row("1 2026-08-12 - - 1999990 20251120 A -\n4 2025-08-13 - - 1099990 20251120 A -")
    found = checked(aeries("student program\n1 Q\n2 -"), ods, settings(as_of="2027-07-01"))
    assert {name for name, one in found.items() if one.state == "stopped"} >= {"P01", "P04", "P08", "P10", "P13"}
    said = " ".join(f"{one.evidence} {one.cure}" for one in found.values())
    assert not re.search(r"Given|Family|9000000\d|2015-?03|\b100\d\b", said)


class TestP15:
    """More than 5 and more than 1 % of a column cannot be read as dates; by their shape, never by their value."""

    @staticmethod
    def spoilt(column: str, wrong: int, rows: int, value: str):
        table = "student start exit reason\n" + "\n".join(f"{at + 1} 2026-08-12 2026-10-02 160" for at in range(rows))
        sis = aeries(table)
        name, code = column.split(".")
        sis.tables[name].loc[: wrong - 1, code] = value
        return sis

    @pytest.mark.parametrize("column", ["STU.BD", "ENR.ED", "ENR.LD"])
    @pytest.mark.parametrize(
        ("wrong", "rows", "found"),
        [(5, 50, "passed"), (6, 50, "stopped"), (6, 600, "passed"), (7, 600, "stopped"), (6, 599, "stopped")],
    )
    def test_how_many(self, column, wrong, rows, found):
        assert checked(self.spoilt(column, wrong, rows, "14-Mar-15"))["P15"].state == found

    def test_blank_is_no_value(self):
        assert checked(self.spoilt("STU.BD", 40, 50, ""))["P15"].state == "passed"

    def test_rows_of_another_year_do_not_count(self):
        sis = self.spoilt("ENR.LD", 6, 50, "14-Mar-15")
        sis.tables["ENR"].loc[:5, "YR"] = "2025"
        assert checked(sis)["P15"].state == "passed"

    @pytest.mark.parametrize(
        ("value", "shape"),
        [
            ("14-Mar-15", "99-Aaa-99"),
            ("3/14/2015", "9/99/9999"),
            ("Zzcanary", "Aaaaaaaa"),
            ("2015-02-30", "9999-99-99"),
        ],
    )
    def test_the_shape_and_not_the_value(self, value, shape):
        said = checked(self.spoilt("STU.BD", 9, 50, value))["P15"].evidence
        assert shape in said and "STU.BD" in said and "9 of 50" in said and value not in said


class TestP16:
    """Fewer than 98 % of the run year's `ENR` rows find their student in `STU`."""

    @pytest.mark.parametrize(("lost", "found"), [(0, "passed"), (1, "passed"), (2, "stopped")])
    def test_how_many(self, lost, found):
        sis = aeries("student\n" + "\n".join(str(at + 1) for at in range(50)))
        sis.tables["STU"] = sis.tables["STU"].iloc[lost:].reset_index(drop=True)
        one = checked(sis)["P16"]
        assert one.state == found and f"{50 - lost} of 50" in one.evidence

    def test_when_it_passes_the_row_still_counts_as_enrolled_under_its_local_id(self):
        sis = aeries("student\n" + "\n".join(str(at + 1) for at in range(60)))
        sis.tables["STU"] = sis.tables["STU"].iloc[1:].reset_index(drop=True)
        ods = state("student local_id first_name last_name birth_date\n61 1001 Zoe Quill 20100101")
        proposal = reconcile(
            scope_of(ods, build_spells(sis, settings()), settings()), build_spells(sis, settings()), settings()
        )
        held = to_pandas(proposal.actions).set_index("ssid")
        assert held.loc["9000000061", "hold_detail"] == "identity-conflict/b"
