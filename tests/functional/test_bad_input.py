"""Bad input, as a user meets it: the command line on a spoilt demo district. One sentence with its cure, the right exit
code, nothing half-written, and no pupil in it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from senrkit.demo import make
from tests.patience import PATIENCE
from tests.students import ssids_in

ROOT = Path(__file__).resolve().parents[2]
CANARY = "Quenbycanary"
SSIDS: set[str] = set()


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A demo district in which every pupil's family name is the canary."""
    folder = tmp_path_factory.mktemp("clean") / "district"
    make(folder, 300, 1, dt.date(2026, 11, 23))
    with sqlite3.connect(folder / "aeries.db") as database:
        database.execute("UPDATE STU SET LN = ?", (CANARY,))
    lines = (folder / "SENR_ODS.txt").read_bytes().decode().split("\r\n")
    fields = [line.split("^") for line in lines if line]
    for row in fields:
        row[11] = CANARY
    _write(folder, fields)
    SSIDS.update(ssids_in(folder))
    return folder


@pytest.fixture
def district(clean, tmp_path):
    return Path(shutil.copytree(clean, tmp_path / "district"))


def senrkit(folder, *words, preexec=None):
    return subprocess.run(
        [sys.executable, "-m", "senrkit", *words], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, encoding="utf-8", timeout=PATIENCE, preexec_fn=preexec,
    )  # fmt: skip


def refused(folder, code, *pieces, words=("run",), preexec=None):
    """The run ends with the code and one sentence that holds the pieces; no folder of a run that looks finished."""
    done = senrkit(folder, *words, preexec=preexec)
    said = done.stderr + done.stdout
    assert done.returncode == code, said
    for piece in pieces:
        assert re.search(piece, said), said
    assert "Traceback" not in said
    assert CANARY not in said
    assert SSIDS and not SSIDS & set(re.findall(r"\d+", said)), said
    runs = folder / "runs"
    left = [path for path in runs.rglob("*") if path.is_file()] if runs.exists() else []
    # A stopped run leaves its manifest, and what may be accepted; a refused input nothing.
    assert {path.name for path in left} <= ({"manifest.json", "proposal.csv", "sources.json"} if code == 4 else set())
    for path in left:
        assert CANARY not in path.read_text(encoding="utf-8")


def test_a_good_district_runs(district):
    done = senrkit(district, "run")
    assert done.returncode == 5, done.stderr
    assert CANARY not in done.stdout + done.stderr


def _fields(district):
    text = (district / "SENR_ODS.txt").read_bytes().decode()
    return [line.split("^") for line in text.split("\r\n") if line]


def _write(district, fields, delimiter="^", end="\r\n"):
    data = "".join(delimiter.join(row) + end for row in fields)
    (district / "SENR_ODS.txt").write_bytes(data.encode())


class TestExtract:
    def test_empty_file(self, district):
        (district / "SENR_ODS.txt").write_bytes(b"")
        refused(district, 3, "SENR_ODS.txt", "empty")

    def test_one_line_is_read_and_judged(self, district):
        newest = max(_fields(district), key=lambda row: row[21])
        _write(district, [newest])
        refused(district, 4, "P07")

    def test_missing_file(self, district):
        (district / "SENR_ODS.txt").unlink()
        refused(district, 3, "SENR_ODS.txt")

    def test_wrong_column_count_in_line_500_001(self, district):
        row = next(row for row in _fields(district) if row[21] < "20260701")
        good = ("^".join(row) + "\r\n").encode()
        (district / "SENR_ODS.txt").write_bytes(good * 500_000 + good.replace(b"\r\n", b"^\r\n"))
        refused(district, 4, "P03", "line 500,001", "37 columns", "38")

    def test_nul_bytes(self, district):
        fields = _fields(district)
        fields[7][10] = "\0"
        _write(district, fields)
        refused(district, 3, "NUL", "line 8")

    def test_a_caret_inside_a_name(self, district):
        fields = _fields(district)
        fields[7][11] = CANARY + "^II"
        _write(district, fields)
        refused(district, 4, "P03", "line 8")

    def test_two_delimiters(self, district):
        data = (district / "SENR_ODS.txt").read_bytes().split(b"\r\n")
        data[4] = data[4].replace(b"^", b",")
        (district / "SENR_ODS.txt").write_bytes(b"\r\n".join(data))
        refused(district, 4, "P03", "line 5")

    def test_header_row(self, district):
        fields = _fields(district)
        _write(district, [[f"Column{number}" for number in range(37)], *fields])
        refused(district, 4, "P03", "line 1", "heading|header")

    def test_dates_as_a_spreadsheet_writes_them(self, district):
        fields = _fields(district)
        for row in fields:
            row[21] = f"{int(row[21][4:6])}/{int(row[21][6:])}/{row[21][:4]}"
        _write(district, fields)
        refused(district, 4, "P03", "spreadsheet")

    def test_a_directory_without_an_extract(self, district):
        (district / "SENR_ODS.txt").unlink()
        (district / "SENR_ODS.txt").mkdir()
        refused(district, 3, "SENR_ODS.txt")

    def test_an_sela_extract(self, district):
        shutil.copy(district / "SELA_ODS.txt", district / "SENR_ODS.txt")
        refused(district, 4, "P03", "SELA")

    def test_a_submission_file(self, district):
        fields = _fields(district)
        _write(district, [["SENR", *row[1:35]] for row in fields])
        refused(district, 4, "P03", "SENR")

    def test_a_zip_with_one_extract_is_fine(self, district):
        with zipfile.ZipFile(district / "SENR.zip", "w") as packed:
            packed.write(district / "SENR_ODS.txt", "SENR_ODS.txt")
        assert senrkit(district, "run", "--extract", "SENR.zip").returncode == 5

    def test_two_files_for_one_lea(self, district):
        shutil.copy(district / "SENR_ODS.txt", district / "again.txt")
        refused(district, 4, "P13", words=("run", "--extract", "SENR_ODS.txt", "--extract", "again.txt"))


