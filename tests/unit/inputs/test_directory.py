"""The school directory: the state's real file of June 2018, the forms it comes in, and files that are no such thing."""

import datetime as dt
import gzip
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from senrkit.errors import InputError
from senrkit.inputs.directory import SchoolDirectory, read_school_directory

REAL = Path(__file__).parents[2] / "data" / "school_directory_2018-06.csv.gz"

# As CDE writes them now, with columns that senrkit does not ask for.
HEADINGS = tuple(
    "CDSCode NCESDist NCESSchool StatusType County District School Street OpenDate ClosedDate Charter CharterNum"
    " FundingType DOC DOCType SOC SOCType EdOpsCode EdOpsName EILCode EILName GSoffered GSserved Virtual Latitude"
    " LastUpDate".split()
)
FICTIONAL = """
CDSCode       |StatusType|District             |School              |OpenDate  |ClosedDate|Charter|CharterNum|DOC|SOC|EdOpsCode|GSoffered
01999900000000|Active    |Redwood Hills Unified|                    |          |          |       |          |54 |   |         |
01999900199991|Active    |Redwood Hills Unified|Dos Piños Elementary|8/5/1999  |          |N      |          |54 |60 |TRAD     |K-6
01999900199992|Closed    |Redwood Hills Unified|Old Mill High       |07/01/1980|06/30/2025|N      |          |54 |66 |TRAD     |9-12
01100170199993|Active    |Alameda County Office|Harbor Charter      |07/01/2015|          |Y      |9999      |00 |65 |TRAD     |TK-12
"""  # noqa: E501
ELEMENTARY = 1


def _fictional() -> tuple[dict[str, str], ...]:
    heads, *rows = ([cell.strip() for cell in line.split("|")] for line in FICTIONAL.strip().splitlines())
    return tuple(dict(zip(heads, row, strict=True)) for row in rows)


ROWS = _fictional()


def texts(*values: str) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def lines(rows=ROWS, headings=HEADINGS, separator="\t", blank="No Data") -> str:
    table = [headings, *([row.get(name) or blank for name in headings] for row in rows)]
    return "\r\n".join(separator.join(cells) for cells in table) + "\r\n"


@pytest.fixture(scope="module")
def state(tmp_path_factory) -> SchoolDirectory:
    path = tmp_path_factory.mktemp("directory") / "pubschls.csv"
    path.write_bytes(gzip.decompress(REAL.read_bytes()))
    return read_school_directory(path)


@pytest.fixture
def small(tmp_path) -> SchoolDirectory:
    path = tmp_path / "pubschls.txt"
    path.write_text(lines(), encoding="utf-8", newline="")
    return read_school_directory(path)


# -- the real file -------------------------------------------------------------------------------------------------


def test_the_whole_state_is_read(state):
    assert len(state.rows) == 17_892
    assert state.rows["is_district"].sum() == 1_380
    assert dict(state.rows["status"].value_counts().rows()) == {
        "Active": 11_708, "Closed": 4_662, "Merged": 1_444, "Pending": 78,
    }  # fmt: skip
    assert state.rows["closed_date"].is_not_null().sum() == 5_825


def test_columns_are_typed(state):
    kinds = {name: str(kind) for name, kind in state.rows.schema.items() if kind != pl.String}
    assert kinds == {
        "open_date": "Date", "closed_date": "Date", "charter": "Boolean", "is_district": "Boolean",
        "is_county_office": "Boolean",
    }  # fmt: skip
    assert not state.rows.select(pl.exclude("open_date", "closed_date").is_null().any()).transpose().to_series().any()


def test_every_span_of_the_state_is_understood(state):
    offered = state.rows["grades_offered"] != ""
    assert offered.sum() == 14_003
    assert (offered == (state.rows["low_grade"] != "")).all()
    assert (offered == (state.rows["high_grade"] != "")).all()


def test_a_school_of_the_state(state):
    found = state.school(texts("0124172")).row(0, named=True)
    assert found["known"] and found["charter"] and found["is_county_office"]
    assert (found["school"], found["open_date"], found["soc"], found["doc"]) == (
        "Yu Ming Charter", dt.date(2011, 8, 9), "60", "00",
    )  # fmt: skip
    assert found["closed_date"] is None


