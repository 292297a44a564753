"""Makes SENR ODS extracts for tests, byte by byte, of people who do not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from senrkit.reference import ODS_FIELDS, layouts_by_column_count

_BLANK = dict.fromkeys(ODS_FIELDS, "")
_ORDINARY = {
    "record_type": "SENR-R",
    "reporting_lea": "1999990",
    "school_code": "0199901",
    "academic_year": "2026-2027",
    "ssid": "9000000001",
    "local_id": "000101",
    "first_name": "Tansy",
    "last_name": "Quillfeather",
    "birth_date": "20140228",
    "gender": "F",
    "birth_country": "US",
    "start_date": "20260812",
    "status": "10",
    "grade": "07",
    "upload_date": "20260901",
    "last_updated": "20261102",
}


def state_row(**values: str) -> dict[str, str]:
    """An ordinary open enrollment of 2026-27, blank where blank is ordinary, with `values` in place of its own.

    A name that is no column of the extract is refused.
    """
    unknown = values.keys() - _BLANK.keys()
    if unknown:
        raise KeyError(f"no column of the extract: {', '.join(sorted(unknown))}")
    return _BLANK | _ORDINARY | values


def extract_bytes(
    rows: Iterable[Mapping[str, str]],
    *,
    columns: int = 37,
    delimiter: str = "^",
    line_end: str = "\r\n",
    encoding: str = "utf-8",
    mark: bool = False,
    final_line_end: bool = True,
) -> bytes:
    """An SENR-R file with these rows in the layout of 36, 37 or 41 columns.

    A column that today's layout does not have is blank. Nothing is checked or escaped: faults are made on purpose.
    """
    layout = layouts_by_column_count()[columns].columns
    lines = [delimiter.join(row.get(name, "") if name else "" for name in layout) for row in rows]
    text = line_end.join(lines) + (line_end if final_line_end else "")
    return (b"\xef\xbb\xbf" if mark else b"") + text.encode(encoding)


def write_extract(path: Path, rows: Iterable[Mapping[str, str]], **how: object) -> Path:
    """`extract_bytes` into a file; gives back its path."""
    path.write_bytes(extract_bytes(rows, **how))  # type: ignore[arg-type]
    return path
