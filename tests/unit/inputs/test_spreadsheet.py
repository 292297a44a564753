"""Tables from spreadsheet programs: every dialect of text, and workbooks that are broken, protected or traps."""

from __future__ import annotations

import datetime as dt
import io
import resource
import subprocess
import sys
import zipfile

import pytest
import xlsxwriter

from senrkit.errors import InputError
from senrkit.inputs.spreadsheet import lines, sheets
from tests.patience import PATIENCE

ROWS = [["ssid", "note"], ["9000000013", "Zzcanary"], ["9000000014", ""]]


def workbook(rows=ROWS, sheet="Sheet1") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for at, row in enumerate(rows):
            if at == 0:
                page = book.add_worksheet(sheet)
            page.write_row(at, 0, row)
    return out.getvalue()


def changed(data: bytes, change, part: str = "xl/worksheets/sheet1.xml", **how) -> bytes:
    """The workbook with one part changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", **how) as new:
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename == part else content)
    return out.getvalue()


def cell(reference: str):
    def change(xml: bytes) -> bytes:
        row = "".join(filter(str.isdigit, reference))
        one = f'<row r="{row}"><c r="{reference}"><v>1</v></c></row></sheetData>'
        return xml.replace(b"</sheetData>", one.encode())

    return change


def flagged(data: bytes) -> bytes:
    """With the flag of a password on its first part."""
    at = data.index(b"PK\x01\x02")
    return data[:6] + b"\x01" + data[7 : at + 8] + b"\x01" + data[at + 9 :]


GOOD = workbook()
TRAPS = {
    "a cell in the far corner": (changed(GOOD, cell("XFD1048576")), "a cell far from all others, in row 1,048,576"),
    "a cell that no sheet has": (changed(GOOD, cell("ZZZZZZZ2")), "names a cell that no sheet has"),
    "a row that no sheet has": (changed(GOOD, cell("A99999999")), "names a cell that no sheet has"),
    "a dimension to the far corner alone": (
        changed(GOOD, lambda xml: xml.replace(b'ref="A1:B3"', b'ref="A1:XFD1048576"')), ""),
    "a misspelled attribute": (changed(GOOD, lambda xml: xml.replace(b't="s"', b't="sx"')), "no Excel workbook"),
    "a reference that is none": (changed(GOOD, lambda xml: xml.replace(b'r="A2"', b'r="2A"')), "no Excel workbook"),
    "broken XML": (changed(GOOD, lambda xml: xml[: len(xml) // 2]), "no Excel workbook"),
    "no sheet at all": (changed(GOOD, lambda xml: b"", "xl/workbook.xml"), "no Excel workbook"),
    "a password flag": (flagged(GOOD), "protected by a password"),
    "an old or protected workbook": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "protected by a password, or an old Excel"),
    "odd compression": (changed(GOOD, bytes, compression=zipfile.ZIP_LZMA), "packed in a way that no spreadsheet"),
    "cut off": (GOOD[: len(GOOD) // 2], "no Excel workbook"),
    "no workbook": (b"PK\x03\x04" + b"\0" * 100, "no Excel workbook"),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_a_workbook_is_read_or_refused_with_a_sentence(trap):
    data, says = TRAPS[trap]
    try:
        found = sheets("pupils.xlsx", data)
    except InputError as refused:
        assert says and says in refused.message and "Zzcanary" not in str(refused) and refused.cure
    else:
        assert not says and [list(map(str, row)) for row in found["Sheet1"]][0] == ROWS[0]


@pytest.mark.parametrize("at", range(7))
def test_one_bad_byte(at):
    """Wherever it stands: read as before, or refused."""
    place = len(GOOD) * (2 * at + 1) // 14
    data = GOOD[:place] + bytes([GOOD[place] ^ 0x55]) + GOOD[place + 1 :]
    try:
        found = sheets("pupils.xlsx", data)
    except InputError as refused:
        assert "Zzcanary" not in str(refused)
    else:
        assert list(found) == ["Sheet1"]


def test_gigabytes_of_blanks_in_a_small_file_take_little_memory():
    """Looked at in a process of its own, whose memory is limited."""
    blanks = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(blanks, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != "xl/worksheets/sheet1.xml":
                new.writestr(entry.filename, old.read(entry))
        with new.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(1500):
                part.write(b" " * (1 << 20))
    said = (
        "import sys, resource\nfrom senrkit.errors import InputError\nfrom senrkit.inputs.spreadsheet import sheets\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "try:\n    sheets('pupils.xlsx', sys.stdin.buffer.read())\nexcept InputError as refused:\n    print(refused)\n"
    )
    done = subprocess.run([sys.executable, "-c", said], input=blanks.getvalue(), capture_output=True, timeout=PATIENCE)
    assert b"unpacks to more than 400 MB" in done.stdout, done.stderr
    assert len(blanks.getvalue()) < 3 << 20 and resource.RLIMIT_AS


def text(separator: str) -> str:
    return "\r\n".join(separator.join(row) for row in ROWS) + "\r\n"


DIALECTS = {
    "comma": text(",").encode(),
    "semicolon": text(";").encode(),
    "tab": text("\t").encode(),
    "caret": text("^").encode(),
    "a line sep=": ("sep=;\r\n" + text(";")).encode(),
    "a mark": text(",").encode("utf-8-sig"),
    "UTF-16": text("\t").encode("utf-16"),
    "Windows-1252": text(",").replace("Zzcanary", "Zzcan\xe4ry").encode("cp1252"),
    "blank lines": ("\r\n\r\n" + text(",")).encode(),
    "a workbook": GOOD,
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_cells(dialect):
    found = [[cell.replace("\xe4", "a") for cell in cells] for _, cells in lines("pupils.csv", DIALECTS[dialect])]
    assert [(row + [""])[:2] for row in found] == ROWS


def test_lines_are_numbered_as_people_count_them():
    assert [number for number, _ in lines("a.csv", b'a,b\r\n\r\n"x\r\ny",1\r\nz,2\r\n')] == [1, 3, 5]


def test_days_of_a_workbook_are_iso():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_datetime(0, 0, dt.datetime(2026, 11, 23), book.add_format({"num_format": "yyyy-mm-dd"}))
    assert lines("days.xlsx", out.getvalue()) == [(1, ["2026-11-23"])]
