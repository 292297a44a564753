"""Is this the ODS extract that was asked for, in which layout, and if not: what is it, and how did it come about?

Everything said here is said without a value from the file: a misplaced column could put a name anywhere. Only record
types from the list in `recognition.toml` are quoted. What differs for SELA stands in `recognition_sela.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from senrkit.errors import LayoutError
from senrkit.inputs.extract.delimited import IrregularLine, count_columns
from senrkit.reference import Layout

RECORD_TYPE = "SENR-R"
SELA_RECORD_TYPE = "SELA-R"
DELIMITERS = {"^": "caret", ",": "comma"}
_OTHER_DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "vertical bar"}
_UNNAMED = "another kind of line"
_SHAPE_LENGTH = 20


@cache
def facts(record_type: str = RECORD_TYPE) -> Mapping:
    """`recognition.toml`: likely causes, other record types, shapes of the columns; what SELA says otherwise wins."""
    senr = _read_facts("recognition.toml")
    if record_type == RECORD_TYPE:
        return senr
    own = _read_facts("recognition_sela.toml")
    return own | {"likely": senr["likely"] | own["likely"]}


def _read_facts(name: str) -> dict:
    return tomllib.loads((files("senrkit.inputs.extract") / name).read_text("utf-8"))


def likely(cause: str, record_type: str = RECORD_TYPE) -> str:
    """The words for a likely cause, in which every message of this kind ends."""
    return facts(record_type)["likely"][cause]


@dataclass(frozen=True)
class Recognized:
    """How the lines of a file are to be read."""

    delimiter: str
    layout: Layout
    record_type: str = RECORD_TYPE


def recognize(
    name: str, head: bytes, layouts: Mapping[int, Layout], whole: bool, record_type: str = RECORD_TYPE
) -> Recognized:
    """Delimiter and layout from the first three lines of the file.

    Three, because the first may be the broken one: the column count that two of them share is the file's.

    Parameters
    ----------
    head
        the beginning of the file, without a byte-order mark.
    whole
        whether that is all of the file; otherwise its last line may be half a line.
    record_type
        that of the extract asked for, `SENR-R` or `SELA-R`.

    Raises
    ------
    LayoutError
        the file is no extract of that type, or its column count is unknown.
    """
    lines = re.split(rb"\r\n|\r|\n", head, maxsplit=3)
    if not whole and 1 < len(lines) < 4:
        del lines[-1]
    lines = lines[:3]
    delimiter = _delimiter(name, lines, record_type)
    counts = [count_columns(line, delimiter) for line in lines if line]
    known = [count for count in counts if count in layouts]
    if not known:
        raise _unknown_count(name, lines[0], delimiter, counts[0], layouts, record_type)
    return Recognized(delimiter, layouts[max(known, key=known.count)], record_type)


def irregular_line(
    name: str, broken: IrregularLine, recognized: Recognized, layouts: Mapping[int, Layout]
) -> LayoutError:
    """What to say about the first line that has another number of columns than the layout."""
    expected = len(recognized.layout.columns)
    found = _columns(broken.found) if broken.found else "a blank line"
    cause = _irregular_cause(broken, recognized, layouts)
    return LayoutError(name, broken.line, _columns(expected), found, likely(cause, recognized.record_type))


def wrong_record_type(name: str, line: int, found_type: str, record_type: str = RECORD_TYPE) -> LayoutError:
    """What to say about a line further down that has the right number of columns but is no record of the extract."""
    if found_type.strip():
        (found, _), cause = _named(found_type, record_type), "mixed-files"
    else:
        found, cause = "a blank line, or one without a record type", "blank-line"
    return LayoutError(name, line, f"a record of type {record_type}", found, likely(cause, record_type))


def shape_of(value: str) -> str:
    """A value without what it says: digits as 9, letters as A, so that `8/12/2026` is told as `9/99/9999`."""
    if not value:
        return "nothing"
    scientific = re.fullmatch(r"\d+(\.\d+)?[Ee][+-]?\d+", value) is not None
    shape = re.sub(r"\d", "9", value)
    if not scientific:
        shape = re.sub(r"[^\W\d_]", "A", shape)
        shape = re.sub(r"[^9A/.:+\- ]", "?", shape)
    return shape if len(shape) <= _SHAPE_LENGTH else f"{shape[:_SHAPE_LENGTH]}… ({len(shape)} characters)"


def _delimiter(name: str, lines: list[bytes], record_type: str) -> str:
    """The character after the record type, when the first line is a record of the extract at all."""
    first = lines[0]

    def refused(found: str, cause: str, expected: str = "") -> LayoutError:
        expected = expected or f"a record of type {record_type}, in caret or comma format"
        return LayoutError(name, 1, expected, found, likely(cause, record_type))

    if not first:
        raise refused("a blank line", "blank-line")
    if first.lstrip()[:1] == b"<":
        raise refused("a web page or XML", "web-page")
    if first[:1] in b"\"'":
        raise refused("a quotation mark", "spreadsheet", "values without quotation marks")
    found_type, after = re.match(rb"([^\^,;\t|]*)(.?)", first, re.DOTALL).groups()  # type: ignore[union-attr]
    delimiter = after.decode("latin-1")
    if found_type != record_type.encode():
        found, cause = _named(found_type.decode("latin-1"), record_type)
        if found == _UNNAMED and any(line.startswith(record_type.encode()) for line in lines[1:]):
            raise refused("a heading row", "heading")
        raise LayoutError(name, 1, f"a record of type {record_type}, in caret or comma format", found, cause)
    if delimiter in _OTHER_DELIMITERS:
        raise refused(f"columns separated by a {_OTHER_DELIMITERS[delimiter]}", "spreadsheet")
    if not delimiter:
        raise refused("a single column", "cut-off" if len(lines) == 1 else "another-file")
    return delimiter


def _named(found_type: str, record_type: str) -> tuple[str, str]:
    """What a line of that type is and how it probably got here; a type that is not on the list is not repeated."""
    known = facts(record_type)["record_type"]
    found, cause = known.get(found_type, (_UNNAMED, likely("another-file", record_type)))
    return found, cause


def _unknown_count(
    name: str, first: bytes, delimiter: str, count: int, layouts: Mapping[int, Layout], record_type: str
) -> LayoutError:
    other = next(mark for mark in DELIMITERS if mark != delimiter)
    if first.endswith(delimiter.encode()) and count - 1 in layouts:
        cause = "end-delimiter"
    elif count_columns(first, other) > count:
        cause = "mixed-delimiters"
    elif count + 2 in layouts:
        cause = "no-dates"
    elif count < min(layouts):
        cause = "cut-off"
    else:
        cause = "unknown-layout"
    *most, last = sorted(layouts)
    expected = f"{', '.join(map(str, most))} or {last} columns" if most else _columns(last)
    return LayoutError(name, 1, expected, _columns(count), likely(cause, record_type))


def _irregular_cause(broken: IrregularLine, recognized: Recognized, layouts: Mapping[int, Layout]) -> str:
    expected = len(recognized.layout.columns)
    other = next(mark for mark in DELIMITERS if mark != recognized.delimiter)
    others = count_columns(broken.text, other)
    if not broken.text.strip():
        return "blank-line"
    if others > broken.found and others + broken.found - 1 >= min(layouts):
        return "mixed-delimiters"
    if broken.found == 2 * expected - 1:
        return "lines-joined"
    if broken.text.endswith(recognized.delimiter.encode()) and broken.found == expected + 1 == broken.next_found:
        return "end-delimiter"
    if broken.found in layouts and broken.next_found in (broken.found, -1):
        return "mixed-layouts"
    if broken.found > expected:
        return "delimiter-in-value"
    if broken.next_found == -1:
        return "cut-off"
    if broken.next_found < expected and broken.found + broken.next_found == expected + 1:
        return "line-break"
    if not broken.text.startswith(recognized.record_type.encode()):
        return "mixed-files"
    return "cut-off"


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count} columns"
