"""Any SELA submission file, ours or a vendor's, as a frame: tolerant in reading, exact in what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from senrkit.errors import InputError
from senrkit.inputs.extract.sela import sela_fields
from senrkit.inputs.submission.senr import SenrFile, read_cells

RECORD_TYPE = "SELA"
_START = re.compile(rb"(?:\xef\xbb\xbf)?[\"']?(?P<type>SELA(?:-R)?|SENR(?:-R)?)[\"']?[\^,]")


def record_type_of(path: Path) -> str:
    """What the file's first record says that it is: `SELA`, `SELA-R`, `SENR`, `SENR-R`; `""` for anything else."""
    try:
        with Path(path).open("rb") as file:
            found = _START.match(file.read(64))
    except OSError:
        # Whoever reads the file says what is wrong with it.
        return ""
    return found["type"].decode() if found else ""


def read_sela_file(path: Path) -> SenrFile:
    """Read a SELA file by caret or comma; `records` holds the 16 SELA fields as text, and `line` (int64, 1-based).

    Lines with another number of fields than 16 are not read: they are counted in `faults` and listed in `unread`.

    Raises
    ------
    InputError
        when it is missing, empty, damaged, no text, or no line has 16 fields. No message quotes the file.
    """
    read = read_cells(path, RECORD_TYPE)
    fields = sela_fields()
    right = [(number, row) for number, row in enumerate(read.cells, start=1) if len(row) == len(fields)]
    unread = [number for number, row in enumerate(read.cells, start=1) if len(row) != len(fields)]
    if not right:
        usual = Counter(map(len, read.cells)).most_common(1)[0][0]
        raise InputError(
            f"{read.name}: most lines have {usual} fields; a SELA file has {len(fields)}.",
            "Export it again for this year.",
        )
    faults = list(read.faults)
    if unread:
        faults.append(f"{len(unread):,} lines do not have {len(fields)} fields, first line {unread[0]:,}.")
    records = pd.DataFrame([row for _, row in right], columns=list(fields), dtype="str")
    other = int((records["record_type"] != RECORD_TYPE).sum())
    if other:
        faults.append(f"{other:,} lines are not {RECORD_TYPE} records by their first field.")
    records["line"] = pd.Series([number for number, _ in right], dtype="int64")
    return SenrFile(read.name, records, tuple(faults), read.notes, tuple(unread), is_current=False)
