"""Cases from the field: what districts publish about their work, each decided wrongly by the first rule book, each with
its near miss. The numbers are those of the list of 29 November 2026; cases 24 to 28 are the language side's."""

from __future__ import annotations

import pytest

from senrkit.frames.pandas_door import to_pandas
from senrkit.results.outcome import foretell
from tests import rulebook
from tests.rulebook import actions, aeries, settings, spells, state
from tests.tables import assert_rule, context

HELD = "identity-conflict"
YEAR_END = "auto_close = true\nlast_school_day = 2027-06-10"
STATE_NAMES = "student start exit reason grade completion"


def shown(sis, ods, chosen=None):
    """Action and reason, in order of student and start."""
    return [row[:2] for row in actions(sis, ods, chosen)]


def sent(sis, ods, chosen=None, columns=("start_date", "exit_date", "exit_reason", "completion_status")):
    """The records that go out once CALPADS' answer is foretold, file by file."""
    chosen = chosen or settings()
    proposal, scope, spell_set = rulebook.run(sis, state(ods), chosen)
    plan = foretell(proposal, scope, spell_set, chosen, "7").plan
    return [(file.number, *row) for file in plan.files for row in file.records.select(columns).rows()]


class TestSettledCompletion:
    """1: a completion of one summer's day, for which Aeries keeps no `ENR` row (4.3)."""

    @pytest.mark.parametrize(
        ("start", "exit", "reason", "action"),
        [
            ("2026-07-15", "2026-07-15", "E230", "settled-completion"),
            ("2026-07-01", "2026-07-01", "E230", "settled-completion"),
            ("2026-08-15", "2026-08-15", "E230", "settled-completion"),
            ("2027-06-01", "2027-06-01", "E230", "settled-completion"),
            ("2026-08-16", "2026-08-16", "E230", "delete"),
            ("2026-10-14", "2026-10-14", "E230", "delete"),  # in October it is an ordinary row
            ("2026-07-15", "2026-07-16", "E230", "delete"),  # more than one day
            ("2026-07-15", "2026-07-15", "T160", "delete"),
        ],
    )
    def test_of_a_student_with_no_row_of_this_year(self, start, exit, reason, action):
        ods = f"{STATE_NAMES}\n1 2025-08-13 2026-06-05 E156 12 -\n1 {start} {exit} {reason} 12 100"
        sis = aeries("student\n2", stu="student TG\n1 I")
        found = actions(sis, f"{ods}\n2 2026-08-12 - - 05 -", settings(as_of="2027-06-20"))
        assert [row[0] for row in found] == [action, "same"]

    def test_the_last_school_day_is_the_first_that_is_not_summer(self):
        process = "last_school_day = 2027-06-10"
        ods = f"{STATE_NAMES}\n1 2027-06-10 2027-06-10 E230 12 100\n2 2027-06-11 2027-06-11 E230 12 100"
        found = actions("student\n3", ods, settings(process, as_of="2027-06-20"))
        assert [row[0] for row in found] == ["delete", "settled-completion", "add"]

    def test_of_a_student_whom_aeries_does_not_know_any_more(self):
        ods = f"{STATE_NAMES}\n9 2026-08-03 2026-08-03 E230 12 100"
        assert shown("student\n1", ods) == [("add", "missing-in-calpads"), ("settled-completion", "")]


