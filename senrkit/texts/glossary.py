"""The words of the field and their meanings: GLOSSARY.md, in a checkout beside the package, installed inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

_ROW = re.compile(r"^\| (?!word \||---)(.+?) \| (.+) \|$", re.MULTILINE)


@cache
def meanings() -> Mapping[str, str]:
    """Word → what it means, as plain text. Several words of one line (`IVR, CVR, CDD`) are one key."""
    package = Path(str(resources.files("senrkit")))
    places = (package / "_GLOSSARY.md", package.parent / "GLOSSARY.md")
    text = next(place for place in places if place.is_file()).read_text(encoding="utf-8")
    return {_plain(word): _plain(meaning) for word, meaning in _ROW.findall(text)}


def _plain(cell: str) -> str:
    return re.sub(r"[`*]", "", cell)
