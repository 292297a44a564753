"""Both sides of one student, spell by spell, with the decision and why: how a person comes to trust a delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.engine import Comparison, compare
from senrkit.errors import InputError, UsageError
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.inputs.load import SENR
from senrkit.progress import NoProgress
from senrkit.reconciliation import preconditions
from senrkit.reconciliation.preconditions import Acceptance
from senrkit.results.folder import ENROLLMENTS, FINDINGS, LEFT_OUT, PROPOSAL, RunFolder
from senrkit.results.tables import AERIES, CALPADS
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet
from senrkit.texts.card import Carded

_STATE = (
    "school_code nps_code start_date exit_date exit_reason completion_status status grade academic_year last_updated"
).split()
_SPELL = "school_code nps_code start_date exit_date exit_reason completion_status status grade origin odd_text".split()
_AERIES = ["YR", "SC", "HS", "ED", "LD", "ER", "GR", "PR", "IT", "ITD", "NPS"]
_DECISION = (
    "action reason hold_reason hold_detail hold_text school_code school_name start_date exit_date changed before after "
    "evidence"
).split()
_NAMES = ["first_name", "middle_name", "last_name", "birth_date"]
_SIDES = (
    ("calpads", "CALPADS holds"),
    ("aeries", "Aeries holds (this school year and the last)"),
    ("spells", "CALPADS should hold, this school year"),
    ("left_out", "Aeries rows left out"),
    ("decisions", "Decision"),
    ("findings", "Predicted findings"),
    ("information", "Good to know"),
)


@dataclass(frozen=True, repr=False)
class StudentView(Carded):
    """What is known of one student. Each side is a list of rows, field by field, as text.

    `names` is apart: it is shown only when asked for.
    """

    ssids: tuple[str, ...]
    local_ids: tuple[str, ...]
    sides: dict[str, list[dict[str, str]]]
    names: list[dict[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def document(self, show_names: bool = False) -> dict[str, Any]:
        """For machines."""
        shown = {"ssids": list(self.ssids), "local_ids": list(self.local_ids), **self.sides, "notes": list(self.notes)}
        return shown | ({"names": self.names} if show_names else {})

    def text(self, show_names: bool = False) -> str:
        """For people: both sides above each other, then the decision with its evidence."""
        lines = [f"SSID {' and '.join(self.ssids) or 'none'} · local id {' and '.join(self.local_ids) or 'none'}"]
        if show_names:
            lines += [f"  {_person(row)}" for row in self.names]
        for side, title in _SIDES:
            rows = self.sides.get(side)
            if rows is None:
                continue
            lines += ["", title] + ([f"  {_line(side, row)}" for row in rows] or ["  nothing"])
        return "\n".join([*lines, *([""] if self.notes else []), *self.notes])


def explain(source: Settings | Path, identifier: str) -> StudentView:
    """One student by SSID or local id: from both inputs as they are now, or from a finished run's folder.

    Raises
    ------
    UsageError
        when neither side knows the identifier.
    InputError
        when an input, or the run folder, cannot be read.
    """
    if isinstance(source, Path):
        return _from_folder(RunFolder.open(source), identifier)
    made = compare(source, Acceptance(), None, NoProgress(), needed=(SENR,))
    if made.scope is None or made.spell_set is None:
        stop = preconditions.stopped(made.preconditions)[0]
        raise InputError(stop.evidence, stop.cure)
    return _from_comparison(made, made.spell_set, identifier)


def _from_comparison(made: Comparison, spell_set: SpellSet, identifier: str) -> StudentView:
    assert made.scope is not None
    people = spell_set.people
    ssids, students = _who(made.scope.rows, people, identifier)
    theirs, hers = col.ssid.is_in(ssids), col.student.is_in(students)
    state = made.scope.rows.where(theirs).sort("start_date", descending=True, maintain_order=True)
    enr = to_polars(made.inputs.tables.tables["ENR"]).filter(col.ID.is_in(students))
    left_out = ["reason", "school_code", "school_name", "start_date", "exit_date"]
    sides = {
        "calpads": _rows(state, _STATE),
        "aeries": _rows(enr.sort("ED", descending=True, maintain_order=True), _AERIES),
        "spells": _rows(spell_set.spells.filter(hers), _SPELL),
        "left_out": _rows(spell_set.left_out.filter(col.local_id.is_in(students)), left_out),
    }
    notes = [f"{one.id} stops the run: {one.evidence}" for one in preconditions.stopped(made.preconditions)]
    if made.proposal is not None:
        sides["decisions"] = _rows(made.proposal.actions.filter(theirs), _DECISION)
        known = made.proposal.information.filter(theirs | col.local_id.is_in(students))
        sides["information"] = _rows(known, ["kind", "detail"])
    persons = people.filter(hers).unique("student", keep="first", maintain_order=True)
    of_state = state.unique("last_name", keep="first", maintain_order=True)
    names = [{"side": "CALPADS", **row} for row in _rows(of_state, _NAMES)]
    names += [{"side": "Aeries", **row} for row in _rows(persons, _NAMES)]
    return StudentView(tuple(ssids), tuple(students), sides, names, tuple(notes))


def _who(rows: StateRows, people: pl.DataFrame, identifier: str) -> tuple[list[str], list[str]]:
    """Every SSID and local id that belongs to the identifier on either side; both SSIDs when they disagree."""
    if not identifier:
        raise UsageError("No student was named.", "Give an SSID or a local id.")
    of_aeries = people.filter((col.ssid == identifier) | (col.student == identifier))
    named = (col.ssid == identifier) | (col.local_id == identifier)
    of_state = rows.read(["ssid", "local_id"], named)
    ssids = sorted({ssid for side in (of_state, of_aeries) for ssid in side["ssid"] if ssid})
    also = people.filter(col.ssid.is_in(ssids))
    if not of_aeries.height and not of_state.height:
        raise UsageError(
            "Neither CALPADS nor Aeries knows this SSID or local id.", "Check the number; leading zeros count."
        )
    return ssids, sorted({*of_aeries["student"], *also["student"]})


def identified(run: RunFolder, identifier: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every SSID and every local id that the run folder has for a number; nothing when it knows nobody of it."""
    return of_number(numbers(run.table(name) for name in (PROPOSAL, ENROLLMENTS, LEFT_OUT)), identifier)


