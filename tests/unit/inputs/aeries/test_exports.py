"""Aeries from a folder of exports: the same frames as from a database, and exports that cannot be trusted."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from senrkit.errors import InputError
from senrkit.inputs.aeries.export_file import read_export
from senrkit.inputs.aeries.headings import matched
from senrkit.inputs.aeries.read import read_aeries
from tests.districts import (
    district,
    enrollment,
    school,
    settings_for,
    shown,
    student,
    translation,
    write_database,
    write_folder,
)

CANARY = "Zzcanary"

TINY = district(
    STU=[
        student(TG="N"),
        student(SN=18, ID=102, CID="", LN="Ñúñez O'Brien", FN="Null", BD=dt.date(2015, 12, 1), GR=-1),
        student(SN=19, ID=103, DEL=True),
    ],
    ENR=[
        enrollment(ITD="19999990000000"),
        enrollment(ID=102, LD=dt.date(2026, 10, 2), ER="160"),
        enrollment(ID=102, YR=2025, ED=dt.date(2025, 8, 13)),
        enrollment(ID=102, YR=2019, ED=dt.date(2019, 8, 13)),
        enrollment(ID=103, DEL=True),
    ],
    XRF=[translation("ATT", "RS", "160", "T160"), translation("ATT", "RS", "160", "no", TC="CRDC")],
    LAC=[{"ID": 102, "SD": dt.datetime(2021, 9, 1, 8, 30), "DEL": False}],
)


def read(folder, **aeries):
    return shown(read_aeries(settings_for(str(folder), **aeries)))


def refusal(folder, **aeries) -> str:
    with pytest.raises(InputError) as refused:
        read(folder, **aeries)
    assert CANARY not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "how",
    [
        {"form": "csv"},
        {"form": "csv", "encoding": "utf-8-sig"},
        {"form": "csv", "encoding": "cp1252"},
        {"form": "csv", "delimiter": "^"},
        {"form": "txt", "delimiter": "\t"},
        {"form": "xlsx"},
        {"form": "csv", "headings": {"STU.CID": "State Student ID", "STU.ID": "Student ID", "ENR.ED": "enter  date"}},
        {"form": "csv", "headings": {"STU.CID": "STU.CID", "ENR.YR": "year", "LOC.CD": "loc.cd"}},
    ],
    ids=str,
)
def test_the_same_district_from_files_and_from_a_database(tmp_path, how):
    from_files = read(write_folder(tmp_path / "exports", TINY, **how))
    from_database = shown(read_aeries(settings_for(write_database(tmp_path / "a.db", TINY))))
    assert from_files.newest_year == from_database.newest_year == 2026
    assert from_files.digests == from_database.digests
    for table, frame in from_database.tables.items():
        pd.testing.assert_frame_equal(from_files.tables[table], frame)
    assert from_files.tables["STU"]["LN"].tolist() == ["Quillfeather", "Ñúñez O'Brien"]
    assert from_files.database_name == "" and from_files.source == str(tmp_path / "exports")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_table_with_headings_only(tmp_path, form):
    aeries = read(write_folder(tmp_path, district(ENR=[]), form=form))
    assert len(aeries.tables["ENR"]) == 0 and aeries.newest_year is None


def test_windows_1252_is_said(tmp_path):
    assert read(write_folder(tmp_path, TINY, encoding="cp1252")).notes == [
        "STU.csv is not UTF-8 and was read as Windows-1252."
    ]


class TestWorkbooks:
    def test_leading_zeros_come_back_and_are_said(self, tmp_path):
        tables = district(
            STU=[student(CID=12345678, TG="N")],
            LOC=[school(CD=0, CC=1, DC=6119, SC=0), school(CC=1, DC=6119, SC=1), school(CD=992, SC="0199902")],
            ENR=[enrollment(ITD=1611190000000, NPS=112345), enrollment(ED=dt.date(2026, 9, 1), ITD="", NPS=0)],
        )
        aeries = read(write_folder(tmp_path, tables, form="xlsx"))
        assert aeries.tables["STU"]["CID"].tolist() == ["0012345678"]
        assert aeries.tables["LOC"]["CC"].tolist() == ["01", "01", "19"]
        assert aeries.tables["LOC"]["SC"].tolist() == ["0000000", "0000001", "0199902"]
        assert aeries.tables["ENR"]["ITD"].tolist() == ["01611190000000", ""]
        assert aeries.tables["ENR"]["NPS"].tolist() == ["0112345", "0"]
        assert aeries.notes == [
            "ENR.xlsx: leading zeros restored in ENR.ITD (1), ENR.NPS (1).",
            "LOC.xlsx: leading zeros restored in LOC.CC (2), LOC.DC (2), LOC.SC (2).",
            "STU.xlsx: leading zeros restored in STU.CID (1).",
        ]

    def test_a_seven_digit_district_is_not_blown_up_to_fourteen(self, tmp_path):
        folder = write_folder(tmp_path, district(ENR=[enrollment(ITD="1999990")]), form="xlsx")
        assert read(folder).tables["ENR"]["ITD"].tolist() == ["1999990"]

    def test_days_as_numbers(self, tmp_path):
        tables = district(
            ENR=[
                enrollment(ED=46246, LD=46297.5),
                enrollment(SN=18, ED="8/12/2026", LD="later"),
                enrollment(SN=19, ED="8/31/2026"),
            ]
        )
        frame = read(write_folder(tmp_path, tables, form="xlsx")).tables["ENR"]
        assert frame["ED"].tolist() == ["2026-08-12", "2026-08-12", "2026-08-31"]
        assert frame["LD"].tolist() == ["2026-10-02", "later", ""]

    def test_a_number_in_a_text_file_is_a_day_only_where_the_whole_column_is_numbers(self, tmp_path):
        rows = [enrollment(ED=46246), enrollment(SN=18, ED=46250)]
        assert read(write_folder(tmp_path / "a", district(ENR=rows))).tables["ENR"]["ED"].tolist() == [
            "2026-08-12",
            "2026-08-16",
        ]
        mixed = district(ENR=[*rows, enrollment(SN=19, ED="2026-08-31")])
        assert "46246" in read(write_folder(tmp_path / "b", mixed)).tables["ENR"]["ED"].tolist()

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda book: book.active.append(["#N/A"]), "cells with an error"),
            (lambda book: setattr(book, "epoch", dt.datetime(1904, 1, 1)), "from 1904"),
            (lambda book: book.create_sheet("other").append([CANARY]), "several filled sheets"),
        ],
    )
    def test_workbooks_that_mislead(self, tmp_path, spoil, said):
        import openpyxl

        write_folder(tmp_path, district(STU=[student(LN=CANARY)]), form="xlsx")
        book = openpyxl.load_workbook(tmp_path / "STU.xlsx")
        spoil(book)
        book.save(tmp_path / "STU.xlsx")
        assert said in refusal(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"PK\3\4" + CANARY.encode(), CANARY.encode()])
    def test_no_workbook_at_all(self, tmp_path, content):
        write_folder(tmp_path, district(), form="xlsx")
        (tmp_path / "STU.xlsx").write_bytes(content)
        assert "STU.xlsx is no Excel workbook" in refusal(tmp_path)

    def test_an_empty_sheet(self, tmp_path):
        write_folder(tmp_path, district() | {"STU": []}, form="xlsx")
        import openpyxl

        openpyxl.Workbook().save(tmp_path / "STU.xlsx")
        assert "STU.xlsx is empty" in refusal(tmp_path)


class TestHeadings:
    @pytest.mark.parametrize(
        ("headings", "places"),
        [
            (["ID", "CID"], {"ID": 0, "CID": 1}),
            (["STU.ID", "stu.cid"], {"ID": 0, "CID": 1}),
            (["Student ID", " state  student id "], {"ID": 0, "CID": 1}),
            (["ENR.ID", "ID"], {"ID": 1}),
            (["Nickname", "ID"], {"ID": 1}),
        ],
    )
    def test_code_or_title(self, headings, places):
        assert matched("STU", headings, {}, "STU.csv") == places

    @pytest.mark.parametrize(
        "headings", [["ID", "ID"], ["ID", "Student ID"], ["GR", "Grade"], ["Grade", "Grade1"], ["STU.CID", "CID"]]
    )
    def test_two_columns_that_could_be_one_field(self, headings):
        with pytest.raises(InputError, match=r"STU\.csv: two columns could be the same field: STU\."):
            matched("STU", headings, {}, "STU.csv")

    def test_the_users_map_wins_and_settles_a_doubt(self):
        given = {"Grade1": "STU.GR", "Pupil number": "ID", "Enter Date": "ENR.ED"}
        assert matched("STU", ["Grade", "Grade1", "pupil NUMBER", "Student ID"], given, "STU.csv") == {"GR": 1, "ID": 2}

    def test_a_map_that_names_one_field_twice(self):
        with pytest.raises(InputError, match="two columns"):
            matched("STU", ["A", "B"], {"A": "STU.ID", "B": "STU.ID"}, "STU.csv")

    def test_the_map_reaches_the_reader(self, tmp_path):
        write_folder(tmp_path, district(), headings={"STU.CID": "State number"})
        assert "STU.CID" in refusal(tmp_path)
        assert read(tmp_path, headings={"State number": "STU.CID"}).tables["STU"]["CID"].tolist() == ["9000000001"]

    def test_a_heading_of_the_map_that_no_export_has_is_said(self, tmp_path):
        write_folder(tmp_path, district(STU=[student(TG="N")]), headings={"STU.CID": "State number"})
        headings = {"state  NUMBER": "STU.CID", "Pupl number": "STU.ID"}
        notes = read(tmp_path, headings=headings).notes
        assert notes == ["[aeries.headings] has headings that no export has: Pupl number."]


class TestFaults:
    def test_everything_missing_in_one_message(self, tmp_path):
        row = {code: value for code, value in student().items() if code not in ("CID", "GN")}
        write_folder(tmp_path, district(STU=[row]))
        (tmp_path / "XRF.csv").unlink()
        said = refusal(tmp_path)
        assert "STU.CID" in said and "STU.GN or STU.SX" in said and "the table XRF" in said

    def test_no_delete_mark_is_fine_and_said(self, tmp_path):
        tables = {
            table: [{code: value for code, value in row.items() if code != "DEL"} for row in rows]
            for table, rows in district(STU=[student(TG="N")]).items()
        }
        aeries = read(write_folder(tmp_path, tables))
        assert len(aeries.tables["STU"]) == 1
        assert aeries.notes == ["STU, ENR, LOC, XRF: there is no column DEL, so every row counts as live."]

    def test_no_inactive_student_is_said(self, tmp_path):
        assert "inactive" in " ".join(read(write_folder(tmp_path, district())).notes)

    def test_inactive_students_that_were_left_out_stop_it(self, tmp_path):
        """Without their SSID, the state's rows of students who left would look as if nothing stood behind them."""
        tables = district(ENR=[enrollment(), enrollment(ID=102, LD=dt.date(2026, 10, 2), ER="160")])
        said = refusal(write_folder(tmp_path, tables))
        assert "STU.csv has no student with a tag" in said and "not in it (1)" in said

    def test_a_student_missing_among_inactive_ones_is_said(self, tmp_path):
        tables = district(STU=[student(TG="N")], ENR=[enrollment(), enrollment(ID=102)])
        notes = read(write_folder(tmp_path, tables)).notes
        assert "Students with enrollments this year whom STU.csv does not have: 1." in notes

    @pytest.mark.parametrize("of_other", [{"YR": 2025}, {"DEL": True}])
    def test_enrollments_of_last_year_and_deleted_ones_miss_nobody(self, tmp_path, of_other):
        tables = district(ENR=[enrollment(), enrollment(ID=102, **of_other)])
        assert not [note for note in read(write_folder(tmp_path, tables)).notes if "whom STU.csv" in note]

    def test_a_deleted_student_is_not_missing(self, tmp_path):
        tables = district(STU=[student(), student(SN=18, ID=102, DEL=True)], ENR=[enrollment(), enrollment(ID=102)])
        assert len(read(write_folder(tmp_path, tables)).tables["STU"]) == 1

    @pytest.mark.parametrize(("ended", "said"), [(None, True), (dt.date(2026, 10, 2), False)])
    def test_enrollments_of_which_none_has_ended_are_said(self, tmp_path, ended, said):
        rows = [enrollment(SN=n) for n in range(60)] + [enrollment(SN=60, LD=ended, ER="160")]
        notes = read(write_folder(tmp_path, district(ENR=rows))).notes
        assert any("no enrollment this year that has ended" in note for note in notes) is said

    def test_the_row_where_aeries_query_stops_is_said(self, tmp_path, monkeypatch):
        monkeypatch.setattr("senrkit.inputs.aeries.exports._QUERY_LIMIT", 3)
        tables = district(ENR=[enrollment(SN=n) for n in (1, 2, 3)])
        assert "ENR.csv has exactly 3 rows" in " ".join(read(write_folder(tmp_path, tables)).notes)

    @pytest.mark.parametrize(
        ("tail", "line"),
        [
            (f"991,17,{CANARY}", "line 4: expected 12 columns, found 3"),
            (f"\r\n\r\n991,17,{CANARY}\r\n", "line 6: expected 12 columns, found 3"),
            (f'991,17,"{CANARY}\r\n991,17', "line 4: expected 12 columns, found a quotation mark"),
        ],
    )
    def test_a_half_written_export(self, tmp_path, tail, line):
        rows = [{code: value for code, value in student(SN=sn, LN=CANARY).items() if code != "DEL"} for sn in (1, 2)]
        write_folder(tmp_path, district(STU=rows))
        file = tmp_path / "STU.csv"
        file.write_bytes(file.read_bytes() + tail.encode())
        assert f"STU.csv, {line}" in refusal(tmp_path)

    def test_the_fault_is_found_far_down(self, tmp_path):
        write_folder(tmp_path, district(ENR=[enrollment(ID=n) for n in range(20_005)]))
        file = tmp_path / "ENR.csv"
        file.write_bytes(file.read_bytes() + b"1,2\r\n")
        assert "ENR.csv, line 20,007:" in refusal(tmp_path)

    def test_a_line_break_inside_a_value_is_no_fault(self, tmp_path):
        frame = read(write_folder(tmp_path, district(STU=[student(LN="Quill\r\nfeather")]))).tables["STU"]
        assert frame["LN"].tolist() == ["Quill\r\nfeather"]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "STU.csv is empty"),
            (b"\r\n\r\n", "STU.csv is empty"),
            ("ID,CID\r\n".encode("utf-16-le"), "UTF-16"),
            (b"ID\0,CID", "not text"),
            (b"ID,LN\r\n1,\x81\xff", "neither UTF-8 nor Windows-1252"),
        ],
    )
    def test_no_text_at_all(self, tmp_path, content, said):
        write_folder(tmp_path, district())
        (tmp_path / "STU.csv").write_bytes(content)
        assert said in refusal(tmp_path)

    def test_digits_a_spreadsheet_has_thrown_away(self, tmp_path):
        write_folder(tmp_path, district(ENR=[enrollment(ITD="1.99999E+13")]))
        assert "ENR.ITD, so digits are lost" in refusal(tmp_path)

    def test_a_time_zone(self, tmp_path):
        write_folder(tmp_path, district(STU=[student(LN=CANARY, BD="2014-02-28T00:00:00+01:00")]))
        said = refusal(tmp_path)
        assert "STU.BD" in said and "time zone" in said and "2014" not in said

    def test_one_table_in_two_files(self, tmp_path):
        write_folder(tmp_path, district())
        (tmp_path / "stu.txt").write_text("ID\r\n1\r\n")
        assert "are the same table" in refusal(tmp_path)

    def test_an_old_workbook(self, tmp_path):
        write_folder(tmp_path, district())
        (tmp_path / "LSI.xls").write_bytes(b"\xd0\xcf")
        assert "does not read LSI.xls" in refusal(tmp_path)

    def test_files_that_are_no_table_are_passed_over(self, tmp_path):
        write_folder(tmp_path, district())
        (tmp_path / "notes.csv").write_text("anything")
        (tmp_path / "ATT.csv").write_text('"')
        assert set(read(tmp_path).tables) == {"STU", "ENR", "LOC", "XRF"}

    def test_no_folder(self, tmp_path):
        assert "There is no folder" in refusal(tmp_path / "nowhere")

    def test_a_database_file_where_a_folder_was_meant(self, tmp_path):
        write_database(tmp_path / "a.db", district())
        assert "sqlite:///a.db" in refusal(tmp_path / "a.db")


def test_rows_below_headings_that_nobody_knows_are_all_there(tmp_path):
    """The look for a title above the headings took the first five rows with it."""
    file = tmp_path / "ENR.csv"
    file.write_text("Whose,When\n" + "".join(f"{row},day\n" for row in range(9)), encoding="utf-8")
    assert read_export(file, "ENR").columns[0].to_list() == [str(row) for row in range(9)]
