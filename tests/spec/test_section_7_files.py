"""Section 7: which record goes into which file."""

from __future__ import annotations

import pytest

from tests.submissions import plan_of, proposal


def files(plan) -> dict[str, list[tuple[str, str]]]:
    """Step of each file → (student, start) of its records, as they stand in it."""
    return {
        file.label: [(ssid[8:].lstrip("0"), start) for ssid, start in file.records.select("ssid", "start_date").rows()]
        for file in plan.files
    }


def test_deletes_come_first_then_updates_then_adds():
    plan = plan_of("""
        student action start
        1       add    20260812
        2       update 20260812
        3       delete 20260812
    """)
    assert files(plan) == {
        "01_delete": [("3", "20260812")],
        "02_update": [("2", "20260812")],
        "03_add": [("1", "20260812")],
    }


def test_what_changes_nothing_is_in_no_file():
    plan = plan_of("student action\n1 same\n2 settled-no-show\n3 future-dated\n4 hold")
    assert plan.files == ()
    assert plan.actions["sequence"].to_list() == [0, 0, 0, 0]
    assert plan.actions["file"].to_list() == ["", "", "", ""]


def test_the_update_that_shortens_goes_before_the_one_that_reopens():
    plan = plan_of("""
        student action start    marks
        1       update 20260812 -
        1       update 20261005 shortens
        2       update 20260812 -
    """)
    assert files(plan) == {"02_update": [("1", "20261005"), ("2", "20260812")], "03_update": [("1", "20260812")]}


def test_two_updates_of_one_kind_go_oldest_first_and_never_into_one_file():
    plan = plan_of("""
        student action start    marks
        1       update 20261005 shortens
        1       update 20260812 shortens
        1       update 20261101 -
    """)
    assert files(plan) == {
        "02_update": [("1", "20260812")],
        "03_update": [("1", "20261005")],
        "04_update": [("1", "20261101")],
    }


def test_a_students_second_add_goes_into_the_next_add_file_and_numbers_run_on():
    plan = plan_of("""
        student action start    marks
        1       update 20260812 shortens
        1       update 20260901 shortens
        2       add    20261005 -
        2       add    20260812 -
        3       add    20261010 -
    """)
    assert files(plan) == {
        "02_update": [("1", "20260812")],
        "03_update": [("1", "20260901")],
        "04_add": [("2", "20260812"), ("3", "20261010")],
        "05_add": [("2", "20261005")],
    }


def test_a_delete_at_risk_rides_alone_and_last_with_the_adds_that_wait_for_it():
    plan = plan_of("""
        student school action start    marks
        1       A      delete 20260812 at-risk
        1       B      add    20260817 -
        1       B      add    20261005 -
        2       A      delete 20260812 -
        3       A      add    20260812 -
        4       A      delete 20260812 at-risk
    """)
    assert files(plan) == {
        "01_delete": [("2", "20260812")],
        "03_add": [("3", "20260812")],
        "04_delete_last_record": [("1", "20260812"), ("4", "20260812")],
        "05_add_after_last_record": [("1", "20260817")],
        "06_add_after_last_record": [("1", "20261005")],
    }


def test_a_file_of_deletes_may_hold_one_student_twice():
    plan = plan_of("student action start\n1 delete 20260812\n1 delete 20261005")
    assert files(plan) == {"01_delete": [("1", "20260812"), ("1", "20261005")]}


def test_an_empty_step_keeps_its_number_gets_no_file_and_is_explained():
    plan = plan_of("student action intended\n1 add -\n2 hold delete\n3 hold delete")
    assert [file.name for file in plan.files] == ["SENR_1999990_20261123_03_add.txt"]
    assert plan.missing == (
        ("01_delete", "No enrollment has to be deleted. 2 deletes held back: see held students."),
        ("02_update", "No enrollment has to be updated."),
        ("04_delete_last_record", "No delete would leave a student without any record."),
        ("05_add_after_last_record", "No add has to wait for such a delete."),
    )


def test_records_are_sorted_by_school_ssid_and_start():
    plan = plan_of("""
        student school action start
        2       A      delete 20260812
        1       B      delete 20260812
        1       A      delete 20261005
        1       A      delete 20260812
    """)
    records = plan.files[0].records
    assert records.select("school_code", "ssid", "start_date").rows() == [
        ("1990001", "9000000001", "20260812"),
        ("1990001", "9000000001", "20261005"),
        ("1990001", "9000000002", "20260812"),
        ("1990002", "9000000001", "20260812"),
    ]


def test_the_local_record_id_is_run_number_and_sequence_through_all_files():
    plan = plan_of("student action\n1 add\n2 delete\n3 delete\n4 hold", run_number="12")
    assert [file.records["local_record_id"].to_list() for file in plan.files] == [["12-1", "12-2"], ["12-3"]]
    assert plan.actions["sequence"].to_list() == [3, 1, 2, 0]


def test_without_local_record_id_the_states_own_stays():
    plan = plan_of("student action\n1 add", process="local_record_id = false")
    assert plan.files[0].records["local_record_id"].to_list() == ["state-own"]
    assert plan.actions["sequence"].to_list() == [1]


def test_adds_and_updates_go_out_as_a_deletes_as_d():
    plan = plan_of("student action\n1 add\n2 update\n3 delete")
    assert [file.records["transaction"].item() for file in plan.files] == ["D", "A", "A"]


def test_a_delete_is_a_whole_record_too():
    record = plan_of("student action\n1 delete").files[0].records.row(0, named=True)
    assert (record["last_name"], record["birth_date"], record["grade"]) == ("O'Brien", "20150304", "05")


def test_single_mode_puts_all_into_one_file_deletes_then_updates_then_adds():
    table = """
        student school action start    marks
        1       A      add    20260812 -
        1       A      add    20260801 -
        2       B      update 20260812 -
        3       B      delete 20260812 at-risk
        4       A      delete 20260812 -
        5       A      hold   20260812 -
    """
    plan = plan_of(table, process='submission_mode = "single"')
    assert [file.name for file in plan.files] == ["SENR_1999990_20261123_01_single.txt"]
    assert files(plan) == {
        "01_single": [("4", "20260812"), ("3", "20260812"), ("2", "20260812"), ("1", "20260801"), ("1", "20260812")]
    }
    assert plan.missing == ()


def test_single_mode_without_anything_to_send_says_so():
    plan = plan_of("student action\n1 same", process='submission_mode = "single"')
    assert (plan.files, plan.missing) == ((), (("01_single", "Nothing has to change."),))


@pytest.mark.parametrize("action", ["add", "update", "delete"])
def test_a_held_student_has_no_record_in_any_file(action):
    with pytest.raises(RuntimeError, match="1 actions of held students"):
        plan_of(f"student action\n1 {action}\n1 hold")


def test_ordering_changes_neither_actions_nor_records():
    from senrkit.results.files import order
    from tests.rulebook import settings

    given = proposal("student action\n1 add\n2 delete\n3 hold")
    actions, records = given.actions.clone(), given.records.clone()
    order(given, settings(), "7")
    assert given.actions.equals(actions)
    assert given.records.equals(records)
