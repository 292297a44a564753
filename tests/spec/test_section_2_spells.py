"""Section 2: from Aeries rows to spells."""

from dataclasses import replace

import pytest

from senrkit.frames.pandas_door import to_pandas
from senrkit.spells.build import build_spells
from tests import rulebook
from tests.rulebook import aeries, settings, spells, state
from tests.text_tables import cells


def left_out(table, chosen=None, **how):
    listed = rulebook.run(aeries(table, **how), state(""), chosen or settings())[2].left_out
    return sorted(
        (str(int(local_id) - 1000), reason)
        for local_id, reason in zip(listed["local_id"], listed["reason"], strict=True)
    )


def test_left_out_reasons_none_disappears_silently():
    found = left_out(
        """
        student school start      program
        1       X      2026-08-12 -
        2       U      2026-08-12 -
        3       A      2026-08-12 -
        4       A      2026-08-12 Z
        5       A      2026-08-12 -
        6       A      2026-08-12 -
        7       A      2026-11-24 -
        8       A      2026-11-23 -
        """,
        settings(aeries='skip_programs = ["Z"]'),
        stu="""
        student TG CID
        3       *  3
        5       -  -
        6       -  900000
        """,
    )
    assert sorted(found) == [
        ("1", "school-not-selected"),
        ("2", "school-not-reported"),
        ("3", "tag-skipped"),
        ("4", "program-skipped"),
        ("5", "no-ssid"),
        ("6", "no-ssid"),
        ("7", "future-dated"),
    ]


def test_the_first_reason_of_the_table_is_given():
    table = "student school start program\n1 X 2026-12-01 Z"
    chosen = settings(aeries='skip_programs = ["Z"]')
    assert left_out(table, chosen, stu="student TG CID school\n1 * - X")[0][1] == "school-not-selected"
    assert left_out(table.replace("X", "A"), chosen, stu="student TG CID\n1 * -")[0][1] == "tag-skipped"
    assert left_out(table.replace("X", "A"), chosen, stu="student TG CID\n1 - -")[0][1] == "program-skipped"
    assert left_out(table.replace("X", "A").replace("Z", "-"), chosen, stu="student TG CID\n1 - -")[0][1] == "no-ssid"


def test_the_tag_is_that_of_the_school_the_row_is_of():
    # Pre-enrolled for next year at B, here at A now.
    assert left_out("student school\n1 A", stu="student school TG\n1 B *") == []


def test_future_dates_can_be_reported():
    assert left_out("student start\n1 2026-12-01", settings('future_dates = "send"')) == []


class TestSchool:
    """2.1"""

    def test_the_reporting_home_school_replaces_the_school(self):
        assert spells("student school home\n1 V A", shown="school") == [("1990001",)]

    def test_home_school_zero_is_blank(self):
        assert spells("student school\n1 A", shown="school") == [("1990001",)]

    def test_the_home_school_decides_whether_the_row_is_selected(self):
        assert left_out("student school home\n1 A X\n2 D A") == [("1", "school-not-selected")]

    def test_the_nps_code_comes_from_the_row_at_the_nps_school_only(self):
        found = spells("student school nps\n1 N 7000001\n2 A 7000001", shown="school nps")
        assert found == [("0000001", "7000001"), ("1990001", "")]

    def test_reporting_lea_is_the_district_records(self):
        assert spells("student\n1", shown="lea") == [("1999990",)]

    def test_an_independent_charter_reports_under_its_school_code(self):
        charter = replace(settings(top="charter = true"), lea="1990001")
        found = spells("student school\n1 A\n2 B", charter, shown="lea school")
        assert found == [("1990001", "1990001")]


