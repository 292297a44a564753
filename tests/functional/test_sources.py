"""`senrkit sources`: what was read, at a glance, from every kind of source; and the same in the run folder."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from senrkit import demo
from senrkit.cli.main import main
from senrkit.engine import run
from senrkit.settings.settings import load_settings

AS_OF = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def district(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sources") / "district"
    demo.make(folder, 300, 1, AS_OF)
    return folder


def exported(district: Path, folder: Path, change=lambda table, rows: rows) -> Path:
    """The district's tables as CSV exports, and settings that name them."""
    (folder / "exports").mkdir(parents=True)
    with sqlite3.connect(district / "aeries.db") as database:
        for table in ("STU", "ENR", "LOC", "XRF"):
            found = database.execute(f"SELECT * FROM {table}")
            head = [column[0] for column in found.description]
            rows = change(table, [dict(zip(head, row, strict=True)) for row in found])
            with (folder / "exports" / f"{table}_2026-11-23.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
    settings = (district / "senrkit.toml").read_text()
    for old, new in {
        '"sqlite:///aeries.db"\nwrite': '"exports"\nwrite',
        '"SENR_ODS.txt"': f'"{district}/SENR_ODS.txt"',
        '"SELA_ODS.txt"': f'"{district}/SELA_ODS.txt"',
        '"Initial_ELPAC.csv"': f'"{district}/Initial_ELPAC.csv"',
        '"pubschls.txt"': f'"{district}/pubschls.txt"',
    }.items():
        assert old in settings
        settings = settings.replace(old, new)
    (folder / "senrkit.toml").write_text(settings)
    return folder / "senrkit.toml"


def asked(settings: Path, *more: str):
    return CliRunner().invoke(main, ["sources", "--settings", str(settings), "--quiet", *more])


def test_a_database(district):
    found = json.loads(asked(district / "senrkit.toml", "--json").stdout)
    tables = {one["table"]: one for one in found["aeries"]["tables"]}
    assert set(tables) >= {"STU", "ENR", "LOC", "XRF", "LAC"} and tables["STU"]["rows"] > 300
    assert found["aeries"]["students_found"] == 1.0 and list(found["aeries"]["enrollment_years"]) == ["2025", "2026"]
    assert tables["ENR"]["readable_dates"] == {"ED": 1.0, "LD": 1.0}
    assert found["calpads"]["rows"] == len((district / "SENR_ODS.txt").read_text().splitlines())
    assert found["calpads"]["ssids"]["other"] == 0


def test_exports_name_their_files_and_say_what_they_lack(district, tmp_path):
    def without_hsg(table, rows):
        return [{name: value for name, value in row.items() if name not in ("HSG", "DG")} for row in rows]

    settings = exported(district, tmp_path, without_hsg)
    found = json.loads(asked(settings, "--json").stdout)
    tables = {one["table"]: one for one in found["aeries"]["tables"]}
    assert tables["STU"]["file"] == "STU_2026-11-23.csv"
    assert {"HSG", "DG"} <= set(tables["STU"]["unknown"])
    said = CliRunner().invoke(main, ["sources", "--settings", str(settings)]).stdout
    assert "STU.HSG is not there: " in said and "(STU_2026-11-23.csv)" in said


def test_what_is_spoilt_shows(district, tmp_path):
    """Half of the students lost, SSIDs rounded, dates of another kind: the figures say so."""

    def spoilt(table, rows):
        if table != "STU":
            return rows
        return [row | {"CID": f"{row['CID']}7", "BD": "the third of May"} for row in rows[::2]]

    found = json.loads(asked(exported(district, tmp_path, spoilt), "--json").stdout)
    aeries = found["aeries"]
    assert aeries["students_found"] < 0.7 and aeries["ssids"]["ten digits"] == 0 < aeries["ssids"]["other"]
    assert next(one for one in aeries["tables"] if one["table"] == "STU")["readable_dates"]["BD"] == 0


def test_no_student_is_named(district):
    shown = CliRunner().invoke(main, ["sources", "--settings", str(district / "senrkit.toml")]).stdout
    with sqlite3.connect(district / "aeries.db") as database:
        names = {name for row in database.execute("SELECT LN, CID FROM STU") for name in row if name and len(name) > 4}
    assert len(names) > 300 and not [name for name in names if name in shown]


def test_the_run_folder_and_the_workbook_say_the_same(district):
    settings = load_settings(district / "senrkit.toml")
    folder = run(settings, person="somebody").folder
    found = json.loads((folder / "sources.json").read_text())
    told = json.loads(asked(district / "senrkit.toml", "--json").stdout)
    assert found == {name: value for name, value in told.items() if name not in ("vendor", "exit_code")}
    sheet = openpyxl.load_workbook(folder / "report.xlsx")["Sources"]
    assert "STU" in " ".join(str(row[0]) for row in sheet.iter_rows(values_only=True))


def test_an_extract_that_is_none_is_told_after_the_rest(district, tmp_path):
    (tmp_path / "SENR.txt").write_text("SELA-R^x\r\n")
    done = CliRunner().invoke(
        main, ["sources", "--settings", str(district / "senrkit.toml"), "--extract", str(tmp_path / "SENR.txt")]
    )
    assert done.exit_code == 3 and "no SENR extract that can be read" in done.stdout
