"""Tables that somebody saved with a spreadsheet program: as text with any separator, or as a workbook.

A workbook is looked at before it is read: one that is broken, protected, or a trap (a cell in the far corner, gigabytes
of blanks in a small file) ends in a sentence, with bounded memory. No message holds a value of a cell.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import python_calamine

from senrkit.errors import InputError

WORKBOOK = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_MOST_BYTES = 400 << 20
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
# So many cells are read though most are blank; more only when they are filled.
_MOST_BLANK_CELLS = 20_000_000
_BLOCK = 1 << 20
_REFERENCE = re.compile(rb'\br\s*=\s*["\']([A-Z]+)([0-9]+)["\']')
_CELL = re.compile(rb"<(?:\w+:)?c[\s>/]")
_STORED_OR_DEFLATED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_AS_CSV = "Save the table as CSV and give that."

# What databases and spreadsheets write for "nothing".
NOTHING = ("NULL", "(null)", "#N/A")
# A long number that a spreadsheet has shortened: digits are lost.
SHORTENED = r"^[0-9](\.[0-9]+)?[Ee]\+?[0-9]+$"
# A spreadsheet that rounds leaves zeros at the end of nearly every long number.
ROUNDED, _ROUNDED_SHARE, _FEW = r"^[0-9]{6}0000$", 0.5, 50
# How spreadsheets are kept from rewriting a long number: an apostrophe, a formula; and how they group its digits.
_KEPT_AS_TEXT = r"^(?:'|=?\")?([0-9][0-9,]*[0-9]|[0-9])\"?$"

Lines = list[tuple[int, list[str]]]


def lines(name: str, data: bytes) -> Lines:
    """Every line or row that is not blank, with its number; cells stripped. Of a workbook the first sheet.

    Text is UTF-8, with or without mark, UTF-16 with one, or Windows-1252; the separator is a caret, comma, semicolon or
    tab, whichever the first lines hold most of, or what a line `sep=` says.

    Raises
    ------
    InputError
        when it is neither text nor a workbook that can be read.
    """
    if data.startswith((WORKBOOK, _OLD_EXCEL)):
        found = next(iter(sheets(name, data).values()), [])
        numbered = ((number, [_text(value) for value in row]) for number, row in enumerate(found, start=1))
        return [(number, cells) for number, cells in numbered if any(cells)]
    text = decoded(name, data)
    separator = separator_of(text)
    if separator == "^":
        # Nothing is quoted in caret format: a quotation mark belongs to its value.
        split: Iterator[tuple[int, list[str]]] = (
            (number, line.split("^")) for number, line in enumerate(text.splitlines(), start=1)
        )
    else:
        split = _quoted(name, text, separator)
    stripped = ((number, [cell.strip() for cell in cells]) for number, cells in split)
    return [(number, cells) for number, cells in stripped if any(cells) and not _says_separator(cells)]


def decoded(name: str, data: bytes) -> str:
    """The bytes as text. Raises `InputError` when they are none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise InputError(f"{name} is not a text file.", _AS_CSV)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Spreadsheets on Windows save plain CSV so.
        return data.decode("cp1252", errors="replace")


def separator_of(text: str) -> str:
    """What separates the cells of a text."""
    head = [line for line in text.splitlines()[:8] if line.strip()]
    if head and (said := re.fullmatch(r"sep=(.)\s*", head[0], re.IGNORECASE)):
        return said[1]
    return max(",^;\t", key="\n".join(head).count)


def sheets(name: str, data: bytes) -> Mapping[str, Sequence[Sequence[Any]]]:
    """The sheets of a workbook by name, each as rows of values, from its first row on.

    Raises
    ------
    InputError
        when it is no workbook, protected, damaged, or larger than a table of pupils can be.
    """
    _look_at(name, data)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        return {title: book.get_sheet_by_name(title).to_python(skip_empty_area=False) for title in book.sheet_names}
    except (ValueError, OSError, python_calamine.CalamineError):
        raise _damaged(name) from None
    except BaseException as fault:  # the reader's own panic is no Exception
        if type(fault).__name__ != "PanicException":
            raise
        raise _damaged(name) from None


def plain_digits(values: pl.Series) -> pl.Series:
    """Codes that were kept as text, or whose digits a spreadsheet has grouped, as the digits that they are."""
    plain = values.str.replace(_KEPT_AS_TEXT, "$1")
    grouped = plain.str.contains(r"^[0-9]{1,3}(,[0-9]{3})+$")
    return plain.str.replace_all(",", "", literal=True).zip_with(grouped, plain)


def are_rounded(ssids: pl.Series) -> bool:
    """Whether so many of the numbers end with four zeros that a spreadsheet must have rounded them."""
    rounded = ssids.str.contains(ROUNDED).sum()
    return rounded > _FEW and rounded > _ROUNDED_SHARE * ssids.str.contains(r"^[0-9]{10}$").sum()


def _look_at(name: str, data: bytes) -> None:
    if data.startswith(_OLD_EXCEL):
        raise InputError(f"{name} is protected by a password, or an old Excel workbook (.xls).", _AS_CSV)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            for entry in parts.infolist():
                if entry.flag_bits & 1:
                    raise InputError(f"{name} is protected by a password.", _AS_CSV)
                if entry.compress_type not in _STORED_OR_DEFLATED:
                    raise InputError(f"{name} is packed in a way that no spreadsheet program uses.", _AS_CSV)
            if sum(entry.file_size for entry in parts.infolist()) > _MOST_BYTES:
                raise InputError(f"{name} unpacks to more than {_MOST_BYTES >> 20} MB.", _AS_CSV)
            for entry in parts.infolist():
                _look_at_part(name, parts, entry)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError, KeyError, zlib.error):
        raise _damaged(name) from None


def _look_at_part(name: str, parts: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Unpack a part a block at a time, which proves that it is whole; of a sheet see how far its cells reach."""
    is_sheet = entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml")
    rows = columns = cells = 0
    with parts.open(entry) as stream:
        left = b""
        while block := stream.read(_BLOCK):
            if not is_sheet:
                continue
            text = left + block
            cells += len(_CELL.findall(text)) - len(_CELL.findall(left))
            for letters, number in set(_REFERENCE.findall(text)):
                rows, columns = max(rows, int(number[:9])), max(columns, _column(letters))
            left = text[-64:]
    if rows > _MOST_ROWS or columns > _MOST_COLUMNS:
        raise InputError(f"{name} names a cell that no sheet has.", _AS_CSV)
    if rows * columns > max(_MOST_BLANK_CELLS, 20 * cells):
        raise InputError(
            f"{name} has a cell far from all others, in row {rows:,} and column {columns:,}.",
            "Delete the blank rows and columns beside the table, or save it as CSV.",
        )


def _column(letters: bytes) -> int:
    """1 for `A`, 27 for `AA`; more than any sheet has for too many letters."""
    number = 0
    for letter in letters[:5]:
        number = number * 26 + letter - ord("A") + 1
    return number


def _quoted(name: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    begins = 1
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            raise InputError(f"{name}, line {begins:,}: this is not CSV.", _AS_CSV) from None
        yield begins, cells
        begins = rows.line_num + 1


def _says_separator(cells: Sequence[str]) -> bool:
    return cells[0].lower().startswith("sep=") and len(cells[0]) < 6


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.strftime("%Y-%m-%d") if hasattr(value, "strftime") else str(value).strip()


def _damaged(name: str) -> InputError:
    return InputError(f"{name} is no Excel workbook, or is damaged.", _AS_CSV)
