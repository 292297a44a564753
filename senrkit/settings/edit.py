"""A few settings changed in the text of `senrkit.toml`: every other line, comments too, stays as it is, byte for byte.

Nothing is read or written here, and nothing is judged: that is `read_settings_text`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import KeyType, SingleKey

from senrkit.errors import UsageError
from senrkit.settings import lines
from senrkit.settings.lines import KeyPath

# What a setting gets; `None` takes its line out.
Value = str | int | dt.date | list[str] | None

_MARK = "\ufeff"
_BARE_END = re.compile(r"(?<!\r)\n")


@dataclass(frozen=True)
class ChangedLine:
    """A line that is another one afterwards. `number` is its place in the file that has it, the new one if both.

    `section` is its heading, as `[calpads]`, or "" above the first one. `before` or `after` is `None` where there is
    no such line.
    """

    number: int
    section: str
    before: str | None
    after: str | None


def edited(text: str, changes: Mapping[KeyPath, Value]) -> str:
    """The text with these settings changed.

    Raises
    ------
    UsageError
        when the text is no TOML, or says what is to be changed in a way that cannot be changed by itself.
    """
    mark, body = (_MARK, text.removeprefix(_MARK)) if text.startswith(_MARK) else ("", text)
    wanted = _changed(lines.parse(body, "the settings file"), changes)
    end = "\r\n" if "\r\n" in body and not _BARE_END.search(body) else "\n"
    # A new line after the last one needs an end before it.
    ended = body if not body or body.endswith("\n") else body + end
    try:
        document = tomlkit.parse(ended)
        for path, value in changes.items():
            _change(document, path, value)
        # Lines that are new end as the others do.
        new = _BARE_END.sub(end, tomlkit.dumps(document))
        understood = tomllib.loads(new) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError):
        understood = False
    # Whatever a library makes of an odd file: only what says exactly what was asked for is handed out.
    if not understood:
        names = ", ".join(path[-1] for path in changes)
        raise UsageError(
            f"The settings file is written in a way in which {names} cannot be changed here.",
            "Change it by hand, in an editor.",
        )
    if ended != body and new.splitlines()[-1:] == body.splitlines()[-1:]:
        new = new.removesuffix(end)
    return mark + new


def changed_lines(old: str, new: str) -> list[ChangedLine]:
    """What differs between two texts of a settings file, line by line, in the order of the new one."""
    before, after = (text.removeprefix(_MARK).splitlines() for text in (old, new))
    sections_before, sections_after = _sections(before), _sections(after)
    found = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, last, new_first, new_last in matcher.get_opcodes():
        if kind == "equal":
            continue
        for one, other in _paired(before, range(first, last), after, range(new_first, new_last)):
            if other is None:
                found.append(ChangedLine(one + 1, sections_before[one], before[one], None))
            else:
                was = None if one is None else before[one]
                found.append(ChangedLine(other + 1, sections_after[other], was, after[other]))
    return found


def _changed(document: dict[str, Any], changes: Mapping[KeyPath, Value]) -> dict[str, Any]:
    for path, value in changes.items():
        table = document
        for name in path[:-1]:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                return {}
        if value is None:
            table.pop(path[-1], None)
        else:
            table[path[-1]] = value
    return document


def _change(document: tomlkit.TOMLDocument, path: KeyPath, value: Value) -> None:
    table: Any = document
    for place, name in enumerate(path[:-1]):
        if name not in table:
            # [translations."ATT.RS"] needs no heading [translations] above it.
            table[name] = tomlkit.table(is_super_table=place < len(path) - 2)
        table = table[name]
    key = path[-1]
    if value is None:
        if key in table:
            table.remove(key)
    elif key in table:
        table[key] = _item(value)
    else:
        # A local code stands in quotes, as in the template: 010 looks like a number.
        table.add(SingleKey(key, KeyType.Bare if re.fullmatch("[a-z_]+", key) else KeyType.Basic), _item(value))


def _item(value: Value) -> Any:
    if isinstance(value, str) and "\\" in value and "'" not in value:
        # A Windows path stands between single quotes, and is then as people write it.
        return tomlkit.string(value, literal=True)
    return tomlkit.item(value)


def _sections(text: list[str]) -> list[str]:
    found, section = [], ""
    for line in text:
        heading = lines.heading_of(line)
        section = f"[{heading}]" if heading else section
        found.append(section)
    return found


def _paired(before: list[str], old: range, after: list[str], new: range) -> Iterator[tuple[int | None, int | None]]:
    """Of a stretch that differs: which old line became which new one, by their key; then those that went."""
    left = {lines.key_of(before[one]) or f"#{one}": one for one in old}
    for other in new:
        yield left.pop(lines.key_of(after[other]), None), other
    for one in left.values():
        yield one, None