class TestAeries:
    @pytest.mark.parametrize("table", ["XRF", "ENR", "STU", "LOC"])
    def test_a_database_without_a_table(self, district, table):
        with sqlite3.connect(district / "aeries.db") as database:
            database.execute(f"DROP TABLE {table}")
        refused(district, 3, table)

    def test_missing_columns_are_named_in_one_message(self, district):
        with sqlite3.connect(district / "aeries.db") as database:
            database.execute("ALTER TABLE STU RENAME COLUMN CID TO CIDX")
            database.execute("ALTER TABLE ENR RENAME COLUMN LD TO LDX")
        refused(district, 3, "STU.*CID.*ENR.*LD|ENR.*LD.*STU.*CID")

    def test_no_database(self, district):
        (district / "aeries.db").unlink()
        refused(district, 3, "aeries.db")
        assert not (district / "aeries.db").exists()

    def test_a_database_cut_short(self, district):
        data = (district / "aeries.db").read_bytes()
        (district / "aeries.db").write_bytes(data[: len(data) // 2])
        refused(district, 3, "Aeries|aeries")

    def test_a_date_time_with_a_time_zone(self, district):
        with sqlite3.connect(district / "aeries.db") as database:
            database.execute("UPDATE ENR SET ED = '2026-08-12T00:00:00+09:00' WHERE rowid = 1500")
            database.execute("UPDATE ENR SET ED = '2026-08-12T00:00:00+09:00' WHERE YR = 2026 AND rowid % 50 = 0")
        refused(district, 3, "ENR", "ED", "time zone")

    @pytest.mark.parametrize("typed", ["^", "\r\n", "\n"])
    def test_a_caret_or_line_end_in_a_name_holds_the_student(self, district, typed):
        with sqlite3.connect(district / "aeries.db") as database:
            before = senrkit(district, "run", "--json", "--quiet")
            database.execute("UPDATE STU SET FN = FN || ?", (f"{typed}II",))
        done = senrkit(district, "run", "--json", "--quiet")
        assert done.returncode == 5, done.stderr
        assert CANARY not in done.stdout + done.stderr
        sent = [
            sum(file["rows"] for file in json.loads(one.stdout)["files"] if "delete" not in file["step"])
            for one in (before, done)
        ]
        assert sent[0] > 20 and sent[1] == 0


class TestOutput:
    def test_a_folder_that_holds_files(self, district):
        (district / "out").mkdir()
        (district / "out" / "mine.txt").write_text("mine")
        done = senrkit(district, "run", "--out", "out")
        assert done.returncode == 2 and "holds files" in done.stderr
        assert [path.name for path in (district / "out").iterdir()] == ["mine.txt"]

    def test_a_disk_that_is_full(self, district):
        limit = 20_000  # bytes a file: as good as full

        def small():
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        refused(district, 3, "room", preexec=small)

    def test_a_read_only_place(self, district):
        (district / "runs").write_text("a file where the folder should be")
        done = senrkit(district, "run")
        assert done.returncode in (2, 3) and "Traceback" not in done.stderr
        assert (district / "runs").read_text() == "a file where the folder should be"


class TestSettings:
    @pytest.mark.parametrize(
        ("right", "wrong", "pieces"),
        [
            ("school_year", "scool_year", ("line \\d+", "scool_year", "school_year")),
            ('lea = "1999990"', "lea = 1999990", ("line \\d+", "quotes")),
            ('lea = "1999990"', 'lea = "19999"', ("line \\d+", "seven")),
            ("[calpads]", "[calpad]", ("line \\d+", "calpads")),
        ],
    )
    def test_a_typing_error_names_line_and_nearest(self, district, right, wrong, pieces):
        file = district / "senrkit.toml"
        text = file.read_text(encoding="utf-8")
        assert right in text
        file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
        refused(district, 2, *pieces)

    def test_no_settings(self, district):
        (district / "senrkit.toml").unlink()
        refused(district, 2, "senrkit.toml")


def test_a_killed_run_leaves_nothing_that_looks_finished(district):
    import os
    import signal
    import time

    for after in (0.8, 1.6, 2.4, 3.2):
        run = subprocess.Popen(
            [sys.executable, "-m", "senrkit", "run", "--quiet"], cwd=district,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(after)
        run.send_signal(signal.SIGKILL)
        if run.wait() == -signal.SIGKILL:
            # The folder's name is claimed at once, empty; what it is to hold appears in it whole or not at all.
            begun = [path for path in (district / "runs").glob("2*") if any(path.iterdir())]
            assert all((path / "manifest.json").exists() and (path / "report.xlsx").exists() for path in begun)
