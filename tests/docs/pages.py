"""The pages of the documentation, and the blocks of commands on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "GLOSSARY.md", "notebooks/README.md")),
    ]
)
# What is no command of a shell, as a unit of systemd, has a test of its own: test_scheduling.py.
SHELLS = ("sh", "console", "powershell", "bat")
_BLOCK = re.compile(
    r"(?P<mark><!-- not run here: (?P<why>[^\n]+) -->\n)?^ *```(?P<language>\w+)\n(?P<body>.*?)^ *```", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A block of commands. `why` says why no test runs it; blank when one does."""

    page: Path
    why: str
    language: str
    lines: tuple[str, ...]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    found = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["language"] in SHELLS:
            lines = [line.split("  #")[0].strip() for line in block["body"].splitlines()]
            if block["language"] == "console":
                lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
            found.append(Block(page, block["why"] or "", block["language"], tuple(line for line in lines if line)))
    return found
