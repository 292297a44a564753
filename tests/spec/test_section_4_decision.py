"""Section 4: pairing and decision."""

import pytest

from senrkit.frames.pandas_door import to_pandas
from tests import rulebook
from tests.rulebook import actions, aeries, expected, settings, state


class TestIdentity:
    """4.1"""

    @pytest.mark.parametrize(
        ("born", "family", "held"),
        [
            ("2015-03-02", "Family1", False),
            ("2014-01-01", "Family1", False),  # only one of them differs
            ("2015-03-02", "Other", False),
            ("2014-01-01", "Other", True),
            ("-", "Other", False),  # blank differs from nothing
            ("2014-01-01", "FAMILY-1", False),  # case and hyphens do not count
        ],
    )
    def test_birth_date_and_legal_last_name_both_differ(self, born, family, held):
        found = actions(aeries("student\n1", stu=f"student BD LN\n1 {born} {family}"), "student\n1")
        assert found[0][:2] == (("hold", "identity-conflict") if held else ("same", ""))

    def test_the_legal_name_of_lsi_counts_before_the_everyday_name(self):
        legal = [{"ID": "1001", "LFN": "", "LMN": "", "LLN": "Family1", "LSF": "", "GN": ""}]
        sis = aeries("student\n1", stu="student BD LN\n1 2014-01-01 Other", lsi=legal)
        assert actions(sis, "student\n1")[0][0] == "same"

    def test_an_add_is_held_when_the_newest_older_state_row_is_another_child(self):
        ods = "student start exit reason birth_date last_name\n1 2025-08-13 2026-06-05 E155 2001-01-01 Stranger"
        assert actions("student\n1", ods) == expected("action reason\nhold identity-conflict")

    @pytest.mark.parametrize("in_aeries_as", ["7", "-"])
    def test_ssid_unknown_to_aeries_but_the_local_id_is_known(self, in_aeries_as):
        ods = "student local_id\n5 1001"
        found = actions(aeries("student\n1", stu=f"student CID\n1 {in_aeries_as}"), ods)
        assert ("hold", "identity-conflict", "5", "A", "2026-08-12", "") in found
        if in_aeries_as != "-":
            assert ("hold", "identity-conflict", "7", "A", "2026-08-12", "") in found  # both SSIDs are held and shown

    def test_ssid_unknown_to_aeries_but_name_and_birth_date_are_known(self):
        ods = "student local_id first_name last_name birth_date\n5 9999 Given1 FAMILY1 2015-03-02"
        assert ("hold", "identity-conflict", "5", "A", "2026-08-12", "") in actions("student\n1", ods)

    def test_two_students_of_that_name_and_birth_date_are_both_held(self):
        ods = "student local_id first_name last_name birth_date\n5 9999 Same Same 2015-03-02"
        sis = aeries("student\n1\n2", stu="student FN LN BD\n1 Same Same 2015-03-02\n2 Same Same 2015-03-02")
        assert {row[:3] for row in actions(sis, ods)} == {("hold", "identity-conflict", who) for who in "125"}

    def test_two_live_students_under_one_ssid(self):
        found = actions(aeries("student school\n1 A\n2 B", stu="student school CID\n2 B 1"), "student\n1")
        assert {row[:3] for row in found} == {("hold", "identity-conflict", "1")}


