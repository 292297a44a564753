"""Which record of ours each line of an error file is about: never dropped, never guessed (closed_loop.md 5)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from senrkit.errors import InputError
from senrkit.ledger.answers import Complaint, ErrorFile
from senrkit.ledger.states import File, Line, Run

_ID = re.compile(r"(\d+)-(\d+)")
_RECORD_TYPES = ("", "SENR", "SENR-E")

# Sequence → SSID, school and start date of a record, of one run.
Records = Mapping[int, tuple[str, str, str]]


@dataclass(frozen=True)
class Unmatched:
    """A line that is about no record of ours, or about two; `why` names no student."""

    line: int
    why: str


@dataclass(frozen=True)
class Matched:
    """`lines`: file number → what is said of its records."""

    lines: Mapping[int, tuple[Line, ...]]
    unmatched: tuple[Unmatched, ...]


def match(found: ErrorFile, run: Run, files: Sequence[File], records: Records) -> Matched:
    """The lines of an error file, beside the records of `files` of a run.

    By Local Record ID first, which must bear the run's number; a line without one by SSID, school and start date, where
    that is one record among those of `files`.

    Raises
    ------
    InputError
        when the file is of another LEA, school year, record type or run, or no line of it is about a record of ours.
    """
    _refuse_others(found, run)
    of_file = {sequence: file.number for file in files for sequence in file.sequences}
    by_key: dict[tuple[str, str, str], list[int]] = {}
    for sequence, key in records.items():
        if sequence in of_file:
            by_key.setdefault(key, []).append(sequence)
    lines: dict[int, list[Line]] = {}
    unmatched = []
    for complaint in found.complaints:
        sequence, why = _record_of(complaint, run, of_file, records, by_key)
        if why:
            unmatched.append(Unmatched(complaint.line, why))
        else:
            said = Line(sequence, complaint.rule, complaint.severity, complaint.field)
            lines.setdefault(of_file[sequence], []).append(said)
    if not lines:
        why, count = Counter(one.why for one in unmatched).most_common(1)[0] if unmatched else ("it holds no error", 0)
        raise InputError(
            f"{found.name} is not about the files of run {run.id}: {why}.",
            "Name the run whose files it answers; nothing of this file was kept.",
        )
    return Matched({number: tuple(said) for number, said in lines.items()}, tuple(unmatched))


def _record_of(
    complaint: Complaint,
    run: Run,
    of_file: Mapping[int, int],
    records: Records,
    by_key: Mapping[tuple[str, str, str], Sequence[int]],
) -> tuple[int, str]:
    if not complaint.rule:
        return 0, "no error code is understood"
    if not complaint.severity:
        return 0, "neither the file nor the catalog says whether it is fatal"
    key = (complaint.ssid, complaint.school_code, complaint.start_date)
    if complaint.local_record_id:
        written = _ID.fullmatch(complaint.local_record_id)
        if written is None:
            return 0, "the Local Record ID is none of ours"
        if written[1] != run.number:
            return 0, "the Local Record ID is of another run"
        sequence = int(written[2])
        if sequence not in of_file:
            return 0, "the Local Record ID is of no record in the file that is meant"
        if complaint.ssid and sequence in records and records[sequence][0] != complaint.ssid:
            return 0, "the Local Record ID and the SSID are of two records"
        return sequence, ""
    if not all(key):
        return 0, "there is no Local Record ID, and SSID, school and start date are not all there"
    found = by_key.get(key, ())
    if len(found) == 1:
        return found[0], ""
    return (
        0,
        "two records have that SSID, school and start date"
        if found
        else "no record has that SSID, school and start date",
    )


def _refuse_others(found: ErrorFile, run: Run) -> None:
    cure = "Nothing of this file was kept."
    for complaint in found.complaints:
        where = f"{found.name}, line {complaint.line:,}"
        if complaint.record_type not in _RECORD_TYPES:
            raise InputError(f"{where}: this is not about SENR records.", cure)
        if complaint.reporting_lea not in ("", run.event["lea"]):
            raise InputError(f"{where}: this is about another LEA, not {run.event['lea']}.", cure)
        if complaint.academic_year not in ("", run.event["school_year"]):
            raise InputError(f"{where}: this is about another school year, not {run.event['school_year']}.", cure)
