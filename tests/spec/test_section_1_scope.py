"""Section 1: what is in scope."""

from senrkit.frames.pandas_door import to_pandas
from tests import rulebook
from tests.rulebook import actions, aeries, expected, settings, state


def test_state_rows_in_scope_are_the_leas_of_the_run_year_at_a_selected_school():
    ods = state("""
        student school start      exit       reason lea
        1       A      2026-08-12 -          -      1999990
        2       A      2025-08-13 2026-06-05 E155   1999990
        3       X      2026-08-12 -          -      1999990
        4       A      2026-07-01 -          -      1999990
        5       A      2026-06-30 2026-06-30 E155   1999990
        6       A      2027-07-01 -          -      1999990
        7       A      2026-08-12 -          -      1099990
    """)
    _, scope, _ = rulebook.run(aeries(""), ods, settings())
    assert to_pandas(scope.state)["ssid"].str[-1].tolist() == ["1", "4"]
    assert scope.counts() == {"state_rows_read": 6, "in_scope": 2, "other_school": 1, "other_year": 3, "other_lea": 1}


def test_state_rows_outside_scope_are_never_changed():
    assert actions("", "student school start\n1 X 2026-08-12\n2 A 2025-08-13") == []


def test_default_schools_are_in_use_reported_and_not_a_summer_session():
    left_out = rulebook.run(
        aeries("student school\n1 A\n2 X\n3 D\n4 U"), state(""), settings(aeries='schools = "default"')
    )[2].left_out
    assert sorted(to_pandas(left_out)[["local_id", "reason"]].values.tolist()) == [
        ["1002", "school-not-selected"],
        ["1003", "school-not-reported"],
        ["1004", "school-not-reported"],
    ]


def test_all_schools_takes_every_school_but_the_district_record():
    chosen = settings(aeries='schools = "all"')
    assert [row[0] for row in actions(aeries("student school\n1 A\n2 X\n3 D\n4 U"), state(""), chosen)] == ["add"] * 4


def test_a_list_of_schools_is_taken_at_its_word():
    chosen = settings(aeries='schools = ["93", "1"]')
    found = actions(aeries("student school\n1 A\n2 B\n3 U"), state(""), chosen)
    assert found == expected("""
        action reason             student school
        add    missing-in-calpads 1       A
        add    missing-in-calpads 3       U
    """)
