"""Both sides of one student, with the decision and why."""

from __future__ import annotations

import json

import pytest

from senrkit import engine
from senrkit.errors import InputError, UsageError
from senrkit.student import explain
from tests.unit.test_engine import ODS, SIS, district

SIS_OF_FOUR = f"{SIS}\n5 A - -"
# CALPADS has the fourth of them under another SSID.
ODS_OF_FIVE = """
    student school start      exit       reason local_id
    1       A      2016-07-01 2017-06-09 E155   1001
    1       A      2026-08-12 -          -      1001
    2       A      2026-08-12 -          -      1002
    4       A      2026-08-12 -          -      1004
    4       A      2025-08-13 2026-06-05 E155   1004
    6       A      2026-08-12 -          -      1005
"""


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    return district(tmp_path_factory.mktemp("district"), SIS_OF_FOUR, ODS_OF_FIVE)


@pytest.mark.parametrize("identifier", ["9000000002", "1002"])
def test_by_ssid_or_local_id_both_sides_with_the_decision(chosen, identifier):
    view = explain(chosen, identifier)
    assert (view.ssids, view.local_ids) == (("9000000002",), ("1002",))
    assert [(row["start_date"], row["exit_date"]) for row in view.sides["calpads"]] == [("20260812", "")]
    assert [(row["ED"], row["LD"], row["ER"]) for row in view.sides["aeries"]] == [("2026-08-12", "2026-10-02", "160")]
    assert [(row["exit_date"], row["exit_reason"]) for row in view.sides["spells"]] == [("20261002", "T160")]
    assert [(row["action"], row["reason"]) for row in view.sides["decisions"]] == [("update", "exit")]
    assert "update (exit)" in view.text() and "Aeries closed it on 2026-10-02 with T160" in view.text()


def test_a_delete_shows_the_older_rows_too(chosen):
    view = explain(chosen, "1004")
    assert [row["start_date"] for row in view.sides["calpads"]] == ["20260812", "20250813"]
    assert view.sides["aeries"] == []
    assert view.sides["decisions"][0]["reason"] == "no-current-year-enrollment"


@pytest.mark.parametrize("identifier", ["9000000006", "1005"])
def test_both_ssids_of_an_identity_conflict(chosen, identifier):
    view = explain(chosen, identifier)
    assert "9000000006" in view.ssids
    assert {row["hold_reason"] for row in view.sides["decisions"]} == {"identity-conflict"}
    if identifier == "1005":
        assert view.ssids == ("9000000005", "9000000006")


def test_names_only_when_asked_for(chosen):
    view = explain(chosen, "1002")
    hidden, asked = view.text() + json.dumps(view.document()), view.text(show_names=True)
    assert not any(canary in hidden for canary in ("Given2", "Family2", "20150303"))
    assert "CALPADS: Given2 Family2, born 20150303" in asked and "Aeries: Given2 Family2" in asked
    assert [row["side"] for row in view.document(show_names=True)["names"]] == ["CALPADS", "Aeries"]


@pytest.mark.parametrize("identifier", ["9999999999", "01002x", ""])
def test_nobody_knows_it(chosen, identifier):
    with pytest.raises(UsageError) as refused:
        explain(chosen, identifier)
    assert "9999999999" not in str(refused.value)


def test_what_stops_the_run_is_said_below(tmp_path):
    view = explain(district(tmp_path, SIS, f"{ODS}\n4 A 2026-08-12 - -"), "1002")
    assert view.notes[0].startswith("P13 stops the run: 2 rows share their key")
    assert len(view.sides["calpads"]) == 1 and "decisions" not in view.sides


def test_an_extract_that_is_none_says_why(tmp_path):
    chosen = district(tmp_path)
    (tmp_path / "SENR_ODS.txt").write_bytes(b"SELA-R^A^1\r\n")
    with pytest.raises(InputError):
        explain(chosen, "1002")


def test_from_the_folder_of_a_finished_run(chosen, tmp_path):
    run = engine.run(chosen, out=tmp_path / "monday")
    view = explain(run.folder, "1002")
    assert [(row["action"], row["reason"]) for row in view.sides["decisions"]] == [("update", "exit")]
    assert [(row["start_date"], row["exit_date"]) for row in view.sides["calpads"]] == [("2026-08-12", "")]
    assert [(row["start_date"], row["exit_date"]) for row in view.sides["spells"]] == [("2026-08-12", "2026-10-02")]
    assert run.manifest["run_number"] in view.notes[0]
    with pytest.raises(UsageError, match="proposed nothing"):
        explain(run.folder, "9999999999")


def test_both_ssids_of_an_identity_conflict_from_the_folder_too(chosen, tmp_path):
    view = explain(engine.run(chosen, out=tmp_path / "monday").folder, "1005")
    assert view.ssids == ("9000000005", "9000000006")
    assert [row["start_date"] for row in view.sides["calpads"]] == ["2026-08-12"]


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match="not the folder of a run"):
        explain(tmp_path, "1002")
