"""A TOML text and the line of each key in it, so that a complaint can say where; tomllib itself forgets the lines."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from senrkit.errors import UsageError

KeyPath = tuple[str, ...]

_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=")
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


def parse(text: str, name: str) -> dict[str, Any]:
    """The document as tomllib reads it.

    Raises
    ------
    UsageError
        when the text is no TOML; with the file's name, the line and the likely cure.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
    lines = text.splitlines()
    place = _PLACE.search(reason)
    number = int(place[1]) if place and place[1] else max(len(lines), 1)
    at_fault = lines[number - 1] if number <= len(lines) else ""
    raise UsageError(f"{name}, line {number}: this is not TOML ({_PLACE.sub('', reason)}).", _syntax_cure(at_fault))


def line_of(text: str, path: KeyPath) -> int:
    """The 1-based line on which the key, or else the nearest table above it, is written; 0 when neither is there."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            whole = table = _parts(header[1])
        elif key := _KEY.match(line):
            whole = table + _parts(key[1])
        else:
            continue
        for length in range(1, len(whole) + 1):
            lines.setdefault(whole[:length], number)
    above = (path[:length] for length in range(len(path), 0, -1))
    return next((lines[known] for known in above if known in lines), 0)


def heading_of(line: str) -> str:
    """`calpads` of the line `[calpads]`, as it is written there; "" of a line that is no heading."""
    header = _HEADER.match(line)
    return header[1] if header else ""


def key_of(line: str) -> str:
    """`lea` of the line `lea = "1999990"`, as it is written there; "" of a line that begins no setting."""
    key = _KEY.match(line)
    return key[1] if key else ""


def _parts(dotted: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _syntax_cure(line: str) -> str:
    value = line.partition("=")[2]
    if "\\" in value and '"' in value:
        return "Write a Windows path between single quotes, 'C:\\exports\\SENR.txt'."
    if re.match(r"\s*0\d", value):
        return "A code that begins with 0 stands in quotes."
    if re.match(r"\s*\d{4}-\d", value):
        return "Write a date that is on the calendar, as 2026-11-23."
    if re.match(r"\s*(true|false)\b", value, re.IGNORECASE):
        return "Write true or false in small letters."
    return "Text stands between quotes, lists between [ and ], and each key on a line of its own, once."
