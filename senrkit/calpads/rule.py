"""What a rule function gives, and where it is registered. What a rule says stands in the catalogue, not here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from senrkit.frames import text
from senrkit.reference import SchoolYear

if TYPE_CHECKING:
    from senrkit.inputs.directory import SchoolDirectory

Scope = Literal["file", "directory", "state", "after", "schools"]
Hole = pd.Series | np.ndarray | str
Find = Callable[..., "Hits"]


@dataclass(frozen=True)
class CheckContext:
    """Whose file it is and what day it is. Without a directory the rules that need one are not checked."""

    year: SchoolYear
    as_of: dt.date
    lea: str
    charter: bool = False
    directory: SchoolDirectory | None = None


@dataclass(frozen=True)
class Hits:
    """Offending rows: positions in the records checked (a row may stand here once per field).

    `holes` fill the rule's sentence beyond the record's own fields; `fields` replaces the catalogue's list where a
    rule runs over many fields; `doubtful` marks hits on which the public record is silent: they become `unknown`.
    """

    rows: np.ndarray
    holes: dict[str, pd.Series] = field(default_factory=dict)
    fields: pd.Series | None = None
    doubtful: np.ndarray | None = None


@dataclass(frozen=True)
class Rule:
    """One rule's test. `scope` says what it looks at: `file` the records; `directory` also the school directory;
    `state` also the state rows of the same students; `after` the state when everything has posted; `schools` the
    schools that should have enrollments then.

    Rows with transaction D are tested only by rules with `deletes`: CALPADS uses their key and throws the rest away.
    """

    id: str
    scope: Scope
    deletes: bool
    find: Find


RULES: list[Rule] = []


def rule(id: str, *, scope: Scope = "file", deletes: bool = False) -> Callable[[Find], Find]:
    """Register a function as the test of a catalogue rule."""

    def register(find: Find) -> Find:
        RULES.append(Rule(id, scope, deletes, find))
        return find

    return register


def hits(mask: np.ndarray, **holes: Hole) -> Hits:
    """The rows where the mask holds; each hole is one text for all or a whole column of the records."""
    rows = np.flatnonzero(mask)
    return Hits(rows, {name: _taken(hole, rows) for name, hole in holes.items()} if len(rows) else {})


def by_field(found: list[tuple[str, str, np.ndarray, dict[str, Hole]]], doubtful: frozenset[str] = frozenset()) -> Hits:
    """The hits of one rule on several fields: (field, its title, mask, further holes) each."""
    parts = [(name, hits(mask, field=title, **holes)) for name, title, mask, holes in found if mask.any()]
    if not parts:
        return Hits(np.array([], dtype="int64"))
    rows = np.concatenate([part.rows for _, part in parts])
    names = [text.constant(name, pd.RangeIndex(len(part.rows))) for name, part in parts]
    holes = {name: pd.concat([part.holes[name] for _, part in parts], ignore_index=True) for name in parts[0][1].holes}
    fields = pd.concat(names, ignore_index=True)
    return Hits(rows, holes, fields, fields.isin(list(doubtful)).to_numpy(dtype=bool))


def one_after_another(*parts: Hits) -> Hits:
    """The hits of one rule that were found in several ways; `fields` are on all of them."""
    filled = [part for part in parts if len(part.rows)]
    if len(filled) < 2:
        return filled[0] if filled else parts[0]
    return Hits(
        np.concatenate([part.rows for part in filled]),
        {name: pd.concat([part.holes[name] for part in filled], ignore_index=True) for name in filled[0].holes},
        pd.concat([part.fields for part in filled], ignore_index=True),
        np.concatenate([part.doubtful for part in filled]),
    )


def _taken(hole: Hole, rows: np.ndarray) -> pd.Series:
    if isinstance(hole, str):
        return text.constant(hole, pd.RangeIndex(len(rows)))
    taken = hole.take(rows) if isinstance(hole, pd.Series) else pd.Series(hole[rows])
    return taken.reset_index(drop=True).astype("str")