class TestGraduateFields:
    """2 and 11: UC/CSU and the seals of a graduate (2.4b)."""

    GRADUATE = "student start exit reason grade\n1 2026-08-12 2026-11-13 GRD 12"
    OPEN = "student start grade\n1 2026-08-12 12"

    @pytest.mark.parametrize(
        ("cco", "cuc", "ccs", "setting", "goes_out"),
        [
            ("-", "Y", "Y", "", "Y"),
            ("-", "N", "N", "", "N"),
            ("Y", "N", "N", "", "Y"),
            ("N", "Y", "Y", "", "N"),
            ("-", "Y", "N", "", "Y"),
            ("-", "Y", "N", 'uc_csu = "both"', "N"),
            ("-", "Y", "-", "", "?"),
            ("-", "-", "N", "", "?"),
            ("-", "-", "-", "", "?"),
        ],
    )
    def test_uc_csu(self, cco, cuc, ccs, setting, goes_out):
        sis = aeries(self.GRADUATE, stu=f"student HSG GEX CCO CUC CCS\n1 G N {cco} {cuc} {ccs}")
        assert spells(sis, settings(setting), shown="uc_csu") == [(goes_out,)]

    def test_it_goes_out_and_holds_nobody(self):
        sis = aeries(self.GRADUATE, stu="student HSG GEX CUC CCS\n1 G N Y Y")
        fields = ("exit_reason", "completion_status", "uc_csu")
        assert sent(sis, self.OPEN, columns=fields) == [(2, "E230", "100", "Y")]

    def test_an_unknown_one_holds_as_before(self):
        sis = aeries(self.GRADUATE, stu="student HSG GEX CUC CCS\n1 G N Y -")
        assert sent(sis, self.OPEN) == []

    @pytest.mark.parametrize(
        ("setting", "awards", "goes_out"),
        [
            ('biliteracy_seal = "SSB"', "1 SSB 2026-11-10", "Y"),
            ('biliteracy_seal = "SSB"', "1 SSB 2026-06-10", "N"),  # of last year
            ('biliteracy_seal = "SSB"', "1 GSS 2026-11-10", "N"),
            ('biliteracy_seal = "SSB"', "2 SSB 2026-11-10", "N"),
            ('biliteracy_seal = "SSB"', "1 SSB soon", "?"),
            ("", "1 SSB 2026-11-10", "?"),
        ],
    )
    def test_a_seal(self, setting, awards, goes_out):
        sis = aeries(self.GRADUATE, stu="student HSG GEX\n1 G N", act=f"student CD DT\n{awards}")
        assert spells(sis, settings(setting), shown="biliteracy_seal") == [(goes_out,)]

    def test_without_the_table_it_is_unknown(self):
        sis = aeries(self.GRADUATE, stu="student HSG GEX\n1 G N")
        assert spells(sis, settings('biliteracy_seal = "SSB"'), shown="biliteracy_seal") == [("?",)]

    @pytest.mark.parametrize(("setting", "goes_out"), [("", "N"), ('blank_exemption = ""', "?")])
    def test_a_blank_exemption(self, setting, goes_out):
        sis = aeries(self.GRADUATE, stu="student HSG GEX\n1 G -")
        assert spells(sis, settings(setting), shown="graduation_exemption") == [(goes_out,)]

    def test_who_is_no_graduate_any_more_goes_out_blank(self):
        sis = aeries(self.GRADUATE, stu="student HSG GEX CUC CCS\n1 F N Y Y")
        fields = "uc_csu golden_state_seal biliteracy_seal graduation_exemption"
        assert spells(sis, settings('biliteracy_seal = "SSB"'), shown=fields) == [("", "", "", "")]