class TestOrderAndFold:
    """2.2"""

    def test_exact_duplicates_count_once(self):
        assert spells("student start\n1 2026-08-12\n1 2026-08-12", shown="start rows") == [("2026-08-12", "2")]

    @pytest.mark.parametrize(
        ("second", "one_spell"),
        [
            ("2026-09-30", True),  # the day the first ends
            ("2026-10-01", True),
            ("2026-10-10", True),  # ten days after
            ("2026-10-11", False),
        ],
    )
    def test_e150_and_a_start_within_ten_days_is_continued(self, second, one_spell):
        found = spells(f"student start exit reason\n1 2026-08-12 2026-09-30 440\n1 {second} - -")
        assert len(found) == (1 if one_spell else 2)

    def test_the_gap_is_a_setting(self):
        table = "student start exit reason\n1 2026-08-12 2026-09-30 440\n1 2026-10-03 - -"
        assert len(spells(table, settings("e150_gap_days = 3"))) == 1
        assert len(spells(table, settings("e150_gap_days = 2"))) == 2

    def test_no_exit_reason_and_a_start_the_day_after_is_continued(self):
        found = spells("student start exit reason\n1 2026-08-12 2026-09-30 -\n1 2026-10-01 - -")
        assert found == cells("2026-08-12 - -")

    def test_another_exit_reason_is_no_continuation(self):
        found = spells("student start exit reason\n1 2026-08-12 2026-09-30 160\n1 2026-10-01 - -")
        assert found == cells("2026-08-12 2026-09-30 T160\n2026-10-01 - -")

    def test_continued_rows_with_equal_values_are_one_spell(self):
        found = spells(
            """
            student start      exit       reason
            1       2026-08-12 2026-09-30 440
            1       2026-10-03 2026-10-20 440
            1       2026-10-21 2026-11-06 160
            """,
            shown="start exit reason rows",
        )
        assert found == cells("2026-08-12 2026-11-06 T160 3")

    def test_a_mid_year_change_exits_e150_and_starts_the_next_calendar_day(self):
        # 2026-10-02 is a Friday; the second row starts on Monday, the record on Saturday.
        found = spells(
            "student start exit reason grade\n1 2026-08-12 2026-10-02 440 5\n1 2026-10-05 - - 6",
            shown="start exit reason grade origin",
        )
        assert found == cells("2026-08-12 2026-10-02 E150 05 row\n2026-10-03 - - 06 mid-year-change")

    def test_a_change_without_any_reason_exits_e150_too(self):
        found = spells("student start exit reason grade\n1 2026-08-12 2026-10-02 - 5\n1 2026-10-03 - - 6")
        assert found == cells("2026-08-12 2026-10-02 E150\n2026-10-03 - -")

    @pytest.mark.parametrize(
        ("column", "first", "second"),
        [
            ("program", "-", "N"),
            ("grade", "5", "6"),
            ("transfer", "-", "D"),
            ("residence", "19999910000000", "19999920000000"),
        ],
    )
    def test_reportable_values(self, column, first, second):
        found = spells(
            f"student start exit reason {column}\n1 2026-08-12 2026-10-02 440 {first}\n1 2026-10-03 - - {second}"
        )
        assert len(found) == 2

    def test_the_nps_is_a_reportable_value(self):
        found = spells(
            "student school start exit reason nps\n1 N 2026-08-12 2026-10-02 440 7000001\n1 N 2026-10-03 - - 7000002"
        )
        assert len(found) == 2

    def test_rows_of_other_schools_are_no_neighbours(self):
        found = spells(
            "student school start exit reason\n1 A 2026-08-12 2026-10-02 440\n1 B 2026-10-03 - -", shown="start origin"
        )
        assert found == cells("2026-08-12 row\n2026-10-03 row")

    def test_folded_then_changed(self):
        found = spells(
            """
            student start      exit       reason grade
            1       2026-08-12 2026-09-01 440    5
            1       2026-09-02 2026-10-02 440    5
            1       2026-10-05 -          -      6
            """,
            shown="start exit reason grade rows",
        )
        assert found == cells("2026-08-12 2026-10-02 E150 05 2\n2026-10-03 - - 06 1")


