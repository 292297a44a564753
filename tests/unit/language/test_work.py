"""`senrkit language` as a run: the folder, the document, the workbook, and what stops it."""

from __future__ import annotations

import csv
import datetime as dt
import json

import openpyxl
import pytest

from senrkit.errors import InputError, LayoutError, Stopped, UsageError
from senrkit.inputs.extract.sela import sela_layouts
from senrkit.language.work import run_language
from senrkit.settings.settings import load_settings
from tests.districts import district, school, student, translation, write_database
from tests.extracts import state_row, write_extract

MADE = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
SETTINGS = """
school_year = "2026-2027"
lea = "1999990"
as_of = 2026-11-23
[aeries]
source = "sqlite:///DST26000Heron.db"
[calpads]
senr_extract = "SENR_ODS.txt"
sela_extract = "SELA_ODS.txt"
"""
LOCAL = {"T": "TBD", "L": "EL", "E": "EO", "R": "RFEP"}
CODES = [translation("STU", "LF", local, state) for local, state in LOCAL.items()]


def sela_row(number: int, status: str, day: str, **values: str) -> dict[str, str]:
    known = {
        "record_type": "SELA-R", "reporting_lea": "1999990", "school_code": "0199901", "ssid": f"900000000{number}",
        "academic_year": "2026-2027", "last_name": "Quillfeather", "birth_date": "20140228", "elas": status,
        "elas_date": day, "upload_date": "20261120", "last_updated": "20261120",
    }  # fmt: skip
    return dict.fromkeys(sela_layouts()[18].columns, "") | known | values


def written(folder, rows, students=None, lac=None):
    people = students or [
        student(ID=100 + number, CID=f"900000000{number}", SN=number, LF=lf) for number, lf in enumerate("TEL", 1)
    ]
    lac = [{"ID": 100 + number, "SD": None, "IFD": None, "DEL": False} for number in (1, 2, 3)] if lac is None else lac
    schools = [school(CD=0, NM="Heron Marsh Unified", SC="0000000"), school(NM="=Heron")]
    write_database(folder / "DST26000Heron.db", district(STU=people, LAC=lac, XRF=CODES, LOC=schools))
    lines = ["^".join(row.values()) for row in rows]
    (folder / "SELA_ODS.txt").write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    (folder / "senrkit.toml").write_text(SETTINGS)
    return load_settings(folder / "senrkit.toml")


ROWS = [sela_row(1, "EL", "20261014"), sela_row(2, "EL", "20261014"), sela_row(3, "RFEP", "20260504")]


def test_the_document_counts_and_names_no_student(tmp_path):
    run = run_language(written(tmp_path, ROWS), made=MADE)
    document = json.loads((run.folder / "language.json").read_text())
    assert document["counts"]["class"] == {
        "new-el": 1, "new-ifep": 0, "refused": 1, "conflict-status": 1, "conflict-date": 0, "same": 0,
        "only-in-calpads": 0, "only-in-aeries": 0,
    }  # fmt: skip
    assert document["counts"]["reason"]["refused"] == {"already-eo": 1}
    assert document["conflicts_by_school"] == [
        {"school_code": "0199901", "school_name": "=Heron", "status": 2, "date": 0, "total": 2}
    ]
    assert {entry["role"] for entry in document["inputs"]} == {"sela_extract", "aeries"}
    assert (document["database"], document["made"]) == ("DST26000Heron", "2026-11-23T09:00:00+00:00")
    text = (run.folder / "language.json").read_text() + "\n".join(run.summary_lines() + run.plan_lines())
    assert "90000000" not in text and "Quillfeather" not in text


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    settings = written(tmp_path, ROWS)
    first, second = (run_language(settings, made=MADE).folder for _ in range(2))
    assert (first.name, second.name) == ("2026-11-23_language", "2026-11-23_language_2")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_the_import_files_have_column_codes_as_headings(tmp_path):
    folder = run_language(written(tmp_path, ROWS)).folder
    lac, stu = (list(csv.reader((folder / f"aeries_import_{name}.csv").open(newline=""))) for name in ("LAC", "STU"))
    assert lac == [["ID", "SD", "IFD"], ["101", "2026-10-14", ""]]
    assert stu == [["SC", "SN", "ID", "LF"], ["991", "1", "101", "L"]]


def test_the_workbook_has_the_conflict_report_by_school(tmp_path):
    book = openpyxl.load_workbook(run_language(written(tmp_path, ROWS)).folder / "language.xlsx")
    assert book.sheetnames == [
        "Summary",
        "Conflict report",
        "By school",
        "New EL and IFEP",
        "Refused",
        "To be determined",
    ]
    conflicts = [row[:8] for row in book["Conflict report"].iter_rows(min_row=2, values_only=True)]
    assert conflicts == [
        ("0199901", "=Heron", "9000000002", "102", "EL", "2026-10-14", "EO", None),
        ("0199901", "=Heron", "9000000003", "103", "RFEP", "2026-05-04", "EL", None),
    ]
    assert [cell.value for cell in book["By school"][2]] == ["0199901", "=Heron", 2, 0, 2]
    assert book["By school"]["B2"].data_type != "f", "a school's name is no formula"
    assert book["To be determined"]["A2"].value == "Nobody waits for long."
    assert book["New EL and IFEP"]["C2"].value == "9000000001"


