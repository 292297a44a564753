"""The Language tab without a browser: the planted EL and IFEP, the conflicts, who waits, what is handed out."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shutil

import openpyxl
import pytest

from senrkit.demo import make
from tests.dashboard.desks import Clerk


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    folder = tmp_path_factory.mktemp("district") / "demo"
    # A day on which somebody can have waited for 90 days: in August nobody can.
    make(folder, 300, 1, dt.date(2026, 11, 23))
    return folder


@pytest.fixture
def home(district, tmp_path):
    shutil.copytree(district, tmp_path / "home" / "demo")
    return tmp_path / "home"


@pytest.fixture
def clerk(home):
    return Clerk(home)


@pytest.fixture
def compared(clerk):
    for action in ("start/demo", "step/language", "language/compare"):
        clerk.do(action)
    return clerk


def planted(home, *expected):
    """SSIDs of the demo's language traps that the demo itself expects to be classed so, or of the trap so named."""
    with (home / "demo" / "demo_expectations.csv").open(newline="") as lines:
        return {row["ssid"] for row in csv.DictReader(lines) if {row["trap"], row["expected_reason"]} & set(expected)}


def language_document(home):
    found = list((home / "demo" / "runs").glob("*/language.json"))
    return json.loads(found[-1].read_text())


def test_before_the_settings_language_leads_to_the_start(home):
    clerk = Clerk(home)
    clerk.do("step/language")
    assert "Go to Start" in clerk.sees()


def test_language_is_compared_only_when_asked_for(clerk, home):
    clerk.do("start/demo")
    clerk.do("step/language")
    assert "Compare language status" in clerk.sees()
    assert not list((home / "demo" / "runs").glob("*"))


def test_language_shows_the_planted_new_el_and_ifep(compared, home):
    new = {name: len(planted(home, name)) for name in ("new-el", "new-ifep")}
    assert new["new-el"] >= 2 and new["new-ifep"] >= 1
    seen = compared.sees()
    assert f"{new['new-el']} New English learner {new['new-ifep']} New initially fluent" in seen
    assert f"{sum(new.values())} students are EL or IFEP in CALPADS, and Aeries has not heard of it" in seen
    taken = compared.desk.session.language["students"]
    assert {row["ssid"] for row in taken["new"]} == planted(home, "new-el", "new-ifep")
    assert planted(home, "conflict-status", "conflict-date") <= {row["ssid"] for row in taken["conflicts"]}


def test_the_conflict_report_by_school_is_a_table_with_the_figures_of_the_run(compared, home):
    schools = language_document(home)["conflicts_by_school"]
    table = re.search(r'id="schools-title".*?</table>', compared.regions["main"], re.S)[0]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in re.findall(r"<tr>(.*?)</tr>", table)[1:]]
    assert schools
    assert rows == [
        [one["school_name"], one["school_code"], *(str(one[name]) for name in ("status", "date", "total"))]
        for one in schools
    ]


def test_who_waits_for_a_test_is_told_with_the_days(compared, home):
    waiting = language_document(home)["to_be_determined"]
    assert waiting["over"] >= 1 and waiting["long_over"] >= 1
    said = rf"{waiting['over']} students? \w+ been to be determined \(TBD\) for more than 30 days, "
    assert re.search(rf"{said}{waiting['long_over']} of them for 90 days or more", compared.sees())
    rows = compared.desk.session.language["students"]["to_be_determined"]
    assert planted(home, "still-to-be-determined") <= {row["ssid"] for row in rows}
    assert all(f"{row['days']} {row['age']}" in compared.sees() for row in rows)


def test_no_ssid_of_the_language_tab_reaches_the_browser_while_names_are_hidden(compared):
    shown = [row for rows in compared.desk.session.language["students"].values() for row in rows]
    ssids = {row["ssid"] for row in shown} - {""}
    assert ssids and [ssid for ssid in ssids if ssid in repr(compared.messages)] == []
    assert [row["local_id"] for row in shown if f">{row['local_id']}<" in compared.regions["main"]] == []
    compared.do("names/toggle")
    new = compared.desk.session.language["students"]["new"][0]
    assert f"SSID {new['ssid']}" in compared.sees()
    assert re.search(rf"\w+, \w+ SSID {new['ssid']}", compared.sees())
    compared.do("names/toggle")
    assert not ssids & set(re.findall(r"\d+", compared.sees()))


def test_the_comparison_of_another_page_is_found_again_with_its_students(compared, home):
    other = Clerk(home)
    other.do("start/demo")
    other.do("step/language")
    assert other.desk.session.language == compared.desk.session.language
    assert "New in CALPADS" in other.sees() and "Reading the students" not in other.sees()


def test_the_comparison_of_another_district_is_not_shown(compared, home):
    settings = home / "demo" / "senrkit.toml"
    settings.write_text(settings.read_text().replace('lea = "1999990"', 'lea = "1999991"'))
    compared.do("step/language")
    assert "New English learner" not in compared.sees()


