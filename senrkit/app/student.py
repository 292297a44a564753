"""The student behind a row: both sides on one timeline, before and after, why, the evidence, the rules."""

from __future__ import annotations

import csv
import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from senrkit import reference
from senrkit.app import screens
from senrkit.reference import SchoolYear
from senrkit.results.tables import changes_of
from senrkit.texts import wording

SIDES = (("calpads", "CALPADS"), ("aeries", "Aeries"))
_COMPARED_CODES = {"exit_reason": "exit_reason", "status": "status", "completion_status": "completion_status"}
_MARGIN_DAYS = 20


def view(session: Any, place: int) -> dict[str, Any]:
    """Everything that the student's screen shows, as plain values; from the run folder alone."""
    table, run = session.proposal, session.run
    row = table.rows[place]
    year = SchoolYear.parse(run.manifest["school_year"])
    return {
        "place": place,
        "row": row,
        "identity": _others(session, place, year) if table.is_identity(place) else None,
        "others": [(other, table.rows[other]) for other in table.of_student(row["ssid"]) if other != place],
        "lines": before_and_after(row, year),
        "timeline": timeline(rows_of(run.folder / "enrollments.csv", row["ssid"]), year, run.manifest["as_of"]),
        "findings": rows_of(run.folder / "findings.csv", row["ssid"]),
        "decision": table.decision_on(place),
        "decided_as": table.decided_as(place),
        "decidable": table.decidable(place),
        "phrase": wording.phrase(row["action"], row["reason"]),
        "rules": reference.rule_titles(),
    }


def _others(session: Any, place: int, year: SchoolYear) -> list[dict[str, Any]]:
    """The other students of a conflict of identity: SSID, where the proposal has them, what both sides hold."""
    table, run = session.proposal, session.run
    return [
        {
            "row": {"ssid": ssid},
            "place": next(iter(table.of_student(ssid)), None),
            "timeline": timeline(rows_of(run.folder / "enrollments.csv", ssid), year, run.manifest["as_of"]),
        }
        for ssid in sorted(table.concerned(place) - {table.rows[place]["ssid"]})
    ]


def rows_of(file: Path, ssid: str) -> list[dict[str, str]]:
    """The rows of one student in a table of the run folder; searched as bytes, for the table may be long."""
    if not file.is_file() or not ssid:
        return []
    heading, *lines = _lines(file, file.stat().st_mtime_ns)
    marked = ssid.encode()
    found = [heading, *(line for line in lines if marked in line)]
    rows = csv.DictReader(line.decode() for line in found)
    return [row for row in rows if row.get("ssid") == ssid]


@functools.lru_cache(2)
def _lines(file: Path, changed: int) -> list[bytes]:
    return file.read_bytes().splitlines() or [b""]


def before_and_after(row: Mapping[str, str], year: SchoolYear) -> list[dict[str, Any]]:
    """Field by field what CALPADS has and what it gets, changed ones marked; codes in plain words first."""
    return [
        {
            "name": screens.words("fields").get(name, name.replace("_", " ")),
            "before": _shown(name, before, year),
            "after": _shown(name, after, year),
        }
        for name, before, after in changes_of(row["before"], row["after"])
    ]


def timeline(rows: Sequence[Mapping[str, str]], year: SchoolYear, as_of: str) -> dict[str, Any] | None:
    """Bars on one scale of days: where each begins, how long it is, in percent, and what it says in text.

    The scale begins with the student's first enrollment, but no earlier than the school year before the last: what is
    older is counted, not drawn.
    """
    if not rows:
        return None
    today = dt.date.fromisoformat(as_of)
    earliest = year.previous.previous.start
    bars = [_bar(row, today, year) for row in rows if _day(row["start_date"])]
    shown = [bar for bar in bars if bar["last"] >= earliest]
    first = min([bar["first"] for bar in shown] + [year.start]) - dt.timedelta(days=_MARGIN_DAYS)
    last = max([bar["last"] for bar in shown] + [today]) + dt.timedelta(days=_MARGIN_DAYS)
    first = max(first, earliest)
    span = (last - first).days

    def percent(day: dt.date) -> float:
        return round(100 * (min(max(day, first), last) - first).days / span, 2)

    for bar in shown:
        bar["left"], bar["width"] = percent(bar["first"]), max(percent(bar["last"]) - percent(bar["first"]), 0.6)
    return {
        "sides": [(title, [bar for bar in shown if bar["side"] == side]) for side, title in SIDES],
        "older": len(bars) - len(shown),
        "year": {
            "left": percent(year.start),
            "width": percent(min(year.end, last)) - percent(year.start),
            "text": year.text,
        },
        "today": {"left": percent(today), "text": screens.day(today)},
        "ticks": [{"left": percent(day), "text": f"{day:%b %Y}"} for day in _ticks(first, last)],
    }


def _bar(row: Mapping[str, str], today: dt.date, year: SchoolYear) -> dict[str, Any]:
    first, exit_day = _day(row["start_date"]), _day(row["exit_date"])
    reason = _shown("exit_reason", row["exit_reason"], year)
    text = f"{screens.day(first)} to {screens.day(exit_day) if exit_day else 'today, open'}"
    return {
        "side": row["side"], "first": first, "last": max(exit_day or today, first), "open": exit_day is None,
        "school": row["school_name"] or row["school_code"], "grade": row["grade"], "text": text, "reason": reason,
        "code": row["exit_reason"],
    }  # fmt: skip


def _ticks(first: dt.date, last: dt.date) -> list[dt.date]:
    """Half-years, so that the labels never touch."""
    days = [dt.date(year, month, 1) for year in range(first.year, last.year + 1) for month in (1, 7)]
    return [day for day in days if first < day < last]


def _shown(name: str, value: str, year: SchoolYear) -> str:
    if name in _COMPARED_CODES and value:
        title = reference.code_names(_COMPARED_CODES[name], year).get(value, "")
        return f"{title} ({value})" if title else value
    return screens.day(value) if name.endswith("date") and value else value


def _day(written: str) -> dt.date | None:
    """CCYYMMDD or ISO."""
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        return None