class TestSameKey:
    """4.2"""

    def test_equal(self):
        assert actions("student\n1", "student\n1") == expected("action reason\nsame -")

    @pytest.mark.parametrize(
        ("sis", "ods", "reason"),
        [
            ("2026-08-12 2026-10-02 160", "2026-08-12 - -", "exit"),
            ("2026-08-12 - -", "2026-08-12 2026-10-02 T160", "reopened"),
            ("2026-08-12 2026-10-02 160", "2026-08-12 2026-10-05 T160", "exit-changed"),
            ("2026-08-12 2026-10-02 160", "2026-08-12 2026-10-02 T200", "exit-changed"),
            ("2026-08-12 - -", "2026-08-12 2026-08-11 N470", "reopened"),
        ],
    )
    def test_reasons_of_an_update_exits(self, sis, ods, reason):
        found = actions(f"student start exit reason\n1 {sis}", f"student start exit reason\n1 {ods}")
        assert [row[:2] for row in found] == [("update", reason)]

    def test_values_changed(self):
        assert actions("student grade\n1 6", "student\n1") == expected("action reason\nupdate values-changed")

    def test_mid_year_change_ends_the_first_and_adds_the_second(self):
        sis = "student start exit reason grade\n1 2026-08-12 2026-10-02 440 5\n1 2026-10-05 - - 6"
        assert actions(sis, "student\n1") == expected("""
            action reason          start      exit
            update mid-year-change 2026-08-12 2026-10-02
            add    mid-year-change 2026-10-03 -
        """)

    def test_a_right_e150_in_calpads_is_the_same(self):
        sis = "student start exit reason grade\n1 2026-08-12 2026-10-02 440 5\n1 2026-10-05 - - 6"
        ods = "student start exit reason grade\n1 2026-08-12 2026-10-02 E150 05\n1 2026-10-03 - - 06"
        assert [row[0] for row in actions(sis, ods)] == ["same", "same"]

    def test_a_needless_e150_in_calpads_is_taken_back(self):
        sis = "student start exit reason\n1 2026-08-12 2026-10-02 440\n1 2026-10-05 - -"
        ods = "student start exit reason\n1 2026-08-12 2026-10-02 E150\n1 2026-10-03 - -"
        assert actions(sis, ods) == expected("""
            action reason        start      exit
            update reopened      2026-08-12 -
            delete not-in-aeries 2026-10-03 -
        """)

    def test_the_new_exit_is_e150_even_when_nothing_continues_it(self):
        found = actions("student start exit reason\n1 2026-08-12 2026-10-02 440\n1 2026-10-20 - -", "student\n1")
        assert [row[:2] for row in found] == [("update", "mid-year-change"), ("add", "missing-in-calpads")]

    def test_year_end(self):
        chosen = settings("auto_close = true\nlast_school_day = 2027-06-10", as_of="2027-06-10")
        assert actions("student\n1", "student\n1", chosen) == expected("action reason exit\nupdate year-end 2027-06-10")

    def test_the_nps_code_is_part_of_the_key(self):
        sis, ods = "student school nps\n1 N 7000001", "student school nps\n1 N 7000002"
        assert sorted(row[:2] for row in actions(sis, ods)) == [("add", "school-moved"), ("delete", "school-moved")]
        assert [row[0] for row in actions(sis, ods.replace("7000002", "7000001"))] == ["same"]

    def test_an_nps_code_that_aeries_cannot_tell_is_the_states_own(self):
        sis = aeries("student school\n1 N", lacking=("ENR.NPS",))
        assert [row[0] for row in actions(sis, "student school nps\n1 N 7000002")] == ["same"]