class TestYearEnd:
    """3 and 4: the day of a completion, and a completion after the last school day (2.6, 2.6a)."""

    @pytest.mark.parametrize(
        ("stu", "closes"),
        [
            ("HSG DG NG\n1 G 2027-06-03 13", ("2027-06-03", "E230", "100")),
            ("HSG DG NG\n1 F - 13", ("2027-06-10", "E230", "360")),
            ("HSG DG NG\n1 G 2026-06-03 6", ("2027-06-10", "E155", "")),  # a code of last June
            ("HSG DG NG\n1 - - 13", ("", "", "")),
            ("EOY LD NG\n1 Y 2027-06-04 6", ("2027-06-04", "E155", "")),
            ("EOY LD NG\n1 Y 2027-06-14 6", ("2027-06-10", "E155", "")),  # later than the last school day
            ("EOY LD NG\n1 Y 2026-06-04 6", ("2027-06-10", "E155", "")),  # not inside the spell
            ("EOY HSG DG NG\n1 156 G 2027-06-03 12", ("2027-06-10", "E156", "")),  # EOY speaks first
        ],
    )
    def test_the_day(self, stu, closes):
        sis = aeries("student start grade\n1 2026-08-12 11", stu=f"student {stu}")
        chosen = settings(YEAR_END, as_of="2027-06-10")
        assert spells(sis, chosen, shown="exit reason completion") == [closes]

    def test_promoted_counts_in_the_top_grade_of_the_school_only(self):
        sis = aeries("student school grade\n1 B 7\n2 B 8", stu="student school HSG\n1 B P\n2 B P")
        found = spells(sis, settings(YEAR_END, as_of="2027-06-10"), shown="reason completion")
        assert found == [("E155", ""), ("E230", "480")]

    SUMMER = "student EOY HSG GEX DG NG CUC CCS\n1 156 G N 2027-06-25 12 Y Y"
    SENIOR = "student start exit reason grade completion\n1 2026-08-12 - - 12 -"

    def test_e156_and_then_the_completion_in_a_later_file(self):
        sis = aeries("student start grade\n1 2026-08-12 12", stu=f"{self.SUMMER}")
        sis.tables["STU"]["GR"] = "12"
        found = sent(sis, self.SENIOR, settings(YEAR_END, as_of="2027-06-28"))
        assert found == [
            (2, "20260812", "20270610", "E156", ""),
            (3, "20270625", "20270625", "E230", "100"),
        ]

    @pytest.mark.parametrize(
        "changed",
        [
            {"DG": "2027-06-29"},  # after the day of the run
            {"GR": "11"},
            {"SP": "C"},
            {"HSG": ""},
        ],
    )
    def test_near_misses(self, changed):
        sis = aeries("student start grade\n1 2026-08-12 12", stu=self.SUMMER)
        sis.tables["STU"] = sis.tables["STU"].assign(**({"GR": "12"} | changed)).astype("str")
        assert [row[0] for row in sent(sis, self.SENIOR, settings(YEAR_END, as_of="2027-06-28"))] == [2]

    @pytest.mark.parametrize("eoy", ["-", "Y"])
    def test_without_e156_the_spell_stays_open_and_a_line_says_so(self, eoy):
        sis = aeries("student start grade\n1 2026-08-12 12", stu=self.SUMMER.replace("1 156", f"1 {eoy}"))
        sis.tables["STU"]["GR"] = "12"
        proposal, _, _ = rulebook.run(sis, state(self.SENIOR), settings(YEAR_END, as_of="2027-06-28"))
        assert to_pandas(proposal.actions)["action"].tolist() == ["same"]
        assert "completion-after-year-end" in set(to_pandas(proposal.information)["kind"])

    @pytest.mark.parametrize(
        ("last_exit", "action"), [("E156", ("add", "missing-in-calpads")), ("E155", None), ("E230", None)]
    )
    def test_in_the_summer_in_which_the_year_begins_the_state_decides(self, last_exit, action):
        sis = aeries("student\n2", stu="student TG HSG DG GR GEX\n1 I G 2026-07-20 12 N")
        ods = f"{STATE_NAMES}\n1 2025-08-13 2026-06-05 {last_exit} 12 -\n2 2026-08-12 - - 05 -"
        assert shown(sis, ods) == [*([action] if action else []), ("same", "")]
        proposal, _, _ = rulebook.run(sis, state(ods), settings())
        assert ("summer-completion-unclear" in set(to_pandas(proposal.information)["kind"])) == (action is None)

    def test_when_asked_to_ignore_them(self):
        sis = aeries("student\n2", stu="student TG HSG DG GR GEX\n1 I G 2026-07-20 12 N")
        ods = f"{STATE_NAMES}\n1 2025-08-13 2026-06-05 E156 12 -\n2 2026-08-12 - - 05 -"
        assert shown(sis, ods, settings('summer_completions = "ignore"')) == [("same", "")]


class TestPreschool:
    """5 and 6 (2.4)."""

    def test_assessed_and_not_eligible(self):
        sis = "student start exit reason grade\n1 2026-09-01 2026-09-01 N -2"
        assert spells(sis, shown="exit reason") == [("2026-09-01", "N470")]

    def test_a_third_birthday(self):
        sis = """
            student start      exit       reason grade program
            1       2026-08-12 2026-10-02 440    -2    -
            1       2026-10-05 -          -      -2    N
        """
        assert spells(sis, shown="start exit reason status") == [
            ("2026-08-12", "2026-10-02", "E150", "10"),
            ("2026-10-03", "", "", "50"),
        ]


