"""The summary of a batch: workbook and charts, from `batch.json` and the manifests of the run folders alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import polars as pl
import pytest

from senrkit import figures
from senrkit.batch import document as documents
from senrkit.batch.document import WEEKS
from senrkit.batch.home import FolderHome
from senrkit.batch.summary import write_summary
from senrkit.batch.summary_tables import read_tables
from senrkit.errors import InputError
from senrkit.figures.batch import picked_lea
from senrkit.results.tables import ACTIONS
from tests.dashboard.servers import browsing
from tests.text_tables import rows_of

CANARY = ("Canaria", "9900000013", "2015-03-04")
TABLES = [f"tables/{name}.{kind}" for name in ("leas", "schools", "reasons", "problems") for kind in ("csv", "parquet")]
FILES = ["charts/by_lea.html", "charts/by_school.html", "charts/index.html", *TABLES, "summary.xlsx"]

# A finished LEA's actions are given by school: `A:add=3,hold=1;B:delete=2`.
BATCH = """
    lea      state    attempts seconds peak_mib stopped_by schools
    0161119  done     1        2.4     210      -          A:add=3,update=2,same=90;B:delete=1,same=10
    1999990  held     1        9.6     480      -          A:add=20,hold=4,same=400
    1999991  stopped  1        1.2     190      P02,P09    -
    1999992  failed   3        0.3     -        -          -
    1999993  twice    0        -       -        -          -
    1999993  twice    0        -       -        -          -
    1999994  waiting  0        -       -        -          -
    1999995  fault    1        4.0     300      -          -
    1999996  done     2        3.0     220      -          A:same=55