class TestStateRowWithoutPartner:
    """4.3"""

    @pytest.mark.parametrize("exit_date", ["2026-08-12", "2026-08-11"])
    def test_canceled_is_settled_ever(self, exit_date):
        ods = f"student start exit reason\n1 2026-08-12 {exit_date} N470"
        assert [row[0] for row in actions("", ods)] == ["settled-no-show"]
        assert [row[0] for row in actions("student start\n1 2026-08-17", ods)] == ["settled-no-show", "add"]

    def test_n470_two_days_before_the_start_is_not_canceled(self):
        assert [row[0] for row in actions("", "student start exit reason\n1 2026-08-12 2026-08-10 N470")] == ["delete"]

    def test_a_future_start_waits_while_the_student_is_enrolled(self):
        ods = "student start\n1 2026-12-01\n2 2026-12-01"
        assert actions("student start\n1 2026-12-01", ods) == expected("""
            action       reason                     student start
            future-dated -                          1       2026-12-01
            delete       no-current-year-enrollment 2       2026-12-01
        """)

    def test_no_current_year_enrollment_at_any_school_left_out_or_not(self):
        found = actions("student school\n2 X", "student\n1\n2")
        assert found == expected("""
            action reason                     student
            delete no-current-year-enrollment 1
            delete not-in-aeries              2
        """)

    def test_prior_year_rows_of_aeries_are_no_current_year_enrollment(self):
        sis = aeries("student start exit reason year\n1 2025-08-13 2026-06-05 Y 2025")
        assert actions(sis, "student\n1") == expected("action reason\ndelete no-current-year-enrollment")

    @pytest.mark.parametrize(
        ("state_row", "spell", "reason"),
        [
            ("2026-08-12 -", "2026-08-17 -", "start-date-moved"),
            ("2026-08-17 -", "2026-08-12 -", "start-date-moved"),
            ("2026-08-12 2026-08-20", "2026-08-26 -", "start-date-moved"),  # starts within 14 days of it
            ("2026-08-12 2026-08-20", "2026-08-27 -", "not-in-aeries"),
            ("2026-08-12 2026-10-30", "2026-10-01 -", "start-date-moved"),  # overlaps it
        ],
    )
    def test_start_date_moved(self, state_row, spell, reason):
        start, end = state_row.split()
        ods = f"student start exit reason\n1 {start} {end} {'-' if end == '-' else 'T160'}"
        found = actions(f"student start\n1 {spell.split()[0]}", ods)
        assert [row[1] for row in found if row[0] == "delete"] == [reason]
        assert [row[1] for row in found if row[0] == "add"] == [
            reason if reason == "start-date-moved" else "missing-in-calpads"
        ]

    def test_the_largest_overlap_pairs_first(self):
        sis = """
            student start      exit       reason
            1       2026-08-13 2026-08-20 160
            1       2026-08-24 -          -
        """
        assert actions(sis, "student start\n1 2026-08-14") == expected("""
            action reason             start      exit
            add    missing-in-calpads 2026-08-13 2026-08-20
            delete start-date-moved   2026-08-14 -
            add    start-date-moved   2026-08-24 -
        """)

    def test_a_tie_holds_the_student(self):
        sis = """
            student start      exit       reason
            1       2026-08-20 2026-08-21 160
            1       2026-08-24 2026-08-25 160
        """
        ods = "student start exit reason\n1 2026-08-22 2026-08-23 T160"
        assert {row[:2] for row in actions(sis, ods)} == {("hold", "ambiguous-pair")}

    @pytest.mark.parametrize(
        ("spell", "reason"),
        [
            ("2026-09-01 -", "school-moved"),
            ("2026-10-02 -", "not-in-aeries"),  # starts on the other's exit day: no overlap
            ("2026-10-03 -", "not-in-aeries"),
        ],
    )
    def test_school_moved(self, spell, reason):
        ods = "student school start exit reason\n1 A 2026-08-12 2026-10-02 T160"
        found = actions(f"student school start\n1 B {spell.split()[0]}", ods)
        assert [row[1] for row in found] == [
            reason,
            "school-moved" if reason == "school-moved" else "missing-in-calpads",
        ]

    def test_same_school_comes_before_another_school(self):
        sis = """
            student school start      exit       reason
            1       A      2026-08-17 2026-09-30 160
            1       B      2026-10-01 -          -
        """
        assert actions(sis, "student school start\n1 A 2026-08-12") == expected("""
            action reason             school start      exit
            delete start-date-moved   A      2026-08-12 -
            add    start-date-moved   A      2026-08-17 2026-09-30
            add    missing-in-calpads B      2026-10-01 -
        """)

    def test_a_student_who_is_not_in_aeries_at_all(self):
        assert actions("", "student local_id\n5 9999") == expected(
            "action reason student\ndelete no-current-year-enrollment 5"
        )


class TestSpellWithoutPartner:
    """4.4"""

    def test_missing_in_calpads(self):
        assert actions("student\n1", "") == expected("action reason\nadd missing-in-calpads")

    def test_transfer_inside_the_district(self):
        sis = """
            student school start      exit       reason
            1       A      2026-08-12 2026-10-02 160
            1       B      2026-10-05 -          -
        """
        assert actions(sis, "student\n1") == expected("""
            action reason             school start      exit
            update exit               A      2026-08-12 2026-10-02
            add    missing-in-calpads B      2026-10-05 -
        """)


def test_every_action_says_why_without_naming_anyone():
    sis = aeries("student school start\n1 B 2026-08-12\n2 A 2026-08-17\n3 A 2026-08-12")
    proposal, _, _ = rulebook.run(sis, state("student\n1\n2\n4"), settings())
    said = to_pandas(proposal.actions).loc[to_pandas(proposal.actions)["action"] != "same", "evidence"]
    assert (said != "").all()
    assert not said.str.contains(r"Family|Given|9000000|\{").any()
