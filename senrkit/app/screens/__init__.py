"""The screens as templates: every word and all markup of the dashboard stand in this folder, none in the code.

Values are escaped by default.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2

from senrkit.results.masking import masked_identifier, masked_text
from senrkit.texts import wording
from senrkit.texts.wording import meanings

_ISO_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("senrkit.app", "screens"),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    made.filters |= {
        "count": lambda number: f"{number:,}",
        "day": day,
        "moment": lambda moment: f"{moment:%-d %b %Y, %H:%M}" if hasattr(moment, "strftime") else moment,
        "size": size,
        "masked": masked_identifier,
        "hiding": masked_text,
        "with_days": with_days,
        "plural": lambda number, one, many="": one if number == 1 else many or f"{one}s",
    }
    made.globals |= {"phrase": wording.phrase, "words": words, "meaning": lambda word: meanings()[word]}
    return made


def render(screen: str, context: Mapping[str, Any]) -> str:
    """A screen as HTML."""
    return _environment().get_template(f"{screen}.html").render(context)


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads((resources.files("senrkit.app") / "screens" / "words.toml").read_text(encoding="utf-8"))


def words(name: str) -> Any:
    """A text, or a table of texts, of `words.toml`."""
    return _words()[name]


def progress_words(doing: str, step: str) -> str:
    """What is under way, as one announcement."""
    return f"{doing}: {step}." if step else f"{doing}…" if doing else ""


def day(written: Any) -> str:
    """A day for people: 23 Nov 2026; from a date, `CCYYMMDD` or ISO text. What is no day stays as it is."""
    if isinstance(written, str):
        digits = written.replace("-", "")
        try:
            written = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        except ValueError:
            return written
    return f"{written.day} {written:%b %Y}"


def with_days(text: str) -> str:
    """Sentences of the engine with their days written as everywhere on the page."""
    return _ISO_DAY.sub(lambda found: day(found[0]), text)


def size(number: int) -> str:
    """Bytes as people read them."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if number >= 10**power:
            return f"{number / 10**power:.1f} {unit}"
    return f"{number} bytes"


@cache
def plotly_script() -> bytes:
    """plotly's script from its package, found without importing it: that would take seconds."""
    package = Path(find_spec("plotly").origin).parent
    return (package / "package_data" / "plotly.min.js").read_bytes()
