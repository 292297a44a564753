"""The proposal of a run as a table to search, sort, filter and choose from. Plain rows: a click needs no engine."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from senrkit.reconciliation.decisions import IDENTITY_CHECKED, ssids_named
from senrkit.reconciliation.identity import CONFLICT
from senrkit.results.tables import SENT, TO_DO
from senrkit.texts import wording

FILTERS = ("action", "reason", "school_code", "field", "grade", "rule", "at_risk", "decision")
HELD_BY = ("hold", "not-an-error")
_SEARCHED = (
    "school_name", "school_code", "ssid", "local_id", "local_record_id", "evidence", "changed", "before", "after",
    "start_date",
)  # fmt: skip
_GUARD = "'"


class ProposalTable:
    """The rows of `proposal.csv`, each with `id`, its place, and `rules`, those that CALPADS is expected to name.

    A filter is a choice of values, and a row has to have one of them; no value lets everything through. What is chosen
    stays chosen while the view changes.
    """

    def __init__(self, rows: Sequence[dict[str, str]]) -> None:
        self.rows = [row | {"id": str(place)} for place, row in enumerate(rows)]
        self.filters: dict[str, tuple[str, ...]] = dict.fromkeys(FILTERS, ())
        self.search = ""
        self.sorted_by, self.descending = "", False
        self.chosen: set[int] = set()
        self._names: Mapping[str, str] = {}
        self._decided: dict[int, Mapping[str, str]] = {}
        self._held_students: set[str] = set()
        self._searched = [_searchable(row) for row in self.rows]
        self._view: list[int] | None = None

    @classmethod
    def read(cls, folder: Path) -> ProposalTable:
        """From a run folder. The apostrophes that guard a spreadsheet are taken off again."""
        with (folder / "proposal.csv").open(encoding="utf-8", newline="") as lines:
            rows = [{name: _unguarded(value) for name, value in row.items()} for row in csv.DictReader(lines)]
        # A run of an older senrkit has the start as a key only, and under the other name.
        rows = [{"start_key": row["start_date"].replace("-", "")} | row for row in rows]
        rules = _rules(folder / "findings.csv")
        return cls([row | {"rules": "|".join(sorted(rules[_key(row)]))} for row in rows])

    def deletes(self) -> ProposalTable:
        """The deletes alone, those at risk first, then by school."""
        rows = [row for row in self.rows if row["action"] == "delete"]
        by = ("school_name", "school_code", "start_key")
        return ProposalTable(sorted(rows, key=lambda row: (row.get("at_risk") != "true", *(row[name] for name in by))))

    @property
    def view(self) -> list[int]:
        """Places of the rows that the filters and the search let through, in order."""
        if self._view is None:
            words = self.search.lower().split()
            wanted = [(name, set(values)) for name, values in self.filters.items() if values]
            self._view = [
                place for place, row in enumerate(self.rows)
                if all(not values.isdisjoint(self._values(name, place, row)) for name, values in wanted)
                and all(word in self._searched[place] for word in words)
            ]  # fmt: skip
            if self.sorted_by:
                self._view.sort(key=lambda place: self._order(place), reverse=self.descending)
        return self._view

    def filter(self, name: str, values: Iterable[str]) -> None:
        """Show only rows that have one of these values; none shows all.

        Raises
        ------
        KeyError
            for a filter that there is not.
        """
        if name not in self.filters:
            raise KeyError(name)
        self.filters[name] = tuple(values)
        self._view = None

    def clear(self) -> None:
        """No filter, no search."""
        self.filters, self.search, self._view = dict.fromkeys(FILTERS, ()), "", None

    def find(self, words: str) -> None:
        """Show only rows in which every word stands."""
        self.search, self._view = words.strip(), None

    def sort(self, column: str) -> None:
        """By this column; again, the other way round."""
        self.descending = self.sorted_by == column and not self.descending
        self.sorted_by, self._view = column, None

    def choose(self, places: Iterable[int], on: bool) -> None:
        """Mark rows for a decision, or unmark them."""
        places = set(places) & set(range(len(self.rows)))
        self.chosen = self.chosen | places if on else self.chosen - places

    def take_names(self, names: Mapping[str, str]) -> None:
        """Names by SSID, to be searched too."""
        self._names = names
        self._searched = [f"{_searchable(row)} {names.get(row['ssid'], '').lower()}" for row in self.rows]
        self._view = None

    def take_decisions(self, decided: Iterable[Mapping[str, str]]) -> None:
        """The decisions in force; those that fit no row are passed over."""
        by_key: dict[tuple[str, str, str], list[int]] = {}
        for place, row in enumerate(self.rows):
            by_key.setdefault(_key(row), []).append(place)
        of_identity = [(place, self.concerned(place)) for place in range(len(self.rows)) if self.is_identity(place)]
        self._decided, self._held_students = {}, set()
        for one in decided:
            if one["decision"] == IDENTITY_CHECKED:
                named = ssids_named(one["ssid"], one["reason"])
                self._decided |= {place: one for place, ssids in of_identity if ssids <= named}
                continue
            for place in by_key.get((one["ssid"], one["school_code"], one["start_date"]), ()):
                row = self.rows[place]
                if row["action"] == one["action"] or (row["action"], row["reason"]) == ("hold", "decision"):
                    self._decided[place] = one
                    if one["decision"] in HELD_BY:
                        self._held_students.add(row["ssid"])
        self._view = None

    def decision_on(self, place: int) -> Mapping[str, str] | None:
        """The decision in force on a row."""
        return self._decided.get(place)

    def decided_as(self, place: int) -> str:
        """`send`, `hold`, `not-an-error`, `with-student` when another row's decision holds it too, or `""`."""
        one = self._decided.get(place)
        if one is not None:
            return one["decision"]
        row = self.rows[place]
        return "with-student" if row["ssid"] in self._held_students and row["action"] in SENT else ""

    def decidable(self, place: int) -> bool:
        """Whether a person may decide: something would be sent, or a decision is all that holds it."""
        row = self.rows[place]
        return row["action"] in SENT or (place in self._decided and not self.is_identity(place))

    def is_identity(self, place: int) -> bool:
        """Whether it is held by a conflict of identity that a person may clear: case d can only be mended."""
        detail = self.rows[place].get("hold_detail", "")
        # A run of an older senrkit does not say who else is concerned.
        return "concerned" in self.rows[place] and detail.startswith(f"{CONFLICT}/") and not detail.endswith("/d")

    def concerned(self, place: int) -> set[str]:
        """All SSIDs of a conflict of identity."""
        row = self.rows[place]
        return {row["ssid"], *row.get("concerned", "").split("|")} - {""}

    def options(self, name: str) -> list[tuple[str, int]]:
        """The values of a filter that occur, with their number of rows, most first."""
        counted: Counter[str] = Counter()
        for place, row in enumerate(self.rows):
            counted.update(self._values(name, place, row))
        counted.pop("", None)
        return sorted(counted.items(), key=lambda item: (-item[1], item[0]))

    def counts(self) -> dict[str, int]:
        """Rows by action, as the run proposed them."""
        counted = Counter(row["action"] for row in self.rows)
        return {action: counted[action] for action in TO_DO}

    def forecast(self) -> dict[str, int]:
        """Rows by action with the decisions of now: what a new run would send and hold."""
        counted: Counter[str] = Counter()
        for place, row in enumerate(self.rows):
            held = self.decided_as(place) in (*HELD_BY, "with-student")
            released = (
                row["reason"] == "decision" and row["action"] == "hold" and row["ssid"] not in self._held_students
            )
            counted["hold" if held and row["action"] in TO_DO else "released" if released else row["action"]] += 1
        return {action: counted[action] for action in (*TO_DO, "released")}

    def of_student(self, ssid: str) -> list[int]:
        return [place for place, row in enumerate(self.rows) if row["ssid"] == ssid]

    def _values(self, name: str, place: int, row: Mapping[str, str]) -> Sequence[str]:
        if name == "field":
            return row["changed"].split("|") if row["action"] == "update" else ()
        if name == "rule":
            return row.get("rules", "").split("|")
        if name == "at_risk":
            # A run of an older senrkit does not say.
            return ("true",) if row.get("at_risk") == "true" else ()
        if name == "reason":
            return (f"{row['action']}/{row['reason']}",)
        if name == "decision":
            return (self.decided_as(place) or "none",)
        return (row[name],)

    def _order(self, place: int) -> Any:
        row = self.rows[place]
        if self.sorted_by == "student":
            return self._names.get(row["ssid"], ""), row["ssid"]
        if self.sorted_by == "decision":
            return self.decided_as(place)
        if self.sorted_by == "action":
            return TO_DO.index(row["action"]) if row["action"] in TO_DO else len(TO_DO)
        return row[self.sorted_by]


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    """What tells enrollments apart, in the proposal and in the findings."""
    return row["ssid"], row["school_code"], row.get("start_key") or row["start_date"].replace("-", "")


def _rules(findings: Path) -> Mapping[tuple[str, str, str], set[str]]:
    """Of each enrollment, the rules that CALPADS is expected to name."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    if findings.is_file():
        with findings.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found[_key(row)].add(row["rule"])
    return found


def _searchable(row: Mapping[str, str]) -> str:
    words = [row.get(name, "") for name in _SEARCHED]
    words += [wording.phrase("action", row["action"]).title, wording.phrase(row["action"], row["reason"]).title]
    return " ".join(words).lower()


def _unguarded(value: str | None) -> str:
    value = value or ""
    return value[1:] if value[:1] == _GUARD and value[1:2] in ("=", "+", "-", "@", "\t", "\r", "\n") else value