class TestTranslate:
    """2.3"""

    @pytest.mark.parametrize(
        ("column", "local", "shown", "state_code"),
        [
            ("program", "-", "status", "10"),
            ("program", "C", "status", "20"),
            ("grade", "-1", "grade", "TK"),
            ("grade", "0", "grade", "KN"),
            ("grade", "1", "grade", "01"),
            ("grade", "12", "grade", "12"),
            ("grade", "-2", "grade", "PS"),
            ("residence", "19649990000000", "residence", "1964999"),
            ("transfer", "D", "transfer", "1"),
        ],
    )
    def test_codes(self, column, local, shown, state_code):
        assert spells(f"student {column}\n1 {local}", shown=shown) == [(state_code,)]

    @pytest.mark.parametrize(
        ("local", "state_code"), [("160", "T160"), ("440", "E150"), ("200", "T200"), ("140", "E140"), ("Y", "E155")]
    )
    def test_exit_reasons(self, local, state_code):
        assert spells(f"student exit reason\n1 2026-10-02 {local}", shown="reason") == [(state_code,)]

    def test_settings_win_over_xrf(self):
        chosen = settings(more='[translations."STU.SP"]\n"C" = "50"')
        assert spells("student program\n1 C", chosen, shown="status") == [("50",)]

    @pytest.mark.parametrize(
        ("row", "listed"),
        [
            ("student grade\n1 20", ("STU.GR", "20")),
            ("student program\n1 Q", ("STU.SP", "Q")),
            ("student exit reason\n1 2026-10-02 999", ("ATT.RS", "999")),
            ("student exit reason\n1 2026-10-02 310", ("ATT.RS", "310")),  # T310 is retired
            ("student transfer\n1 Z", ("STU.IT", "Z")),
        ],
    )
    def test_what_has_no_translation_is_counted_and_listed(self, row, listed):
        missing = rulebook.run(aeries(row), state(""), settings())[2].untranslated
        assert missing.select("set", "code", "rows").rows() == [(*listed, 1)]

    def test_rows_that_are_left_out_need_no_translation(self):
        assert to_pandas(
            rulebook.run(aeries("student school program\n1 X Q"), state(""), settings())[2].untranslated
        ).empty

    def test_next_school_is_the_state_code_zero_is_blank(self):
        found = spells("student next\n1 2\n2 0\n3 1234567\n4 777", shown="receiver")
        assert found == [("1990002",), ("",), ("1234567",), ("?",)]


class TestExitRules:
    """2.4"""

    @pytest.mark.parametrize(
        ("program", "grade", "reason", "goes_out"),
        [
            ("C", "5", "160", "E170"),
            ("N", "5", "160", "E170"),
            ("N", "5", "N", "N470"),
            ("N", "5", "440", "E150"),
            ("-", "-2", "160", "E450"),
            ("-", "-2", "N", "N470"),  # assessed and not eligible
            ("-", "-2", "440", "E150"),  # a change of status
            ("-", "18", "160", "E450"),
            ("C", "-2", "160", "E170"),  # the status rule before the preschool rule
            ("N", "-2", "440", "E150"),
            ("-", "-1", "160", "T160"),
            ("-", "5", "160", "T160"),
        ],
    )
    def test_status_rule_then_preschool_rule_then_the_row(self, program, grade, reason, goes_out):
        table = f"student exit reason program grade\n1 2026-08-12 {reason} {program} {grade}"
        assert spells(table, shown="reason") == [(goes_out,)]

    def test_preschool_exits_can_be_kept(self):
        chosen = settings("keep_preschool_exits = true")
        assert spells("student exit reason grade\n1 2026-10-02 160 -2", chosen, shown="reason") == [("T160",)]

    def test_a_completion_goes_out_only_with_e230(self):
        found = spells(
            "student exit reason grade\n1 2026-10-02 GRD 12\n2 2026-10-02 160 12\n3 - - 12",
            stu="student HSG\n1 G\n2 G\n3 G",
            shown="reason completion",
        )
        assert found == cells("E230 100\nT160 -\n- -")