def test_a_school_that_changed_its_district_is_given_as_it_is_now(state):
    # 0130013 stands under Amador Valley (merged) and under Pleasanton (active)
    found = state.school(texts("0130013")).row(0, named=True)
    assert (found["district_code"], found["status"]) == ("0175101", "Active")
    assert list(state.reports_for(texts("0175101", "0161135"), texts("0130013", "0130013"))) == [True, True]


def test_a_district_of_the_state(state):
    found = state.district(texts("0175101", "0110017", "9999999"))
    assert list(found["doc"]) == ["54", "00", ""]
    assert list(found["known"]) == [True, True, False]


def test_look_ups_keep_the_callers_order(state):
    found = state.school(texts("0124172", "9999999", "0130013", "0124172"))
    assert list(found["known"]) == [True, False, True, True]
    assert list(found["school_code"]) == ["0124172", "", "0130013", "0124172"]


def test_what_is_not_known_is_blank_and_typed(state):
    unknown = state.school(texts("9999999", "", "0000001"))
    assert not unknown["known"].any() and not unknown["charter"].any()
    assert set(unknown.select("cds14", "school", "low_grade").rows()) == {("", "", "")}
    assert unknown["open_date"].is_null().all()
    assert unknown.drop("known").schema == state.rows.schema


def test_a_look_up_of_nothing_is_empty(state):
    none = texts()
    assert len(state.school(none)) == 0 and len(state.refuses_grade(none, none)) == 0


# -- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("school", "grade", "refused"),
    [
        ("0199991", "KN", False),
        ("0199991", "06", False),
        ("0199991", "07", True),
        ("0199991", "TK", False),  # TK stands wherever K does (CDE Flash 257)
        ("0199991", "AD", True),
        ("0199991", "XX", False),  # no grade at all: another rule's business
        ("0199991", "", False),
        ("0199993", "TK", False),
        ("0199993", "PS", True),
        ("9999999", "07", False),  # nothing is known
    ],
)
def test_a_grade_outside_the_span_is_refused(small, school, grade, refused):
    assert list(small.refuses_grade(texts(school), texts(grade))) == [refused]


@pytest.mark.parametrize(
    ("span", "within", "outside"),
    [
        ("P-6", ["IN", "TD", "PS", "TK", "KN", "06"], ["07", "AD"]),
        ("P", ["IN", "PS"], ["TK", "KN"]),
        ("K", ["TK", "KN"], ["PS", "01"]),
        ("12", ["12"], ["11", "AD"]),
        ("9-Adult", ["09", "12", "AD"], ["08"]),
        ("K-Post Secondary", ["TK", "KN", "AD"], ["PS"]),
        ("Adult", ["AD"], ["12"]),
        ("ungraded", ["PS", "12", "AD"], []),
        ("No Data", ["PS", "12", "AD"], []),
    ],
)
def test_spans_are_read_as_printed(tmp_path, span, within, outside):
    path = tmp_path / "pubschls.txt"
    path.write_text(lines([{**ROWS[ELEMENTARY], "GSoffered": span}]), encoding="utf-8")
    directory = read_school_directory(path)
    grades = texts(*within, *outside)
    schools = texts(*["0199991"] * len(grades))
    assert list(directory.refuses_grade(schools, grades)) == [False] * len(within) + [True] * len(outside)


@pytest.mark.parametrize(
    ("lea", "school", "tied"),
    [
        ("0199990", "0199991", True),
        ("0199990", "0199992", True),  # closed: when it closed is another rule's business
        ("0199990", "0199993", False),
        ("0110017", "0199993", True),
        ("0199993", "0199993", True),  # a charter that reports for itself
        ("0199991", "0199991", False),  # not a charter
        ("0199990", "0199990", False),  # the district is no school of its own
        ("", "", False),
    ],
)
def test_a_school_is_tied_to_its_lea(small, lea, school, tied):
    assert list(small.reports_for(texts(lea), texts(school))) == [tied]


# -- the forms it comes in -----------------------------------------------------------------------------------------


def check(directory: SchoolDirectory) -> None:
    found = directory.school(texts("0199991", "0199992", "0199993"))
    assert list(found["school"]) == ["Dos Piños Elementary", "Old Mill High", "Harbor Charter"]
    assert list(found["open_date"].dt.to_string("%Y-%m-%d")) == ["1999-08-05", "1980-07-01", "2015-07-01"]
    assert list(found["closed_date"].is_not_null()) == [False, True, False]
    assert list(found["charter"]) == [False, False, True]
    assert list(found["charter_number"]) == ["", "", "9999"]
    assert list(found["doc"]) == ["54", "54", "00"]
    assert list(directory.district(texts("0199990"))["district"]) == ["Redwood Hills Unified"]


