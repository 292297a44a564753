"""The workbook: what an office reads. And the words: every id has them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest

from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.results import workbook
from senrkit.results.report import write_workbook
from senrkit.texts import wording
from tests.submissions import documents

TABLE = """
    student school action start    intended hold           exit
    1       A      delete 20260812 -        -              -
    2       B      update 20260812 -        -              20261009
    3       B      add    20260812 -        -              -
    4       A      hold   20260812 delete   aeries-overlap -
    5       A      same   20260812 -        -              -
"""
# Ids as the reconciliation page of the design has them (as of 2026-11-23): a new one there needs words here.
IDS = {
    "action": "same add update delete hold settled-no-show settled-completion left-as-is future-dated",
    # The last two: a delete that `last_record = "no-show"` made an update.
    "update": "mid-year-change year-end completion exit reopened exit-changed values-changed "
    "no-current-year-enrollment not-in-aeries",
    "delete": "no-current-year-enrollment start-date-moved school-moved not-in-aeries",
    "add": "start-date-moved school-moved mid-year-change missing-in-calpads",
    "hold": "identity-conflict aeries-overlap aeries-date-error ambiguous-pair prior-year-open "
    "left-out-in-aeries predicted-rejection decision posted-but-absent",
    "left-out": "school-not-selected school-not-reported tag-skipped program-skipped no-ssid secondary-no-show "
    "future-dated",
    "state": "passed stopped accepted warning",
    "step": "delete update add delete_last_record add_after_last_record single",
    "missing": "delete update add delete_last_record add_after_last_record single",
    "decision": "send hold identity-checked not-an-error",
    "severity": "fatal warning unknown",
}


@pytest.fixture
def book(tmp_path):
    return opened(tmp_path, documents(TABLE))


def with_evidence(made, said):
    actions = to_polars(to_pandas(made.plan.actions).assign(evidence=said))
    return replace(made, plan=replace(made.plan, actions=actions))


def opened(folder, made):
    path = folder / "report.xlsx"
    write_workbook(path, made.manifest, made.plan, made.left_out, made.findings, made.information)
    assert [left.name for left in folder.iterdir()] == ["report.xlsx"]
    return openpyxl.load_workbook(path)


def rows(sheet) -> list[dict[str, object]]:
    heading, *found = sheet.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in found]


@pytest.mark.parametrize("kind", IDS)
def test_every_id_has_words(kind):
    assert set(wording.phrases(kind)) == set(IDS[kind].split())
    for phrase in wording.phrases(kind).values():
        assert phrase.title or phrase.sentence
    if kind == "hold":
        assert all(phrase.sentence and phrase.cure for phrase in wording.phrases(kind).values())


def test_an_id_without_words_is_shown_as_it_is():
    assert wording.phrase("hold", "new-one").title == "new-one"


def test_one_sheet_each(book):
    assert book.sheetnames == [
        "Summary", "By school", "Proposal", "Held", "Left out", "Preconditions", "Findings", "Findings by record",
        "Census day",
        "Information",
    ]  # fmt: skip


def test_the_summary_says_whether_it_adds_up_and_what_to_send(book):
    cells = [tuple(cell for cell in row if cell is not None) for row in book["Summary"].iter_rows(values_only=True)]
    assert (
        "Rows read from the CALPADS extract",
        6,
        "= 2 of this year and the selected schools + 1 at other schools + 3 of other years",
    ) in cells
    assert ("Delete", 1, f"20.0% of all. {wording.phrase('action', 'delete').sentence}") in cells
    assert ("Held back: Enrollments overlap in Aeries", 1, wording.phrase("hold", "aeries-overlap").sentence) in cells
    assert ("SENR_1999990_20261123_01_delete.txt", 1, wording.phrase("step", "delete").sentence) in cells
    assert ("04_delete_last_record", 0, "No delete would leave a student without any record.") in cells


def test_schools_with_the_most_to_do_come_first_and_counts_are_numbers(book):
    assert [
        (row["School"], row["Delete"], row["Update"], row["Add"], row["Held back"], row["No change"])
        for row in rows(book["By school"])
    ] == [("Alder", 1, 0, 0, 1, 1), ("Birch", 0, 1, 1, 0, 0), ("All schools", 1, 1, 1, 1, 1)]
    assert [(row["To do"], row["All"], row["To do of all"]) for row in rows(book["By school"])] == [
        (2, 3, "66.7%"),
        (2, 2, "100.0%"),
        (4, 5, "80.0%"),
    ]
    assert book["By school"].auto_filter.ref.endswith("3"), "the total is no part of what is filtered"


def test_the_proposal_speaks_plainly_and_keeps_ids_as_text(book):
    update = rows(book["Proposal"])[1]
    assert (update["Action"], update["Why"], update["SSID"], update["School code"]) == (
        "Update", "Student left", "9000000002", "1990002",
    )  # fmt: skip
    assert (update["Start"], update["Exit"]) == ("2026-08-12", "2026-10-09")
    assert update["Changes"] == "exit date; grade"
    assert update["CALPADS has"] == "exit date: (blank); grade: 05"


def test_the_held_come_with_their_cure(book):
    (held,) = rows(book["Held"])
    assert held["Would have been"] == "Delete"
    assert held["Why held"] == "Enrollments overlap in Aeries"
    assert held["What to do"] == wording.phrase("hold", "aeries-overlap").cure
    assert held["What was found"] == "Two students share the SSID."


def test_checks_say_who_accepted_what_and_show_no_cure_where_none_is_needed(book):
    passed, accepted = rows(book["Preconditions"])
    assert (passed["Result"], passed["What to do"]) == ("Passed", None)
    assert (accepted["Result"], accepted["Accepted by"]) == ("Accepted by a person", "pat: a new school")
    assert accepted["What to do"] == "Ask again."


def test_left_out_and_information_are_in_words(book):
    assert rows(book["Left out"])[0]["Why"] == "No SSID"
    assert rows(book["Information"])[0]["What"] == "Name or birth data differ"


def test_nothing_to_show_is_said(tmp_path):
    empty = opened(tmp_path, documents("student action\n1 same"))
    assert empty["Held"]["A2"].value == "Nobody is held back."
    assert empty["Proposal"]["A2"].value == "Nothing to change: CALPADS and Aeries agree."
    assert empty["Findings"]["A2"].value == "No finding is predicted."


def test_no_name_is_in_the_workbook(book):
    text = " ".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
    assert "9000000001" in text
    assert not any(name in text for name in ("Zoë", "Brien"))


def test_text_cannot_become_a_formula_link_or_number(tmp_path):
    made = documents(TABLE)
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "https://example.org"]
    made = with_evidence(made, texts)
    sheet = opened(tmp_path, made)["Proposal"]
    (column,) = [column for column in sheet.iter_cols() if column[0].value == "Evidence"]
    assert {cell.data_type for cell in column[1:]} == {"s"}
    assert [cell.value for cell in column[1:4]] == texts[:3]
    assert not any(cell.hyperlink for cell in column)


@pytest.mark.parametrize("value", ["a < b & c > d", "  spaced  ", "line\nline", "Zoë 😀", '"quoted"'])
def test_text_comes_out_as_it_went_in(tmp_path, value):
    made = documents(TABLE)
    made = with_evidence(made, value)
    assert rows(opened(tmp_path, made)["Proposal"])[0]["Evidence"] == value


def test_signs_that_no_workbook_can_hold_become_spaces(tmp_path):
    made = documents(TABLE)
    made = with_evidence(made, "a\0b\x1fc\ufffed")
    assert rows(opened(tmp_path, made)["Proposal"])[0]["Evidence"] == "a b c d"


def test_text_that_looks_like_an_escape_is_escaped(tmp_path):
    made = documents(TABLE)
    made = with_evidence(made, "_x0041_")
    # openpyxl shows what the file says; a spreadsheet shows `_x0041_`, and would show `A` without the escape.
    assert rows(opened(tmp_path, made)["Proposal"])[0]["Evidence"] == "_x005F_x0041_"


def test_the_workbook_is_the_same_each_time(tmp_path):
    made = documents(TABLE)
    for name in "12":
        write_workbook(tmp_path / name, made.manifest, made.plan, made.left_out, made.findings, made.information)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_sheets_are_ready_to_read_and_to_print(book):
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == (None if sheet.title == "Summary" else 0)  # None: one page
        if sheet.title != "Summary":
            assert sheet.freeze_panes == "A2"
            assert sheet.auto_filter.ref.startswith("A1:")
            assert sheet.print_title_rows == "$1:$1"
            assert sheet["A1"].font.bold
    wraps = {cell.value: below.alignment.wrap_text for cell, below in zip(*book["Held"]["A1:L2"], strict=True)}
    assert (wraps["What to do"], wraps["SSID"]) == (True, None)


@pytest.mark.parametrize(("letters", "lines"), [(120, None), (121, 2), (240, 2), (241, 3)])
def test_what_wraps_in_the_summary_has_room(tmp_path, letters, lines):
    path = tmp_path / "book.xlsx"
    said = "a" * letters
    rows = [("title", ("What is to be done",)), ("text", ("Schools", 3, said)), ("text", ("Held", 0, "None."))]
    workbook.write_book(path, "a test", dt.datetime(2026, 11, 23), ("Summary", rows), [])
    heights = openpyxl.load_workbook(path)["Summary"].row_dimensions
    assert [heights[at].height for at in (1, 3)] == [None, None]
    # In whole pixels of three quarters of a point.
    assert heights[2].height == pytest.approx(16 * lines, abs=0.75) if lines else heights[2].height is None


def test_a_sheet_that_is_cut_off_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 2)
    sheet = opened(tmp_path, documents(TABLE))["Proposal"]
    cells = [row[0].value for row in sheet.iter_rows()]
    assert cells[1:3] == ["1", "2"]
    assert "the first 2 of 4" in cells[-1]


def test_one_cause_with_many_rows_is_one_line(tmp_path):
    made = documents(TABLE)
    row = {
        "file": "f", "rule": "SENR0187", "severity": "fatal", "school_code": "1990001", "ssid": "9000000001",
        "start_date": "20260812", "fields": "status", "message": "Too long.", "fix": "Shorten it.", "row": 0,
    }  # fmt: skip
    many = [row | {"ssid": f"90000{number:05d}"} for number in range(10_000)]
    findings = to_polars(pd.DataFrame([*many, row | {"rule": "SENR0022", "severity": "fatal"}]))
    write_workbook(tmp_path / "b.xlsx", made.manifest, made.plan, made.left_out, findings, made.information)
    causes = rows(openpyxl.load_workbook(tmp_path / "b.xlsx")["Findings"])
    assert [(cause["Rule"], cause["Records"], cause["Students"]) for cause in causes] == [
        ("SENR0187", 10_000, 10_000),
        ("SENR0022", 1, 1),
    ]
