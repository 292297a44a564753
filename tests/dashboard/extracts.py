"""Extracts as the browser tests need them: the demo's own, made longer, or spoilt on purpose."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path


def lengthened(source: Path, target: Path, size: int) -> Path:
    """The extract with closed enrollments of earlier years of more and more students, until it has `size` bytes."""
    lines = source.read_bytes().splitlines(keepends=True)
    old = [
        line.split(b"^")
        for line in lines
        if line.split(b"^")[6] in (b"2023-2024", b"2022-2023", b"2021-2022") and line.split(b"^")[24]
    ]
    with target.open("wb") as out:
        out.writelines(lines)
        number = 0
        while out.tell() < size:
            for cells in old:
                number += 1
                out.write(b"^".join([*cells[:7], b"%010d" % (7_000_000_000 + number), b"X%d" % number, *cells[9:]]))
    return target


def aged(source: Path, target: Path) -> Path:
    """The extract as if nobody had updated it for two months before the demo's day: P08 stops, and can be accepted."""
    as_of = re.search(r"as_of = (\S+)", source.with_name("senrkit.toml").read_text("utf-8"))[1]
    updated = (dt.date.fromisoformat(as_of) - dt.timedelta(60)).strftime("%Y%m%d").encode()
    rows = [line.split(b"^") for line in source.read_bytes().splitlines(keepends=True)]
    target.write_bytes(b"".join(b"^".join([*cells[:36], updated + cells[36][8:]]) for cells in rows))
    return target
