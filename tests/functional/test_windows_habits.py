"""Habits of Windows, as far as another system can show them: open files, long paths, slow shares, BOM and CR LF, code
pages. A sentence each time, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import errno
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from senrkit import demo, disk
from senrkit.cli.main import main
from senrkit.ledger.journal import FILE
from senrkit.reconciliation import decisions
from senrkit.system import files
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
AS_OF = dt.date(2026, 11, 23)
SENRKIT = ROOT / "senrkit"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return demo.make(tmp_path_factory.mktemp("habits") / "demo", 300, 1, AS_OF).folder


@pytest.fixture
def district(made, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "demo"))
    # Nobody waits in a test.
    monkeypatch.setattr(disk.time, "sleep", lambda seconds: None)
    return tmp_path / "demo"


def said(*words):
    done = CliRunner().invoke(main, list(words))
    assert "Traceback" not in done.output and not re.search(r"(?<!\d)9\d{9}(?!\d)", done.output)
    return done


def lines_of(district):
    return {path.name for path in district.rglob("*") if path.is_file()}


@pytest.fixture
def open_in_excel(monkeypatch):
    """Another program has the file open, and lets nobody else at it."""

    def opening(name, patched=monkeypatch, winerror=None):
        def refused(path):
            error = PermissionError(errno.EACCES, "Permission denied", str(path))
            if winerror:
                error.winerror = winerror
            return error

        def guarded(original):
            def opened(path, *rest, **more):
                if isinstance(path, (str, os.PathLike)) and Path(path).name == name:
                    raise refused(path)
                return original(path, *rest, **more)

            return opened

        def replaced(source, target, *rest):
            if Path(target).name == name and Path(target).exists():
                raise refused(target)
            return replace(source, target, *rest)

        replace = os.replace
        patched.setattr(io, "open", guarded(io.open))
        patched.setattr(os, "open", guarded(os.open))
        patched.setattr(os, "replace", replaced)

    return opening


# A file that Excel has open


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("senrkit.toml", ("run",), 2),
        ("SENR_ODS.txt", ("run",), 3),
        ("pubschls.txt", ("run",), 3),
        ("decisions.csv", ("run",), 3),
        ("SELA_ODS.txt", ("language",), 3),
        ("Initial_ELPAC.csv", ("language",), 3),
        ("vendor.txt", ("validate", "vendor.txt"), 3),
    ],
)
def test_an_input_that_another_program_has_open(district, open_in_excel, name, words, code):
    (district / "runs").mkdir(exist_ok=True)
    shutil.copy(district / "SENR_ODS.txt", district / "vendor.txt")
    (district / "runs" / "decisions.csv").write_text(",".join(decisions.COLUMNS) + "\n")
    before = lines_of(district)
    open_in_excel(name)
    done = said(*words)
    assert done.exit_code == code, done.output
    assert re.search(r"has it open|may not be read", done.output), done.output
    assert lines_of(district) == before


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_that_another_program_has_open(district, open_in_excel, tmp_path, suffix):
    import sqlite3

    from tests.districts import write_folder

    with sqlite3.connect(district / "aeries.db") as database:
        database.row_factory = sqlite3.Row
        rows = {
            name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")]
            for name in ("STU", "ENR", "LOC", "XRF")
        }
    database.close()
    source = write_folder(tmp_path / "exports", rows, form=suffix)
    text = (district / "senrkit.toml").read_text()
    (district / "senrkit.toml").write_text(text.replace('\nsource = "sqlite:///aeries.db"', f'\nsource = "{source}"'))
    open_in_excel(f"STU.{suffix}")
    done = said("run")
    assert done.exit_code == 3 and f"STU.{suffix} cannot be read" in done.output and "has it open" in done.output


def test_a_result_that_another_program_has_open(district, open_in_excel):
    Path("foretold.csv").write_text("of last week")
    open_in_excel("foretold.csv", winerror=32)
    done = said("loop", "--foretold", "foretold.csv")
    assert done.exit_code == 2 and "another program has it open, such as Excel" in done.output, done.output
    assert Path("foretold.csv").stat().st_size == len("of last week")
    assert not [path for path in district.iterdir() if path.name.startswith(".unfinished")]


def test_the_ledger_keeps_what_it_has(district, open_in_excel, monkeypatch):
    run = said("run", "--out", "runs/first")
    assert run.exit_code == 5
    assert said("sent", "runs/first", "1", "--on", "2026-11-24").exit_code == 0
    ledger = district / "runs" / "ledger" / FILE
    before = ledger.read_bytes()
    with monkeypatch.context() as patched:
        open_in_excel(FILE, patched)
        done = said("posted", "runs/first", "1")
    assert done.exit_code == 3 and "has it open" in done.output
    assert ledger.read_bytes() == before
    assert said("posted", "runs/first", "1").exit_code == 0


# A folder in which renaming fails, or takes several tries


@pytest.fixture
def failing_renames(monkeypatch):
    """The first so many renames fail, each as on a network share; gives the list of those that were tried."""
    tried, replace = [], os.replace

    def failing(times, number=errno.EACCES):
        def refusing(source, target, *rest):
            tried.append(Path(target).name)
            if len(tried) <= times:
                raise OSError(number, os.strerror(number), str(target))
            return replace(source, target, *rest)

        monkeypatch.setattr(os, "replace", refusing)
        return tried

    return failing


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EBUSY])
def test_a_rename_that_fails_at_first_is_tried_again(district, failing_renames, number):
    tried = failing_renames(3, number)
    done = said("run", "--out", "out")
    assert done.exit_code == 5 and len(tried) > 3, done.output
    assert (district / "out" / "manifest.json").is_file()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EBUSY, errno.EIO])
def test_a_rename_that_always_fails_ends_in_a_sentence_and_leaves_nothing(district, failing_renames, number):
    before = lines_of(district)
    failing_renames(10**9, number)
    done = said("run", "--out", "out")
    assert done.exit_code == 3 and "The run folder" in done.output, done.output
    assert not (district / "out").exists() and not list(district.glob(".unfinished*"))
    assert lines_of(district) == before


def test_what_was_there_stays_when_a_new_file_cannot_take_its_place(tmp_path, failing_renames, monkeypatch):
    monkeypatch.setattr(disk.time, "sleep", lambda seconds: None)
    (tmp_path / "file").write_bytes(b"old")
    failing_renames(10**9)
    with pytest.raises(PermissionError):
        disk.write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


# Long paths, and letters of other languages


def test_paths_of_300_characters_with_umlauts(made, tmp_path):
    place = tmp_path
    while len(str(place)) < 300:
        place = place / ("Schüler der Größe " + "ä" * 30)
    shutil.copytree(made, place)
    for words in (("run", "--out", str(place / "Läufe")), ("language",), ("check",), ("sources",)):
        done = said(*words, "--settings", str(place / "senrkit.toml"))
        assert done.exit_code in (0, 5), done.output
    assert (place / "Läufe" / "report.xlsx").is_file()


def test_windows_is_told_of_paths_that_are_too_long(monkeypatch):
    monkeypatch.setattr(files.os, "name", "nt")
    error = OSError(errno.ENOENT, "No such file or directory")
    assert "longer than Windows" in files.why(error, _Named("x" * 270))
    assert "longer" not in files.why(error, _Named("x" * 20))


class _Named(str):
    """A path that this system need not be able to make."""


# A settings file of an editor on Windows


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_settings_with_cr_lf_and_a_byte_order_mark(district, mark):
    assert said("run", "--out", "plain").exit_code == 5
    text = (district / "senrkit.toml").read_text(encoding="utf-8")
    (district / "senrkit.toml").write_bytes((mark + text.replace("\n", "\r\n")).encode())
    assert said("run", "--out", "windows").exit_code == 5
    sent = [{path.name: path.read_bytes() for path in (district / name / "submission").glob("*.txt")}
             for name in ("plain", "windows")]  # fmt: skip
    assert sent[0] == sent[1] and len(sent[0]) > 3
    (district / "senrkit.toml").write_bytes((mark + text.replace("\n", "\r\n").replace("lea = ", "lae = ")).encode())
    done = said("run")
    assert done.exit_code == 2 and re.search(r"line 4: .*lae", done.output)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_settings_in_another_encoding_are_named(district, encoding):
    text = (district / "senrkit.toml").read_text(encoding="utf-8").replace("made-up", "erfundenen, schönen")
    (district / "senrkit.toml").write_bytes(text.encode(encoding))
    done = said("run")
    assert done.exit_code == 2 and "Save it again as UTF-8" in done.output


# A console in another code page


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "ascii", "cp1252:strict"])
@pytest.mark.parametrize("words", [("run",), ("language",), ("sources",), ("--help",), ("validate", "Datei ż.txt")])
def test_a_console_in_another_code_page(made, tmp_path, encoding, words):
    shutil.copytree(made, tmp_path / "Bezirk żółć")
    done = subprocess.run(
        [sys.executable, "-m", "senrkit", *words], cwd=tmp_path / "Bezirk żółć", timeout=PATIENCE, capture_output=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode(encoding.partition(":")[0], "replace")
    assert done.returncode in (0, 3, 5), said
    assert "Traceback" not in said and "Error" not in said and said.strip()


# Where it is dealt with


def test_what_is_for_one_system_only_stands_in_one_place():
    one_system = re.compile(r"\bos\.name\b|\bsys\.platform\b|\bfcntl\b|\bmsvcrt\b|\bgeteuid\b|\bO_BINARY\b|winerror")
    found = {str(path.relative_to(SENRKIT)) for path in SENRKIT.rglob("*.py") if one_system.search(path.read_text())}
    assert {str(Path(name).parent) for name in found} == {"system"}
