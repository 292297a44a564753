"""The run folder: whole or not at all, private, read back; the tables in it; the covering sheet; the zip."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senrkit import disk
from senrkit.errors import InputError, UsageError
from senrkit.results import tables, write
from senrkit.results.covering_sheet import covering_sheet
from senrkit.results.files import decode
from senrkit.results.tables import FINDINGS_COLUMNS, PROPOSAL_COLUMNS, to_csv
from senrkit.results.write import staged, write_run, write_stopped
from tests.patience import PATIENCE
from tests.submissions import documents

MIXED = """
    student school action          start    marks
    1       A      delete          20260812 -
    2       A      update          20260812 shortens
    3       B      add             20260812 -
    4       B      delete          20260812 at-risk
    4       B      add             20260817 -
    5       A      hold            20260812 -
    6       A      same            20260812 -
    7       A      settled-no-show 20260812 -
"""
NAMES = ("Zoë", "Brien")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_holds_what_the_interface_says(tmp_path):
    out = write_run(tmp_path / "runs" / "7", documents(MIXED, decisions=b"ssid\r\n"))
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "decisions.csv",
        "findings.csv",
        "information.csv",
        "left_out.csv",
        "manifest.json",
        "proposal.csv",
        "report.xlsx",
        "submission/READ_ME_FIRST.txt",
        "submission/SENR_1999990_20261123.zip",
        "submission/SENR_1999990_20261123_01_delete.txt",
        "submission/SENR_1999990_20261123_02_update.txt",
        "submission/SENR_1999990_20261123_03_add.txt",
        "submission/SENR_1999990_20261123_04_delete_last_record.txt",
        "submission/SENR_1999990_20261123_05_add_after_last_record.txt",
    ]
    assert (out / "decisions.csv").read_bytes() == b"ssid\r\n"
    assert names_in(tmp_path / "runs") == ["7"]


@pytest.mark.skipif(os.name != "posix", reason="the system has no such modes")
def test_the_folder_is_private(tmp_path):
    out = write_run(tmp_path / "7", documents(MIXED))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (out, out / "submission")}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_stopped_run_leaves_the_manifest_alone(tmp_path):
    out = write_stopped(tmp_path / "7", {"run_id": "7"})
    assert [path.name for path in out.iterdir()] == ["manifest.json"]


def test_an_empty_folder_is_taken_and_one_with_files_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "note.txt").write_text("mine")
    assert (write_run(tmp_path / "empty", documents(MIXED)) / "manifest.json").exists()
    with pytest.raises(UsageError, match="holds files already"):
        write_run(tmp_path / "used", documents(MIXED))
    with pytest.raises(UsageError, match="is a file, not a folder"):
        write_run(tmp_path / "used" / "note.txt", documents(MIXED))
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["note.txt"]


def test_proposal_lists_every_action_in_sequence_and_then_what_is_not_sent(tmp_path):
    out = write_run(tmp_path / "7", documents(MIXED))
    rows = read_csv(out / "proposal.csv")
    assert tuple(rows[0]) == PROPOSAL_COLUMNS
    assert [(row["sequence"], row["action"], row["reason"], row["transaction"]) for row in rows] == [
        ("1", "delete", "not-in-aeries", "D"),
        ("2", "update", "exit", "A"),
        ("3", "add", "missing-in-calpads", "A"),
        ("4", "delete", "not-in-aeries", "D"),
        ("5", "add", "missing-in-calpads", "A"),
        ("", "hold", "identity-conflict", ""),
        ("", "settled-no-show", "", ""),
    ]
    assert rows[0]["file"] == "SENR_1999990_20261123_01_delete.txt"
    assert rows[5]["evidence"] == "Two students share the SSID. Aeries has no such enrollment."
    assert tuple(read_header(out / "findings.csv")) == FINDINGS_COLUMNS
    assert read_csv(out / "left_out.csv")[0]["reason"] == "no-ssid"


def read_header(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()[0].split(",")


def test_same_is_listed_only_when_asked_for(tmp_path):
    asked = write_run(tmp_path / "7", documents(MIXED, list_same=True))
    assert [row["action"] for row in read_csv(asked / "proposal.csv")].count("same") == 1


def test_equal_input_gives_equal_bytes(tmp_path):
    first, second = (write_run(tmp_path / name, documents(MIXED)) for name in "12")
    for path in (path for path in first.rglob("*") if path.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path.name


def test_the_order_of_the_proposal_does_not_change_the_files():
    heading, *rows = MIXED.strip().splitlines()
    turned = documents("\n".join([heading, *reversed(rows)]))
    assert [file.data for file in turned.files] == [file.data for file in documents(MIXED).files]


def test_the_zip_holds_files_sheet_and_the_manifest_without_clock_person_and_place(tmp_path):
    out = write_run(tmp_path / "7", documents(MIXED))
    with zipfile.ZipFile(out / "submission" / "SENR_1999990_20261123.zip") as package:
        held = {name: package.read(name) for name in package.namelist()}
    manifest = held.pop("manifest.json")
    inside, beside = json.loads(manifest), json.loads((out / "manifest.json").read_bytes())
    assert "made" not in inside and str(Path.cwd()) not in manifest.decode()
    assert inside["accepted"] == [{"id": "P07", "because": "a new school"}]
    assert {key: beside[key] for key in beside if key not in ("made", "settings", "accepted")} == {
        key: inside[key] for key in inside if key not in ("settings", "accepted")
    }
    assert held == {path.name: path.read_bytes() for path in (out / "submission").glob("*.txt")}


def test_the_manifest_counts_and_holds_the_digests_and_no_student(tmp_path):
    out = write_run(tmp_path / "7", documents(MIXED))
    text = (out / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert manifest["counts"]["action"] == {
        "delete": 2, "update": 1, "add": 2, "hold": 1, "settled-no-show": 1, "settled-completion": 0,
        "left-as-is": 0, "future-dated": 0, "same": 1,
    }  # fmt: skip
    assert manifest["counts"]["reason"]["hold"] == {"identity-conflict": 1}
    assert manifest["counts"]["school"]["1990002"] == {"add": 2, "delete": 1}
    assert manifest["missing_steps"] == []
    for entry in manifest["files"]:
        data = (out / "submission" / entry["name"]).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert entry["rows"] == len(decode(data)) == sum(entry["transactions"].values())
    assert not any(student in text for student in ("90000000", "1001", *NAMES))


def test_findings_are_counted_by_rule_the_most_frequent_first():
    findings = pd.DataFrame(
        [[f"f{n}", rule, "warning", "1990001", "9000000001", "20260812", "grade", "m", "x", "20260812"]
         for n, rule in enumerate(["SENR0001", "SENR0002", "SENR0002"])],
        columns=FINDINGS_COLUMNS,
    )  # fmt: skip
    made = documents(MIXED, findings=findings)
    assert list(made.manifest["findings"].items()) == [
        ("SENR0002", {"severity": "warning", "count": 2}),
        ("SENR0001", {"severity": "warning", "count": 1}),
    ]
    assert "SENR0002: 2" in covering_sheet(made.manifest)


@pytest.mark.parametrize(
    ("process", "sentence"),
    [
        ("", "These rules would have refused a record. The students concerned were held back"),
        ('submission_mode = "single"', "CALPADS is expected to refuse the file because of these rules."),
    ],
)
def test_the_covering_sheet_never_calls_a_fatal_finding_a_warning(process, sentence):
    row = ["f", "SENR0027", "fatal", "1990001", "9000000001", "20260812", "start_date", "m", "x", "20260812"]
    flat = " ".join(
        covering_sheet(
            documents(MIXED, process, findings=pd.DataFrame([row], columns=FINDINGS_COLUMNS)).manifest
        ).split()
    )
    assert f"No warning is expected from CALPADS. {sentence}" in flat
    assert flat.index(sentence) < flat.index("SENR0027: 1")


def test_the_covering_sheet_says_what_to_send_when_and_nothing_of_students():
    sheet = covering_sheet(documents(MIXED).manifest)
    flat = " ".join(sheet.split())
    names = [f"SENR_1999990_20261123_{n}.txt" for n in ("01_delete", "02_update", "03_add", "04_delete_last_record")]
    places = [flat.index(name) for name in names]
    assert places == sorted(places)
    for phrase in (
        "wait until CALPADS shows it as Posted",
        "Delete: 1 record (1 D).",
        "Send no file after the one that was refused.",
        "The Local Record ID of a refused record is 7- and a number",
        "04_delete_last_record CALPADS has no record at all",
        "SENR0180",
        "Held back: 1 enrollment.",
        "This run did not predict what CALPADS will say.",
    ):
        assert phrase in flat
    assert "STEPS WITHOUT A FILE" not in sheet
    assert not any(student in sheet for student in ("90000000", "1001", *NAMES))
    assert "\n" not in sheet.replace("\r\n", "")
    assert "{" not in sheet


def test_the_covering_sheet_of_a_smaller_run_explains_the_missing_steps_and_leaves_out_what_is_not_there():
    sheet = covering_sheet(documents("student action\n1 add", "local_record_id = false").manifest)
    flat = " ".join(sheet.split())
    assert "01_delete: No enrollment has to be deleted." in flat
    assert "Find a refused record in proposal.csv by school, SSID and start date." in flat
    assert "Nobody was held back." in flat
    assert "THE DELETES AT RISK" not in sheet


def test_the_covering_sheet_of_a_run_without_changes_says_so():
    sheet = covering_sheet(documents("student action\n1 same").manifest)
    assert "There is nothing to send." in sheet
    assert "WHEN A FILE IS REFUSED" not in sheet


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_text_cannot_become_a_formula_in_a_csv(value):
    table = pd.DataFrame({"evidence": [value, "a=1"], "ssid": ["9000000001", "0000000001"]}, dtype="str")
    rows = list(csv.reader(io.StringIO(to_csv(table).decode(), newline="")))
    assert rows[1:] == [["'" + value, "9000000001"], ["a=1", "0000000001"]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=5))
def test_no_cell_of_any_csv_begins_as_a_formula_and_the_rest_is_unchanged(values):
    data = to_csv(pd.DataFrame({"evidence": values}, dtype="str"))
    cells = [row[0] for row in csv.reader(io.StringIO(data.decode().replace("\0", "0"), newline=""))][1:]
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in cells)
    as_given = [value.replace("\0", "0").removeprefix("'") for value in values]
    assert [cell.removeprefix("'") for cell in cells] == as_given


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "no room left on the disk"),
        (errno.EROFS, "read-only or not yours"),
        (errno.EACCES, "read-only or not yours"),
        (errno.EIO, "cannot be written ("),
    ],
)
@pytest.mark.parametrize(
    "place", ["proposal.csv", "READ_ME_FIRST.txt", "SENR_1999990_20261123.zip", "report.xlsx", "manifest.json"]
)
def test_a_disk_that_fails_is_told_in_a_sentence_and_nothing_is_left(tmp_path, monkeypatch, number, sentence, place):
    def fail_at_place(file, mode="r", *args, **kwargs):
        if Path(file).name == place and "x" in mode:
            raise OSError(number, os.strerror(number), str(file))
        return whole(file, mode, *args, **kwargs)

    whole = io.open
    monkeypatch.setattr(io, "open", fail_at_place)
    with pytest.raises(InputError) as refused:
        write_run(tmp_path / "runs" / "7", documents(MIXED))
    assert sentence in str(refused.value)
    assert names_in(tmp_path / "runs") == []


def test_a_place_where_no_folder_can_be_made_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_run(tmp_path / "file" / "7", documents(MIXED))


@pytest.fixture
def as_nobody():
    """Modes do not bind the system's master, so for a moment it is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="needs a system with modes")
