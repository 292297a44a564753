"""A run as pandas frames: whole, typed, documented; both sides read again, or refused."""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

import senrkit
from senrkit.analysis.run import FIGURES
from senrkit.analysis.typed import column
from senrkit.demo import make
from senrkit.errors import InputError, UsageError
from senrkit.inputs.extract.senr import read_extract
from senrkit.loop import words
from tests.students import ssids_shown

FRAMES = (
    "proposal changes left_out findings enrollments state spells held information schools census files preconditions"
).split()
DTYPES = {"text": "str", "day": "datetime64[s]", "number": "int64", "yes/no": "bool", "share": "float64"}


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_has_the_types_of_the_data_dictionary(run, name):
    frame = getattr(run, name)
    assert isinstance(frame, pd.DataFrame) and len(frame) > 0
    said = {column_name: DTYPES[column(name, column_name)["type"]] for column_name in frame}
    assert {column_name: str(frame[column_name].dtype) for column_name in frame} == said


@pytest.mark.parametrize("name", FRAMES)
def test_every_column_stands_in_the_docstring(name):
    """`state` says "the 37 columns", `schools` "a count for each action", `spells` "the other SENR fields"."""
    said = getattr(senrkit.Run, name).__doc__ or getattr(senrkit.Run, name).func.__doc__
    apart = {"state": 37, "schools": 9, "spells": 9}.get(name, 0)
    missing = [column_name for column_name in _columns(name) if column_name not in said]
    assert len(missing) <= apart, missing


def _columns(name: str) -> list[str]:
    from senrkit.analysis import again, run
    from senrkit.results import tables

    return list(
        {
            "proposal": tables.PROPOSAL_COLUMNS, "changes": tables.CHANGED_COLUMNS, "left_out": tables.LEFT_OUT_COLUMNS,
            "findings": tables.FINDINGS_COLUMNS, "enrollments": tables.ENROLLMENT_COLUMNS, "held": run.HELD_COLUMNS,
            "information": tables.INFORMATION_COLUMNS, "files": run.FILE_COLUMNS, "state": again.STATE_COLUMNS,
            "preconditions": run.PRECONDITION_COLUMNS, "spells": again.SPELL_COLUMNS,
            "schools": ("school_code", "school_name", *tables.ACTIONS, "to_do", "enrollments", "rate"),
            "census": ("school_code", "school_name", "grade", "now", "aeries", "after"),
        }[name]
    )  # fmt: skip


def test_both_sides_are_whole(run, district):
    assert len(run.state) == len(read_extract([district / "SENR_ODS.txt"]).state)
    assert len(run.spells) == sum(run.manifest["balance"]["spells"]["parts"].values())
    quiet = set(run.spells["ssid"]) - set(run.proposal["ssid"])
    assert len(quiet) > 200, "students without anything to do are in it, too"


def test_the_proposal_is_that_of_the_manifest(run):
    counts = run.manifest["counts"]["action"]
    assert run.proposal["action"].value_counts().to_dict() == {
        name: count for name, count in counts.items() if count and name != "same"
    }
    assert len(run.held) == counts["hold"] and (run.held["why"] != "").all() and (run.held["cure"] != "").all()
    sent = run.proposal[run.proposal["sequence"] > 0]
    assert sent["sequence"].tolist() == list(range(1, len(sent) + 1))


def test_a_hold_says_its_rule_and_its_age(run):
    predicted = run.held[run.held["reason"] == "predicted-rejection"]
    assert (predicted["rule"] == predicted["hold_detail"]).all() and predicted["rule"].str.startswith("SENR").any()
    assert (run.held.loc[run.held["reason"] != "predicted-rejection", "rule"] == "").all()
    assert (run.held["age"] == 0).all() and (run.held["first_seen"] == pd.Timestamp(2026, 11, 23)).all()


def test_changes_are_the_proposals_taken_apart(run):
    row = run.changes.iloc[0]
    packed = run.proposal[(run.proposal["ssid"] == row["ssid"]) & (run.proposal["start_key"] == row["start_key"])]
    assert f"{row['field']}={row['before']}" in packed["before"].iloc[0].split("|")
    assert len(run.changes) == (run.proposal["changed"].str.count("[|]") + 1)[run.proposal["changed"] != ""].sum()


def test_a_rate_is_a_share_of_what_was_looked_at(run):
    assert run.schools["rate"].between(0, 1).all()
    assert run.schools["enrollments"].sum() == sum(run.manifest["counts"]["action"].values())


def test_a_run_opened_again_has_the_same_frames(run):
    again = senrkit.open_run(run.folder)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(run, name))
    assert again.exit_code == run.exit_code == 5


@pytest.fixture
def moved(tmp_path, district):
    """A district of its own, with a run, that a test may change."""
    shutil.copytree(district, tmp_path / "own", ignore=shutil.ignore_patterns("runs"))
    return senrkit.run(tmp_path / "own" / "senrkit.toml")


def test_another_extract_is_refused(moved):
    file = moved.settings.calpads.senr_extract[0]
    file.write_bytes(file.read_bytes().replace(b"^10^", b"^20^", 1))
    with pytest.raises(InputError, match="The extract changed since run") as refused:
        _ = senrkit.open_run(moved.folder).state
    assert "senrkit.run" in refused.value.cure
    with pytest.raises(InputError, match="The extract changed since run"):
        _ = senrkit.open_run(moved.folder).spells


def test_another_aeries_is_refused(moved):
    with closing(sqlite3.connect(moved.settings.folder / "aeries.db")) as aeries:
        aeries.execute("UPDATE ENR SET GR = GR + 1 WHERE YR = 2026")
        aeries.commit()
    with pytest.raises(InputError, match="Aeries' data changed since run"):
        _ = senrkit.open_run(moved.folder).spells


