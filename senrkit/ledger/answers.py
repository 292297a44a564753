"""What CALPADS gave back: error files in their variants, and SSIDs that were replaced (closed_loop.md 5; F6 to F11).

Which columns the Submission Error Extract has is in no public page: a file is understood by its headings, or by the
record type of the older Rejected Records Extract, and what is not understood is refused or listed with its line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from senrkit import reference
from senrkit.errors import InputError
from senrkit.inputs.spreadsheet import lines
from senrkit.ledger.states import FATAL, WARNING
from senrkit.reference import SENR_FIELDS
from senrkit.system.files import why

RECORD_TYPE = "SENR-E"
# What follows the input's own fields in a Rejected Records Extract; a sixth is spoken of and not named (F7).
_ADDED = ("rule", "severity", "message", "field", "value")
_HEADINGS = {
    "error code": "rule", "error severity": "severity", "severity": "severity", "error description": "message",
    "error message": "message", "field name": "field", "field value": "value", "local record id": "local_record_id",
    "ssid": "ssid", "student ssid": "ssid", "school": "school_code", "school of attendance": "school_code",
    "school code": "school_code", "start date": "start_date", "enrollment start date": "start_date",
    "record type": "record_type", "record type code": "record_type", "reporting lea": "reporting_lea",
    "lea": "reporting_lea", "academic year": "academic_year", "academic year id": "academic_year", "job id": "job",
    "line": "", "transaction type": "", "transaction type code": "",
}  # fmt: skip
OUR_WORDS = tuple(sorted({word for word in _HEADINGS.values() if word}))
_SEVERITIES = {
    "f": FATAL, "fatal": FATAL, "fatal error": FATAL, "e": FATAL, "error": FATAL,
    "w": WARNING, "warning": WARNING, "warn": WARNING,
}  # fmt: skip
_RULE = re.compile(r"[A-Z]{3,4}\d{3,4}(?:E\d)?|[A-Z]{3,4}\d{4}[A-Z]\d|\d{1,4}")
_REPLACEMENT_COLUMNS = 5
_CURE = "Give the error file as CALPADS gave it; headings of your own are named in [calpads.errors]."


@dataclass(frozen=True)
class Complaint:
    """One line of an error file. `severity` is `""` when it says none that is known."""

    line: int
    rule: str
    severity: str
    field: str = ""
    local_record_id: str = ""
    ssid: str = ""
    school_code: str = ""
    start_date: str = ""
    reporting_lea: str = ""
    academic_year: str = ""
    record_type: str = ""


@dataclass(frozen=True)
class ErrorFile:
    """An error file as it was understood."""

    name: str
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True)
class Replacements:
    """A Replacement SSID Extract: retired SSID → the one that replaces it, and the LEAs it speaks of."""

    name: str
    ssids: Mapping[str, str]
    leas: frozenset[str]


def read_answer(name: str, data: bytes, headings: Mapping[str, str] | None = None) -> ErrorFile | Replacements:
    """Understand a file that CALPADS gave back.

    Parameters
    ----------
    headings
        Heading in the file → our word for it (`OUR_WORDS`): `[calpads.errors]`.

    Raises
    ------
    InputError
        when it is none, cannot be read, or is of another record type.
    """
    rows = lines(name, data)
    if not rows:
        raise InputError(f"{name} holds no line.", _CURE)
    known = _HEADINGS | {folded(heading): word for heading, word in (headings or {}).items()}
    at = _heading_row(rows, known)
    if at is not None:
        return ErrorFile(name, _by_headings(name, rows, at, known))
    if _is_rejected_records(rows):
        return ErrorFile(name, _by_position(name, rows))
    if all(len(cells) == _REPLACEMENT_COLUMNS and re.fullmatch(r"\d{7}", cells[0]) for _, cells in rows):
        return _replacements(name, rows)
    raise InputError(_what_it_is(name, rows), _CURE)


def rule_id(code: str) -> str:
    """An error code as the catalog has it: `178` is SENR0178 where the catalog knows that; else as it stands."""
    code = code.strip().upper()
    if code.isdecimal():
        named = f"SENR{int(code):04d}"
        return named if named in _catalog() else code
    return code


def only_calpads_knows(rule: str) -> bool:
    """Whether the rule looks at other districts or other files, so that no mending in Aeries alone may help."""
    return "X" in _catalog().get(rule, {}).get("needs", "")


@functools.cache
def _catalog() -> Mapping[str, Mapping[str, str]]:
    return {row["id"]: row for row in reference.PACKAGED.rows("calpads_rules")}


def folded(heading: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", heading.lower()).split())


def _heading_row(rows: Sequence[tuple[int, list[str]]], known: Mapping[str, str]) -> int | None:
    """The first of the first lines that names an error code and who it is about."""
    for at, (_, cells) in enumerate(rows[:10]):
        words = {known.get(folded(cell), "") for cell in cells}
        if "rule" in words and words & {"local_record_id", "ssid"}:
            return at
    return None


def _is_rejected_records(rows: Sequence[tuple[int, list[str]]]) -> bool:
    return any(cells[0] == RECORD_TYPE for _, cells in rows)


def _by_headings(
    name: str, rows: Sequence[tuple[int, list[str]]], at: int, known: Mapping[str, str]
) -> tuple[Complaint, ...]:
    words = [known.get(folded(cell), "") for cell in rows[at][1]]
    twice = sorted({word for word in words if word and words.count(word) > 1})
    if twice:
        raise InputError(f"{name} has two columns that mean {twice[0].replace('_', ' ')}.", _CURE)
    found = []
    for number, cells in rows[at + 1 :]:
        values = {word: cell for word, cell in zip(words, cells, strict=False) if word}
        found.append(_complaint(number, values))
    return tuple(found)


def _by_position(name: str, rows: Sequence[tuple[int, list[str]]]) -> tuple[Complaint, ...]:
    found = []
    for number, cells in rows:
        extra = len(cells) - len(SENR_FIELDS)
        if cells[0] != RECORD_TYPE or not len(_ADDED) <= extra <= len(_ADDED) + 1:
            expected = f"{RECORD_TYPE} with {len(SENR_FIELDS)} fields and {len(_ADDED)} or {len(_ADDED) + 1} more"
            raise InputError(f"{name}, line {number:,}: expected {expected}, found {len(cells)} fields.", _CURE)
        values = dict(zip(SENR_FIELDS, cells, strict=False))
        values |= dict(zip(_ADDED, cells[len(SENR_FIELDS) :], strict=False))
        found.append(_complaint(number, values))
    return tuple(found)


def _complaint(number: int, values: Mapping[str, str]) -> Complaint:
    code = values.get("rule", "")
    rule = rule_id(code) if _RULE.fullmatch(code.strip().upper()) else ""
    said = values.get("severity", "").strip().lower()
    # A file without that column is of errors; what the catalog calls a warning is none.
    severity = _SEVERITIES.get(said, "") if said else _catalog().get(rule, {}).get("severity", "")
    return Complaint(
        number,
        rule,
        severity if severity in (FATAL, WARNING) else "",
        values.get("field", ""),
        _plain(values.get("local_record_id", "")),
        _digits(values.get("ssid", ""), 10),
        _digits(values.get("school_code", ""), 7),
        _key_day(values.get("start_date", "")),
        _digits(values.get("reporting_lea", ""), 7),
        values.get("academic_year", ""),
        values.get("record_type", ""),
    )


def _plain(value: str) -> str:
    return value.removeprefix("'").strip('="')


def _digits(value: str, length: int) -> str:
    """A number as spreadsheets leave it: without leading zeros, with separators or an apostrophe."""
    digits = re.sub(r"[,'=\"]|\.0+$", "", value)
    return digits.zfill(length) if digits.isdecimal() else value


def _key_day(value: str) -> str:
    """CCYYMMDD of any writing that leaves no doubt; else as it stands."""
    if found := re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)(?:[ T].*)?", value):
        return "".join(found.groups())
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?", value):
        month, day, year = found.groups()
        return f"{year}{int(month):02d}{int(day):02d}"
    return value


def _replacements(name: str, rows: Sequence[tuple[int, list[str]]]) -> Replacements:
    pairs = {}
    for number, cells in rows:
        retired, new = cells[3:5]
        if not (re.fullmatch(r"\d{10}", retired) and re.fullmatch(r"\d{10}", new)):
            raise InputError(f"{name}, line {number:,}: expected two SSIDs of ten digits.", _CURE)
        pairs[retired] = new
    return Replacements(name, pairs, frozenset(cells[0] for _, cells in rows))


def _what_it_is(name: str, rows: Sequence[tuple[int, list[str]]]) -> str:
    first = rows[0][1][0]
    if re.fullmatch(r"[A-Z]{4}-E", first):
        return f"{name} is an error file of {first[:4]} records, not of SENR."
    if re.fullmatch(r"[A-Z]{4}-R", first):
        return f"{name} is an ODS extract ({first}), not an error file."
    if re.fullmatch(r"[A-Z]{4}", first):
        return f"{name} is a submission file ({first}), not an error file."
    return f"{name} is no error file of CALPADS: no line names an error code beside a Local Record ID or an SSID."


def read_bytes(path: Path) -> bytes:
    """Raises `InputError` when the file cannot be read, or is too large for an error file."""
    try:
        if path.stat().st_size > 1 << 28:
            raise InputError(f"{path.name} is too large for an error file.", _CURE)
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({why(error)}).", "Check that it is a file and yours.") from None
