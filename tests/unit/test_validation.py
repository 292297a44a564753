"""`senrkit validate`: any SENR file in, what CALPADS would say out, and the file without whom it would reject."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senrkit.errors import InputError, SenrkitError, UsageError
from senrkit.inputs.submission.senr import read_senr_file
from senrkit.reference import SENR_FIELDS, SchoolYear
from senrkit.results.files import decode, encode
from senrkit.validation import PASSED, REJECTED, validate, write_clean
from tests.extracts import state_row, write_extract
from tests.tables import AS_OF, records
from tests.text_tables import ssid

GOOD = "student school_code grade\n1 0199901 05\n2 0199901 06\n3 0199902 07"
YEAR = SchoolYear.of(AS_OF)
CANARY = "Zephyrine"


def written(tmp_path, data: bytes | str, name: str = "file.txt"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else encode(records(data)))
    return path


def quoted(data: bytes) -> bytes:
    """As a spreadsheet program writes it."""
    return b"\r\n".join(b'"' + line.replace(b"^", b'","') + b'"' for line in data.split()) + b"\r\n"


def test_a_good_file_passes(tmp_path):
    found = validate(written(tmp_path, GOOD), as_of=AS_OF)
    assert (found.exit_code, found.rejected, len(found.findings)) == (PASSED, False, 0)
    assert found.text().startswith("file.txt: 3 records, nothing fatal found.")


def test_a_warning_does_not_reject(tmp_path):
    found = validate(written(tmp_path, "ssid local_id\n- 000101"), as_of=AS_OF)
    assert found.exit_code == PASSED
    assert "Warnings:\n        1 x local-blank-ssid" in found.text()


def test_ten_thousand_errors_of_one_kind_are_one_line_and_the_largest_comes_first(tmp_path):
    many = records("grade\nZZ").take([0] * 10_000).reset_index(drop=True)
    many["ssid"] = (pd.Series(range(10_000)) + 9_000_000_000).astype("str")
    many.loc[:4, "exit_reason"] = "T160"
    found = validate(written(tmp_path, encode(many)), as_of=AS_OF)
    causes = found.causes()
    assert causes[["rule", "rows", "first_line"]].to_numpy().tolist() == [
        ["GERR0002", 10_000, 1],
        ["local-exit-pair", 5, 1],
    ]
    assert found.exit_code == REJECTED
    assert found.text().count("GERR0002") == 1


def test_the_line_is_that_of_the_file(tmp_path):
    data = b"Record Type Code^Transaction\r\n" + encode(records("student grade\n1 05\n2 ZZ"))
    found = validate(written(tmp_path, data), as_of=AS_OF)
    assert found.findings["line"].tolist() == [3]
    assert found.file.faults == ("The first line holds headings; a SENR file has none.",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.replace(b"\r\n", b"\n", 1), "Not every line ends with CR LF"),
        (lambda data: b"\xef\xbb\xbf" + data, "byte-order mark"),
        (lambda data: data.replace(b"Tansy", "Ñandú".encode("cp1252"), 1), "not UTF-8"),
        (lambda data: data.replace(b"SENR^", b"SINF^", 1), "Lines whose first field is not SENR: 1."),
        (lambda data: data.replace(b"SENR^", b"SENR^^", 1), "do not have 35 fields: 1, the first is line 1"),
        (lambda data: data.replace(b"\r\n", b"^^^^\r\n"), "39 fields"),
        (lambda data: data.replace(b"^\r\n", b"\r\n"), "34 fields"),
        (lambda data: data.replace(b"^", b","), ""),
        (quoted, "quotation marks"),
    ],
)
def test_what_vendors_files_have(tmp_path, change, says):
    read = read_senr_file(written(tmp_path, change(encode(records(GOOD)))), YEAR)
    assert says in " ".join(read.faults + read.notes)
    assert bool(says) == bool(read.faults + read.notes)
    assert len(read.records) + len(read.unread) == 3
    assert set(read.records["ssid"]) <= {ssid("1"), ssid("2"), ssid("3")}
    assert read.records["line"].to_list() == [line for line in (1, 2, 3) if line not in read.unread]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"SENR^\0^", "NUL"),
        (f"SENR^{CANARY}^x\r\n".encode(), "3 fields"),
        (b"PK\x03\x04" + b"x" * 40, "damaged"),
        ("SENR^".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_no_senr_file(tmp_path, data, says):
    with pytest.raises(InputError, match=says) as raised:
        read_senr_file(written(tmp_path, data), YEAR)
    assert CANARY not in str(raised.value)


def test_a_file_of_deletes_only(tmp_path):
    found = validate(written(tmp_path, "student transaction grade\n1 D ZZ\n2 D -"), as_of=AS_OF)
    assert found.exit_code == PASSED


def test_every_field_ten_thousand_characters_long(tmp_path):
    long = pd.DataFrame([dict.fromkeys(SENR_FIELDS, "x" * 10000)] * 3, dtype="str").assign(record_type="SENR")
    found = validate(written(tmp_path, encode(long)), as_of=AS_OF)
    assert found.exit_code == REJECTED
    assert "x" * 50 not in found.text()


def test_against_an_extract(tmp_path):
    path = written(tmp_path, "student transaction start_date\n1 D 20260812\n2 D 20260901")
    extract = write_extract(tmp_path / "SENR_ODS.txt", [state_row(ssid=ssid("1")), state_row(ssid=ssid("2"))])
    found = validate(path, as_of=AS_OF, extract=[extract])
    assert found.findings[["rule", "severity", "line"]].to_numpy().tolist() == [
        ["SENR0180", "unknown", 1],
        ["SENR0181", "fatal", 2],
    ]
    assert "needs the ODS extract" not in set(found.unchecked()["because"])
    assert "needs the ODS extract" in set(validate(path, as_of=AS_OF).unchecked()["because"])


def test_for_machines_without_anybodys_name_or_number(tmp_path):
    path = written(tmp_path, f"student first_name grade\n1 {CANARY} ZZ\n2 {CANARY} 05")
    found = validate(path, as_of=AS_OF)
    document = json.dumps(found.document())
    assert json.loads(document)["causes"][0]["rule"] == "GERR0002"
    for told in (document, found.text()):
        assert not [secret for secret in (CANARY, ssid("1"), ssid("2"), "20150304", "Quillfeather") if secret in told]


BAD = """
    student  school_code  start_date  grade
    1        0199901      20260812    05
    2        0199901      20260812    ZZ
    2        0199902      20250812    05
    3        0199901      20260812    05
    """


def test_clean_leaves_out_every_record_of_who_would_sink_it(tmp_path):
    found = validate(written(tmp_path, encode(records(BAD)) + b"SENR^^\r\n"), as_of=AS_OF)
    out, list_file = write_clean(found, tmp_path / "clean.txt")
    assert decode(out.read_bytes())["ssid"].to_list() == [ssid("1"), ssid("3")]
    assert validate(out, as_of=AS_OF).exit_code == PASSED
    left_out = pd.read_csv(list_file, dtype="str", keep_default_na=False)
    assert set(left_out.loc[left_out["line"] == "2", "rule"]) >= {"GERR0002"}
    assert set(left_out["line"]) == {"2", "3", "5"}
    assert left_out.loc[left_out["line"] == "5", "rule"].tolist() == ["not-read"]
    assert left_out.loc[left_out["line"] == "2", ["start_date", "start_key"]].to_numpy()[0].tolist() == [
        "2026-08-12",
        "20260812",
    ]
    assert set(left_out["ssid"]) == {ssid("2"), ""}


def test_students_without_ssid_are_told_apart_by_local_id(tmp_path):
    table = "ssid local_id grade\n- 000101 ZZ\n- 000101 05\n- 000102 05"
    out, _ = write_clean(validate(written(tmp_path, table), as_of=AS_OF), tmp_path / "clean.txt")
    assert decode(out.read_bytes())["local_id"].to_list() == ["000102"]


def test_clean_is_private_and_no_cell_is_a_formula(tmp_path):
    found = validate(written(tmp_path, BAD), as_of=AS_OF)
    paths = write_clean(found, tmp_path / "clean.txt")
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    cells = [cell for row in csv.reader(paths[1].read_text().splitlines()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]


def test_clean_writes_both_files_or_neither(tmp_path, monkeypatch):
    found = validate(written(tmp_path, BAD), as_of=AS_OF)
    replace = Path.replace

    def full(path, target):
        if str(target).endswith(".left_out.csv"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="cannot be written"):
        write_clean(found, tmp_path / "clean.txt")
    assert not list(tmp_path.glob("clean.txt*")) and not list(tmp_path.glob(".unfinished*"))


@pytest.mark.parametrize("taken", ["clean.txt", "clean.txt.left_out.csv"])
def test_clean_overwrites_nothing(tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        write_clean(validate(written(tmp_path, BAD), as_of=AS_OF), tmp_path / "clean.txt")
    assert (tmp_path / taken).read_text() == "mine"


@pytest.mark.parametrize(
    "data", [encode(records(BAD)).replace(b"^\r\n", b"\r\n"), encode(records(BAD)).replace(b"SENR^", b"SENR-R^")]
)
def test_clean_refuses_what_would_be_written_wrong(tmp_path, data):
    """Another layout would blank the fields it lacks; an extract is no submission."""
    with pytest.raises(UsageError, match="layout of its year"):
        write_clean(validate(written(tmp_path, data), as_of=AS_OF), tmp_path / "clean.txt")
    assert not (tmp_path / "clean.txt").exists()


def test_clean_with_nobody_left(tmp_path):
    with pytest.raises(UsageError, match="nothing is left"):
        write_clean(validate(written(tmp_path, "grade\nZZ"), as_of=AS_OF), tmp_path / "clean.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


_CELLS = st.text(st.characters(blacklist_characters="^\r\n\0", codec="utf-8"), max_size=12)
_LINES = st.lists(st.lists(_CELLS, min_size=33, max_size=36), min_size=1, max_size=6)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_LINES, codes=st.lists(st.sampled_from(["20260812", "10", "E150", "9000000001", "D", "05"]), max_size=35))
def test_nothing_makes_it_fall_over_or_skip_a_line(tmp_path, rows, codes):
    lines = ["^".join(["SENR", *row[1:]]) for row in rows] + ["^".join(["SENR", *codes, *[""] * (34 - len(codes))])]
    path = written(tmp_path, "\r\n".join(lines).encode())
    try:
        found = validate(path, as_of=AS_OF)
    except SenrkitError:
        return
    assert len(found.file.records) + len(found.file.unread) == len(lines)
    assert found.text() and found.document()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_any_bytes(tmp_path, data):
    try:
        read_senr_file(written(tmp_path, data), YEAR)
    except SenrkitError as error:
        assert error.message.endswith(".")
