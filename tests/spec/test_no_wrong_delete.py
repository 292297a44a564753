"""Faults that were found and mended, and situations in which a careful coordinator deletes nothing.

Every test is named after what went wrong, or would.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from senrkit.results.outcome import foretell
from tests import rulebook
from tests.rulebook import actions, aeries, expected, settings, spells, state

HELD = "identity-conflict"


def shown(sis, ods, chosen=None):
    return [row[:3] for row in actions(sis, ods, chosen)]


def without_stu(sis, student):
    stu = sis.tables["STU"]
    return replace(sis, tables={**sis.tables, "STU": stu[stu["ID"] != student].reset_index(drop=True)})


def sharing_code(sis, school, code):
    """The Aeries school reports under a code that another school has too."""
    loc = sis.tables["LOC"]
    return replace(sis, tables={**sis.tables, "LOC": loc.assign(SC=loc["SC"].mask(loc["CD"] == school, code))})


class TestOneStateCodeForSeveralAeriesSchools:
    """A state row belongs to the Aeries school where Aeries has the student; not selected, not in scope."""

    def test_a_row_of_the_unselected_school_is_not_deleted(self):
        sis = sharing_code(aeries("student school\n1 A\n2 X"), "99", "1990001")
        assert shown(sis, "student\n1\n2") == [("same", "", "1")]
        _, scope, _ = rulebook.run(sis, state("student\n1\n2"), settings())
        assert scope.counts()["other_school"] == 1

    def test_a_nonpublic_school_that_was_not_asked_for(self):
        sis = sharing_code(aeries("student school nps\n1 N 7000001\n2 B 7000002"), "2", "0000001")
        chosen = settings(aeries='schools = ["90"]')
        assert shown(sis, "student school nps\n1 N 7000001\n2 N 7000002", chosen) == [("same", "", "1")]

    def test_the_summer_session_of_a_school(self):
        sis = sharing_code(aeries("student school start\n1 U 2026-07-02"), "93", "1990001")
        assert shown(sis, "student start\n1 2026-07-02") == []

    def test_a_student_at_both_is_compared_where_the_keys_are_equal(self):
        sis = sharing_code(aeries("student school start\n1 A 2026-08-12\n1 X 2026-07-02"), "99", "1990001")
        assert shown(sis, "student start\n1 2026-08-12") == [("same", "", "1")]

    def test_a_student_without_a_row_there_is_deleted_as_ever(self):
        sis = sharing_code(aeries("student school\n1 A\n2 X"), "99", "1990001")
        assert shown(sis, "student\n1\n3")[1] == ("delete", "no-current-year-enrollment", "3")

    def test_selected_schools_that_share_a_code_are_all_in_scope(self):
        sis = sharing_code(aeries("student school\n1 A\n2 B"), "2", "1990001")
        assert shown(sis, "student\n1\n2\n3") == [
            ("same", "", "1"),
            ("same", "", "2"),
            ("delete", "no-current-year-enrollment", "3"),
        ]


class TestIdentity:
    def test_stu_without_the_students_who_left(self):
        # An export of active students only: ENR still has the leaver, STU does not.
        sis = without_stu(aeries("student exit reason\n1 2026-10-02 160\n2 - -"), "1001")
        assert shown(sis, "student exit reason\n1 2026-10-02 T160\n2 - -") == [("hold", HELD, "1"), ("same", "", "2")]

    def test_one_student_under_two_ssids(self):
        sis = aeries(
            "student school start exit reason\n1 A 2026-08-12 2026-10-02 160\n1 B 2026-10-05 - -",
            stu="student school CID\n1 B 7",
        )
        ods = "student school start exit reason\n1 A 2026-08-12 2026-10-02 T160\n1 B 2026-10-05 - -"
        assert shown(sis, ods) == [("hold", HELD, "1"), ("hold", HELD, "1"), ("hold", HELD, "7")]

    def test_one_student_with_an_ssid_that_lost_a_digit_at_one_school(self):
        sis = aeries(
            "student school start exit reason\n1 A 2026-08-12 2026-10-02 160\n1 B 2026-10-05 - -",
            stu="student school CID\n1 B 900000001",
        )
        assert shown(sis, "student school start\n1 B 2026-10-05")[-1] == ("hold", HELD, "1")

    def test_a_blank_ssid_at_one_school_is_no_second_ssid(self):
        sis = aeries("student school\n1 A", stu="student school CID\n1 B -")
        assert shown(sis, "student\n1") == [("same", "", "1")]

    def test_the_local_id_on_a_later_row_counts_too(self):
        ods = """
            student start      exit       reason local_id first_name
            5       2026-08-10 2026-08-11 T160   9999     X
            5       2026-08-12 -          -      1001     X
        """
        assert {row[:2] for row in actions("student\n1", ods) if row[2] == "5"} == {("hold", HELD)}

    def test_leading_zeros_of_a_local_id_do_not_count(self):
        sis = aeries("student\n1", stu="student CID\n1 -")
        assert shown(sis, "student local_id first_name\n5 0001001 Q") == [("hold", HELD, "5")]

    def test_a_blank_local_id_is_nobodys(self):
        sis = aeries("student\n1", stu="student CID\n1 -")
        assert shown(sis, "student local_id first_name\n5 - Q") == [("delete", "no-current-year-enrollment", "5")]

    def test_spaces_around_an_ssid_do_not_count(self):
        sis = aeries("student\n1")
        sis.tables["STU"]["CID"] = " 9000000001"
        assert shown(sis, "student\n1") == [("same", "", "1")]

    def test_the_legal_name_finds_the_student_under_another_ssid(self):
        legal = [{"ID": "1001", "LFN": "Leg", "LMN": "", "LLN": "Al", "LSF": "", "GN": ""}]
        sis = aeries("student\n1", stu="student CID\n1 7", lsi=legal)
        ods = "student local_id first_name last_name birth_date\n5 99 Leg Al 2015-03-02"
        assert shown(sis, ods) == [("hold", HELD, "5"), ("hold", HELD, "7")]


class TestWhatStaysAsItIsPairsWithNothing:
    """A settled no-show and a start to come are no action, so they are half of no move and of no tie."""

    def test_an_add_near_a_settled_no_show_is_missing_in_calpads(self):
        found = shown("student start\n1 2026-08-17", "student start exit reason\n1 2026-08-12 2026-08-12 N470")
        assert found == [("settled-no-show", "", "1"), ("add", "missing-in-calpads", "1")]

    def test_a_settled_no_show_does_not_take_the_add_from_the_row_that_moved(self):
        sis = "student start exit reason\n1 2026-08-20 2026-08-24 160"
        ods = """
            student start      exit       reason
            1       2026-08-19 2026-08-19 N470
            1       2026-08-25 2026-09-01 T160
        """
        assert shown(sis, ods)[1:] == [("add", "start-date-moved", "1"), ("delete", "start-date-moved", "1")]

    def test_two_settled_no_shows_are_no_tie(self):
        ods = "student start exit reason\n1 2026-08-12 2026-08-12 N470\n1 2026-08-22 2026-08-21 N470"
        assert shown("student start\n1 2026-08-17", ods)[1] == ("add", "missing-in-calpads", "1")

    def test_a_start_to_come_is_no_half_of_a_tie(self):
        sis = "student start exit reason\n1 2026-11-18 2026-11-19 160"
        ods = "student start exit reason\n1 2026-11-10 2026-11-11 T160\n1 2026-11-26 - -"
        assert shown(sis, ods) == [
            ("delete", "start-date-moved", "1"),
            ("add", "start-date-moved", "1"),
            ("future-dated", "", "1"),
        ]


def test_the_next_school_of_an_exit_to_come_is_not_sent_before_it():
    table = "student exit reason next\n1 2026-12-18 160 2"
    assert spells(table, shown="exit reason receiver") == [("", "", "")]
    assert spells(table, settings('future_dates = "send"'), shown="exit receiver") == [("2026-12-18", "1990002")]
    assert spells(table, lacking=("ENR.NS",), shown="receiver") == [("?",)]


def test_a_blank_code_stays_blank_whatever_xrf_says():
    sis = aeries("student\n1")
    blank = pd.DataFrame([{"TC": "CLPD", "SC": "0", "TC1": "ATT", "FC1": "RS", "CD1": "", "CD": "E155"}], dtype="str")
    sis.tables["XRF"] = pd.concat([sis.tables["XRF"], blank], ignore_index=True)
    assert shown(sis, "student\n1") == [("same", "", "1")]


def after_prediction(sis, ods, chosen=None):
    """Action, hold reason and school once CALPADS' answer is known."""
    chosen = chosen or settings()
    proposal, scope, spell_set = rulebook.run(aeries(sis), state(ods), chosen)
    found = foretell(proposal, scope, spell_set, chosen, "7").plan.actions
    return sorted(found.select("action", "hold_reason").rows())