def test_a_read_only_folder_is_told_in_a_sentence(tmp_path, as_nobody):
    made = documents(MIXED)
    with pytest.raises(InputError, match="read-only or not yours"):
        write_run(Path("/usr") / "senrkit-run" / "7", made)
    assert not Path("/usr/senrkit-run").exists()


def test_bytes_that_changed_on_the_disk_are_a_fault(tmp_path, monkeypatch):
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: whole(self).replace(b"Brien", b"Bryan"))
    with pytest.raises(RuntimeError, match="read back with other bytes") as fault:
        write_run(tmp_path / "7", documents(MIXED))
    assert "Bryan" not in str(fault.value)
    assert names_in(tmp_path) == []


def test_bytes_that_are_not_the_planned_records_are_a_fault(tmp_path):
    made = documents(MIXED)
    made.files[0].planned.records[0, "grade"] = "06"
    with pytest.raises(RuntimeError, match="01_delete.txt was read back with other records than were planned"):
        write_run(tmp_path / "7", made)
    assert names_in(tmp_path) == []


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def interrupted() -> None:
        with staged(tmp_path / "7") as folder:
            (folder / "proposal.csv").write_text("x")
            raise KeyboardInterrupt

    pytest.raises(KeyboardInterrupt, interrupted)
    assert names_in(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="the system has no such signal")