@pytest.mark.parametrize("name", ["aeries_import_LAC.csv", "aeries_import_STU.csv", "language.xlsx", "language.csv"])
def test_the_files_for_aeries_are_handed_out_as_they_were_written(compared, home, name):
    compared.do("language/download", arg=name)
    offered = compared.last("download")
    compared.send({"t": "download", "ticket": offered["ticket"], "at": 0})
    assert compared.pieces[-1] == next((home / "demo" / "runs").glob(f"*/{name}")).read_bytes()


def test_no_other_file_is_handed_out_by_the_language_tab(compared):
    for name in ("language.json", "../../senrkit.toml", "/etc/passwd"):
        compared.do("language/download", arg=name)
        assert "Reference number" in compared.sees(), name
    assert not [message for message in compared.messages if message["t"] == "download"]


def test_who_was_tested_and_is_not_in_calpads_yet_is_shown(compared, home):
    rows = compared.desk.session.language["students"]["vendor"]
    assert planted(home, "still-to-be-determined") & {row["ssid"] for row in rows}
    assert "Tested, not yet in CALPADS" in compared.sees() and "Initial_ELPAC.csv" in compared.sees()


def test_without_a_sela_extract_the_language_tab_says_what_to_do(clerk, home):
    settings = home / "demo" / "senrkit.toml"
    settings.write_text(settings.read_text().replace('sela_extract = "SELA_ODS.txt"\n', ""))
    for action in ("start/demo", "step/language"):
        clerk.do(action)
    assert "No SELA extract is named in your settings." in clerk.sees()
    assert re.search(r'id="compare-language"[^>]*aria-disabled="true"', clerk.regions["main"])
    clerk.do("language/compare")
    assert 'id="notice"' in clerk.regions["main"] and not list((home / "demo" / "runs").glob("*"))


def test_a_sela_extract_that_is_none_is_refused_with_its_cure(clerk, home):
    shutil.copy(home / "demo" / "SENR_ODS.txt", home / "demo" / "SELA_ODS.txt")
    for action in ("start/demo", "step/language", "language/compare"):
        clerk.do(action)
    notice = re.search(r'id="notice".*?</div>', clerk.regions["main"], re.S)[0]
    assert "SSID Enrollment" in notice and "senr_extract" in notice
    assert not list((home / "demo" / "runs").glob("*"))


def test_a_damaged_workbook_is_a_sentence_with_a_cure(compared, home):
    book = next((home / "demo" / "runs").glob("*/language.xlsx"))
    book.write_bytes(book.read_bytes()[:2000])
    other = Clerk(home)
    other.do("start/demo")
    other.do("step/language")
    assert "cannot be read" in other.sees() and "compare again" in other.sees()


def test_the_comparison_of_an_older_senrkit_is_still_shown(compared, home):
    """It had no warnings, no grade and nobody exempt."""
    document, book = (next((home / "demo" / "runs").glob(f"*/language.{end}")) for end in ("json", "xlsx"))
    older = json.loads(document.read_text())
    del older["to_be_determined"]["exempt"], older["counts"]["proposed_with_warnings"]
    document.write_text(json.dumps(older))
    opened = openpyxl.load_workbook(book)
    for name in ("New EL and IFEP", "Conflict report", "Refused", "To be determined"):
        opened[name].delete_cols(opened[name].max_column)
    opened.save(book)
    other = Clerk(home)
    other.do("start/demo")
    other.do("step/language")
    assert "New in CALPADS" in other.sees() and "exempt." not in other.sees() and "suspect" not in other.sees()


def test_what_else_to_know_stands_beside_the_student(compared):
    seen = compared.sees()
    for said in ("STU.HL is English", "LAC.USS is blank", "CALPADS holds a correction, reason 5", "is suspect."):
        assert said in seen
    assert re.search(r"of them for 90 days or more\. \d+ (?:is|are) exempt\.", seen)


@pytest.mark.parametrize(("state", "warned"), [("applied", True), ("unknown", True), ("taken-back", False)])
def test_what_was_written_to_aeries_is_not_to_be_imported_again(compared, home, state, warned):
    folder = next((home / "demo" / "runs").glob("*/language.json")).parent
    (folder / "language_applied.json").write_text(json.dumps({"state": state}))
    compared.do("step/language")
    assert ("no import files any more" in compared.sees()) is warned
    compared.do("language/download", arg="aeries_import_STU.csv")
    assert any(message["t"] == "download" for message in compared.messages) is not warned


def test_comparing_on_the_page_leaves_aeries_as_it_was(clerk, home):
    before = (home / "demo" / "aeries.db").read_bytes()
    for action in ("start/demo", "step/language", "language/compare"):
        clerk.do(action)
    assert "This page writes nothing to Aeries" in clerk.sees()
    assert (home / "demo" / "aeries.db").read_bytes() == before
