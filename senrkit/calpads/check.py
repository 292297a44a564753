"""What CALPADS would say: one small function per rule, by family; what a rule says is data (`senrkit.reference.rules`).

A rule that is off on the day is not asked. Rules that need other districts' records are listed by `cannot_check`.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from senrkit import reference
from senrkit.calpads.findings import by_cause, findings_of, joined_findings, no_findings, severity_of
from senrkit.calpads.records import Records
from senrkit.calpads.rule import RULES, CheckContext, Hits, Rule, Scope
from senrkit.calpads.rules import certification, combinations, dates, directory, format, identity, status
from senrkit.calpads.values import value
from senrkit.frames import text
from senrkit.frames.dates import days_of_ccyymmdd

if TYPE_CHECKING:
    from senrkit.calpads.store import Store
    from senrkit.inputs.extract.state_rows import StateRows

FAMILIES = (format, identity, dates, status, combinations, directory, certification)


def check_file(records: pd.DataFrame, context: CheckContext) -> pd.DataFrame:
    """The file against itself: format, codes, logic inside a record, records against each other, the directory.

    Parameters
    ----------
    records
        SENR fields as text, as they go out.
    context
        Whose file it is; without a directory its rules are left out.

    Returns
    -------
    DataFrame
        Findings (`CONTRIBUTING.md`), in the order of the rules, then of the rows; `file` is blank.
    """
    return file_findings(Records(records, context.as_of), context)


def check_against_state(records: pd.DataFrame, store: Store, context: CheckContext) -> pd.DataFrame:
    """The file against what CALPADS holds before it: only the state rows of the students in the file are looked at.

    An SSID of which the extract has no row cannot be told from a wrong one (SENR0007), so it is no finding.
    """
    sent = Records(records, context.as_of)
    return state_findings(sent, Records(store.rows_of(sent.frame["ssid"]), context.as_of), context)


def look_ahead(store: Store, context: CheckContext) -> pd.DataFrame:
    """What certification would say of the whole state; never fatal for a file. `row` is -1."""
    state = Records(_followed_up(store, context), context.as_of)
    parts = [_ask("after", (state, context), state, context)]
    if context.directory is not None:
        schools = Records(certification.expected_schools(context), context.as_of)
        in_year = store.where(lambda rows: rows.equals("academic_year", context.year.text), ["school_code"])
        parts.append(_ask("schools", (schools, in_year["school_code"], context), schools, context))
    return joined_findings(parts).assign(row=np.int64(-1))


def cannot_check(context: CheckContext, *, with_state: bool = True) -> pd.DataFrame:
    """Rules in force about enrollment that cannot be tested here: `id`, `title`, `because`."""
    rules = reference.rules(context.as_of)
    rules = rules[(rules["family"] != "language") & (rules["state"] != "off")]
    because = pd.Series("needs records of other districts or other state data", index=rules.index, dtype="str")
    missing = pd.Series(False, index=rules.index)
    if not with_state:
        missing |= rules["id"].isin(_only_in("state", "after", "schools"))
        because = because.mask(missing, "needs the ODS extract")
    if context.directory is None:
        needs_directory = rules["id"].isin(_only_in("directory", "schools"))
        because = because.mask(needs_directory, "needs the school directory")
        missing |= needs_directory
    chosen = missing | (rules["state"] == "cannot-check")
    return rules.loc[chosen, ["id", "title"]].assign(because=because[chosen]).reset_index(drop=True)


def titles(as_of: dt.date) -> dict[str, str]:
    """Rule id to its short title."""
    rules = reference.rules(as_of)
    return dict(zip(rules["id"], rules["title"], strict=True))


def file_findings(records: Records, context: CheckContext) -> pd.DataFrame:
    """As `check_file`, of records made ready before."""
    parts = [_ask("file", (records, context), records, context)]
    if context.directory is not None:
        parts.append(_ask("directory", (records, context), records, context))
    return joined_findings(parts)


def state_findings(records: Records, state: Records, context: CheckContext) -> pd.DataFrame:
    """As `check_against_state`, of records made ready before; `state` holds the students' rows before the file."""
    return _ask("state", (records, state, context), records, context)


def _ask(scope: Scope, asked: tuple, records: Records, context: CheckContext) -> pd.DataFrame:
    in_force = _in_force(context.as_of)
    parts = []
    for rule in RULES:
        if rule.scope == scope and rule.id in in_force:
            found = _without_deletes(rule, rule.find(*asked), records)
            if len(found.rows):
                parts.append(findings_of(rule, found, records, in_force[rule.id]))
    return joined_findings(parts)


@cache
def _in_force(as_of: dt.date) -> dict[str, dict[str, str]]:
    """The catalogue's rows of the rules that are asked on the day, by id."""
    rules = reference.rules(as_of)
    return {row["id"]: row for row in rules[rules["state"] == "on"].to_dict("records")}


def _without_deletes(rule: Rule, found: Hits, records: Records) -> Hits:
    if rule.deletes or not len(found.rows) or rule.scope in ("after", "schools"):
        return found
    kept = np.flatnonzero(~records.deletes[found.rows])
    return Hits(
        found.rows[kept],
        {name: hole.take(kept).reset_index(drop=True) for name, hole in found.holes.items()},
        None if found.fields is None else found.fields.take(kept).reset_index(drop=True),
        None if found.doubtful is None else found.doubtful[kept],
    )


def _only_in(*scopes: Scope) -> set[str]:
    return {rule.id for rule in RULES if rule.scope in scopes} - {rule.id for rule in RULES if rule.scope not in scopes}


def _followed_up(store: Store, context: CheckContext) -> pd.DataFrame:
    """The rows certification looks at here: open ones from before the year, and all rows of students with an E150."""
    year_start = np.datetime64(reference.SchoolYear.of(context.as_of).start)
    mid_year = store.where(lambda rows: rows.equals("exit_reason", value("exits", "mid_year")), ["ssid"])

    def wanted(rows: StateRows) -> np.ndarray:
        begun = rows.answered("start_date", days_of_ccyymmdd) < year_start
        return rows.is_in("ssid", mid_year["ssid"]) | (begun & rows.equals("exit_date", ""))

    # In an order of their own: in which the store keeps its rows depends on which students files have touched.
    return text.sorted_rows(store.where(wanted), ["ssid", "start_date", "school_code", "nps_code"])


__all__ = [
    "FAMILIES",
    "RULES",
    "CheckContext",
    "by_cause",
    "cannot_check",
    "check_against_state",
    "check_file",
    "file_findings",
    "look_ahead",
    "no_findings",
    "severity_of",
    "state_findings",
    "titles",
]