"""
NAMES = {"A": ("0100001", "Alder & <Ash> Elementary"), "B": ("0100002", "=Birch()")}
REASONS = {
    "add": "missing-in-calpads",
    "update": "exit",
    "delete": "not-in-aeries",
    "hold": "identity-conflict",
}


def batch(folder: Path, table: str = BATCH, **changed: object) -> dict[str, Any]:
    """A batch folder with run folders, in which a canary lives, and its document."""
    made = documents.new_document("/county/districts", "2026-11-23", False, "0.1.0")
    made |= {"engine": "processes", "workers": 2, "began": "2026-11-23T09:00:00-08:00", "seconds": 12.5}
    made |= {"ended": "2026-11-23T09:00:12-08:00", "leas": [_entry(folder, row) for row in rows_of(table)]}
    return documents.with_outcome(made, documents.FINISHED) | changed


def _entry(folder: Path, row: dict[str, str]) -> dict[str, Any]:
    lea, state = row["lea"], row["state"]
    entry = documents.new_entry(lea, f"/county/districts/{lea}/senrkit.toml", "0" * 64, "")
    entry |= {"state": state, "attempts": int(row["attempts"])}
    entry |= {"name": "Alder Unified", "as_of": "2026-11-22"} if lea == "0161119" else {}
    entry |= {"seconds": float(row["seconds"])} if row["seconds"] else {}
    entry |= {"peak_mib": int(row["peak_mib"])} if row["peak_mib"] else {}
    said = {
        "failed": {"message": "There is no file SENR.txt.", "cure": "Check the path.", "exit_code": 3},
        "fault": {"message": "A fault of senrkit itself, reference 1.", "cure": "Pass it on.", "exit_code": 1},
        "twice": {"message": "Another settings file has this LEA.", "cure": "Keep one.", "exit_code": 2},
    }
    entry |= said.get(state, {})
    if state == "stopped":
        ids = row["stopped_by"].split(",")
        entry |= {"stopped_by": ids, "message": "said twice", "exit_code": 4, "folder": f"runs/{lea}"}
        _write_run(folder / "runs" / lea, None, ids)
    if state in documents.FINISHED_STATES:
        schools = dict(school.split(":") for school in row["schools"].split(";"))
        counted = {code: _counts(given) for code, given in schools.items()}
        action = {one: sum(counts.get(one, 0) for counts in counted.values()) for one in ACTIONS}
        sums = {"schools": len(counted), "files": 2, "records": 7, "findings": 1, "state_rows": 900}
        # Of the others the ledger knows nothing, or the batch is of an older senrkit.
        sums |= {"weeks": dict(zip(WEEKS, (2, 5, 1, 4, 3, 21), strict=True))} if lea == "0161119" else {}
        sums |= {"in_scope": 500, "enr_rows": 600, "spells": 510}
        code = 5 if state == "held" else 0
        entry |= {"counts": {"action": action} | sums, "exit_code": code, "folder": f"runs/{lea}"}
        _write_run(folder / "runs" / lea, (action, counted), [])
    return entry


def _counts(given: str) -> dict[str, int]:
    return {action: int(count) for action, count in (one.split("=") for one in given.split(","))}


def _write_run(run: Path, counted: tuple[dict[str, int], dict[str, dict[str, int]]] | None, stops: list[str]) -> None:
    run.mkdir(parents=True)
    counts = None
    if counted:
        action, schools = counted
        counts = {
            "action": action,
            "reason": {name: {REASONS[name]: action[name]} for name in REASONS if action[name]},
            "school": {NAMES.get(code, (code,))[0]: by_action for code, by_action in schools.items()},
            "school_name": {
                NAMES.get(code, (code,))[0]: NAMES.get(code, (code, f"School {code}"))[1] for code in schools
            },
        }
    preconditions = [
        {"id": id, "title": f"Title of {id}", "state": "stopped", "evidence": f"Seen by {id}.", "cure": f"Mend {id}."}
        for id in stops
    ]
    manifest = {"run_id": "1", "lea": run.name, "preconditions": preconditions, "counts": counts}
    (run / "manifest.json").write_text(json.dumps(manifest))
    for name in ("proposal.csv", "findings.csv", "left_out.csv", "enrollments.csv", "decisions.csv"):
        (run / name).write_text(",".join(CANARY))


def written(folder: Path, document: dict[str, Any]) -> Any:
    """The workbook; every file is where it should be."""
    files = write_summary(FolderHome(folder), document)
    assert files == FILES
    return openpyxl.load_workbook(folder / "summary.xlsx")


def rows(sheet: Any) -> list[dict[str, object]]:
    heading, *found = sheet.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in found]


class TestWorkbook:
    def test_one_line_an_lea_those_that_need_a_person_first(self, tmp_path):
        leas = rows(written(tmp_path, batch(tmp_path))["LEAs"])
        assert [(row["LEA"], row["State"], row["Stopped by"]) for row in leas] == [
            ("1999995", "Fault of senrkit", None),
            ("1999992", "Could not be run", None),
            ("1999991", "Stopped", "P02 P09"),
            ("1999993", "Named twice", None),
            ("1999993", "Named twice", None),
            ("1999994", "Not run yet", None),
            ("1999990", "Done, students held", None),
            ("0161119", "Done", None),
            ("1999996", "Done", None),
        ]
        assert leas[7] == {
            "LEA": "0161119", "Name": "Alder Unified", "State": "Done", "As of": "2026-11-22", "To do": 6,
            "To do in the batch before": None, "Last finished": None, "Rows in CALPADS": 500,
            "Enrollments in Aeries": 510, "No change": 100, "Add": 3, "Update": 2, "Delete": 1, "Held back": 0,
            "New since the run before": 2, "Still open": 5, "Back again": 1, "On its way": 4, "Solved": 3,
            "Oldest, days": 21, "Settled no-show": 0, "Settled completion": 0, "Left as it is": 0, "In the future": 0,
            "Predicted findings": 1, "Files": 2, "Records in files": 7, "Stopped by": None, "Attempts": 1, "Seconds": 2,
            "Most memory (MiB)": 210, "Folder": "runs/0161119", "Settings": "/county/districts/0161119/senrkit.toml",
        }  # fmt: skip
        # What is not known is no zero.
        assert (leas[1]["Add"], leas[1]["Most memory (MiB)"], leas[5]["Seconds"]) == (None, None, None)
        assert {leas[at]["Still open"] for at in (1, 6, 8)} == {None}

    def test_schools_with_most_to_do_first(self, tmp_path):
        schools = rows(written(tmp_path, batch(tmp_path))["Schools"])
        assert [(row["LEA"], row["School code"], row["School"], row["To do"]) for row in schools] == [
            ("1999990", "0100001", "Alder & <Ash> Elementary", 24),
            ("0161119", "0100001", "Alder & <Ash> Elementary", 5),
            ("0161119", "0100002", "=Birch()", 1),
            ("1999996", "0100001", "Alder & <Ash> Elementary", 0),
        ]
        assert schools[1]["No change"] == 90

    def test_reasons_by_lea(self, tmp_path):
        assert rows(written(tmp_path, batch(tmp_path))["Reasons"]) == [
            {"LEA": "0161119", "Delete: Not in Aeries": 1, "Update: Student left": 2, "Add: Missing in CALPADS": 3,
             "Held back: Is it the same student?": None},
            {"LEA": "1999990", "Delete: Not in Aeries": None, "Update: Student left": None,
             "Add: Missing in CALPADS": 20, "Held back: Is it the same student?": 4},
        ]  # fmt: skip

    def test_problems_say_what_it_means_and_what_to_do(self, tmp_path):
        problems = rows(written(tmp_path, batch(tmp_path))["Problems"])
        shown = [
            (row["LEA"], row["What"], row["How many"], row["What it means"][:30], row["What to do"]) for row in problems
        ]
        assert shown[:-1] == [
            ("1999995", "Fault of senrkit", 1, "A fault of senrkit itself, ref", "Pass it on."),
            ("1999992", "Could not be run", 1, "There is no file SENR.txt.", "Check the path."),
            ("1999991", "Stopped", 1, "P02, Title of P02: Seen by P02", "Mend P02."),
            ("1999991", "Stopped", 1, "P09, Title of P09: Seen by P09", "Mend P09."),
            ("1999993", "Named twice", 1, "Another settings file has this", "Keep one."),
            ("1999993", "Named twice", 1, "Another settings file has this", "Keep one."),
            ("1999994", "Not run yet", 1, "The batch ended before its tur", "Give the same command again."),
        ]
        held = problems[-1]
        assert (held["LEA"], held["What"], held["How many"]) == ("1999990", "Done, students held", 4)
        assert held["What it means"].startswith("Is it the same student?")
        assert held["What to do"].startswith("Compare the student")

    def test_a_note_is_told(self, tmp_path):
        document = batch(tmp_path)
        document["leas"][0]["note"] = "The settings have changed since."
        (note,) = [row for row in rows(written(tmp_path, document)["Problems"]) if row["What"] == "Good to know"]
        assert (note["LEA"], note["What it means"], note["What to do"]) == (
            "0161119",
            "The settings have changed since.",
            None,
        )

    @pytest.mark.parametrize("damage", ["gone", "damaged"])
    def test_a_run_folder_that_cannot_be_read_is_a_line(self, tmp_path, damage):
        document = batch(tmp_path)
        manifest = tmp_path / "runs" / "0161119" / "manifest.json"
        manifest.unlink() if damage == "gone" else manifest.write_text("{")
        book = written(tmp_path, document)
        assert "Run folder not read" in [row["What"] for row in rows(book["Problems"]) if row["LEA"] == "0161119"]
        assert "0161119" not in [row["LEA"] for row in rows(book["Schools"])]
        assert 3 in [row["Add"] for row in rows(book["LEAs"]) if row["LEA"] == "0161119"]

    def test_settings_that_cannot_be_read_have_no_lea(self, tmp_path):
        document = batch(tmp_path)
        document["leas"][3]["lea"] = ""
        leas = rows(written(tmp_path, document)["LEAs"])
        assert (leas[1]["LEA"], leas[1]["Settings"]) == (None, "/county/districts/1999992/senrkit.toml")

    def test_the_summary_in_words(self, tmp_path):
        sheet = written(tmp_path, batch(tmp_path))["Summary"]
        cells = [tuple(cell for cell in row if cell is not None) for row in sheet.iter_rows(values_only=True)]
        assert cells[0] == ("SENR reconciliation of 9 LEAs",)
        assert cells[1:3] == [("As of", "2026-11-22"), ("From", "/county/districts")]
        assert cells[3][1].startswith("senrkit 0.1.0, 2 processes side by side, begun 2026-11-23T09:00:00")
        counted = {row[0]: row[1] for row in cells if len(row) > 1 and isinstance(row[1], int)}
        expected = {"Done": 2, "Done, students held": 1, "Stopped": 1, "Named twice": 2, "Add": 23, "Held back": 4}
        expected |= {"Add: Missing in CALPADS": 23, "Files": 6, "Seconds of work": 20, "Most memory (MiB)": 480}
        assert {name: counted.get(name) for name in expected} == expected

    def test_text_stays_text_and_nothing_is_a_formula(self, tmp_path):
        for sheet in written(tmp_path, batch(tmp_path)):
            assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
            assert not any("<f>" in str(cell.value) for row in sheet.iter_rows() for cell in row)

    def test_it_looks_like_the_report(self, tmp_path):
        book = written(tmp_path, batch(tmp_path))
        assert book.sheetnames == ["Summary", "LEAs", "Schools", "Reasons", "Problems"]
        for sheet in book:
            assert sheet.page_setup.orientation == "landscape"
            if sheet.title != "Summary":
                assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")
                assert sheet.auto_filter.ref.startswith("A1:")
                assert sheet["A1"].font.bold

    @pytest.mark.parametrize(
        "table", ["lea state attempts seconds peak_mib stopped_by schools", BATCH.split("1999990")[0]]
    )
    def test_small_batches(self, tmp_path, table):
        book = written(tmp_path, batch(tmp_path, table))
        assert book["Problems"]["A2"].value == "Nothing needs a person."

    def test_more_reasons_than_letters(self, tmp_path):
        document = batch(tmp_path)
        manifest = tmp_path / "runs" / "0161119" / "manifest.json"
        told = json.loads(manifest.read_text())
        told["counts"]["reason"]["update"] = {f"reason-{number:02d}": 1 for number in range(40)}
        manifest.write_text(json.dumps(told))
        first = rows(written(tmp_path, document)["Reasons"])[0]
        assert sum(count == 1 for count in first.values()) == 41
        assert first["Update: reason-39"] == 1


class TestCharts:
    def test_pages_need_nothing_from_outside_and_say_what_they_show(self, tmp_path):
        written(tmp_path, batch(tmp_path))
        for name in FILES[:3]:
            # Plotly's own script names its makers' pages.
            page = re.sub(r"(?s)<script>.*?</script>", "", (tmp_path / name).read_text("utf-8"))
            assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
            assert "Alder & <Ash>" not in page
        page = (tmp_path / "charts" / "by_lea.html").read_text("utf-8")
        assert "24 of 30 items are at LEA 1999990." in page
        assert "LEA 1999990 took 9.6 seconds, the longest; all 6 LEAs together 20 seconds of work" in page
        index = (tmp_path / "charts" / "index.html").read_text("utf-8")
        assert "Plotly" not in index
        assert "what needs a person: 8 lines." in index

    def test_actions_by_lea(self, tmp_path):
        chart = figures.by_lea(read_tables(FolderHome(tmp_path), batch(tmp_path)).finished)
        assert chart.table.to_dict("split", index=False)["data"] == [
            ["1999990", 20, 0, 0, 4, 24],
            ["0161119", 3, 2, 1, 0, 6],
            ["1999996", 0, 0, 0, 0, 0],
        ]
        assert [list(bar.y) for bar in chart.figure.data] == [["1999990", "0161119", "1999996"]] * 4

    def test_nothing_finished_and_nothing_to_do(self, tmp_path):
        tables = read_tables(
            FolderHome(tmp_path), batch(tmp_path, BATCH.split("0161119")[0] + BATCH[BATCH.index("1999991") :])
        )
        assert not figures.by_lea(tables.finished.head(0)).figure.data
        assert "No LEA was finished" in figures.by_lea(tables.finished.head(0)).sentence
        assert "Nothing to change" in figures.by_lea(tables.finished).sentence
        assert picked_lea(tables.schools) == ""

    def test_every_lea_with_something_to_do_can_be_picked(self, tmp_path):
        piece = picked_lea(read_tables(FolderHome(tmp_path), batch(tmp_path)).schools)
        assert re.findall(r'<option value="(\d+)"( selected)?', piece) == [("0161119", ""), ("1999990", " selected")]
        assert "LEA 0161119: 6 to do at 2 schools." in piece


def test_an_lea_is_picked_in_a_browser_without_any_request(tmp_path):
    written(tmp_path, batch(tmp_path))
    asked: list[str] = []
    with browsing() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda fault: asked.append(str(fault)))
        page.goto((tmp_path / "charts" / "by_school.html").as_uri())
        said, bars = page.locator("#lea-said"), page.locator("#lea-chart .bars .point")
        assert said.inner_text() == "LEA 1999990: 24 to do at 1 school."
        page.select_option("#lea", "0161119")
        assert said.inner_text() == "LEA 0161119: 6 to do at 2 schools."
        page.wait_for_function("document.querySelectorAll('#lea-chart .ytick').length === 2")
        schools = page.locator("#lea-chart .ytick").all_text_contents()
        assert {name.strip() for name in schools} == {"Alder & <Ash> Elementary", "=Birch()"}
        assert bars.count() == 8
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a batch of 1,000 LEAs with its summary."""
    folder = tmp_path_factory.mktemp("batch")
    schools = ";".join(f"{school}:add={{0}},update=1,same=50" for school in range(8))
    lines = [f"{1_000_000 + at} done 1 2.5 200 - {schools.format(at % 50)}" for at in range(990)]
    lines += [f"{1_900_000 + at} failed 3 0.5 - - -" for at in range(10)]
    write_summary(
        FolderHome(folder), batch(folder, "\n".join(["lea state attempts seconds peak_mib stopped_by schools", *lines]))
    )
    return folder


