"""A run folder as frames, two runs compared, and who is hidden."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from senrkit.errors import InputError
from senrkit.results.changes import change_counts, compared
from senrkit.results.folder import RunFolder, run_folders
from senrkit.results.masking import masked, masked_identifier, masked_text
from tests.run_folders import run_folder, stopped_run
from tests.text_tables import ssid

MIXED = """
    student school action
    1       B      delete
    2       A      update
    3       A      add
    4       A      hold
    5       A      same
    6       B      settled-no-show
"""


def test_a_finished_run_opens_as_frames(tmp_path):
    run = run_folder(tmp_path / "7", MIXED, enrollments="side student start\ncalpads 1 20260812")
    assert run.proposal["action"].tolist() == ["delete", "update", "add", "hold", "settled-no-show"]
    assert run.counts == {
        "delete": 1,
        "update": 1,
        "add": 1,
        "hold": 1,
        "settled-no-show": 1,
        "settled-completion": 0,
        "left-as-is": 0,
        "future-dated": 0,
        "same": 1,
    }
    assert (run.stopped, run.exit_code, run.stops) == (False, 5, [])
    assert run.enrollments[["side", "ssid"]].values.tolist() == [["calpads", ssid("1")]]
    assert len(run.left_out) == 1 and run.findings.empty
    assert {str(dtype) for dtype in run.proposal.dtypes} == {"str"}


def test_schools_stand_in_one_order_with_most_to_do_first(tmp_path):
    schools = run_folder(tmp_path / "7", MIXED).schools
    assert schools[["school_name", "to_do", "same", "settled-no-show"]].values.tolist() == [
        ["Alder", 3, 1, 0],
        ["Birch", 1, 0, 1],
    ]


def test_census_counts_come_from_the_manifest(tmp_path):
    census = run_folder(tmp_path / "7", MIXED).census
    assert census[["school_name", "grade", "now", "aeries", "after"]].values.tolist() == [
        ["Alder", "05", 20, 22, 22],
        ["Birch", "06", 7, 7, 7],
    ]


def test_nobody_held_is_exit_code_0(tmp_path):
    assert run_folder(tmp_path / "7", "student action\n1 add").exit_code == 0


def test_a_stopped_run_has_the_same_frames_and_nothing_in_them(tmp_path):
    run, done = stopped_run(tmp_path / "7"), run_folder(tmp_path / "8", MIXED)
    assert (run.stopped, run.exit_code, [one["id"] for one in run.stops]) == (True, 4, ["P09"])
    for name in ("proposal", "left_out", "findings", "schools", "census"):
        empty, filled = getattr(run, name), getattr(done, name)
        assert empty.empty
        assert empty.dtypes.to_dict() == filled.dtypes.to_dict(), name


def test_a_run_of_an_earlier_version_has_no_enrollments_and_no_census(tmp_path):
    run = run_folder(tmp_path / "7", MIXED)
    (run.folder / "enrollments.csv").unlink()
    manifest = {name: entry for name, entry in run.manifest.items() if name != "what_if"}
    old = RunFolder(run.folder, manifest)
    assert old.enrollments.empty and old.census.empty


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "is not the folder of a run", id="no manifest"),
        pytest.param("{", "is damaged", id="cut off"),
        pytest.param("[]", "is not the manifest of a run", id="something else"),
    ],
)
def test_what_is_no_run_folder_is_refused(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        RunFolder.open(tmp_path)


def test_a_damaged_table_is_refused_without_quoting_it(tmp_path):
    run = run_folder(tmp_path / "7", MIXED)
    (run.folder / "proposal.csv").write_text(f'action\n"{ssid("1")}')
    with pytest.raises(InputError, match=r"proposal\.csv is missing or damaged|has no column") as refused:
        _ = run.proposal
    assert ssid("1") not in str(refused.value)


def test_text_that_was_guarded_against_spreadsheets_is_read_as_it_was(tmp_path):
    run = run_folder(tmp_path / "7", MIXED)
    path = run.folder / "findings.csv"
    path.write_text(path.read_text() + '"","R1","fatal","1990001","","","","\'=1+1","\'-"\n', newline="")
    assert run.findings[["message", "fix"]].values.tolist() == [["=1+1", "-"]]


def test_runs_are_listed_oldest_first_and_what_is_no_run_is_left_out(tmp_path):
    for name, made in (("a", "2026-11-23T10:00:00+00:00"), ("b", "2026-11-22T10:00:00+00:00")):
        run_folder(tmp_path / name, MIXED, made=made)
    (tmp_path / "claimed").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "manifest.json").write_text(json.dumps({"made": None}) + "x")
    assert [path.name for path in run_folders(tmp_path)] == ["b", "a"]
    assert run_folders(tmp_path / "missing") == []


# ---- two runs


def test_discrepancies_are_new_still_open_solved_or_came_back(tmp_path):
    oldest = run_folder(tmp_path / "1", "student action\n1 delete\n2 add")
    earlier = run_folder(tmp_path / "2", "student action\n2 add\n3 update")
    later = run_folder(tmp_path / "3", "student action\n1 delete\n2 hold\n4 add\n5 same")
    changes = compared(later, earlier, [oldest])
    assert changes.select("state", "ssid", "action").rows() == [
        ("new", ssid("4"), "add"),
        ("back", ssid("1"), "delete"),
        ("open", ssid("2"), "hold"),
        ("solved", ssid("3"), "update"),
    ]
    assert change_counts(changes) == {"new": 1, "back": 1, "open": 1, "solved": 1}


def test_against_a_stopped_run_everything_is_new(tmp_path):
    later = run_folder(tmp_path / "3", "student action\n1 delete")
    assert compared(later, stopped_run(tmp_path / "2"))["state"].to_list() == ["new"]


# ---- masking


def test_students_are_hidden_unless_asked_for():
    rows = pd.DataFrame(
        {
            "ssid": ["9000000123", ""],
            "local_id": ["100456", "7"],
            "last_name": "Family",
            "evidence": ["see 9000000777.", "none"],
            "n": [1, 2],
        }
    )
    hidden = masked(rows, show_students=False)
    assert hidden["ssid"].tolist() == ["•••••••123", ""]
    assert hidden["local_id"].tolist() == ["•••56", "•••"]
    assert hidden["evidence"].tolist() == ["see •••••••777.", "none"]
    assert "last_name" not in hidden and hidden["n"].tolist() == [1, 2]
    assert masked(rows, show_students=True).equals(rows)


def test_masking_a_text_leaves_other_numbers_alone():
    assert masked_text("9000000123 at 1990001 on 20261123", False) == "•••••••123 at 1990001 on 20261123"


@pytest.mark.parametrize(("digits", "shown"), [("900000012", "•••••••012"), ("90000001234", "•••••••234")])
def test_an_ssid_typed_with_a_digit_too_few_or_too_many_is_hidden_too(digits, shown):
    rows = pd.DataFrame({"ssid": [digits], "evidence": [f"see {digits}"]}, dtype="str")
    assert masked_text(digits, False) == shown
    assert masked(rows, show_students=False).iloc[0].tolist() == [shown, f"see {shown}"]


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("9000000215", "•••••••215"), ("900000021", "•••••••021"), ("100456", "•••56"), ("1024", "•••"), ("", "")],
)
def test_identifiers_are_masked(identifier, shown):
    assert masked_identifier(identifier) == shown
