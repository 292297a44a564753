"""What a change of the settings would have to be, so that a precondition does not stop the run any more.

It is read from what the check found; a person still looks at it before anything is written.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from senrkit.reference import SchoolYear

# The preconditions that a setting mends, and the settings that each is about; P10 is about codes.
ABOUT: Mapping[str, tuple[str, ...]] = {
    "P01": ("school_year", "as_of"),
    "P04": ("other_leas", "lea"),
    "P09": ("prior_year_open",),
    "P10": (),
}
_LEA_OF_ROWS = re.compile(r"\b(\d{7}) \([\d,]+\)")
_CODE_OF_ROWS = re.compile(r"""([A-Z]+\.[A-Z]+) ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*") \(([\d,]+) rows\)""")


@dataclass(frozen=True)
class Mending:
    """`answers` is what the fields are filled with, `codes` are local codes without a translation: set, code, rows.

    `words` names the sentence of `words.toml` that says why.
    """

    words: str
    answers: Mapping[str, str] = field(default_factory=dict)
    codes: Sequence[tuple[str, str, str]] = ()


def of_stop(name: str, manifest: Mapping[str, Any], now: Mapping[str, str], today: dt.date) -> Mending:
    """What would mend the precondition `name`; `now` is what the settings say now, as the fields show it."""
    found = {one["id"]: one for one in manifest["preconditions"]}
    evidence = found[name]["evidence"]
    if name == "P01":
        return _year_or_day(manifest, found["P02"]["state"] == "passed", today)
    if name == "P04":
        return _leas(evidence, now)
    if name == "P09":
        return Mending("P09", {"prior_year_open": "hold"})
    return Mending(
        "P10", codes=[(kind, ast.literal_eval(code), rows) for kind, code, rows in _CODE_OF_ROWS.findall(evidence)]
    )


def of_sela(places: Sequence[str]) -> Mending:
    """The file among these, newest first, that is a SELA extract by its name."""
    likely = [one for one in places if "SELA" in Path(one).name.upper()]
    return Mending("sela_extract", {"sela_extract": likely[0]} if likely else {})


def _year_or_day(manifest: Mapping[str, Any], aeries_agrees: bool, today: dt.date) -> Mending:
    """Where Aeries holds the year of the settings, the day is wrong; else the year is."""
    year, as_of = SchoolYear.parse(manifest["school_year"]), dt.date.fromisoformat(manifest["as_of"])
    if not aeries_agrees:
        return Mending("P01_year", {"school_year": SchoolYear.of(as_of).text})
    # Left out, the day is today.
    day = "" if year.contains(today) else min(max(today, year.start), year.end).isoformat()
    return Mending("P01_day", {"as_of": day})


def _leas(evidence: str, now: Mapping[str, str]) -> Mending:
    own, _, others = evidence.partition(" rows are of other LEAs: ")
    codes = _LEA_OF_ROWS.findall(others)
    if own.startswith("0 rows are of LEA"):
        # The extract of somebody else, or the wrong LEA in the settings: only a person knows.
        return Mending("P04_lea", {"lea": codes[0]} if len(codes) == 1 else {})
    return Mending("P04_others", {"other_leas": ", ".join(filter(None, [now["other_leas"], *codes]))})