def test_other_settings_are_refused(moved):
    file = moved.settings.file
    file.write_text(file.read_text().replace("[process]", "[process]\ne150_gap_days = 3", 1))
    with pytest.raises(InputError, match="The settings changed since run"):
        _ = senrkit.open_run(moved.folder).spells


def test_settings_that_are_gone_can_be_given(moved, tmp_path):
    elsewhere = moved.settings.file.rename(moved.settings.folder / "moved.toml")
    with pytest.raises(UsageError, match="There is no settings file"):
        _ = senrkit.open_run(moved.folder).state
    assert len(senrkit.open_run(moved.folder, elsewhere).state) == len(moved.state)


# ---- one student, one school, two runs


def test_a_student_by_either_number(run):
    row = run.proposal[(run.proposal["action"] == "update") & (run.proposal["local_id"] != "")].iloc[0]
    by_ssid, by_id = run.student(row["ssid"]), run.student(f" {row['local_id']} ")
    assert (by_ssid.ssids, by_ssid.local_ids) == (by_id.ssids, by_id.local_ids)
    assert set(by_ssid.proposal["ssid"]) == {row["ssid"]} and "update" in set(by_ssid.proposal["action"])
    assert set(by_ssid.enrollments["side"]) == {"calpads", "aeries"}
    assert row["ssid"] in by_ssid.text() and by_ssid.figure().sentence
    assert not by_ssid.changes.empty


def test_a_student_who_agrees_is_found_on_both_sides(run):
    ssid = next(ssid for ssid in run.spells["ssid"] if ssid not in set(run.proposal["ssid"]))
    found = run.student(ssid)
    assert found.proposal.empty
    assert found.enrollments["side"].value_counts().to_dict()["aeries"] == 1
    assert found.enrollments.dtypes.to_dict() == run.enrollments.dtypes.to_dict()


def test_nobody_of_that_number_is_not_quoted(run):
    with pytest.raises(UsageError, match="Neither CALPADS nor Aeries knows") as refused:
        run.student("9999999999")
    assert "9999999999" not in str(refused.value)


def test_a_school_by_code_or_part_of_its_name(run):
    first = run.schools.iloc[0]
    for name in (first["school_code"], first["school_name"].upper()):
        assert len(run.school(name).to_do) == first["to_do"]
    with pytest.raises(UsageError, match="several schools"):
        run.school("e")
    with pytest.raises(UsageError, match="no school"):
        run.school("Xanadu")


def test_two_runs_compared(moved):
    later = senrkit.run(moved.settings.file, as_of=dt.date(2026, 11, 30), accept={"P08": "a test"})
    found = later.compare()
    assert set(found["state"]) <= {"new", "open", "back", "solved"}
    is_open = found[found["state"] == "open"]
    assert len(is_open) > 20 and (is_open["age"] == 7).all()
    assert is_open["first_seen"].eq(pd.Timestamp(2026, 11, 23)).all()
    pd.testing.assert_frame_equal(later.compare(moved.folder), later.compare(moved))
    with pytest.raises(UsageError, match="no earlier run"):
        moved.compare()


def test_all_runs_as_a_table(moved):
    words.sent(moved.settings, moved.folder, [1], job="4711")
    table = senrkit.runs(moved.settings.file)
    (row,) = table.to_dict("records")
    assert (row["run"], row["exit_code"], row["sent"], row["posted"]) == (moved.manifest["run_id"], 5, 1, 0)
    assert row["held"] == len(moved.held) and row["as_of"] == pd.Timestamp(2026, 11, 23)
    pd.testing.assert_frame_equal(senrkit.runs(moved.folder.parent), table)
    files = senrkit.open_run(moved.folder).files
    assert files[["state", "job"]].values.tolist()[:2] == [["sent", "4711"], ["prepared", ""]]
    assert senrkit.open_run(moved.settings.file).folder == moved.folder


def test_without_a_run_there_is_none_to_open(district, tmp_path):
    shutil.copytree(district, tmp_path / "own", ignore=shutil.ignore_patterns("runs"))
    with pytest.raises(InputError, match="There is no run in"):
        senrkit.open_run(tmp_path / "own" / "senrkit.toml")
    assert senrkit.runs(tmp_path / "own" / "senrkit.toml").empty


# ---- what is not silent


def test_a_check_decides_nothing_and_says_so(district):
    checked = senrkit.check(district / "senrkit.toml")
    assert (checked.exit_code, checked.folder) == (0, None)
    assert len(checked.preconditions) == 17 and len(checked.state) > 0
    for asked in ("proposal", "held", "schools", "files"):
        with pytest.raises(UsageError, match="A check decides nothing"):
            getattr(checked, asked)


def test_a_stopped_run_says_why(tmp_path):
    stopped = senrkit.run(make(tmp_path, 300, 1, dt.date(2026, 11, 23), break_id="P09").settings_file)
    assert (stopped.exit_code, [one["id"] for one in stopped.stops]) == (4, ["P09"])
    assert stopped.proposal.empty and "P09" in repr(stopped)
    assert senrkit.runs(stopped.folder.parent)["stopped_by"].tolist() == ["P09"]


# ---- to look at


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn(run, name):
    assert run.figure(name).sentence


def test_a_slip_in_a_figures_name_is_mended(run):
    with pytest.raises(UsageError, match="Did you mean by_school"):
        run.figure("by_schol")


def test_shown_is_masked(run, district):
    for frame in (run.proposal, run.state, run.held):
        shown = run.show(frame.head(50))
        assert ssids_shown(repr(shown) + shown._repr_html_(), district) == set()
    assert "last_name" in run.state and "last_name" not in run.show(run.state).frame
