"""The data dictionary is what the code makes, and says something of every column of every file that there is."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

import senrkit
from scripts.data_dictionary import COLUMNS, PAGE, data_dictionary
from senrkit.demo import make
from senrkit.texts import wording

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date():
    """`python -m scripts.data_dictionary` makes it anew."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == data_dictionary()


def test_every_file_of_a_run_folder_is_on_it(tmp_path):
    done = senrkit.run(make(tmp_path, 300, 1, dt.date(2026, 11, 23)).settings_file)
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    for file in done.folder.rglob("*"):
        if file.is_file():
            kind = f"submission/*{file.suffix}" if file.name.startswith("SENR_") else file.name
            assert kind in page, file.name
    for name in ("proposal", "findings", "left_out", "information", "enrollments"):
        with (done.folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            assert next(csv.reader(lines)) == list(COLUMNS[name])


@pytest.mark.parametrize("name", ["proposal", "findings", "left_out", "information", "enrollments"])
def test_days_are_written_one_way(name, district_folder):
    """ISO in every table; only a column that is called a key quotes a submission file."""
    with (district_folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            for heading, value in row.items():
                assert heading == "start_key" or not (len(value) == 8 and value.isdigit() and value[:2] == "20"), (
                    heading
                )
                if heading.endswith("_date") or heading == "first_seen":
                    assert value == "" or dt.date.fromisoformat(value)


@pytest.fixture(scope="module")
def district_folder(tmp_path_factory) -> Path:
    return senrkit.run(make(tmp_path_factory.mktemp("days"), 300, 1, dt.date(2026, 11, 23)).settings_file).folder


def test_what_is_described_is_there():
    """No line in texts/columns.csv about a column that no table has."""
    every = {name for columns in COLUMNS.values() for name in columns}
    json_tables = {"manifest", "sources", "summary"}
    said = [row for row in wording.rows("columns.csv") if row["table"] not in json_tables]
    gone = [
        (row["table"], row["column"])
        for row in said
        if row["column"] not in (every if row["table"] == "*" else COLUMNS[row["table"]])
    ]
    assert gone == []