class TestRules:
    """7 to 10 and 15: what CALPADS would say."""

    def test_tk_at_a_school_whose_span_begins_at_k(self):
        table = "school_code grade status says\n6033765 TK 10 fine\n6033765 PS 10 fatal"
        assert_rule("SENR0269", table, asked=context(directory=True))

    def test_a_toddler_cannot_be_told(self):
        table = "grade start_date says\nTD 20260817 unknown\nTD 20220817 fine\nPS 20260817 fine"
        assert_rule("GERR0007", table, birth_date="20240304")

    def test_a_record_is_never_compared_with_itself(self):
        table = """
            student start_date exit_date exit_reason says
            1       20261001   20260915  T160        fine
            2       20261001   20260915  T160        fatal
            2       20260920   -         -           fine
        """
        assert_rule("local-exit-and-entry-one-file", table)

    def test_a_graduate_who_ends_before_the_start_comes_after_no_graduation(self):
        held = "student start_date grade\n1 20250812 11\n2 20250812 11"
        table = """
            student start_date exit_date exit_reason completion_status grade says
            1       20261001   20260915  E230        100               12    fine
            2       20260812   20260915  E230        100               12    fine
            2       20261001   -         -           -                 12    fatal
        """
        assert_rule("SENR0024", table, held=held)


class TestPendingAssessment:
    def test_8_the_district_code_as_school_is_sent(self):
        table = "school_code says\n1999990 warning\n0199901 fine"
        assert_rule("SENR0202", table)


class TestInformation:
    """12: the same line, with what Aeries holds."""

    @pytest.mark.parametrize(
        ("stu", "said"),
        [("1 N 200 2026-06-05", "T200 on 2026-06-05"), ("1 N - -", ""), ("1 N - 2026-06-05", "on 2026-06-05")],
    )
    def test_who_never_came_back(self, stu, said):
        sis = aeries("student\n2", stu=f"student TG SWR SLD\n{stu}")
        proposal, _, _ = rulebook.run(sis, state(f"{STATE_NAMES}\n1 2025-08-13 2026-06-05 E155 06 -"), settings())
        (detail,) = to_pandas(proposal.information).query("kind == 'year-end-exit-never-came'")["detail"]
        assert said in detail and ("summer withdrawal" in detail) == bool(said)

    def test_the_top_grade_is_asked_from_may_on_one_line_a_school(self):
        sis = aeries("student school grade\n1 B 8\n2 B 8\n3 B 7\n4 B 8", stu="student school HSG\n4 B P")
        for as_of, lines in (("2027-04-30", 0), ("2027-05-01", 3)):
            proposal, _, _ = rulebook.run(sis, state("student\n9"), settings(as_of=as_of))
            found = to_pandas(proposal.information).query("kind == 'top-grade-not-completed'")
            assert len(found) == lines
        assert found["ssid"].tolist()[0] == "" and found["detail"].iloc[0].startswith("2 students")

    def test_a_transfer_without_a_receiver(self):
        sis = "student exit reason next\n1 2026-10-02 165 0\n2 2026-10-02 165 2\n3 2026-10-02 160 0"
        proposal, _, _ = rulebook.run(aeries(sis), state("student\n9"), settings())
        assert to_pandas(proposal.information).query("kind == 'receiver-missing'")["local_id"].tolist() == ["1001"]