def test_an_extract_of_the_command_line_wins(tmp_path):
    settings = written(tmp_path, ROWS)
    (tmp_path / "SELA_ODS.txt").rename(tmp_path / "other.txt")
    with pytest.raises(InputError, match="There is no file"):
        run_language(settings)
    assert run_language(settings, sela=tmp_path / "other.txt").document["counts"]["proposed"] == 1


def test_without_an_extract_there_is_nothing_to_compare(tmp_path):
    written(tmp_path, ROWS)
    text = SETTINGS.replace('sela_extract = "SELA_ODS.txt"\n', "")
    (tmp_path / "senrkit.toml").write_text(text)
    with pytest.raises(UsageError, match="No SELA extract is named"):
        run_language(load_settings(tmp_path / "senrkit.toml"))


@pytest.mark.parametrize(
    ("rows", "kind", "said"),
    [
        pytest.param(
            [sela_row(1, "EL", "20261014", reporting_lea="1234567")], Stopped, "of LEA 1999990", id="another LEA"
        ),
        pytest.param([sela_row(1, "EL", "10142026")], LayoutError, "month first", id="dates rewritten"),
    ],
)
def test_a_wrong_extract_stops_before_anything_is_written(tmp_path, rows, kind, said):
    with pytest.raises(kind, match=said):
        run_language(written(tmp_path, rows))
    assert not (tmp_path / "runs").exists()


def test_the_senr_extract_in_its_place_is_named(tmp_path):
    settings = written(tmp_path, ROWS)
    write_extract(tmp_path / "SELA_ODS.txt", [state_row()])
    with pytest.raises(LayoutError, match="the SENR extract was given as the SELA extract"):
        run_language(settings)


def test_rows_of_another_lea_belong_there(tmp_path):
    rows = [*ROWS, sela_row(1, "TBD", "20260812", reporting_lea="1234567")]
    assert run_language(written(tmp_path, rows)).document["counts"]["proposed"] == 1


def test_an_old_extract_is_said(tmp_path):
    rows = [row | {"last_updated": "20261108"} for row in ROWS]
    notes = run_language(written(tmp_path, rows)).document["notes"]
    assert any("The newest change in the SELA extract is of 2026-11-08" in note for note in notes)
    (tmp_path / "DST26000Heron.db").unlink()
    assert not any("newest change" in note for note in run_language(written(tmp_path, ROWS)).document["notes"])


def test_a_database_of_another_year_by_its_name(tmp_path):
    settings = written(tmp_path, ROWS)
    (tmp_path / "DST26000Heron.db").rename(tmp_path / "DST25000Heron.db")
    (tmp_path / "senrkit.toml").write_text(SETTINGS.replace("DST26000Heron", "DST25000Heron"))
    assert settings.school_year.first == 2026
    with pytest.raises(Stopped, match="is one of 2025; the run is for 2026-2027"):
        run_language(load_settings(tmp_path / "senrkit.toml"))


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    settings = written(tmp_path, ROWS)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("senrkit.language.tables.write_workbook", full)
    with pytest.raises(InputError, match="no room left"):
        run_language(settings, out=tmp_path / "run")
    assert not [path.name for path in tmp_path.iterdir() if "run" in path.name or path.name.startswith(".")]


def test_a_plan_of_nothing(tmp_path):
    run = run_language(written(tmp_path, [sela_row(3, "RFEP", "20260504")]))
    assert run.plan_lines() == ["Nothing to write: no student is newly EL or IFEP."]


def test_what_is_not_warned_of_for_want_of_a_column_is_said(tmp_path):
    """The database has none of the three columns; the extract has 17, so no correction reasons."""
    settings = written(tmp_path, ROWS)
    rows = [",".join(value for name, value in row.items() if name != "correction_reason") for row in ROWS]
    (tmp_path / "SELA_ODS.txt").write_text("".join(f"{row.replace(',', '^')}\r\n" for row in rows))
    notes = "\n".join(run_language(settings).document["notes"])
    assert "The source has no STU.HL, LAC.USS, LAC.ITF: the column warnings says nothing of it." in notes
    assert "no correction reasons" in notes
    (tmp_path / "DST26000Heron.db").unlink()
    assert "no correction reasons" not in "\n".join(run_language(written(tmp_path, ROWS)).document["notes"])


def test_the_workbook_and_the_document_show_warnings_and_grades(tmp_path):
    rows = [sela_row(1, "EL", "20261014"), sela_row(2, "TBD", "20260812"), sela_row(3, "RFEP", "20260504")]
    people = [
        student(ID=100 + number, CID=f"900000000{number}", SN=number, LF=lf, HL="", GR=grade)
        for number, (lf, grade) in enumerate((("T", 5), ("T", -1), ("R", 5)), 1)
    ]
    lac = [{"ID": 100 + number, "USS": None, "SD": None, "IFD": None, "DEL": False} for number in (1, 2, 3)]
    run = run_language(written(tmp_path, rows, students=people, lac=lac))
    book = openpyxl.load_workbook(run.folder / "language.xlsx")
    new, waiting = ([cell.value for cell in book[name][2]] for name in ("New EL and IFEP", "To be determined"))
    said = new[-2]
    assert said.startswith("STU.HL is blank:") and said.endswith("refused.") and "LAC.USS is blank:" in said
    assert new[-1] == "CALPADS"
    assert waiting[-2:] == ["exempt, in transitional kindergarten (AB 2268)", "TK"]
    assert run.document["counts"]["proposed_with_warnings"] == 1
    assert "New with a warning (column warnings): 1." in run.summary_lines()
    assert (run.document["to_be_determined"]["over"], run.document["to_be_determined"]["exempt"]) == (0, 1)
