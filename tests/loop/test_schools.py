"""A workbook for each school's registrar, and what comes back in it (closed_loop.md 8)."""

from __future__ import annotations

import openpyxl
import polars as pl
import pytest

from senrkit.errors import InputError
from senrkit.loop import words
from senrkit.loop.schools import write_schools

TITLES = ["Summary", "Fix in Aeries", "On its way", "Arrived"]


def rows(path, sheet: str) -> list[dict[str, object]]:
    head, *body = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in body]


def test_each_school_has_its_own_students_and_no_name(world, tmp_path):
    written = write_schools(world.settings, None, tmp_path / "out")
    proposal = pl.read_csv(world.run_folder / "proposal.csv", infer_schema=False)
    of_school = set(proposal.select("local_id", "school_code").rows())
    names = {name for row in (world.folder / "SENR_ODS.txt").read_text().splitlines() for name in row.split("^")[9:12]}
    for school in written.schools.iter_rows(named=True):
        book = openpyxl.load_workbook(tmp_path / "out" / school["file"])
        assert book.sheetnames == TITLES
        for sheet in TITLES[1:]:
            for row in rows(tmp_path / "out" / school["file"], sheet):
                if row["SSID"]:
                    assert (row["Local id"], school["school_code"]) in of_school
                    assert not {str(cell) for cell in row.values() if cell} & (names - {"", "NA", "None"})
    held = proposal.filter(pl.col("action") == "hold")
    assert written.schools["to_fix"].sum() == len(held)


def test_the_index_and_the_mail_name_every_workbook_and_no_student(world, tmp_path):
    written = write_schools(world.settings, None, tmp_path)
    index = rows(tmp_path / "index_2026-11-23.xlsx", "Schools")
    mail = (tmp_path / "mail_2026-11-23.txt").read_text()
    files = written.schools["file"].to_list()
    assert [row["Workbook"] for row in index] == files
    assert all(file in mail and (tmp_path / file).is_file() for file in files)
    assert "90000" not in mail


def test_what_a_registrar_writes_comes_home(world, tmp_path):
    first = write_schools(world.settings, None, tmp_path).schools
    name = first["file"][0]
    book = openpyxl.load_workbook(tmp_path / name)
    sheet = book["Fix in Aeries"]
    column = [cell.value for cell in sheet[1]].index("Done / comment") + 1
    sheet.cell(2, column, "mended on Tuesday")
    who = sheet.cell(2, 1).value
    book.save(tmp_path / name)
    world.passes()
    second = write_schools(world.settings, None, tmp_path)
    assert second.comments == 1
    again = rows(tmp_path / name.replace("11-23", "11-24"), "Fix in Aeries")
    assert [row["Said by the school"] for row in again if row["Local id"] == who][0] == "mended on Tuesday"
    assert [row["Days open"] for row in again if row["Local id"] == who][0] == 1


def test_refused_records_are_to_be_mended_and_the_others_wait(world, tmp_path):
    words.sent(world.settings, None, [1])
    words.posted(world.settings, None, [1])
    words.sent(world.settings, None, [2])
    record = world.files[1].read_text().splitlines()[0].split("^")
    errors = tmp_path / "errors.csv"
    errors.write_text(f"Local Record ID,Error Code,Error Severity\n{record[2]},SENR0178,Fatal\n")
    words.rejected(world.settings, None, 2, errors=[errors])
    written = write_schools(world.settings, None, tmp_path / "out").schools
    name = written.filter(pl.col("school_code") == record[4])["file"][0]
    asked = [row for row in rows(tmp_path / "out" / name, "Fix in Aeries") if row["Reason id"] == "refused"]
    assert [row["SSID"] for row in asked] == [record[7]] and "SENR0178" in asked[0]["What stands there"]


def test_a_workbook_of_something_else_is_named(world, tmp_path):
    openpyxl.Workbook().save(tmp_path / "holidays.xlsx")
    with pytest.raises(InputError, match="holidays.xlsx is no workbook that senrkit made"):
        write_schools(world.settings, None, tmp_path / "out", back=tmp_path)
    assert not (tmp_path / "out").exists()