class TestCompletionCloses:
    """13 (2.4a)."""

    @pytest.mark.parametrize(
        ("stu", "grade", "process", "closes"),
        [
            ("HSG DG\n1 G 2026-11-18", "12", "", ("2026-11-18", "E230", "100")),
            ("HSG DG\n1 G 2026-11-24", "12", "", ("", "", "")),  # after the day of the run
            ("HSG DG\n1 G 2026-08-11", "12", "", ("", "", "")),  # before the spell
            ("HSG DG\n1 G -", "12", "", ("", "", "")),
            ("HSG DG\n1 - 2026-11-18", "12", "", ("", "", "")),
            ("HSG DG\n1 P 2026-11-18", "8", "", ("", "", "")),  # below the top grade of the school
            ("HSG DG\n1 P 2026-11-18", "12", "", ("2026-11-18", "E230", "480")),
            ("HSG DG\n1 G 2026-11-18", "-2", "", ("", "", "")),
            ("HSG DG\n1 G 2026-11-18", "12", "completion_closes = false", ("", "", "")),
        ],
    )
    def test_an_open_spell(self, stu, grade, process, closes):
        sis = aeries(f"student grade\n1 {grade}", stu=f"student {stu}")
        assert spells(sis, settings(process), shown="exit reason completion") == [closes]

    @pytest.mark.parametrize("program", ["C", "N"])
    def test_of_status_10_only(self, program):
        sis = aeries(f"student grade program\n1 12 {program}", stu="student HSG DG\n1 G 2026-11-18")
        assert spells(sis, shown="exit") == [("",)]

    def test_a_row_with_its_own_exit_keeps_it_a_future_one_too(self):
        sis = aeries("student grade exit reason\n1 12 2026-12-18 160", stu="student HSG DG\n1 G 2026-11-18")
        assert spells(sis, shown="exit reason") == [("", "")]

    def test_the_reason_of_the_update(self):
        sis = aeries("student grade\n1 12", stu="student HSG DG GEX CUC CCS\n1 G 2026-11-18 N Y Y")
        assert shown(sis, "student grade\n1 12") == [("update", "completion")]

    @pytest.mark.parametrize("column", ["STU.HSG", "STU.DG"])
    def test_a_source_that_cannot_say_reopens_no_completion(self, column):
        ods = f"{STATE_NAMES}\n1 2026-08-12 2026-11-13 E230 12 100\n2 2026-08-12 2026-11-13 T160 12 -"
        sis = aeries("student grade\n1 12\n2 12", lacking=(column,))
        assert shown(sis, ods) == [("same", ""), ("update", "reopened")]
        assert shown("student grade\n1 12\n2 12", ods) == [("update", "reopened")] * 2

    def test_without_a_date_a_line_says_so(self):
        sis = aeries("student grade\n1 12\n2 12", stu="student HSG\n1 G")
        proposal, _, _ = rulebook.run(sis, state("student\n9"), settings())
        assert to_pandas(proposal.information).query("kind == 'completion-without-date'")["local_id"].tolist() == [
            "",
            "1001",
        ]


class TestSecondaryNoShow:
    """14 (2)."""

    @pytest.mark.parametrize(
        ("exit", "reason", "program", "left_out"),
        [
            ("2026-08-11", "N", "C", True),
            ("2026-08-12", "N", "C", True),
            ("2026-08-13", "N", "C", False),
            ("2026-08-11", "N", "N", False),
            ("2026-08-12", "160", "C", False),
        ],
    )
    def test_a_canceled_secondary_enrollment_is_none(self, exit, reason, program, left_out):
        sis = aeries(f"student start exit reason program\n1 2026-08-12 {exit} {reason} {program}")
        _, _, spell_set = rulebook.run(sis, state("student\n9"), settings())
        assert to_pandas(spell_set.left_out)["reason"].tolist() == ["secondary-no-show"] * left_out

    def test_the_row_in_calpads_is_deleted(self):
        sis = "student start exit reason program\n1 2026-08-12 2026-08-11 N C"
        assert shown(sis, "student status\n1 20") == [("delete", "not-in-aeries")]