@pytest.mark.parametrize("last", ["proposal.csv", "SENR_1999990_20261123_02_update.txt", "manifest.json"])
def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path, last):
    program = f"""
        import os, signal
        from pathlib import Path
        from senrkit.results import write as run_folder
        from tests.submissions import documents
        whole = run_folder._write
        def killed_after(path, data):
            whole(path, data)
            if path.name == {last!r}:
                os.kill(os.getpid(), signal.SIGKILL)
        run_folder._write = killed_after
        run_folder.write_run(Path({str(tmp_path)!r}) / "7", documents({MIXED!r}))
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=Path(__file__).parents[3], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = names_in(tmp_path)
    assert len(left) == 1
    assert left[0].startswith(".unfinished-")
    assert stat.S_IMODE((tmp_path / left[0]).stat().st_mode) == 0o700


def test_what_a_killed_run_left_is_removed_a_day_later_and_not_before(tmp_path):
    old, young = tmp_path / ".unfinished-senrkit-old", tmp_path / ".unfinished-senrkit-young"
    for left in (old, young):
        left.mkdir()
        (left / "proposal.csv").write_text("x")
    os.utime(old, (time.time() - 90_000,) * 2)
    write_run(tmp_path / "7", documents(MIXED))
    assert names_in(tmp_path) == [young.name, "7"]


def test_what_a_killed_run_left_goes_at_the_next_run(tmp_path):
    killed = (
        "import os, sys\nfrom pathlib import Path\nfrom senrkit import disk\n"
        "with disk.staged(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'proposal.csv').write_text('x')\n    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, tmp_path / "6"], check=False, timeout=PATIENCE)
    assert [name.startswith(".unfinished-senrkit-") for name in names_in(tmp_path)] == [True]
    write_run(tmp_path / "7", documents(MIXED))
    assert names_in(tmp_path) == ["7"]


def test_what_another_run_still_writes_stays(tmp_path):
    with disk.staged(tmp_path / "6") as folder:
        os.utime(folder, (time.time() - 90_000,) * 2)
        write_run(tmp_path / "7", documents(MIXED))
        assert folder.is_dir()
        (folder / "proposal.csv").write_text("x")
    assert names_in(tmp_path) == ["6", "7"] and [path.name for path in (tmp_path / "6").iterdir()] == ["proposal.csv"]


def test_writing_changes_no_frame(tmp_path):
    made = documents(MIXED)
    frames = (made.plan.actions, made.left_out, made.information)
    before = [frame.clone() for frame in frames]
    write_run(tmp_path / "7", made)
    assert all(frame.equals(copy) for frame, copy in zip(frames, before, strict=True))


def test_the_tables_know_every_action():
    assert set(tables.ACTIONS) == set(
        "same add update delete hold settled-no-show settled-completion left-as-is future-dated".split()
    )
    assert write.MANIFEST == "manifest.json"