def test_tabs(small):
    check(small)


@pytest.mark.parametrize(
    "data",
    [
        lines().encode("utf-8-sig"),
        lines().encode("cp1252"),
        lines().replace("\r\n", "\n").encode(),
        (lines() + "\r\n").encode(),
        lines(blank="").encode(),
        lines(separator=",").encode(),
        "\r\n".join("\t".join(f'"{cell}"' for cell in line.split("\t")) for line in lines().splitlines()).encode(),
        lines(
            headings=tuple(name for name in HEADINGS if name not in ("CharterNum", "Latitude")) + ("CharterNum",)
        ).encode(),
    ],
    ids=["mark", "windows", "unix", "blank-last-line", "blank-cells", "commas", "quoted", "other-order"],
)
def test_other_text(tmp_path, data):
    path = tmp_path / "pubschls.txt"
    path.write_bytes(data)
    check(read_school_directory(path))


def test_a_heading_with_spaces_is_the_same_heading(tmp_path):
    path = tmp_path / "pubschls.txt"
    path.write_text(lines().replace("CDSCode", "CDS Code", 1).replace("StatusType", "Status Type", 1), encoding="utf-8")
    check(read_school_directory(path))


def workbook(path: Path, above: list[list[str]] = (), as_numbers: bool = False) -> Path:
    book = openpyxl.Workbook()
    for row in [*above, HEADINGS, *([row.get(name) or "No Data" for name in HEADINGS] for row in ROWS)]:
        book.active.append(row)
    if as_numbers:
        for row in book.active.iter_rows(min_row=2):
            row[0].value = int(row[0].value)
            opened = row[HEADINGS.index("OpenDate")]
            if opened.value != "No Data":
                opened.value = dt.datetime.strptime(opened.value, "%m/%d/%Y")
    book.save(path)
    return path


def test_a_workbook(tmp_path):
    check(read_school_directory(workbook(tmp_path / "pubschls.xlsx")))


def test_a_workbook_with_a_title_above(tmp_path):
    title = [["Public Schools and Districts"], ["", "", "as of 23 November 2026"], []]
    check(read_school_directory(workbook(tmp_path / "pubschls.xlsx", above=title)))


def test_a_workbook_that_took_codes_and_dates_for_numbers(tmp_path):
    check(read_school_directory(workbook(tmp_path / "pubschls.xlsx", as_numbers=True)))


def test_a_column_that_may_be_missing_is_blank(tmp_path):
    path = tmp_path / "pubschls.txt"
    headings = tuple(name for name in HEADINGS if name not in ("County", "GSserved", "Virtual"))
    path.write_text(lines(headings=headings), encoding="utf-8")
    rows = read_school_directory(path).rows
    assert set(rows.select("county", "grades_served", "virtual").rows()) == {("", "", "")}


# -- something else ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b"\r\n \r\n", "is empty"),
        ("senr.txt", b"SENR-R^^^0199990^0199991\r\n", "no column CDSCode"),
        ("other.csv", b"School,City\r\nOak,Fremont\r\n", "no column CDSCode"),
        ("half.txt", b"CDSCode\tSchool\r\n01999900199991\tOak\r\n", "lacks columns .*: StatusType, District, OpenDate"),
        ("heads.txt", lines(rows=()).encode(), "no schools"),
        ("ragged.txt", lines().encode() + b"01999900199994\tActive\r\n", "row 5 .* 2 columns instead of 26"),
        (
            "numbers.txt",
            lines().replace("01999900199991", "1.9999E+12").encode(),
            "not fourteen digits, first in row 2 .*in all: 1",
        ),
        ("picture.txt", b"\x89PNG\x00\x00", "not a text file"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "old .xls kind"),
        ("cut.xlsx", b"PK\x03\x04half a workbook", "is no Excel workbook, or is damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and len(value) < 14 else "",
)
def test_a_wrong_file_is_refused_with_a_sentence_and_a_cure(tmp_path, name, data, sentence):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=sentence) as caught:
        read_school_directory(tmp_path / name)
    assert caught.value.exit_code == 3 and caught.value.cure
    assert name in caught.value.message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        read_school_directory(tmp_path / "pubschls.txt")


def test_a_folder_is_no_directory_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_school_directory(tmp_path)
