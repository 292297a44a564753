"""Reading the SENR ODS extract: what comes through unchanged, and which words refuse the rest."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senrkit.errors import InputError, LayoutError
from senrkit.inputs.extract import delimited, find, recognize, senr
from senrkit.inputs.extract.recognize import facts, likely, shape_of
from senrkit.inputs.extract.senr import Extract, read_extract
from senrkit.reference import ODS_FIELDS, layouts_by_column_count
from tests.extracts import extract_bytes, state_row, write_extract

NAME, SSID, BORN = "Canarybird", "9876543210", "20131117"
CANARY = state_row(last_name=NAME, ssid=SSID, birth_date=BORN)
GOOD = extract_bytes([CANARY])
LINE = GOOD.removesuffix(b"\r\n")


def read(folder: Path, data: bytes, name: str = "SENR_ODS.txt") -> Extract:
    path = folder / name
    path.write_bytes(data)
    return read_extract([path])


def refusal(kind: type[InputError], folder: Path, data: bytes, name: str = "SENR_ODS.txt") -> InputError:
    with pytest.raises(kind) as caught:
        read(folder, data, name)
    assert_silent(caught.value)
    return caught.value


def assert_silent(error: BaseException | None) -> None:
    """Neither the error nor anything it hangs on to says who the pupil is."""
    while error is not None:
        told = f"{error!s} {error!r} {error.args!r} {vars(error)!r} {getattr(error, 'object', b'')!r}"
        assert not [secret for secret in (NAME, SSID, BORN) if secret in told]
        error = error.__cause__ or error.__context__


def value(**values: str) -> bytes:
    """A good line, then one with these values."""
    return extract_bytes([CANARY, CANARY | values])


# What comes through


@pytest.mark.parametrize("columns", [36, 37, 41])
@pytest.mark.parametrize("delimiter", ["^", ","])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize("final_line_end", [False, True])
def test_every_form_gives_the_same_rows(tmp_path, columns, delimiter, line_end, mark, final_line_end):
    has_exemption = columns == 37
    rows = [state_row(first_name="Zoë", graduation_exemption="N" * has_exemption), state_row(ssid="9000000002")]
    how = {"columns": columns, "delimiter": delimiter, "line_end": line_end, "mark": mark}
    extract = read(tmp_path, extract_bytes(rows, **how, final_line_end=final_line_end))
    assert extract.rows.drop(columns="line").to_dict("records") == rows
    assert extract.rows["line"].tolist() == [1, 2]
    assert (extract.layout, extract.delimiter) == (layouts_by_column_count()[columns], delimiter)
    assert (extract.encoding, extract.notes) == ("utf-8", ())


def test_the_frame_is_what_the_other_modules_count_on(tmp_path):
    rows = read(tmp_path, extract_bytes([state_row()], columns=36)).rows
    assert tuple(rows.columns) == (*ODS_FIELDS, "line")
    assert [str(rows[name].dtype) for name in ODS_FIELDS] == ["str"] * 37
    assert rows["line"].dtype == "int64"
    assert rows.index.equals(pd.RangeIndex(1))
    assert not rows.isna().to_numpy().any()


def test_the_oldest_layout_loses_only_what_today_has_no_column_for(tmp_path):
    data = extract_bytes([state_row(biliteracy_seal="Y", upload_date="20200203", last_updated="20200204")], columns=41)
    cells = data.split(b"^")
    cells[33:39] = [b"Y", b"N", b"Y", b"N", b"Y", b"N"]
    row = read(tmp_path, b"^".join(cells)).rows.iloc[0]
    assert row["biliteracy_seal"] == "Y"
    assert (row["upload_date"], row["last_updated"]) == ("20200203", "20200204")
    assert (row["transition_status"], row["graduation_exemption"]) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "Null",
        "NULL",
        "NA",
        "N/A",
        "#N/A",
        "nan",
        "None",
        "-",
        "O'Neil",
        'O"Neil',
        '"Bud"',
        "\\N",
        " two  spaces ",
        "000",
        "=1+1",
        "Nuñez\u2028",
        "1E5",
        "true",
    ],
)
def test_a_value_stays_what_it_is(tmp_path, text):
    rows = read(tmp_path, extract_bytes([state_row(last_name=text, local_id=text)] * 2)).rows
    assert rows[["last_name", "local_id"]].to_numpy().tolist() == [[text, text]] * 2


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n", b"\n" * 70_000])
def test_blank_lines_at_the_end_do_not_count(tmp_path, end):
    assert len(read(tmp_path, LINE + end).rows) == 1


def test_mixed_line_ends(tmp_path):
    assert read(tmp_path, LINE + b"\r\n" + LINE + b"\n" + LINE + b"\r\n").rows["line"].tolist() == [1, 2, 3]


def test_line_numbers_go_on_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 300)
    rows = [state_row(ssid=f"{9000000000 + number}") for number in range(50)]
    extract = read(tmp_path, extract_bytes(rows))
    assert extract.rows["ssid"].tolist() == [row["ssid"] for row in rows]
    assert extract.rows["line"].tolist() == list(range(1, 51))


def test_windows_1252_is_read_and_said(tmp_path):
    rows = [state_row(last_name="Peña"), state_row(first_name="D’Arcy")]
    data = extract_bytes(rows, encoding="cp1252")
    extract = read(tmp_path, data)
    assert extract.rows.drop(columns="line").to_dict("records") == rows
    assert extract.encoding == "windows-1252"
    assert "read as Windows-1252" in extract.notes[0]
    assert extract.files[0].sha256 == hashlib.sha256(data).hexdigest()
    assert extract.files[0].bytes == len(data)


def test_utf_8_names_survive_beside_windows_1252_ones(tmp_path):
    data = extract_bytes([state_row(last_name="Peña")]) + extract_bytes(
        [state_row(last_name="Peña")], encoding="cp1252"
    )
    assert read(tmp_path, data).rows["last_name"].tolist() == ["Peña", "Peña"]


def test_the_file_is_described(tmp_path):
    data = extract_bytes([state_row()] * 3, mark=True)
    (file,) = read(tmp_path, data).files
    assert (file.path, file.name, file.bytes, file.rows) == (tmp_path / "SENR_ODS.txt", "SENR_ODS.txt", len(data), 3)
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.modified.timestamp() == pytest.approx((tmp_path / "SENR_ODS.txt").stat().st_mtime)


@pytest.mark.parametrize("updated", ["11/02/2026", "2026-11-02", "20261102 101500"])
def test_another_form_of_the_last_date_updated_is_only_noted(tmp_path, updated):
    extract = read(tmp_path, extract_bytes([state_row(last_updated=updated)]))
    assert extract.rows["last_updated"].tolist() == [updated]
    assert "last date updated" in extract.notes[0]


# Which file is meant


def test_several_files_follow_one_another(tmp_path):
    one = write_extract(tmp_path / "one.txt", [state_row(), state_row(ssid="9000000002")])
    two = write_extract(tmp_path / "two.txt", [state_row(ssid="9000000003")], columns=36, delimiter=",")
    extract = read_extract([one, two])
    assert extract.rows["ssid"].tolist() == ["9000000001", "9000000002", "9000000003"]
    assert extract.rows["line"].tolist() == [1, 2, 1]
    assert [file.rows for file in extract.files] == [2, 1]
    assert extract.notes == ("two.txt: 36 columns, comma format, unlike one.txt.",)


def test_a_folder_stands_for_its_newest_extract(tmp_path):
    files = {
        "old.txt": extract_bytes([state_row(ssid="9000000001")]),
        "new.txt": extract_bytes([state_row(ssid="9000000002")]),
        "SELA.txt": b"SELA-R^^^\r\n",
        "notes.md": b"our SENR-R files\n",
        "broken.zip": b"PK\x03\x04 no more",
        "text.zip": b"no zip",
        "empty.txt": b"",
        "SENR.txt.crdownload": extract_bytes([state_row(ssid="9000000003")]),
        ".hidden.txt": extract_bytes([state_row(ssid="9000000004")]),
    }
    for age, (name, data) in enumerate(files.items()):
        (tmp_path / name).write_bytes(data)
        os.utime(tmp_path / name, (1_700_000_000 + age, 1_700_000_000 + age))
    (tmp_path / "SENR-R").mkdir()
    extract = read_extract([tmp_path])
    assert extract.rows["ssid"].tolist() == ["9000000002"]
    assert extract.files[0].path == tmp_path / "new.txt"
    assert "new.txt" in extract.notes[0]


@pytest.mark.parametrize("data", [b'"' + LINE + b'"', LINE.decode().encode("utf-16"), b"Record Type^SSID\r\n" + LINE])
def test_a_spoilt_newest_extract_is_refused_not_passed_over(tmp_path, data):
    write_extract(tmp_path / "old.txt", [state_row()])
    os.utime(tmp_path / "old.txt", (1_700_000_000, 1_700_000_000))
    assert "new.txt" in str(refusal(InputError, tmp_path, data, "new.txt"))
    with pytest.raises(InputError, match=r"new\.txt"):
        read_extract([tmp_path])


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def test_a_zip_with_one_extract(tmp_path):
    data = zipped(**{"SENR.txt": GOOD, "__MACOSX/._SENR.txt": b"junk", "readme.pdf": b"%PDF"})
    extract = read(tmp_path, data, "SENR.zip")
    assert extract.rows["ssid"].tolist() == [SSID]
    (file,) = extract.files
    assert (file.path, file.name) == (tmp_path / "SENR.zip", "SENR.zip/SENR.txt")
    assert (file.sha256, file.bytes) == (hashlib.sha256(GOOD).hexdigest(), len(GOOD))
    assert read_extract([tmp_path]).files == extract.files


def test_a_zip_under_another_name(tmp_path):
    assert len(read(tmp_path, zipped(x=GOOD), "download").rows) == 1


def test_a_zip_with_two_extracts_gives_both(tmp_path):
    extract = read(tmp_path, zipped(**{"b.txt": GOOD, "a.txt": GOOD}), "SENR.zip")
    assert [file.name for file in extract.files] == ["SENR.zip/a.txt", "SENR.zip/b.txt"]
    assert len(extract.rows) == 2


# What is refused because it is no SENR-R extract: data, line, what is found, the likely cause


def cut(data: bytes, characters: int) -> bytes:
    return data[:-characters]


TWO = LINE + b"\r\n"
COMMA = extract_bytes([CANARY], delimiter=",")
OLD = extract_bytes([CANARY], columns=36)
REFUSED = {
    "another file": (b"Canarybird^Ida^7\r\n", 1, "another kind of line", "another-file"),
    "only the record type": (b"SENR-R\nSENR-R\n", 1, "a single column", "another-file"),
    "a heading row": (b"RecordType^Tx\r\n" + GOOD, 1, "a heading row", "heading"),
    "a web page": (b"<!DOCTYPE html>\n<p>Canarybird", 1, "a web page", "web-page"),
    "tabs": (GOOD.replace(b"^", b"\t"), 1, "separated by a tab", "spreadsheet"),
    "semicolons": (GOOD.replace(b"^", b";"), 1, "separated by a semicolon", "spreadsheet"),
    "everything in quotes": (b'"' + LINE.replace(b"^", b'"^"') + b'"', 1, "a quotation mark", "spreadsheet"),
    "a comma file with quotes": (
        COMMA + COMMA.replace(b"Canarybird", b'"Canarybird"'),
        2,
        "a value that begins with one",
        "spreadsheet",
    ),
    "an unknown layout": (LINE.replace(b"^", b"^^^"), 1, "109 columns", "unknown-layout"),
    "a separator at every end": (TWO.replace(b"\r\n", b"^\r\n") * 3, 1, "38 columns", "end-delimiter"),
    "the same, from line 2": (TWO + TWO.replace(b"\r\n", b"^\r\n") * 2, 2, "38 columns", "end-delimiter"),
    "no dates at the end": (b"^".join(LINE.split(b"^")[:35]) + b"\r\n", 1, "35 columns", "no-dates"),
    "one cut line": (LINE[:30], 1, "7 columns", "cut-off"),
    "a cut-off last line": (TWO + LINE[:60], 2, "11 columns", "cut-off"),
    "the same with a line end": (TWO + LINE[:60] + b"\r\n\r\n", 2, "11 columns", "cut-off"),
    "cut after the record type": (TWO + b"SENR-R", 2, "1 column.", "cut-off"),
    "cut in the last date": (TWO * 2 + cut(LINE, 2), 3, "6 characters and the end", "cut-off"),
    "cut before the last date": (TWO * 2 + cut(LINE, 8), 3, "0 characters and the end", "cut-off"),
    "a short line in the middle": (TWO + LINE[:60] + b"\r\n" + TWO, 2, "11 columns", "cut-off"),
    "a caret in a name": (TWO + TWO.replace(b"Canary", b"Can^ary") + TWO, 2, "38 columns", "delimiter-in-value"),
    "the same in line 1": (TWO.replace(b"Canary", b"Can^ary") + TWO, 1, "38 columns", "delimiter-in-value"),
    "the same, looking like another layout": (
        OLD.replace(b"Can", b"C^an") + OLD * 2,
        1,
        "37 columns",
        "delimiter-in-value",
    ),
    "a comma in a name": (COMMA + COMMA.replace(b"Canary", b"Can,ary"), 2, "38 columns", "delimiter-in-value"),
    "a line break in a name": (TWO + TWO.replace(b"Canary", b"Can\nary") + TWO, 2, "12 columns", "line-break"),
    "two lines run together": (TWO + LINE + TWO, 2, "73 columns", "lines-joined"),
    "two delimiters": (TWO + COMMA + TWO, 2, "1 column.", "mixed-delimiters"),
    "two delimiters in one line": (TWO + COMMA.replace(b",", b"^", 3), 2, "4 columns", "mixed-delimiters"),
    "a comma, then carets": (LINE.replace(b"^", b",", 1), 1, "2 columns", "mixed-delimiters"),
    "two layouts": (TWO * 2 + OLD * 2, 3, "36 columns", "mixed-layouts"),
    "another extract after it": (TWO + b"SELA-R^^^1999990^Canarybird\r\n" + TWO, 2, "5 columns", "mixed-files"),
    "another record type": (TWO + LINE.replace(b"SENR-R", b"SENR"), 2, "SENR, a submission file", "mixed-files"),
    "a name as record type": (TWO + LINE.replace(b"SENR-R", b"Canarybird"), 2, "another kind of line", "mixed-files"),
    "a mark in the middle": (TWO + b"\xef\xbb\xbf" + LINE, 2, "another kind of line", "mixed-files"),
    "a blank line": (TWO + b"\r\n" + TWO, 2, "a blank line", "blank-line"),
    "a line of spaces": (TWO + b"  \r\n" + TWO, 2, "1 column.", "blank-line"),
    "a line of carets": (TWO + b"^" * 36 + b"\r\n" + TWO, 2, "a blank line", "blank-line"),
    "a blank first line": (b"\r\n" + TWO, 1, "a blank line", "blank-line"),
    "doubled carriage returns": (TWO.replace(b"\r", b"\r\r") * 2, 2, "a blank line", "blank-line"),
    "a spreadsheet's date": (value(start_date="8/12/2026"), 2, "found 9/99/9999", "spreadsheet"),
    "an exit date in ISO form": (value(exit_date="2026-08-12"), 2, "found 9999-99-99", "spreadsheet"),
    "a date with a fraction": (value(birth_date="20131117.0"), 2, "found 99999999.9", "spreadsheet"),
    "a spreadsheet's day number": (value(birth_date="41595"), 2, "found 99999", "spreadsheet"),
    "no such day": (value(exit_date="20260931"), 2, "99999999, which is no day", "not-the-store"),
    "month first": (value(birth_date="11172013"), 2, "99999999, which is no day", "month-first"),
    "no start date": (value(start_date=""), 2, "found nothing", "not-the-store"),
    "no SSID": (value(ssid=""), 2, "found nothing", "not-the-store"),
    "a scientific SSID": (value(ssid="9.88E+09"), 2, "found 9.99E+99", "spreadsheet"),
    "an SSID without its zero": (value(ssid="987654321"), 2, "found 999999999", "spreadsheet"),
    "an SSID in foreign digits": (value(ssid="٩٨٧٦٥٤٣٢١٠"), 2, "found 9999999999", "spreadsheet"),
    "a school without its zero": (value(school_code="199901"), 2, "found 999999", "spreadsheet"),
    "an LEA without its zero": (value(reporting_lea="199999"), 2, "found 999999", "spreadsheet"),
    "a grade without its zero": (value(grade="7"), 2, "found 9", "spreadsheet"),
    "a column put in": (value(birth_date=NAME), 2, "found AAAAAAAAAA", "shifted"),
    "a name for an SSID": (value(ssid="Canarybird, Ida"), 2, "found AAAAAAAAAA? AAA", "shifted"),
    "the first of two faults": (value(ssid="") + value(grade="7"), 2, "column 8 (ssid)", "not-the-store"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_line_finding_and_cause(tmp_path, case):
    data, line, found, cause = REFUSED[case]
    error = refusal(LayoutError, tmp_path, data)
    assert str(error).startswith(f"SENR_ODS.txt, line {line}: expected ")
    assert found in str(error)
    assert error.likely == likely(cause)


@pytest.mark.parametrize("record_type", sorted(facts()["record_type"]))
def test_other_files_of_calpads_are_known_by_name(tmp_path, record_type):
    error = refusal(LayoutError, tmp_path, GOOD.replace(b"SENR-R", record_type.encode()) + GOOD)
    assert error.found.startswith(f"{record_type}, ")
    assert error.likely == facts()["record_type"][record_type][1]


def test_every_likely_cause_is_tried():
    assert {cause for *_, cause in REFUSED.values()} == set(facts()["likely"])


def test_the_expected_column_counts_are_told(tmp_path):
    assert "expected 36, 37 or 41 columns, found 109 columns" in str(
        refusal(LayoutError, tmp_path, REFUSED["an unknown layout"][0])
    )


def test_a_wrong_count_in_line_500_001(tmp_path):
    data = TWO * 500_000 + TWO.replace(b"Canary", b"Can^ary") + TWO * 100_000
    error = refusal(LayoutError, tmp_path, data)
    assert (error.line, error.found) == (500_001, "38 columns")
    assert "line 500,001: expected 37 columns, found 38 columns" in str(error)


def test_a_line_with_256_columns_too_many(tmp_path):
    # Columns are counted in a byte.
    error = refusal(LayoutError, tmp_path, TWO * 20 + TWO.replace(b"Canary", b"^" * 256) + TWO)
    assert (error.line, error.found) == (21, "293 columns")


def test_a_line_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 1000)
    error = refusal(LayoutError, tmp_path, TWO * 20 + TWO.replace(b"Canary", b"C" * 5000) + TWO)
    assert (error.line, error.found) == (21, "a line of a million characters or more")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", "nothing"),
        ("8/12/2026", "9/99/9999"),
        ("1.23E+09", "9.99E+99"),
        ("José", "AAAA"),
        ("x" * 30, "A" * 20 + "… (30 characters)"),
    ],
)
def test_a_shape_tells_no_value(text, shape):
    assert shape_of(text) == shape


# What cannot be read at all


def locked_zip() -> bytes:
    data = bytearray(zipped(**{"SENR.txt": GOOD}))
    data[6] |= 1  # the flag "encrypted" in the local header and in the directory
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def damaged_zip() -> bytes:
    data = bytearray(zipped(**{"SENR.txt": extract_bytes([CANARY | {"local_id": str(n * n)} for n in range(5000)])}))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


UNREADABLE = {
    "empty": (b"", "SENR.txt", "is empty"),
    "only blank lines": (b"\r\n\r\n", "SENR.txt", "is empty"),
    "only a mark": (b"\xef\xbb\xbf", "SENR.txt", "is empty"),
    "NUL bytes": (TWO * 2 + LINE.replace(b"Canary", b"Can\0ary"), "SENR.txt", "line 3: holds NUL bytes"),
    "NUL bytes far down": (
        TWO * 9000 + LINE.replace(b"Canary", b"Can\0ary"),
        "SENR.txt",
        "line 9,001: holds NUL bytes",
    ),
    "NUL bytes after a wrong line": (TWO + b"x\n" + LINE.replace(b"C", b"\0"), "SENR.txt", "line 3: holds NUL bytes"),
    "no text": (
        TWO * 2 + LINE.replace(b"Canary", b"Can\x81ary"),
        "SENR.txt",
        "line 3: holds bytes that are text neither",
    ),
    "no text, CR": (TWO.replace(b"\n", b"") * 2 + LINE.replace(b"Ca", b"\x81"), "SENR.txt", "line 3: holds bytes that"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "SENR.txt", "UTF-16"),
    "UTF-16 without mark": (GOOD.decode().encode("utf-16-le"), "SENR.txt", "UTF-16"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "SENR.xls", "workbook"),
    "a workbook": (zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "SENR.xlsx", "workbook"),
    "gzip": (b"\x1f\x8b\x08\0", "SENR.gz", "packed with gzip"),
    "no zip": (GOOD, "SENR.zip", "no zip, or a damaged one"),
    "a cut-off zip": (zipped(**{"SENR.txt": GOOD})[:-30], "SENR.zip", "damaged"),
    "a damaged zip": (damaged_zip(), "SENR.zip", "damaged"),
    "a locked zip": (locked_zip(), "SENR.zip", "password"),
    "an empty zip": (zipped(), "SENR.zip", "holds no file"),
    "a zip of other files": (zipped(a=b"SELA-R^", b=b"SENR^"), "SENR.zip", "holds 2 files, none of which"),
    "a zip in a zip": (zipped(**{"a.zip": zipped(x=GOOD)}), "SENR.zip", "inside a zip"),
    "a download in progress": (GOOD, "SENR.txt.crdownload", "download in progress"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_an_input_error(tmp_path, case):
    data, name, words = UNREADABLE[case]
    error = refusal(InputError, tmp_path, data, name)
    assert not isinstance(error, LayoutError)
    assert error.exit_code == 3
    assert words in error.message
    assert error.cure


def test_a_zip_with_one_other_file_says_what_it_is(tmp_path):
    assert "SELA-R" in refusal(LayoutError, tmp_path, zipped(a=b"SELA-R^x^y\n"), "SENR.zip").found


@pytest.mark.parametrize("there", [["missing.txt"], ["missing/SENR.txt"], []])
def test_missing(tmp_path, there):
    with pytest.raises(InputError):
        read_extract([tmp_path / name for name in there])


def test_a_folder_without_an_extract(tmp_path):
    (tmp_path / "readme.txt").write_bytes(b"SENR^")
    with pytest.raises(InputError, match="holds no SENR-R file"):
        read_extract([tmp_path])


def test_a_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        read_extract([tmp_path / "pipe"])


def test_a_locked_file(tmp_path, monkeypatch):
    path = write_extract(tmp_path / "SENR.txt", [CANARY])

    def locked(*_: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(InputError, match=r"SENR\.txt may not be read"):
        read_extract([path])
    with pytest.raises(InputError, match=r"SENR\.txt may not be read"):
        read_extract([tmp_path])  # the newest file is not passed over because it is locked


def test_a_file_that_grows_while_it_is_read(tmp_path, monkeypatch):
    path = write_extract(tmp_path / "SENR.txt", [CANARY])
    looked_at = delimited._looked_at

    def grows(*given: object) -> object:
        with path.open("ab") as still_writing:
            still_writing.write(GOOD)
        return looked_at(*given)

    monkeypatch.setattr(delimited, "_looked_at", grows)
    with pytest.raises(InputError, match="changed while it was read"):
        read_extract([path])


def test_a_zip_that_claims_to_be_huge(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "_LARGEST_IN_ZIP", 10)
    assert "too large" in refusal(InputError, tmp_path, zipped(x=GOOD), "SENR.zip").message


# Anything at all


def nothing_lost(data: bytes, extract: Extract) -> None:
    """Every line that is not blank is there, every value in its place, as it was."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    text = text.decode() if extract.encoding == "utf-8" else text.decode("utf-8", "senrkit.windows-1252")
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line]
    assert len(extract.layout.columns) != 41
    columns = list(extract.layout.columns)
    assert extract.rows[columns].agg(extract.delimiter.join, axis=1).tolist() == lines
    assert extract.rows["line"].tolist() == list(range(1, len(lines) + 1))
    assert extract.files[0].rows == len(lines)