def test_2_5_an_exit_after_as_of_is_treated_as_blank():
    table = "student exit reason\n1 2026-11-24 160\n2 2026-11-23 160"
    assert spells(table, shown="exit reason") == cells("- -\n2026-11-23 T160")
    assert spells(table, settings('future_dates = "send"'), shown="exit reason") == cells(
        "2026-11-24 T160\n2026-11-23 T160"
    )


class TestYearEnd:
    """2.6"""

    ON = "auto_close = true\nlast_school_day = 2027-06-10"

    @pytest.mark.parametrize(
        ("as_of", "closes"), [("2027-05-26", False), ("2027-05-27", True), ("2027-06-10", True), ("2027-06-30", True)]
    )
    def test_only_from_fourteen_days_before_the_last_school_day(self, as_of, closes):
        found = spells("student\n1", settings(self.ON, as_of=as_of), shown="exit reason")
        assert found == (cells("2027-06-10 E155") if closes else cells("- -"))

    def test_default_is_off(self):
        assert spells("student\n1", settings("last_school_day = 2027-06-10", as_of="2027-06-10"), shown="exit") == [
            ("",)
        ]

    @pytest.mark.parametrize(
        ("eoy", "hsg", "ng", "grade", "program", "closed"),
        [
            ("160", "G", "13", "12", "-", "T160 -"),
            ("-", "G", "13", "12", "-", "E230 100"),
            ("-", "-", "6", "5", "C", "E170 -"),
            ("-", "-", "6", "5", "N", "E170 -"),
            ("-", "-", "13", "12", "-", "- -"),
            ("-", "-", "12", "12", "-", "E156 -"),
            ("-", "-", "12", "11", "-", "E155 -"),
            ("-", "-", "6", "5", "-", "E155 -"),
            ("-", "-", "6", "-2", "-", "E450 -"),  # the preschool rule acts on it too
        ],
    )
    def test_which_exit(self, eoy, hsg, ng, grade, program, closed):
        found = spells(
            f"student grade program\n1 {grade} {program}",
            settings(self.ON, as_of="2027-06-10"),
            stu=f"student EOY HSG NG\n1 {eoy} {hsg} {ng}",
            shown="reason completion",
        )
        assert found == cells(closed)

    def test_next_grade_13_is_listed_as_a_warning(self):
        built = rulebook.run(
            aeries("student\n1", stu="student NG\n1 13"), state(""), settings(self.ON, as_of="2027-06-10")
        )[2]
        assert to_pandas(built.warnings)["kind"].tolist() == ["open-at-year-end"]

    def test_a_closed_spell_stays_as_it_is(self):
        found = spells("student exit reason\n1 2027-05-05 160", settings(self.ON, as_of="2027-06-10"))
        assert found == cells("2026-08-12 2027-05-05 T160")


