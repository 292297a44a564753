"""How a file gets spoilt, as Hypothesis draws it: bytes, lines and cells that are lost, moved, doubled or exchanged."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

from hypothesis import strategies as st

from tests.fuzz.world import CANARY, ssid

# What has broken readers before: separators, marks, numbers, dates, and words that mean nothing.
CELLS = st.sampled_from(
    [
        "", " ", "\t", '"', '""', "'", "^", ",", ";", "|", "\0", "\r", "\n", "\x1f", "\x85", "\u2028", "\ufeff", "é",
        "\U0001f600", "\ud800", "=1+1", '="9000000001"', "@SUM(A1)", "NULL", "(null)", "#N/A", "#REF!", "nan", "inf",
        "-0", "1e308", "9.00E+09", "9" * 400, "٣", "0", "-1", "1.0", "1,5", "true", "E155", "SENR-R", "SELA-R", "sep=;",
        "20260230", "2026-02-30", "0000-00-00", "99999999", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00+09:00",
        "31/12/2026", "12/31/26", "45000", "DEL", "*", "{", "[", "\\", "../../etc/passwd", "${jndi}", "%s%n", "[[a]]",
        "'''", CANARY, f"{CANARY}1", ssid(1), ssid(2),
    ]
)  # fmt: skip
BYTES = st.one_of(
    st.binary(max_size=12),
    CELLS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1a", b"\x80"]),
)
_SEPARATORS = [b"^", b",", b";", b"\t", b"|", b'","']
_CODECS = ["utf-16", "utf-16-le", "cp1252", "utf-8-sig", "utf-32"]
Spoil = Callable[[bytes], bytes]


@st.composite
def spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes of a text file, spoilt once to four times."""
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        data = draw(st.sampled_from(_OF_TEXT))(draw, data)
    return data


@st.composite
def spoilt_binary(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes of a file with a structure of its own, spoilt where they stand."""
    for _ in range(draw(st.sampled_from([1, 1, 2, 4]))):
        data = draw(st.sampled_from(_OF_BYTES))(draw, data)
    return data


@st.composite
def spoilt_zip(draw: st.DrawFn, data: bytes) -> bytes:
    """A workbook with one of its parts spoilt, or gone; or its own bytes spoilt."""
    if draw(st.booleans()):
        return draw(spoilt_binary(data))
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as parts, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        names = parts.namelist()
        meant = draw(st.sampled_from(names))
        for name in names:
            content = parts.read(name)
            if name == meant:
                if draw(st.integers(0, 5)) == 0:
                    continue
                content = draw(st.sampled_from([_in_xml, _in_xml, _piece_lost, _piece_put_in]))(draw, content)
            packed.writestr(name, content)
    return made.getvalue()


def _place(draw: st.DrawFn, data: bytes) -> int:
    return _anywhere(draw, max(len(data), 1))


def _anywhere(draw: st.DrawFn, length: int) -> int:
    """Any place, each as likely: left to itself Hypothesis likes the first ones, and every file breaks in its head."""
    return draw(st.randoms(use_true_random=True)).randrange(length)


def _piece_lost(draw: st.DrawFn, data: bytes) -> bytes:
    at = _place(draw, data)
    return data[:at] + data[at + draw(st.integers(1, 40)) :]


def _piece_put_in(draw: st.DrawFn, data: bytes) -> bytes:
    at = _place(draw, data)
    return data[:at] + draw(BYTES) + data[at:]


def _piece_exchanged(draw: st.DrawFn, data: bytes) -> bytes:
    at, new = _place(draw, data), draw(BYTES)
    return data[:at] + new + data[at + len(new) :]


def _cut_off(draw: st.DrawFn, data: bytes) -> bytes:
    return data[: _place(draw, data)]


def _twice(draw: st.DrawFn, data: bytes) -> bytes:
    at = _place(draw, data)
    piece = data[at : at + draw(st.integers(1, 200))]
    return data[:at] + piece + data[at:]


def _all_else(draw: st.DrawFn, data: bytes) -> bytes:
    return draw(st.binary(max_size=200))


def _lines(draw: st.DrawFn, data: bytes) -> bytes:
    """Lines lost, doubled, in another order."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at, to = (_anywhere(draw, len(lines)) for _ in range(2))
    match draw(st.sampled_from(["lost", "doubled", "moved", "put in"])):
        case "lost":
            del lines[at]
        case "doubled":
            lines.insert(to, lines[at])
        case "moved":
            lines.insert(to, lines.pop(at))
        case _:
            lines.insert(at, draw(BYTES) + b"\r\n")
    return b"".join(lines)


def _cell(draw: st.DrawFn, data: bytes) -> bytes:
    """One cell of one line exchanged, the way most things go wrong."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at = _anywhere(draw, len(lines))
    separator = max(_SEPARATORS, key=lines[at].count)
    cells = lines[at].split(separator)
    place = _anywhere(draw, len(cells))
    cells[place] = draw(CELLS).encode("utf-8", "surrogatepass")
    lines[at] = separator.join(cells)
    return b"".join(lines)


def _column(draw: st.DrawFn, data: bytes) -> bytes:
    """One column of every line lost, doubled or made all alike."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    separator = max(_SEPARATORS, key=lines[0].count)
    place = _anywhere(draw, lines[0].count(separator) + 1)
    how, new = draw(st.sampled_from(["lost", "doubled", "alike"])), draw(CELLS).encode("utf-8", "surrogatepass")
    changed = []
    for line in lines:
        cells = line.split(separator)
        if place < len(cells):
            old = cells[place]
            cells[place : place + 1] = {"lost": [], "doubled": [old, old], "alike": [new]}[how]
        changed.append(separator.join(cells))
    return b"".join(changed)


def _other_code(draw: st.DrawFn, data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode(draw(st.sampled_from(_CODECS)), "replace")


def _other_separator(draw: st.DrawFn, data: bytes) -> bytes:
    return data.replace(draw(st.sampled_from(_SEPARATORS)), draw(st.sampled_from(_SEPARATORS)))


def _other_line_end(draw: st.DrawFn, data: bytes) -> bytes:
    return data.replace(b"\r\n", draw(st.sampled_from([b"\n", b"\r", b"", b"\n\n", b"\r\r\n", b"\0"])))


def _in_xml(draw: st.DrawFn, data: bytes) -> bytes:
    """An attribute's value or a text of the XML exchanged."""
    places = list(re.finditer(rb'(?<=")[^"<>]*(?=")|(?<=>)[^<>]+(?=<)', data))
    if not places:
        return data
    found = places[_anywhere(draw, len(places))]
    new = draw(CELLS).encode("utf-8", "surrogatepass")
    return data[: found.start()] + new + data[found.end() :]


_OF_BYTES = [_piece_lost, _piece_put_in, _piece_exchanged, _piece_exchanged, _cut_off, _twice]
_OF_TEXT = [
    _cell, _cell, _cell, _cell, _cell, _cell, _lines, _lines, _column, *_OF_BYTES, _other_code, _other_separator,
    _other_line_end, _all_else,
]  # fmt: skip