class TestADeleteWaitsForItsAdd:
    """When CALPADS would refuse the add of a pair, the delete is held with it."""

    def test_a_nonpublic_school_without_its_code_in_aeries(self):
        found = after_prediction("student school nps\n1 N -", "student school nps\n1 N 7000001")
        assert found == [("hold", "predicted-rejection")] * 2

    def test_a_moved_start_that_runs_into_a_row_that_stays(self):
        ods = "student school start\n1 A 2026-08-12\n1 A 2026-11-30"
        assert ("hold", "predicted-rejection") in after_prediction("student start\n1 2026-08-17", ods)


@pytest.mark.parametrize(
    ("sis", "ods", "found"),
    [
        # marked do-not-report in Aeries, under its own code: out of scope on both sides
        ("student school\n1 D", "student school\n1 D", ""),
        # a home school decides: the virtual school's row goes out under it
        ("student school home\n1 V A", "student\n1", "action reason\nsame -"),
        # the row that the letter deletes: the home school is one that is not selected
        ("student school home\n1 A X", "student\n1", "action reason\ndelete not-in-aeries"),
        # a next school that nobody knows is unknown, and the state's own stays
        ("student exit reason next\n1 2026-10-02 160 777", "student exit reason receiver\n1 2026-10-02 T160 1990002",
         "action reason exit\nsame - 2026-10-02"),
        # a concurrent enrollment beside a primary one
        ("student school program\n1 A -\n1 B C", "student school status\n1 A 10\n1 B 20",
         "action reason school\nsame - A\nsame - B"),
    ],
)  # fmt: skip
def test_situations(sis, ods, found):
    assert actions(sis, ods) == expected(found)


def test_a_charter_with_its_virtual_school():
    chosen = replace(settings(top="charter = true"), lea="1990001")
    sis = aeries("student school home\n1 V A\n2 A -\n3 B -")
    ods = state("student school lea\n1 A 1990001\n2 A 1990001\n3 B 1999990")
    assert shown(sis, ods, chosen) == [("same", "", "1"), ("same", "", "2")]


def test_a_school_of_another_lea_under_lea_from_school():
    sis = aeries("student school\n1 A\n2 B")
    sis.tables["LOC"].loc[sis.tables["LOC"]["CD"] == "2", "DC"] = "88888"
    ods = state("student school lea\n1 A 1999990\n2 B 1988888")
    assert shown(sis, ods, settings(top='lea_from = "school"')) == [("same", "", "1")]
