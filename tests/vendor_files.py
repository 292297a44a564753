"""Made-up files of the test vendor, in any of its layouts: the columns that are read, those that tell the year, and one
of no interest. Nobody in them exists."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from senrkit.reference import PACKAGED
from tests.text_tables import LEA

NEWEST = "2024-25"


def headings(layout: str = NEWEST) -> dict[str, str]:
    """Heading → our name for the column, in the order in which a file has them; blank for what is not read."""
    read = {row["heading"]: row["column"] for row in PACKAGED.rows("initial_elpac_headings") if row["layout"] == layout}
    signs = next(row["signs"] for row in PACKAGED.rows("initial_elpac_layouts") if row["layout"] == layout)
    end = next(heading for heading, column in read.items() if column == "end")
    others = {heading: "" for heading in [*signs.split(";"), "Blank"] if heading not in read}
    return {heading: column for heading, column in (read | others).items() if heading != end} | {end: "end"}


def row(student: str, result: str = "EL", day: str = "2026-10-14", **values: str) -> dict[str, str]:
    """What the file says about the student with that number, by our names."""
    known = {
        "record_type": "22", "ssid": f"90000{int(student):05d}", "local_id": str(1000 + int(student)),
        "last_name": f"Family{student}", "first_name": f"Given{student}", "birth_date": "2015-03-12",
        "district_code": f"{LEA}0000000", "school_code": f"{LEA}1990001", "attemptedness": "Y" if result else "",
        "include_indicator": "Y" if result else "N", "result": result, "correction": "", "day": day if result else "",
        "end": "ZZ",
    }  # fmt: skip
    return known | values


def written(rows: Iterable[Mapping[str, str]], layout: str = NEWEST, separator: str = "^") -> bytes:
    """The file, as the vendor writes it."""
    text = io.StringIO()
    there = headings(layout)
    kind = next(each["kinds"] for each in PACKAGED.rows("initial_elpac_layouts") if each["layout"] == layout)
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(there)
    for each in rows:
        values = dict(each)
        if values["record_type"] == "22":
            values["record_type"] = kind.split(";")[0]
        writer.writerow([values.get(column, "") for column in there.values()])
    return text.getvalue().encode()
