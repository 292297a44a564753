"""Pages of the documentation that are made from the code: written whole, tables in one look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def write_page(page: Path, text: str) -> None:
    """Write the page, whole or not at all."""
    page.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=page.parent) as unfinished:
        whole = Path(unfinished) / page.name
        whole.write_text(text, encoding="utf-8", newline="\n")
        whole.replace(page)
