"""The test vendor's file: every layout by its headings, what spreadsheets did to it, and what is refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from senrkit.errors import InputError
from senrkit.inputs.elpac import read_elpac_file
from senrkit.reference import PACKAGED
from tests.vendor_files import headings, row, written

LAYOUTS = [each["layout"] for each in PACKAGED.rows("initial_elpac_layouts")]
ROWS = [row("1"), row("2", "IFEP", "2026-07-20"), row("3", "")]


def read(folder, data, name="vendor.csv"):
    (folder / name).write_bytes(data)
    return read_elpac_file(folder / name)


def refused(folder, data, *pieces, name="vendor.csv"):
    with pytest.raises(InputError) as said:
        read(folder, data, name)
    assert said.value.exit_code == 3
    for piece in pieces:
        assert piece in str(said.value)
    assert "Family" not in str(said.value) and "90000" not in str(said.value)


def values(elpac):
    return elpac.rows.select("ssid", "result", "day").rows()


EXPECTED = [
    ("9000000001", "EL", dt.date(2026, 10, 14)),
    ("9000000002", "IFEP", dt.date(2026, 7, 20)),
    ("9000000003", "", None),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_told_by_its_headings(tmp_path, layout):
    elpac = read(tmp_path, written(ROWS, layout))
    assert values(elpac) == EXPECTED
    assert (elpac.layout, elpac.notes) == (layout, ())
    first = elpac.rows.row(0, named=True)
    assert (first["local_id"], first["birth_date"], first["school_code"]) == ("1001", "20150312", "19999901990001")


def test_a_layout_that_is_newer_is_read_by_its_headings_and_said(tmp_path):
    elpac = read(tmp_path, written(ROWS).replace(b"SSRAvailableDate", b"SomethingNew"))
    assert values(elpac) == EXPECTED and elpac.layout == ""
    assert "the layout of no year up to 2024-25" in elpac.notes[0]


def _table(**changes):
    table = [line.split("^") for line in written(ROWS).decode().splitlines()]
    at = {column: place for place, column in enumerate(headings().values())}
    for column, change in changes.items():
        for line in table[1:]:
            line[at[column]] = change(line[at[column]])
    return table


def _csv(table, separator=","):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(table)
    return text.getvalue().encode()


def _us(day):
    year, month, day_of_month = day.split("-") if day else ("", "", "")
    return f"{int(month)}/{int(day_of_month)}/{year}" if day else ""


def _serial(day):
    return str((dt.date.fromisoformat(day) - dt.date(1899, 12, 30)).days) if day else ""


SPREADSHEETS = {
    "as it came": lambda: written(ROWS),
    "commas": lambda: _csv(_table()),
    "semicolons": lambda: _csv(_table(), ";"),
    "tabs": lambda: _csv(_table(), "\t"),
    "sep=": lambda: b"sep=;\r\n" + _csv(_table(), ";"),
    "a title": lambda: b"Initial ELPAC\r\n\r\n" + _csv(_table()),
    "byte order mark": lambda: b"\xef\xbb\xbf" + _csv(_table()),
    "UTF-16": lambda: _csv(_table()).decode().encode("utf-16"),
    "US dates": lambda: _csv(_table(day=_us, birth_date=_us)),
    "day numbers": lambda: _csv(_table(day=_serial, birth_date=_serial)),
    "apostrophes": lambda: _csv(_table(ssid=lambda text: f"'{text}")),
    "formulas": lambda: _csv(_table(ssid=lambda text: f'="{text}"')),
    "grouped": lambda: _csv(_table(ssid=lambda text: f"{int(text):,}")),
    "NULL": lambda: _csv(_table(correction=lambda _: "NULL")),
    "headings in capitals": lambda: _csv([[cell.upper() for cell in _table()[0]], *_table()[1:]]),
    "columns in another order": lambda: _csv([line[::-1] for line in _table()]),
    "blank columns at the right": lambda: _csv([[*line, "", ""] for line in _table()]),
}


@pytest.mark.parametrize("kind", SPREADSHEETS)
def test_what_a_spreadsheet_saved_is_read_as_it_was_meant(tmp_path, kind):
    assert values(read(tmp_path, SPREADSHEETS[kind]())) == EXPECTED


def test_a_workbook_and_the_zip_of_the_download(tmp_path):
    book = openpyxl.Workbook()
    for line in _table():
        book.active.append(line)
    at = [column for column, name in enumerate(headings().values()) if name == "day"][0]
    for number, (_, _, day) in enumerate(EXPECTED, start=2):
        book.active.cell(number, at + 1).value = day
    book.save(tmp_path / "vendor.xlsx")
    assert values(read_elpac_file(tmp_path / "vendor.xlsx")) == EXPECTED
    with zipfile.ZipFile(tmp_path / "download.zip", "w") as packed:
        packed.writestr("report.csv", written(ROWS))
        packed.writestr("report.dat", "fixed width")
    elpac = read_elpac_file(tmp_path / "download.zip")
    assert values(elpac) == EXPECTED and elpac.files[0].name == "report.csv"


def test_a_test_that_was_not_finished_has_no_result(tmp_path):
    partial = [row("1"), row("2", attemptedness="P"), row("3", attemptedness="")]
    elpac = read(tmp_path, written(partial))
    assert elpac.rows["result"].to_list() == ["EL", "", ""]
    assert elpac.notes == ("vendor.csv: 2 rows have a result though the test was not finished; it does not count.",)
    old = [row("1"), row("2", include_indicator="T")]
    assert read(tmp_path, written(old, "2018-19")).rows["result"].to_list() == ["EL", ""]


def test_the_latest_of_four_days_counts_where_there_is_no_final_one(tmp_path):
    table = [line.split("^") for line in written(ROWS[:1], "2021-22").decode().splitlines()]
    table[1][table[0].index("TestCompletedDate3")] = "2026-10-16"
    assert read(tmp_path, _csv(table, "^")).rows["day"].to_list() == [dt.date(2026, 10, 16)]


def test_rows_without_an_ssid_are_left_out_and_counted(tmp_path):
    elpac = read(tmp_path, written([row("1"), row("2", ssid=""), row("3", ssid="90000")]))
    assert elpac.rows["ssid"].to_list() == ["9000000001"]
    assert elpac.notes == ("vendor.csv: 2 rows have no SSID of ten digits and were left out.",)


def _without(column):
    table = _table()
    at = list(headings().values()).index(column)
    return _csv([line[:at] + line[at + 1 :] for line in table])


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \r\n ", "is empty"),
    "headings alone": (written([]), "no student"),
    "binary": (b"\0\1\2", "not a text file"),
    "a zip that is none": (b"PK\x03\x04 and no more", "damaged"),
    "fixed width": (b"22123456789012345 9000000001\r\n" * 5, "headings are missing"),
    "another table": (b"ID,LN,FN\r\n1,Family1,Given1\r\n", "headings are missing"),
    "no SSID": (_without("ssid"), "no column for ssid"),
    "no day": (_without("day"), "no column for day"),
    "no result": (_without("result"), "no column for result"),
    "a column twice": (_csv([[*line, line[1]] for line in _table()]), "two columns for ssid"),
    "cut off in a row": (written(ROWS)[:-40], "line 4", "expected"),
    "summative by its rows": (written([row("1", record_type="21")]), "Summative"),
    "summative by its headings": (written(ROWS).replace(b"Blank", b"OverallPLMinus1"), "Summative"),
    "another kind of row": (written([row("1"), row("2", record_type="99")]), "line 3", "no record of the Initial"),
    "cells that moved": (written([row("1"), row("2", end="")]), "line 3", "its mark"),
    "another result": (written([row("1", "RFEP")]), "line 2", "neither EL nor IFEP"),
    "shortened SSIDs": (_csv(_table(ssid=lambda _: "9.00E+09")), "shortened or rounded"),
    "rounded SSIDs": (written([row(str(n), ssid=f"9000{n:02d}0000") for n in range(60)]), "shortened or rounded"),
    "a day that is none": (written([row("1"), row("2", day="2026-02-30")]), "line 3", "a date cannot be read"),
    "days that may be months": (
        _csv(_table(day=lambda day: day and "03/04/2026", birth_date=lambda _: "05/06/2015")), "which of its dates"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_such_file_or_has_lost_something_is_refused(tmp_path, kind):
    data, *pieces = BAD[kind]
    refused(tmp_path, data, *pieces)


def test_a_file_that_is_not_there_or_not_ours_to_read(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_elpac_file(tmp_path / "vendor.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_elpac_file(tmp_path)


def test_a_zip_with_two_tables_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "vendor.zip", "w") as packed:
        for name in ("one.csv", "two.csv"):
            packed.writestr(name, written(ROWS))
    with pytest.raises(InputError, match="2 CSV files instead of one"):
        read_elpac_file(tmp_path / "vendor.zip")
