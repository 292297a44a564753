"""Any SELA submission file, ours or a vendor's, as a frame: tolerant in reading, exact in what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

from senrkit.errors import InputError
from senrkit.inputs.extract.sela import sela_fields
from senrkit.inputs.submission.senr import SenrFile, arranged, read_cells

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
    cells, fields = read_cells(path, RECORD_TYPE), sela_fields()
    records, unread = arranged(cells.lines, fields)
    if records.is_empty():
        raise InputError(
            f"{cells.name}: most lines have {cells.usual_width} fields; a SELA file has {len(fields)}.",
            "Export it again for this year.",
        )
    faults = list(cells.faults)
    if unread:
        faults.append(f"{len(unread):,} lines do not have {len(fields)} fields, first line {unread[0]:,}.")
    other = (records["record_type"] != RECORD_TYPE).sum()
    if other:
        faults.append(f"{other:,} lines are not {RECORD_TYPE} records by their first field.")
    return SenrFile(cells.name, records, tuple(faults), cells.notes, tuple(unread), is_current=False)
