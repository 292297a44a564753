"""Counts on census day, and students enrolled twice: CALPADS now, Aeries, CALPADS after."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest

from senrkit.calpads.store import Store
from senrkit.engine import run as run_engine
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.reference import SchoolYear
from senrkit.results.census import what_if
from senrkit.results.folder import RunFolder
from senrkit.results.tables import ENROLLMENT_COLUMNS, both_sides
from tests import rulebook
from tests.text_tables import ssid


def counted(sis: str, ods: str, after: str | None = None):
    chosen = rulebook.settings()
    extract = rulebook.state(ods)
    _, scope, spell_set = rulebook.run(rulebook.aeries(sis), extract, chosen)
    return what_if(scope, spell_set, Store(rulebook.state(after or ods).rows), chosen)


def by_school(found) -> dict[str, list[int]]:
    rows = to_pandas(found.census).groupby("school_code")[["now", "aeries", "after"]].sum()
    return {rulebook.LETTER[code]: counts.tolist() for code, counts in rows.iterrows()}


@pytest.mark.parametrize(("year", "day"), [(2023, 4), (2025, 1), (2026, 7), (2027, 6)])
def test_census_day_is_the_first_wednesday_in_october(year, day):
    assert SchoolYear(year).census_day == dt.date(year, 10, day)


def test_each_side_is_counted_by_school_and_grade():
    found = counted(
        sis="student school grade\n1 A 5\n2 A 6\n3 B 6",
        ods="student school grade\n1 A 05\n4 B 06",
        after="student school grade\n1 A 05\n2 A 06\n3 B 06",
    )
    assert to_pandas(found.census).values.tolist() == [
        ["1990001", "Alder", "05", 1, 1, 1],
        ["1990001", "Alder", "06", 0, 1, 1],
        ["1990002", "Birch", "06", 1, 1, 1],
    ]


@pytest.mark.parametrize(
    ("start", "exit", "reason", "counts"),
    [
        pytest.param("2026-10-07", "-", "-", 1, id="starts on the day"),
        pytest.param("2026-10-08", "-", "-", 0, id="starts the day after"),
        pytest.param("2026-08-12", "2026-10-07", "T160", 1, id="exits on the day"),
        pytest.param("2026-08-12", "2026-10-06", "T160", 0, id="exits the day before"),
        pytest.param("2025-08-13", "-", "-", 1, id="open since last year"),
        pytest.param("2026-10-07", "2026-10-07", "N470", 0, id="canceled no-show"),
    ],
)
def test_open_on_census_day(start, exit, reason, counts):
    found = counted("student\n9", f"student start exit reason\n1 {start} {exit} {reason}\n2 2026-08-12 - -")
    assert found.census["now"].sum() == 1 + counts


def test_other_schools_and_other_leas_are_not_counted():
    found = counted("student\n1", "student school lea\n1 A 1999990\n2 X 1999990\n3 A 1999991")
    assert by_school(found) == {"A": [1, 1, 1]}


def test_students_enrolled_twice_are_counted_once_and_canceled_rows_not():
    ods = """
        student school start      exit       reason status
        1       A      2026-08-12 -          -      10
        1       B      2026-08-20 -          -      10
        2       A      2026-08-12 -          -      10
        2       B      2026-08-20 -          -      20
        3       A      2026-08-12 -          -      10
        3       B      2026-08-20 2026-08-20 N470   10
        4       A      2025-08-13 2026-05-01 E155   10
        4       B      2025-09-01 2026-05-01 E155   10
    """
    after = "student school\n1 A"
    assert counted("student\n1", ods, after).concurrent == {"now": 1, "aeries": 0, "after": 0}


def test_both_sides_hold_every_year_of_the_students_with_an_action():
    sis = "student school start\n1 A 2026-08-17\n2 A 2026-08-12"
    ods = "student start exit reason\n1 2026-08-12 - -\n1 2025-08-13 2026-06-05 E155\n2 2026-08-12 - -"
    proposal, scope, spell_set = rulebook.run(rulebook.aeries(sis), rulebook.state(ods), rulebook.settings())
    rows = to_pandas(both_sides(to_polars(proposal.actions), scope, proposal.spells, spell_set.schools))
    assert tuple(rows) == ENROLLMENT_COLUMNS
    assert rows[["side", "ssid", "school_name", "start_date", "exit_reason"]].values.tolist() == [
        ["calpads", ssid("1"), "Alder", "2025-08-13", "E155"],
        ["calpads", ssid("1"), "Alder", "2026-08-12", ""],
        ["aeries", ssid("1"), "Alder", "2026-08-17", ""],
    ]
    assert {str(dtype) for dtype in rows.dtypes} == {"str"} and not rows.isna().any().any()


def test_a_run_leaves_them_in_its_folder_manifest_and_workbook(tmp_path):
    from tests.unit.test_engine import district

    done = RunFolder.open(run_engine(district(tmp_path), out=tmp_path / "run").folder)
    assert set(done.enrollments["ssid"]) == set(done.proposal["ssid"])
    assert done.census[["now", "aeries", "after"]].sum().tolist() == [3, 2, 2]
    sheet = openpyxl.load_workbook(done.folder / "report.xlsx")["Census day"]
    assert [tuple(cell for cell in row) for row in sheet.iter_rows(values_only=True)][0] == (
        "School code", "School", "Grade", "CALPADS now", "Aeries", "CALPADS after",
    )  # fmt: skip