class TestIdentity:
    """16 to 19: rule 4.1, a to d."""

    @pytest.mark.parametrize(
        ("stu", "row", "held"),
        [
            # b, by name: the birth date blank, unreadable, other; the last name single for double
            ("1 7 Ana Rivera -", "5 9 Ana Rivera 20150302", True),
            ("1 7 Ana Rivera 3/2/15", "5 9 Ana Rivera 20150302", True),
            ("1 7 Ana Rivera 2015-03-03", "5 9 Ana Rivera 20150302", False),
            ("1 7 Ana Rivera-Jones 2015-03-02", "5 9 Ana Rivera 20150302", True),
            ("1 7 Ana Rivera_Jones 2015-03-02", "5 9 ana JONES 20150302", True),
            ("1 7 Ana Rivera 2015-03-02", "5 9 Ana Rivera-Jones 20150302", True),
            ("1 7 Ana Rivera-Jones 2015-03-02", "5 9 Ana Rivera-Smith 20150302", True),  # by school, not by name
            ("1 7 Ana Li-Jones 2015-03-03", "5 9 Ana Li -", False),  # a part of two letters is none
            # b, by birth date, first name and school
            ("1 7 Ana Rivera 2015-03-02", "5 9 Ana Quill 20150302", True),
            ("1 7 Ana Rivera 2015-03-03", "5 9 Ana Quill 20150302", False),
            # b, by birth date, last name and a first name that begins alike
            ("1 7 Anabel Rivera 2015-03-02", "5 9 Anamaria Rivera 20150302", True),
            ("1 7 Anabel Rivera 2015-03-02", "5 9 Angela Rivera 20150302", False),
            # b, by local id
            ("1 7 Ana Rivera 2015-03-02", "5 1001 Zoe Quill 20160302", True),
            # a true stranger is still deleted
            ("1 7 Ana Rivera 2015-03-02", "5 9 Zoe Quill 20160302", False),
            ("1 7 Ana Rivera -", "5 9 Zoe Rivera 20160302", False),
        ],
    )
    def test_b_the_same_child_under_another_ssid(self, stu, row, held):
        sis = aeries("student\n1", stu=f"student CID FN LN BD\n{stu}")
        found = actions(sis, f"student local_id first_name last_name birth_date\n{row}")
        assert {one[:2] for one in found} == ({("hold", HELD)} if held else {
            ("delete", "no-current-year-enrollment"), ("add", "missing-in-calpads")
        })  # fmt: skip

    def test_b_another_school_is_no_likeness(self):
        sis = aeries("student school\n1 B", stu="student school CID FN LN BD\n1 B 7 Ana Rivera 2015-03-02")
        ods = "student local_id first_name last_name birth_date\n5 9 Ana Quill 20150302"
        assert ("delete", "no-current-year-enrollment") in shown(sis, ods)

    def test_b_twins_or_a_child_entered_twice(self):
        sis = aeries("student\n1\n2", stu="student FN LN BD\n1 Ana Rivera 2015-03-02\n2 Ana Rivera 2015-03-02")
        ods = "student local_id first_name last_name birth_date\n5 9 Ana Rivera 20150302"
        assert {row[:3] for row in actions(sis, ods)} == {("hold", HELD, who) for who in "125"}

    @pytest.mark.parametrize(
        ("row", "held"),
        [
            ("1 1001 Ana Rivera 20150302", False),
            ("1 1001 Ana Quill 20150302", False),  # a changed last name with the same SSID and birth date
            ("1 1001 Ana Rivera 20150304", False),  # a mistyped birth date
            ("1 1001 Ana Quill 20150304", True),
            ("1 1001 Ben Rivera 20150304", True),  # a sibling
            ("1 1001 Ben Rivera 20150302", False),
            ("1 1002 Ben Rivera 20150302", True),  # a twin, with the twin's local id
            ("1 1009 Ben Rivera 20150302", False),  # that local id is nobody's
            ("1 1001 Ben Quill -", True),
            ("1 1001 Ana Quill -", False),
        ],
    )
    def test_a_another_child_under_the_ssid(self, row, held):
        stu = "student FN LN BD\n1 Ana Rivera 2015-03-02\n2 Ben Rivera 2015-03-02"
        found = actions(aeries("student\n1", stu=stu), f"student local_id first_name last_name birth_date\n{row}")
        assert found[0][:2] == (("hold", HELD) if held else ("same", ""))

    def test_a_siblings_swapped(self):
        stu = "student FN LN BD\n1 Ana Rivera 2015-03-02\n2 Ben Rivera 2016-04-03"
        ods = """
            student local_id first_name last_name birth_date
            1       1002     Ben        Rivera    20160403
            2       1001     Ana        Rivera    20150302
        """
        assert set(shown(aeries("student school\n1 A\n2 B", stu=stu), ods)) == {("hold", HELD)}

    def test_a_looks_at_older_rows_too(self):
        stu = "student FN LN BD\n1 Ana Rivera 2015-03-02"
        ods = """
            student start      exit       reason first_name last_name birth_date
            1       2024-08-12 2025-06-05 E155   Zoe        Quill     20140404
            1       2026-08-12 -          -      Ana        Rivera    20150302
        """
        assert shown(aeries("student\n1", stu=stu), ods) == [("hold", HELD)]

    @pytest.mark.parametrize(
        ("older", "held"),
        [
            ("5 1009 Ana Rivera 20150302", True),
            ("5 1009 Ana Rivera -", False),
            ("5 1009 Ana Quill 20150302", False),
            ("5 1001 Zoe Quill 20160302", False),  # a reused local id alone holds no add
        ],
    )
    def test_c_history_under_another_ssid(self, older, held):
        sis = aeries("student\n1", stu="student FN LN BD\n1 Ana Rivera 2015-03-02")
        row = f"student local_id first_name last_name birth_date start exit reason\n{older} 2025-08-12 2026-06-05 E155"
        assert shown(sis, row) == [("hold", HELD) if held else ("add", "missing-in-calpads")]

    @pytest.mark.parametrize(
        ("stu", "held"),
        [
            ("2 B - 1", True),
            ("2 B I 1", False),  # not live: the old number of a child who came back
        ],
    )
    def test_d_two_students_under_one_ssid(self, stu, held):
        sis = aeries("student\n1", stu=f"student school TG CID\n{stu}")
        assert shown(sis, "student\n1") == [("hold", HELD) if held else ("same", "")]

    def test_the_evidence_says_which_and_what_without_the_values(self):
        sis = aeries("student\n1", stu="student CID FN LN BD\n1 7 Ana Rivera-Jones -")
        ods = state("student local_id first_name last_name birth_date\n5 9 Ana Rivera 20150302")
        proposal, _, _ = rulebook.run(sis, ods, settings())
        held = to_pandas(proposal.actions).set_index("ssid")
        assert set(held["hold_detail"]) == {"identity-conflict/b"}
        said = held.loc["9000000005", "hold_text"]
        assert "Equal: first name, last name, school." in said and "Different: local id." in said
        assert "Not known on one side: birth date." in said
        assert not any(value in said for value in ("Ana", "Rivera", "2015", "9000000", "1001"))


