"""Tables taken away from the dashboard: as they are shown, with their filters, and nothing of them left behind."""

from __future__ import annotations

import csv
import io
import zipfile

import openpyxl
import pytest

from senrkit.results.masking import masked_identifier
from tests.dashboard.test_desk import district, evaluated, ran  # noqa: F401 - the fixtures of an evaluated district


def fetched(clerk) -> tuple[str, bytes]:
    """What the page downloads: the name, and all slices."""
    offered = clerk.last("download")
    clerk.pieces.clear()
    at = 0
    while at < offered["size"]:
        clerk.send({"t": "download", "ticket": offered["ticket"], "at": at})
        assert sum(map(len, clerk.pieces)) > at
        at = sum(map(len, clerk.pieces))
    return offered["name"], b"".join(clerk.pieces)


def rows_of_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("names", [False, True])
def test_the_proposal_is_taken_with_its_filters_and_hides_students_as_the_page_does(evaluated, names):  # noqa: F811
    evaluated.do("step/review")
    if names:
        evaluated.do("names/toggle")
    evaluated.do("review/narrow", action=["delete", "add"])
    evaluated.do("take/proposal", kind="csv")
    name, data = fetched(evaluated)
    table = evaluated.desk.session.proposal
    wanted = [table.rows[place] for place in table.view]
    taken = rows_of_csv(data)
    assert name == "proposal.csv" and {row["Action"] for row in taken} == {"Delete", "Add"}
    shown = (lambda number: number) if names else masked_identifier
    assert [row["SSID"].lstrip("'") for row in taken] == [shown(row["ssid"]) for row in wanted]
    assert any(row["Student"] for row in taken) == names
    evaluated.do("names/toggle") if names else None


def test_the_proposal_is_copied_as_lines_that_a_spreadsheet_takes(evaluated):  # noqa: F811
    evaluated.do("step/review")
    evaluated.do("take/proposal", kind="copy")
    copied = evaluated.last("copy")
    head, *lines = copied["text"].split("\n")
    assert len(lines) == copied["rows"] == len(evaluated.desk.session.proposal.rows)
    assert {line.count("\t") for line in lines} == {head.count("\t")}


def test_a_table_of_the_page_becomes_a_workbook_in_which_text_stays_text(evaluated):  # noqa: F811
    rows = [["Elm", "1,234", "007"], ["=1+1", "5", "http://a"]]
    evaluated.do("take/table", kind="xlsx", name="By school: all", columns=["School", "Rows", "Code"], rows=rows)
    name, data = fetched(evaluated)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert name == "By_school_all.xlsx"
    assert list(sheet.values) == [("School", "Rows", "Code"), ("Elm", 1234, "007"), ("=1+1", 5, "http://a")]
    assert sheet["A3"].data_type == "s" and sheet["C3"].hyperlink is None


def test_what_was_made_for_the_download_is_gone_after_it(evaluated):  # noqa: F811
    before = sorted(evaluated.desk.places.uploads.iterdir())
    evaluated.do("take/table", kind="csv", name="t", columns=["a"], rows=[["b"]])
    assert rows_of_csv(fetched(evaluated)[1]) == [{"a": "b"}]
    assert sorted(evaluated.desk.places.uploads.iterdir()) == before


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "csv", "rows": [["a", "b"]]},
        {"kind": "csv", "rows": [["x"]] * 200_001},
    ],
)
def test_a_table_that_is_none_is_refused_with_a_cure(evaluated, given):  # noqa: F811
    evaluated.do("take/table", name="t", columns=["a"], **given)
    assert "too large" in evaluated.sees() and "workbook" in evaluated.sees()


def test_each_school_has_its_workbook(evaluated):  # noqa: F811
    evaluated.do("step/export")
    evaluated.do("take/schools")
    name, data = fetched(evaluated)
    inside = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert name.startswith("for_schools_") and name.endswith(".zip")
    assert any(one.startswith("index_") for one in inside) and any(one[:7].isdigit() for one in inside)
