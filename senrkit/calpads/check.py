"""What CALPADS would say: one expression per rule, by family; what a rule says is data (`senrkit.reference.rules`).

A rule that is off on the day is not asked. Rules that need other districts' records are listed by `cannot_check`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl
from polars import col

from senrkit import reference
from senrkit.calpads.findings import findings_of, joined_findings
from senrkit.calpads.records import terms, with_terms
from senrkit.calpads.rule import Ask, CheckContext, Rule, Scope
from senrkit.calpads.rules import certification, combinations, dates, directory, format, identity, status
from senrkit.calpads.store import Store

# What certification asks of an enrollment here; the other fields count as blank.
_FOLLOWED_UP = "reporting_lea school_code nps_code ssid start_date status exit_date exit_reason".split()
# What the rules ask of the rows that CALPADS holds; their other fields need not be read.
_OF_THE_HELD = (
    "student key school ssid school_code reporting_lea submitting_lea start_date start exit open canceled primary "
    "exit_reason completion_status gender birth_date"
).split()
_BLANK = pl.DataFrame(schema=dict.fromkeys(reference.SENR_FIELDS, pl.String))

FAMILIES = (certification, combinations, dates, directory, format, identity, status)
RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES for rule in family.RULES)


def check_file(records: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """Files against themselves: format, codes, logic inside a record, records against each other, the directory.

    Parameters
    ----------
    records
        SENR fields as text, as they go out; of several files with `file` and `row` (`records.with_terms`).
    context
        Whose file it is; without a directory its rules are left out.

    Returns
    -------
    DataFrame
        Findings (`CONTRIBUTING.md`), in the order of the rules, then of the rows.
    """
    ready = with_terms(records, context)
    found = [_ask("file", status.with_overlaps_in_file(ready), context)]
    if context.directory is not None:
        found.append(_ask("directory", directory.with_schools(ready, context.directory), context))
    return joined_findings(found)


def check_against_state(
    records: pl.DataFrame, held: pl.DataFrame | pl.LazyFrame, context: CheckContext
) -> pl.DataFrame:
    """Files against what CALPADS holds before each: `held`, the state rows of the students in the file, with the
    columns `file` and `row`, too, where the records have them.

    An SSID of which the extract has no row cannot be told from a wrong one (SENR0007), so it is no finding.
    """
    ready, state = with_terms(records, context), terms(held.lazy(), context).select(_OF_THE_HELD).collect()
    known = dates.with_graduations(identity.with_held(ready, state), state)
    return _ask("state", status.with_overlaps_in_state(known, state), context)


def look_ahead(store: Store, context: CheckContext) -> pl.DataFrame:
    """What certification would say of the whole state; never fatal for a file. `row` is null."""
    state = with_terms(_followed_up(store, context), context)
    found = [_ask("after", certification.with_successors(state), context)]
    if context.directory is not None:
        enrolled = store.where(col.academic_year == context.year.text, ["school_code"])["school_code"].unique()
        schools = certification.expected_schools(context).with_columns(
            col.school_code.is_in(enrolled.implode()).alias("enrolled"),
            *(pl.lit("").alias(name) for name in ("file", "ssid", "start_date")),
            row=pl.lit(None, pl.UInt32),
        )
        found.append(_ask("schools", schools, context))
    return joined_findings(found).with_columns(row=pl.lit(None, pl.UInt32))


def cannot_check(context: CheckContext, *, with_state: bool = True) -> pl.DataFrame:
    """Rules in force about enrollment that cannot be tested here: `id`, `title`, `because`."""
    needs_state = col.id.is_in([] if with_state else _only_in("state", "after", "schools"))
    needs_directory = col.id.is_in([] if context.directory else _only_in("directory", "schools"))
    rules = reference.rules(context.as_of).filter(col.family != "language", col.state != "off")
    return rules.filter(needs_state | needs_directory | (col.state == "cannot-check")).select(
        "id",
        "title",
        because=pl.when(needs_directory)
        .then(pl.lit("needs the school directory"))
        .when(needs_state)
        .then(pl.lit("needs the ODS extract"))
        .otherwise(pl.lit("needs records of other districts or other state data")),
    )


def _ask(scope: Scope, records: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """All rules of a kind in one select; sentences only for what offends."""
    asked = _asked(scope, context.year, context.as_of)
    offends = records.select(flags for _, _, flags in asked)
    return joined_findings(
        findings_of(records.filter(flags), ask, catalog)
        for (catalog, ask, _), flags in zip(asked, offends, strict=True)
        if flags.any()
    )


@cache
def _asked(
    scope: Scope, year: reference.SchoolYear, as_of: dt.date
) -> tuple[tuple[Mapping[str, Any], Ask, pl.Expr], ...]:
    """What is asked on the day: the catalog's row, what the rule asks, and which records offend."""
    in_force = _in_force(as_of)
    rules = [rule for rule in RULES if rule.scope == scope and rule.id in in_force]
    asked = [(rule, ask) for rule in rules for ask in rule.asks(year)]
    return tuple((in_force[rule.id], ask, _offends(rule, ask).alias(str(at))) for at, (rule, ask) in enumerate(asked))


def _offends(rule: Rule, ask: Ask) -> pl.Expr:
    counts = True if rule.deletes or rule.scope in ("after", "schools") else ~col.deletes
    return (ask.offends & counts).fill_null(False)


@cache
def _in_force(as_of: dt.date) -> dict[str, dict[str, Any]]:
    """The catalog's rows of the rules that are asked on the day, by id."""
    return {row["id"]: row for row in reference.rules(as_of).filter(col.state == "on").rows(named=True)}


def _only_in(*scopes: Scope) -> list[str]:
    elsewhere = {rule.id for rule in RULES if rule.scope not in scopes}
    return [rule.id for rule in RULES if rule.id not in elsewhere]


def _followed_up(store: Store, context: CheckContext) -> pl.DataFrame:
    """The rows certification looks at here: open ones from before the year, and all rows of students with an E150."""
    mid_year = store.where(col.exit_reason == "E150", ["ssid"])["ssid"].unique()
    left_open = (col.start < reference.SchoolYear.of(context.as_of).start) & col.exit.is_null()
    rows = store.where(col.ssid.is_in(mid_year.implode()) | left_open, _FOLLOWED_UP)
    # In an order of their own: in which the store keeps its rows depends on which students files have touched.
    return pl.concat([_BLANK, rows], how="diagonal").sort(
        "ssid", "start_date", "school_code", "nps_code", maintain_order=True
    )
