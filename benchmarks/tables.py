"""Markdown tables, and pages whose part between two markers is written by a command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def markdown(headings: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A table; the first `left` columns are words, the others numbers."""
    rule = ["---"] * left + ["---:"] * (len(headings) - left)
    lines = [headings, rule, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write_between(page: Path, name: str, text: str) -> None:
    """Replace what stands between the page's markers of that name.

    Raises
    ------
    RuntimeError
        when the page has no such markers.
    """
    begin, end = f"<!-- {name}: written by a command, see benchmarks/README.md -->", f"<!-- end of {name} -->"
    whole = page.read_text(encoding="utf-8")
    before, found, rest = whole.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise RuntimeError(f"{page.name} has no line {begin} with {end} after it.")
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")
