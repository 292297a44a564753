"""Is a student's number shown? Asked of the numbers that there are: other numbers only look like one."""

from __future__ import annotations

import csv
import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from senrkit.reference import ODS_FIELDS


@cache
def ssids_in(district: Path) -> frozenset[str]:
    """The SSIDs of both sides, of a folder that holds `SENR_ODS.txt` and `aeries.db`."""
    with (district / "SENR_ODS.txt").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="^", quoting=csv.QUOTE_NONE))
    column = ODS_FIELDS.index("ssid")
    with closing(sqlite3.connect(district / "aeries.db")) as aeries:
        ours = {str(number) for (number,) in aeries.execute("SELECT CID FROM STU")}
    found = {row[column] for row in rows if len(row) > column} | ours
    return frozenset(number for number in found if re.fullmatch(r"9\d{9}", number))


def ssids_shown(text: str, district: Path) -> set[str]:
    """Those that stand in the text as a number of their own."""
    known = ssids_in(district)
    assert known, "a district without students proves nothing"
    return known & set(re.findall(r"\d+", text))