class TestLeftOut:
    """20 (4.3): somebody said "do not report"; nobody said "delete"."""

    @pytest.mark.parametrize(
        ("tag", "skip", "found"),
        [
            ("*", "", ("hold", "left-out-in-aeries")),
            ("P", 'skip_tags = ["*", "P"]', ("left-as-is", "")),
            ("N", "", ("same", "")),
        ],
    )
    def test_a_tag(self, tag, skip, found):
        sis = aeries("student\n1", stu=f"student TG\n1 {tag}")
        assert shown(sis, "student\n1", settings(aeries=skip)) == [found]

    def test_a_program(self):
        sis = "student program\n1 X"
        assert shown(sis, "student\n1", settings(aeries='skip_programs = ["X"]')) == [("left-as-is", "")]

    def test_another_school_counts_when_the_student_has_no_spell(self):
        sis = aeries("student school\n1 B", stu="student school TG\n1 B *")
        assert shown(sis, "student school\n1 A") == [("hold", "left-out-in-aeries")]

    def test_with_a_spell_another_school_does_not_count(self):
        rows = "student school start exit reason program\n1 B 2026-08-12 - - X\n1 A 2026-09-21 - - -"
        ods = "student school start exit reason\n1 A 2026-08-12 2026-08-20 T160\n1 A 2026-09-21 - -"
        found = shown(rows, ods, settings(aeries='skip_programs = ["X"]'))
        assert found == [("delete", "not-in-aeries"), ("same", "")]

    @pytest.mark.parametrize(
        ("rows", "found"),
        [
            ("1 2026-12-01 - -", [("hold", "left-out-in-aeries")]),
            # the row pairs with a spell of the same school
            (
                "1 2026-08-17 2026-10-02 160\n1 2026-12-01 - -",
                [("delete", "start-date-moved"), ("add", "start-date-moved")],
            ),
        ],
    )
    def test_a_start_to_come(self, rows, found):
        assert shown(f"student start exit reason\n{rows}", "student\n1") == found

    def test_the_other_rows_of_the_student_go_out(self):
        rows = "student school program\n1 A X\n1 B -"
        found = shown(rows, "student\n1", settings(aeries='skip_programs = ["X"]'))
        assert found == [("left-as-is", ""), ("add", "missing-in-calpads")]