class TestBadAeriesData:
    """2.7: holds the student."""

    @pytest.mark.parametrize(
        ("table", "fault"),
        [
            # two spells of one school overlap
            ("student start exit reason\n1 2026-08-12 2026-10-02 160\n1 2026-10-01 - -", "aeries-overlap"),
            ("student start exit reason\n1 2026-08-12 - -\n1 2026-10-01 - -", "aeries-overlap"),
            # one may start on the other's exit day
            ("student start exit reason\n1 2026-08-12 2026-10-02 160\n1 2026-10-02 - -", ""),
            # two primary spells anywhere
            ("student school start exit reason\n1 A 2026-08-12 2026-10-02 160\n1 B 2026-10-01 - -", "aeries-overlap"),
            ("student school start exit reason program\n1 A 2026-08-12 - - -\n1 B 2026-10-01 - - C", ""),
            # status 30 counts as primary when it lasts more than 30 days
            ("student school start exit reason program\n1 A 2026-08-12 - - -\n1 B 2026-10-01 2026-10-30 160 S", ""),
            (
                "student school start exit reason program\n1 A 2026-08-12 - - -\n1 B 2026-10-01 2026-10-31 160 S",
                "aeries-overlap",
            ),
            # a canceled no-show overlaps nothing
            ("student school start exit reason\n1 A 2026-08-12 2026-08-12 N\n1 B 2026-08-12 - -", ""),
            ("student school start exit reason\n1 A 2026-08-12 2026-08-11 N\n1 A 2026-08-17 - -", ""),
            # dates that cannot be
            ("student start exit reason\n1 2026-08-12 2026-08-11 160", "aeries-date-error"),
            ("student start exit reason\n1 2026-08-12 2026-08-10 N", "aeries-date-error"),
            ("student start exit reason\n1 2026-06-30 - -", "aeries-date-error"),
            ("student start exit reason\n1 - - -", "aeries-date-error"),
            ("student start exit reason\n1 2026-13-45 - -", "aeries-date-error"),
            ("student start exit reason\n1 2026-08-12 someday 160", "aeries-date-error"),
            ("student start exit reason\n1 2026-08-12 2026-10-02 -", "aeries-date-error"),
            ("student start exit reason\n1 2026-08-12 - 160", "aeries-date-error"),
        ],
    )
    def test_faults(self, table, fault):
        assert max(found for (found,) in spells(table, shown="odd")) == fault

    def test_the_same_start_at_one_school_twice_is_an_overlap(self):
        table = "student start exit reason grade\n1 2026-08-12 2026-08-12 160 5\n1 2026-08-12 - - 6"
        assert spells(table, shown="odd") == cells("aeries-overlap\naeries-overlap")


def test_2_8_left_over_summer_fields_are_information_only():
    proposal, _, _ = rulebook.run(aeries("student\n1\n2", stu="student SWR\n2 160"), state("student\n1\n2"), settings())
    assert to_pandas(proposal.actions)["action"].tolist() == ["same", "same"]
    assert to_pandas(proposal.information)[["kind", "local_id"]].values.tolist() == [
        ["summer-withdrawal-left-over", "1002"]
    ]


def test_2_8_a_prior_year_e155_whose_student_never_came():
    ods = state(
        "student start exit reason\n1 2025-08-13 2026-06-05 E155\n2 2025-08-13 2026-06-05 E155\n2 2026-08-12 - -"
    )
    proposal, _, _ = rulebook.run(aeries("student\n2"), ods, settings())
    assert to_pandas(proposal.information)[["kind", "local_id"]].values.tolist() == [
        ["year-end-exit-never-came", "1001"]
    ]


def test_a_missing_column_is_unknown_not_blank():
    found = spells("student\n1", lacking=("ENR.IT", "ENR.ITD", "ENR.NS"), shown="transfer residence receiver")
    assert found == [("?", "?", "?")]


class TestWhatCannotBeAsked:
    """A column that is missing stays unknown, and a sentence says which rule cannot be asked for want of it."""

    @pytest.mark.parametrize(
        ("lacking", "said"),
        [
            ("STU.DG", "STU.DG is not there: no completion closes an enrollment (2.4a), and summer completions"),
            ("ENR.NS", "ENR.NS is not there: expected receiver schools are not compared (5)."),
            ("LOC.HI", "LOC.HI is not there: a completion code of a lower grade counts as one (2.4a)"),
        ],
    )
    def test_a_missing_column_is_named_with_its_rule(self, lacking, said):
        whole = build_spells(aeries("student\n1"), settings())
        found = build_spells(aeries("student\n1", lacking=(lacking,)), settings())
        more = set(found.unasked) - set(whole.unasked)
        assert len(more) == 1 and next(iter(more)).startswith(said)

    def test_seals_that_are_asked_for_without_the_table(self):
        chosen = settings('biliteracy_seal = "SSB"')
        assert any("ACT is not there" in said for said in build_spells(aeries("student\n1"), chosen).unasked)
        assert not any("ACT" in said for said in build_spells(aeries("student\n1"), settings()).unasked)