def read_or_refuse(folder: Path, data: bytes) -> None:
    path = folder / "fuzz.txt"
    path.write_bytes(data)
    try:
        extract = read_extract([path])
    except InputError as error:  # LayoutError is one
        assert_silent(error)
    else:
        nothing_lost(data, extract)


FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = [
    b"^",
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b'"',
    b"\0",
    b"\xff",
    b"\x81",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"Canarybird",
    b"",
    b" ",
]


@FUZZ
@given(st.binary(max_size=200), st.sampled_from([b"", b"SENR-R^", b"PK\x03\x04", b"\xef\xbb\xbf", b"SENR-R,"]))
def test_any_bytes(tmp_path, data, start):
    read_or_refuse(tmp_path, start + data)


@FUZZ
@given(st.data())
def test_an_extract_with_damage(tmp_path, data):
    spoilt = bytearray(GOOD * data.draw(st.integers(1, 3)))
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(spoilt))), data.draw(st.integers(0, 5))
        spoilt[at : at + length] = data.draw(st.sampled_from(ODD))
    read_or_refuse(tmp_path, bytes(spoilt))


@FUZZ
@given(st.data())
def test_a_zip_with_damage(tmp_path, data):
    spoilt = bytearray(zipped(**{"SENR.txt": GOOD * 3}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(spoilt) - 1))
        spoilt[at] = data.draw(st.integers(0, 255))
    (tmp_path / "fuzz.zip").write_bytes(spoilt)
    try:
        read_extract([tmp_path / "fuzz.zip"])
    except InputError as error:
        assert_silent(error)


FREE_TEXT = st.text(st.characters(exclude_characters="^\r\n\0", exclude_categories=["Cs"]), max_size=8)
FREE_COLUMNS = [
    "transaction",
    "local_record_id",
    "local_id",
    "first_name",
    "last_name",
    "alias_last_name",
    "birth_city",
]


@FUZZ
@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(FREE_COLUMNS, FREE_TEXT)), min_size=1, max_size=5),
    st.sampled_from(["\r\n", "\n", "\r"]),
    st.sampled_from([36, 37]),
    st.booleans(),
)
def test_written_and_read_is_the_same(tmp_path, texts, line_end, columns, mark):
    rows = [state_row(**values) for values in texts]
    extract = read(tmp_path, extract_bytes(rows, line_end=line_end, columns=columns, mark=mark))
    assert extract.rows.drop(columns="line").to_dict("records") == rows
    assert senr.RECORD_TYPE == recognize.RECORD_TYPE
