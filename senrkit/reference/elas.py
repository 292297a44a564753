"""Language statuses and which may follow which: answers from `elas.toml` and the tables of `senrkit.reference`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from senrkit.reference import PACKAGED, SchoolYear


@cache
def facts() -> dict[str, Any]:
    """`elas.toml`."""
    return tomllib.loads(resources.files("senrkit.reference").joinpath("elas.toml").read_text(encoding="utf-8"))


def lac_dates() -> dict[str, str]:
    """Status → the LAC column with its day."""
    return facts()["lac_date"]


def from_testing() -> tuple[str, ...]:
    """The statuses that come from the testing system."""
    return tuple(facts()["from_testing"]["status"])


@cache
def known(year: SchoolYear) -> frozenset[str]:
    """The statuses in force in a school year."""
    return frozenset(submitted for _, submitted in transitions(year))


@cache
def transitions(year: SchoolYear) -> frozenset[tuple[str, str]]:
    """The pairs (held, submitted) that CALPADS accepts in a school year; a blank one is no status yet.

    Source: Valid Code Combinations v12.0, "Current ELAS-Submtd ELAS" (`elas_transitions.csv`).
    """
    rows = PACKAGED.rows("elas_transitions")
    return frozenset((row["current_elas"], row["submitted_elas"]) for row in rows if _in_force(row, year))


@cache
def corrections(year: SchoolYear) -> frozenset[tuple[str, str, str]]:
    """The triples (held, submitted, correction reason) that CALPADS accepts on its screen (`elas_corrections.csv`)."""
    rows = PACKAGED.rows("elas_corrections")
    return frozenset(
        (row["current_elas"], row["submitted_elas"], row["correction_code"]) for row in rows if _in_force(row, year)
    )


def correction_names() -> dict[str, str]:
    """Correction reason code → its name."""
    return {row["correction_code"]: row["correction_name"] for row in PACKAGED.rows("elas_corrections")}


def may_follow(held: str, submitted: str, correction: str, year: SchoolYear) -> bool:
    """Whether a status may follow another in a school year, by itself or as a correction with that reason."""
    return (held, submitted) in transitions(year) or (held, submitted, correction) in corrections(year)


@cache
def reachable(status: str, year: SchoolYear) -> frozenset[str]:
    """The statuses that may follow, at once or by way of others."""
    found: frozenset[str] = frozenset()
    new = frozenset([status])
    while new:
        new = frozenset(after for before, after in transitions(year) if before in new) - found
        found |= new
    return found


def judged(held: str, in_aeries: str, year: SchoolYear) -> str:
    """What two different statuses mean, by the tables of transitions.

    `aeries-behind`: Aeries' status may be followed by CALPADS', at once or by way of others (a transfer student who was
    reclassified elsewhere); `calpads-behind`: CALPADS' by Aeries', at once; `either-behind`: both; `correction-needed`:
    only a correction on CALPADS' screen leads to Aeries' status; `no-way`: nothing does.
    """
    behind = held in reachable(in_aeries, year)
    ahead = (held, in_aeries) in transitions(year)
    if behind or ahead:
        return "either-behind" if behind and ahead else "aeries-behind" if behind else "calpads-behind"
    correctable = {(current, submitted) for current, submitted, _ in corrections(year)}
    return "correction-needed" if (held, in_aeries) in correctable else "no-way"


def _in_force(row: dict[str, str], year: SchoolYear) -> bool:
    # Years are written YYYY-YYYY, so they compare as text.
    return row["first_year"] <= year.text and (row["last_year"] == "" or year.text <= row["last_year"])