class TestAThousand:
    def test_the_workbook_has_all_of_them(self, thousand: Path):
        book = openpyxl.load_workbook(thousand / "summary.xlsx", read_only=True)
        assert {sheet.title: sheet.max_row for sheet in book if sheet.title != "Summary"} == {
            "LEAs": 1001, "Schools": 7921, "Reasons": 991, "Problems": 11,
        }  # fmt: skip

    def test_the_first_forty_are_drawn_and_the_rest_summed(self, thousand: Path):
        page = (thousand / "charts" / "by_lea.html").read_text("utf-8")
        others = sum(sorted(8 * (at % 50) + 8 for at in range(990))[:-40])
        assert f"not drawn: 950 other LEAs with {others:,}" in page
        assert "The 40 with most to do are drawn; the 950 other LEAs have" in page
        assert "990 rows" in page

    def test_the_table_of_schools_says_that_it_is_cut(self, thousand: Path):
        assert "7,920 rows, the first 2,000 shown" in (thousand / "charts" / "by_school.html").read_text("utf-8")


class TestFiles:
    def test_are_private_and_replace_those_of_before(self, tmp_path):
        document = batch(tmp_path)
        write_summary(FolderHome(tmp_path), document)
        before = (tmp_path / "summary.xlsx").stat().st_ino
        for name in write_summary(FolderHome(tmp_path), document):
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "charts").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "summary.xlsx").stat().st_ino != before
        assert {path.name for path in tmp_path.iterdir()} == {"runs", "charts", "tables", "summary.xlsx"}
        assert len(list((tmp_path / "charts").iterdir())) == 3

    def test_nobody_of_the_run_folders_is_in_them(self, tmp_path):
        written(tmp_path, batch(tmp_path))
        book = openpyxl.load_workbook(tmp_path / "summary.xlsx")
        cells = " ".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)
        told = cells + "".join((tmp_path / name).read_bytes().decode("latin-1") for name in FILES[:-1])
        assert not [canary for canary in CANARY if canary in told]

    def test_the_tables_for_programs_hold_what_the_workbook_holds(self, tmp_path):
        document = batch(tmp_path)
        written(tmp_path, document)
        tables = read_tables(FolderHome(tmp_path), document)
        for name in ("leas", "schools", "reasons", "problems"):
            table = getattr(tables, name)
            typed = pl.read_parquet(tmp_path / "tables" / f"{name}.parquet")
            assert typed.columns == list(table) and len(typed) == len(table)
            plain = pd.read_csv(tmp_path / "tables" / f"{name}.csv", dtype="str", keep_default_na=False)
            assert list(plain) == list(table)
            # A cell that a spreadsheet would run has an apostrophe in front.
            for column in table:
                shown = ["" if value is None else str(value) for value in typed[column]]
                assert [value.lstrip("'") for value in plain[column]] == shown, (name, column)

    def test_only_manifests_are_opened(self, tmp_path):
        document = batch(tmp_path)
        for file in (tmp_path / "runs").rglob("*.csv"):
            file.unlink()
        written(tmp_path, document)

    def test_nothing_is_written_when_one_cannot_be_made(self, tmp_path, monkeypatch):
        def fails(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("senrkit.batch.summary.workbook", fails)
        with pytest.raises(RuntimeError):
            write_summary(FolderHome(tmp_path), batch(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == ["runs"]

    def test_a_folder_that_cannot_be_written_is_one_sentence(self, tmp_path):
        document = batch(tmp_path)
        (tmp_path / "charts").write_text("in the way")
        with pytest.raises(InputError, match="cannot be written"):
            write_summary(FolderHome(tmp_path), document)
        assert {path.name for path in tmp_path.iterdir()} == {"runs", "charts"}


def test_the_tables_have_plain_types(tmp_path):
    tables = read_tables(FolderHome(tmp_path), batch(tmp_path))
    assert {str(tables.finished[action].dtype) for action in ACTIONS} == {"int64"}
    assert isinstance(tables.reasons, pd.DataFrame)
