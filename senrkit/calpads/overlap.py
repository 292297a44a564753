"""Which enrollments overlap which, in n log n: one abused SSID with 100,000 rows must not make 10,000,000,000 pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from senrkit.calpads.records import Records
from senrkit.frames import text

# Days are counted from 1970; this many days per group keeps every group apart in one sorted int64 column.
_GROUP = np.int64(1) << 24
_FIRST_DAY = np.int64(1) << 22
_NO_END = _GROUP - 1


@dataclass(frozen=True)
class Overlap:
    """Per record: does it overlap, does it only share a day, and with which row of the others (-1: none)."""

    overlaps: np.ndarray
    same_day: np.ndarray
    partner: np.ndarray


def overlap(records: Records, others: Records, group: str, asked: np.ndarray, counted: np.ndarray) -> Overlap:
    """Compare the records asked about with the counted others of the same student (`group="ssid"`) or of the same
    student at the same school (`group="school"`), leaving out the other with the record's own key.

    Intervals include both ends, an open one has no end, and one may start on the other's exit day (reconciliation.md
    section 8): that is `same_day`, unless another one really overlaps. Cancelled rows, blank SSIDs and impossible
    dates overlap nothing.
    """
    asked, counted = asked & _usable(records), counted & _usable(others)
    rows, candidates = np.flatnonzero(asked), np.flatnonzero(counted)
    if not len(rows) or not len(candidates):
        nothing = np.zeros(len(records), dtype=bool)
        return Overlap(nothing, nothing, np.full(len(records), -1, dtype="int64"))
    groups, keys = _codes(records, others, rows, candidates, group)
    mine = _spans(records, rows, groups[: len(rows)], keys[: len(rows)])
    other = _spans(others, candidates, groups[len(rows) :], keys[len(rows) :])
    order = np.lexsort((other.key, other.begin))
    return _spread(len(records), rows, _compare(mine, other.take(order)), candidates[order])


@dataclass(frozen=True)
class _Spans:
    """Intervals on one axis on which each group has its own stretch."""

    begin: np.ndarray
    end: np.ndarray
    key: np.ndarray

    def take(self, order: np.ndarray) -> _Spans:
        return _Spans(self.begin[order], self.end[order], self.key[order])


def _spans(records: Records, rows: np.ndarray, group: np.ndarray, key: np.ndarray) -> _Spans:
    first = _FIRST_DAY + records.start[rows].astype("int64")
    last = np.where(records.open[rows], _NO_END, _FIRST_DAY + records.exit[rows].astype("int64"))
    return _Spans(group * _GROUP + first, group * _GROUP + last, key)


def _usable(records: Records) -> np.ndarray:
    backwards = ~records.open & ~(records.exit >= records.start)
    return ~records.cancelled & ~np.isnat(records.start) & ~backwards & records.filled("ssid")


def _codes(
    records: Records, others: Records, rows: np.ndarray, candidates: np.ndarray, group: str
) -> tuple[np.ndarray, np.ndarray]:
    """Student (and school) and key as numbers that mean the same on both sides."""
    sides = ((records, rows), (others, candidates))
    students = pd.concat([side.student.take(taken) for side, taken in sides], ignore_index=True)
    keys = pd.concat([side.key.take(taken) for side, taken in sides], ignore_index=True)
    if group == "school":
        schools = pd.concat([side.school.take(taken) for side, taken in sides], ignore_index=True)
        students = text.joined([students, schools])
    return pd.factorize(students)[0].astype("int64"), pd.factorize(keys)[0].astype("int64")


def _compare(mine: _Spans, other: _Spans) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(overlaps, same day, position of the partner in the sorted others)."""
    left, right = np.searchsorted(other.begin, mine.begin, "left"), np.searchsorted(other.begin, mine.begin, "right")
    # The latest end so far. A group's stretch lies after all earlier stretches, so the maximum never leaks forward.
    latest = np.maximum.accumulate(other.end)
    before = np.where(left > 0, latest[np.maximum(left - 1, 0)], -1)
    before_at = np.searchsorted(latest, before, "left")
    after_at = np.minimum(right, len(other.begin) - 1)
    after = np.where(right < len(other.begin), other.begin[after_at], np.iinfo("int64").max)
    with_equal, touching_equal, equal_at = _equal_start(mine, other, left, right)

    earlier, later = before > mine.begin, after < mine.end
    overlaps = earlier | later | with_equal
    touches_before, touches_after = before == mine.begin, after == mine.end
    same_day = ~overlaps & (touches_before | touches_after | touching_equal)
    partner = np.select(
        [earlier, later, with_equal, touches_before, touches_after, touching_equal],
        [before_at, after_at, equal_at, before_at, after_at, equal_at],
        -1,
    )
    return overlaps, same_day, partner


def _equal_start(
    mine: _Spans, other: _Spans, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Others that start on the same day under another key: an overlap unless one of the two lasts only that day."""
    lasting = np.concatenate([[0], np.cumsum(other.end > other.begin)])
    by_key = np.lexsort((other.begin, other.key))
    own_first = np.searchsorted(other.key[by_key], mine.key, "left")
    own_last = np.searchsorted(other.key[by_key], mine.key, "right")
    own_lasting = np.concatenate([[0], np.cumsum((other.end > other.begin)[by_key])])
    count = (right - left) - (own_last - own_first)
    lasting_count = (lasting[right] - lasting[left]) - (own_lasting[own_last] - own_lasting[own_first])
    first = np.minimum(left, len(other.begin) - 1)
    at = np.where(other.key[first] != mine.key, first, np.maximum(right - 1, 0))
    overlaps = (lasting_count > 0) & (mine.end > mine.begin)
    return overlaps, (count > 0) & ~overlaps, np.where(overlaps, _next_lasting(mine, other, left, right), at)


def _next_lasting(mine: _Spans, other: _Spans, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The first of the others between two positions that lasts longer than a day and has another key."""
    count = len(other.begin)
    places = np.where(other.end > other.begin, np.arange(count), count)
    following = np.append(np.minimum.accumulate(places[::-1])[::-1], [count, count])
    found = following[left]
    while (own := (found < right) & (other.key[np.minimum(found, count - 1)] == mine.key)).any():
        found = np.where(own, following[found + 1], found)
    return np.minimum(found, count - 1)


def _spread(
    length: int, rows: np.ndarray, compared: tuple[np.ndarray, np.ndarray, np.ndarray], candidates: np.ndarray
) -> Overlap:
    overlaps, same_day = np.zeros(length, dtype=bool), np.zeros(length, dtype=bool)
    partner = np.full(length, -1, dtype="int64")
    overlaps[rows], same_day[rows] = compared[0], compared[1]
    found = compared[2] >= 0
    partner[rows[found]] = candidates[compared[2][found]]
    return Overlap(overlaps, same_day, partner)