def numbers(tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The pairs of `ssid` and `local_id` that stand in the tables."""
    return pl.concat(table.select(col("ssid", "local_id").fill_null("")) for table in tables).unique()


def of_number(known: pl.DataFrame, identifier: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every SSID and every local id that belongs to a number, by pairs of the two."""
    if not identifier:
        return (), ()
    mine = known.filter((col.ssid == identifier) | (col.local_id == identifier))
    ssids = tuple(sorted(set(mine["ssid"]) - {""}))
    also = known.filter(col.ssid.is_in(ssids))
    return ssids, tuple(sorted({*mine["local_id"], *also["local_id"]} - {""}))


def own(rows: pl.DataFrame, ssids: Sequence[str], local_ids: Sequence[str]) -> pl.DataFrame:
    """The rows of a student: by SSID, and by local id where no SSID stands."""
    theirs = col.ssid.is_in(ssids)
    if "local_id" in rows.columns:
        theirs |= col.local_id.is_in(local_ids) & (col.ssid == "")
    return rows.filter(theirs)


def _from_folder(run: RunFolder, identifier: str) -> StudentView:
    """What a finished run decided, from its own tables."""
    ssids, local_ids = identified(run, identifier)
    if not ssids and not local_ids:
        raise UsageError("This run proposed nothing for this SSID or local id.", "Ask without --run to see both sides.")
    tables = {"enrollments": ENROLLMENTS, "left_out": LEFT_OUT, "decisions": PROPOSAL, "findings": FINDINGS}
    rows = {side: own(run.table(name), ssids, local_ids) for side, name in tables.items()}
    both = rows.pop("enrollments")
    spells = {side: both.filter(col.side == kept) for side, kept in (("calpads", CALPADS), ("spells", AERIES))}
    shown = {side: _rows(table, _SPELL) for side, table in spells.items() if both.height}
    note = (
        f"Run {run.manifest['run_number']} as of {run.manifest['as_of']}. "
        "Both sides as they are today: senrkit student without --run."
    )
    return StudentView(ssids, local_ids, shown | {side: table.to_dicts() for side, table in rows.items()}, [], (note,))


def _rows(frame: pl.DataFrame, columns: list[str]) -> list[dict[str, str]]:
    present = [name for name in columns if name in frame.columns]
    return frame.select(col(present).fill_null("unknown")).to_dicts()


def _person(row: dict[str, str]) -> str:
    name = " ".join(row[part] for part in ("first_name", "middle_name", "last_name") if row[part])
    return f"{row['side']}: {name}, born {row['birth_date']}"


def _line(side: str, row: dict[str, str]) -> str:
    if side == "aeries":
        filled = ", ".join(
            f"{name} {row[name]}"
            for name in _AERIES[3:]
            if name not in ("ED", "LD") and row.get(name) not in ("", "0", None)
        )
        return f"{row['ED']} to {row['LD'] or 'open':<10}  Aeries school {row['SC']}  {filled}"
    if side in ("calpads", "spells"):
        extra = ", ".join(
            f"{name.replace('_', ' ')} {_day(row[name]) if name == 'last_updated' else row[name]}"
            for name in row
            if name not in _SHOWN and row[name] not in ("", "row")
        )
        end = _day(row["exit_date"]) or "open"
        where = f"school {row['school_code']}  grade {row['grade']}  status {row['status']}"
        return f"{_day(row['start_date'])} to {end:<10}  {where}  {row['exit_reason']:<4}  {extra}".rstrip()
    if side == "decisions":
        why = row.get("hold_reason") or row["reason"]
        said = [
            f"{row['action']} ({why})  school {row['school_code']}, start {_day(row['start_date'])}",
            row["evidence"],
            row.get("hold_text", ""),
        ]
        changes = [f"was {row['before']} → becomes {row['after']}"] if row["changed"] else []
        return "\n      ".join(part for part in said + changes if part)
    return "  ".join(value for value in row.values() if value)


_SHOWN = {"school_code", "start_date", "exit_date", "exit_reason", "grade", "status", "academic_year"}


def _day(written: str) -> str:
    return f"{written[:4]}-{written[4:6]}-{written[6:]}" if len(written) == 8 and written.isdigit() else written