class TestPairing:
    """21 (4.3): one pair after another, ties at any turn."""

    def test_the_last_pair_first_then_two_ties(self):
        sis = """
            student start      exit       reason
            1       2026-09-01 2026-09-14 160
            1       2026-09-29 2026-10-04 160
            1       2026-10-07 -          -
        """
        ods = "student start exit reason\n1 2026-09-15 2026-09-17 T160\n1 2026-09-18 - -"
        assert set(shown(sis, ods)) == {("hold", "ambiguous-pair")}

    def test_without_the_tie_all_pairs_are_made(self):
        sis = """
            student start      exit       reason
            1       2026-09-02 2026-09-14 160
            1       2026-09-30 2026-10-04 160
            1       2026-10-07 -          -
        """
        ods = "student start exit reason\n1 2026-09-15 2026-09-17 T160\n1 2026-09-18 - -"
        assert sorted(shown(sis, ods)) == sorted(
            [("delete", "start-date-moved")] * 2 + [("add", "start-date-moved")] * 2 + [("add", "missing-in-calpads")]
        )


class TestLayout:
    """22: what the extract's layout does not have is unknown there (end of 2)."""

    @pytest.mark.parametrize(("columns", "action"), [(36, "same"), (37, "update")])
    def test_a_graduate_in_a_layout_without_the_exemption(self, columns, action):
        sis = aeries(TestGraduateFields.GRADUATE, stu="student HSG GEX CUC CCS\n1 G N Y Y")
        ods = state(f"{STATE_NAMES} uc_csu\n1 2026-08-12 2026-11-13 E230 12 100 Y", layout=columns)
        assert shown(sis, ods)[0][0] == action


class TestCanceledRows:
    """23, and 2.2: a canceled row never continues and is never continued."""

    def test_a_no_show_and_a_real_row_of_one_day_are_held(self):
        sis = "student start exit reason\n1 2026-08-12 2026-08-12 N\n1 2026-08-12 - -"
        assert {row[1] for row in shown(sis, "student\n1")} == {"aeries-overlap"}

    def test_neighbors_are_looked_for_without_it(self):
        sis = """
            student start      exit       reason grade
            1       2026-08-12 2026-10-02 440    5
            1       2026-10-05 2026-10-04 N      5
            1       2026-10-07 -          -      6
        """
        assert spells(sis, shown="start exit reason") == [
            ("2026-08-12", "2026-10-02", "E150"),
            ("2026-10-03", "", ""),
            ("2026-10-05", "2026-10-04", "N470"),
        ]

    @pytest.mark.parametrize(
        ("start", "continued"), [("2026-10-02", True), ("2026-10-12", True), ("2026-10-13", False)]
    )
    def test_a_gap_of_nothing_to_ten_days(self, start, continued):
        sis = f"student start exit reason grade\n1 2026-08-12 2026-10-02 440 5\n1 {start} - - 6"
        assert spells(sis, shown="start")[1] == ("2026-10-03" if continued else start,)


class TestUnreadableBirthDate:
    def test_it_never_makes_a_delete_wherever_it_came_from(self):
        sis = aeries("student\n1", stu="student CID FN LN BD\n1 7 Ana Rivera 2015-03-02")
        ods = "student local_id first_name last_name birth_date\n5 9 Ana Rivera 2015"
        assert {row[:2] for row in actions(sis, ods)} == {("hold", HELD)}
