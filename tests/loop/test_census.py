"""Counts for certification (closed_loop.md 9, F15), beside a count made row by row."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import pytest
from click.testing import CliRunner

from senrkit.cli.main import main
from senrkit.errors import InputError
from senrkit.loop import words
from senrkit.loop.census import GRADES, census
from senrkit.reference import ODS_FIELDS

ON = dt.date(2026, 10, 7)


def enrolled(world, data: bytes | None = None) -> dict[str, tuple[str, str]]:
    """SSID → school and grade of those whom the extract shows on the day; of two schools that of the 10."""
    text = (data or (world.folder / "SENR_ODS.txt").read_bytes()).decode()
    found: dict[str, tuple[str, str, str]] = {}
    for line in text.splitlines():
        row = dict(zip(ODS_FIELDS, line.split("^"), strict=True))
        canceled = row["exit_reason"] == "N470" and row["exit_date"] <= row["start_date"]
        open_then = row["start_date"] <= f"{ON:%Y%m%d}" <= (row["exit_date"] or "99999999")
        if open_then and not canceled and row["status"] in ("10", "30") and row["grade"] in GRADES:
            one = (row["status"], row["school_code"], row["grade"])
            found[row["ssid"]] = min(found.get(row["ssid"], one), one)
    return {ssid: one[1:] for ssid, one in found.items()}


def test_calpads_is_counted_as_row_by_row(world):
    counted = census(world.settings, ON)
    expected = Counter(enrolled(world).values())
    assert {
        (row["school_code"], row["grade"]): row["calpads"] for row in counted.counts.to_dicts() if row["calpads"]
    } == expected
    assert counted.totals()["calpads"] == counted.totals()["after"]


def test_after_is_with_what_has_posted(world):
    for number, path in enumerate(world.files, start=1):
        words.sent(world.settings, None, [number])
        world.calpads.post(path.read_bytes(), world.day)
        words.posted(world.settings, None, [number])
    counted = census(world.settings, ON)
    after = {(row["school_code"], row["grade"]): row["after"] for row in counted.counts.to_dicts() if row["after"]}
    assert after == Counter(enrolled(world, world.calpads.extract()).values()) != Counter(enrolled(world).values())


def test_who_is_in_one_and_not_in_the_other_with_the_reason(world):
    counted = census(world.settings, ON)
    assert {row["only_in"] for row in counted.students.to_dicts()} == {"after", "aeries"}
    assert "missing-in-calpads" in counted.students["reason"]
    assert counted.counts["only_aeries"].sum() == (counted.students["only_in"] == "aeries").sum()


@pytest.mark.parametrize("separator", [",", "^", "\t"])
def test_report_1_2_beside_it(world, tmp_path, separator):
    there = enrolled(world)
    gone, *rest = sorted(there)
    rows = [[there[ssid][0], ssid, there[ssid][1]] for ssid in rest] + [["1990001", "9999999999", "05"]]
    head = [["Report 1.2", "", ""], ["School", "SSID", "Grade"]]
    file = tmp_path / "report_1.2.csv"
    file.write_text("\r\n".join(separator.join(row) for row in [*head, *rows]))
    counted = census(world.settings, ON, listed=file)
    found = {row["ssid"]: row["only_in"] for row in counted.students.to_dicts() if "list" in row["only_in"]}
    assert found == {gone: "not in list", "9999999999": "list"}


def test_report_1_1_is_a_third_side(world, tmp_path):
    file = tmp_path / "report_1.1.csv"
    file.write_text('Enrollment Counts,,,\nSchool,K,01,02\n19999901991010 Alder Grove,12,"1,013",14\nTotal,12,13,14\n')
    counted = census(world.settings, ON, report=file)
    rows = {row["grade"]: row["report"] for row in counted.counts.to_dicts() if row["report"]}
    assert rows == {"KN": 12, "01": 1013, "02": 14}


def test_what_is_no_report_is_refused(world, tmp_path):
    file = tmp_path / "holidays.csv"
    file.write_text("day,why\n2026-11-26,Thanksgiving\n")
    for asked in ({"listed": file}, {"report": file}):
        with pytest.raises(InputError, match="holidays.csv is no report"):
            census(world.settings, ON, **asked)


def test_the_command_shows_no_student_unless_asked(world):
    asked = ["census", "--on", "2026-10-07", "--settings", str(world.folder / "senrkit.toml")]
    plain, named = (CliRunner().invoke(main, [*asked, *more]) for more in ([], ["--names"]))
    assert plain.exit_code == named.exit_code == 0
    assert "90000" not in plain.stdout and "90000" in named.stdout
    document = json.loads(CliRunner().invoke(main, [*asked, "--json", "--quiet"]).stdout)
    assert document["totals"]["calpads"] == len(enrolled(world)) and "ssid" not in document["students"][0]
