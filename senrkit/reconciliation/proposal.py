"""State rows and spells, set against each other: the proposal (reconciliation.md 4 to 6).

Direction: CALPADS is changed to agree with Aeries. Every state row in scope and every spell lands in exactly one
action.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.intervals import LAST_DAY, is_primary
from senrkit.frames.pandas_door import to_polars
from senrkit.reconciliation.compare import EXIT_FIELDS, GRADUATE_FIELDS, NOT_COMPARED, compare
from senrkit.reconciliation.evidence import sentence, with_evidence
from senrkit.reconciliation.identity import (
    CONFLICT,
    CONFLICT_COLUMNS,
    WHO,
    another_child,
    history_under_another_ssid,
    known_people,
    two_for_one,
    under_another_ssid,
)
from senrkit.reconciliation.information import information
from senrkit.reconciliation.outgoing import outgoing
from senrkit.reconciliation.pairing import SAME_SCHOOL, pair_moves, with_known_nps
from senrkit.reconciliation.scope import KEY, Scope
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from senrkit.spells.build import FUTURE, PROGRAM_SKIPPED, TAG_SKIPPED, SpellSet
from senrkit.spells.rules import COMPLETER, E156, first_of
from senrkit.texts.card import Carded

HOLD_ORDER = (
    "identity-conflict aeries-overlap aeries-date-error ambiguous-pair prior-year-open left-out-in-aeries "
    "predicted-rejection decision"
).split()
LEFT_OUT_IN_AERIES = "left-out-in-aeries"
AMBIGUOUS = "ambiguous-pair"
_TIE = "Two enrollments in Aeries explain the state row equally well."
_WHICH_NPS = "Aeries does not say at which nonpublic school, and CALPADS names more than one."
NO_ACTION = ("settled-no-show", "settled-completion", "left-as-is", "future-dated")
# A completion of the summer lies between these days, the first when the last school day is not known (4.3).
_SUMMER = ((6, 1), (8, 15))
# In the order in which they stand in one file.
TRANSACTIONS = {"delete": "D", "update": "A", "add": "A"}


@dataclass(frozen=True, repr=False)
class Proposal(Carded):
    """What the run proposes.

    Attributes
    ----------
    actions
        One row a state row in scope, or spell without one; `row` is the position. Text: `action` (`same add update
        delete hold settled-no-show settled-completion left-as-is future-dated`), `intended` (what a hold would have
        been, else the action), `reason`, `hold_reason` (`""` or an id of section 6), `hold_detail` (its sub-reason, as
        `identity-conflict/b` or the id of a rule), `hold_text`, `transaction` (`A`, `D`, `""`), `school_code`,
        `nps_code`, `school_name`, `ssid`, `local_id`, `grade`, `start_date`, `exit_date` (CCYYMMDD), `changed`,
        `before`, `after`, `evidence`. Positions, null for none: `ods_row` (in the extract), `state_row` (in the rows in
        scope: the row itself or the other half of a move), `spell`. bool: `shortens`, `at_risk`, `no_show`.
    records
        The 35 SENR fields of every row whose `intended` is add, update or delete, and its `row` among the actions.
    holds
        One row an SSID: `ssid`, `hold_reason`, `detail`, `text`; the first of section 6 that applies.
    information
        Never an action: `kind, school_code, ssid, local_id, detail`.
    spells
        The spells as they were set against the state rows, which `spell` is a position in: those of the `SpellSet`, and
        the summer completions that the state confirms.
    conflicts
        Every conflict of identity, also those that a person has cleared: the columns of `identity.CONFLICT_COLUMNS` and
        `cleared` (bool).
    """

    actions: pl.DataFrame
    records: pl.DataFrame
    holds: pl.DataFrame
    information: pl.DataFrame
    spells: pl.DataFrame
    conflicts: pl.DataFrame


def reconcile(
    scope: Scope, spell_set: SpellSet, settings: Settings, cleared: Callable[[pl.DataFrame], pl.Series] | None = None
) -> Proposal:
    """The proposal for one LEA and run year; neither frame is changed.

    Parameters
    ----------
    scope, spell_set
        What `scope_of` and `build_spells` give.
    cleared
        Which conflicts of identity a person has looked at and cleared (`decisions.Checked`); never case d.

    Returns
    -------
    Proposal
        `actions`: one row a state row in scope or spell without one, with `action, intended, reason, hold_reason,
        hold_detail, hold_text, transaction, school_code, nps_code, school_name, ssid, local_id, grade, start_date,
        exit_date` (String; dates CCYYMMDD), `changed, before, after, evidence` (String), `ods_row, state_row, spell`
        (positions, null for none), `shortens, at_risk, no_show` (Boolean). `records`: the 35 SENR fields of what would
        be sent. `holds`: `ssid, hold_reason, detail, text`. `information`: `kind, school_code, ssid, local_id, detail`.
        `spells`, `conflicts`: see `Proposal`.
    """
    state = scope.state
    spells, unclear = _with_summer(spell_set, scope)
    spells, which_nps = with_known_nps(spells, state)
    spells = _not_reopened(spells.with_columns(KEY), state)
    met = _met(state, spells)
    # A delete is what is left when nothing speaks against it. First what stays as it is: it explains no add either,
    # and is never half of a tie.
    alone = _stays(_placed(state.join(met, "state_row", "anti", maintain_order="left")), spells, spell_set, settings)
    spells_alone = _placed(spells.join(met, "spell", "anti", maintain_order="left"))
    pairs, tied = pair_moves(alone.filter(col("stays") == ""), spells_alone)
    state_only = _state_only(alone, pairs, spell_set)
    # Then what holds the student: somebody said "do not report", nobody said "delete".
    left_out = _left_out_holds(state_only, spells, spell_set)
    halves = [_paired(met, settings, scope.lacking), state_only, _spell_only(spells_alone, pairs)]
    actions = _described(pl.concat(half.select(_OF_A_HALF) for half in halves), state, spells, spell_set)
    actions = _last_records(actions, scope, settings)
    conflicts = _conflicts(scope, spells, spell_set, cleared)
    holds = [
        _of_conflicts(conflicts),
        _of_odd(spells),
        _reasoned(state.filter(col("state_row").is_in(tied.implode()))["ssid"], AMBIGUOUS, _TIE),
        _reasoned(which_nps, AMBIGUOUS, _WHICH_NPS),
        _of_prior_year(scope, settings),
        *left_out,
    ]
    records, told = outgoing(actions, state, spells), information(scope, spell_set, met, unclear)
    nobody = pl.DataFrame(schema=dict.fromkeys(("ssid", "hold_reason", "detail", "text"), pl.String))
    return hold(Proposal(actions, records, nobody, told, spells, conflicts), pl.concat(holds))


_OF_A_HALF = (
    "intended", "reason", "changed", "before", "after", "own_state_row", "state_row", "spell", "pair_state_row",
    "pair_spell", "shortens",
)  # fmt: skip


def hold(proposal: Proposal, holds: pl.DataFrame) -> Proposal:
    """The proposal with more students held (section 6): no record in any file, every action shown as `hold`.

    `holds` has `ssid`, `hold_reason`, `detail`, `text`. What is no action (a settled row, one left as it is, one that
    starts later) stays.
    """
    every = pl.concat([proposal.holds, to_polars(holds)], how="diagonal")
    rank = col("hold_reason").replace_strict(HOLD_ORDER, list(range(len(HOLD_ORDER))), default=len(HOLD_ORDER))
    every = every.sort(rank, maintain_order=True).unique("ssid", keep="first", maintain_order=True)
    said = ("hold_reason", "hold_detail", "hold_text")
    why = every.select("ssid", "hold_reason", hold_detail="detail", hold_text="text")
    actions = proposal.actions.drop(said, strict=False)
    held = col("hold_reason").is_not_null() & ~col("intended").is_in(NO_ACTION)
    actions = actions.join(why, "ssid", "left", maintain_order="left").with_columns(
        action=pl.when(held).then(pl.lit("hold")).otherwise("intended"),
        transaction=pl.when(held).then(pl.lit("")).otherwise(_TRANSACTION),
        **{
            name: pl.when(held).then(col(name).fill_null("")).otherwise(pl.lit(""))
            for name in why.columns
            if name != "ssid"
        },
    )
    return replace(proposal, actions=actions, holds=every)


def balance(proposal: Proposal, scope: Scope, spell_set: SpellSet) -> dict[str, dict[str, Any]]:
    """The lines of section 9, each with its `total` and its `parts`.

    Raises
    ------
    AssertionError
        when a line does not add up: a fault of senrkit, never of the data.
    """
    by_state, by_spell = (
        dict(proposal.actions.select(side, "action").drop_nulls(side)["action"].value_counts().iter_rows())
        for side in ("ods_row", "spell")
    )
    read = scope.counts()
    lines = {
        "state-rows": (
            read["state_rows_read"],
            {"in-scope": read["in_scope"], "other-school": read["other_school"], "other-year": read["other_year"]},
        ),
        "in-scope": (read["in_scope"], _parts(by_state, ("same", "update", "delete", "hold", *NO_ACTION))),
        "enr-rows": (
            spell_set.rows_read,
            {"in-spells": spell_set.spells["rows"].sum(), "left-out": spell_set.left_out.height},
        ),
        "spells": (proposal.spells.height, _parts(by_spell, ("same", "update", "add", "hold"))),
    }
    for name, (total, parts) in lines.items():
        assert total == sum(parts.values()), f"The balance does not add up: {name}, {total} is not {parts}."
    return {name: {"total": total, "parts": parts} for name, (total, parts) in lines.items()}


_TRANSACTION = col("intended").replace_strict(TRANSACTIONS, default="", return_dtype=pl.String)


def _parts(counted: dict[str, int], actions: tuple[str, ...]) -> dict[str, int]:
    return {"held" if action == "hold" else action: counted.get(action, 0) for action in actions}


def _with_summer(spell_set: SpellSet, scope: Scope) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The spells, and with them those completions of the summer in which the year begins that the state confirms: the
    student's newest earlier state row ends `E156` (2.6a). The others are returned, too."""
    waiting = spell_set.summer
    if not waiting.height:
        return spell_set.spells, waiting
    there = scope.rows.narrow.select("ssid", "exit_reason", began="start", ended="exit")
    earlier = there.join(waiting.select("ssid", "start"), "ssid", maintain_order="left")
    earlier = earlier.filter(col("began") < col("start")).sort("began", "ended", maintain_order=True)
    newest = earlier.unique("ssid", keep="last", maintain_order=True).filter(col("exit_reason") == E156)
    confirmed, unclear = (waiting.join(newest, "ssid", how, maintain_order="left") for how in ("semi", "anti"))
    spells = pl.concat([spell_set.spells, confirmed], how="diagonal")
    return spells.with_columns(spell=pl.int_range(pl.len())), unclear


def _not_reopened(spells: pl.DataFrame, state: pl.DataFrame) -> pl.DataFrame:
    """A state row that a completion ended stays ended where the source cannot say whether Aeries has one (2.4a)."""
    ended = state.filter(col("exit_reason") == COMPLETER).unique("key", keep="first", maintain_order=True)
    kept = (*EXIT_FIELDS, "exit")
    there = ended.select("key", col(kept).name.suffix("_there"), ended=True)
    stays = (col("ended") & col("completion_unknown")).fill_null(False)
    return (
        spells.join(there, "key", "left", maintain_order="left")
        .with_columns(
            *(pl.when(stays).then(f"{name}_there").otherwise(name).alias(name) for name in kept),
            *(pl.when(~stays).then(name).alias(name) for name in GRADUATE_FIELDS),
        )
        .drop("ended", *(f"{name}_there" for name in kept))
    )


def _met(state: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """Spells with the state row that has their key, whose columns have `_there` behind their names; a key that two
    spells share goes to the first, and so does one that two state rows share."""
    named = (*COMPARED, *NOT_COMPARED, "start", "exit")
    is_first = col("key").is_first_distinct()
    there = state.select("key", "state_row", col(named).name.suffix("_there")).filter(is_first)
    here = spells.select("key", "spell", "closed_by", "school_code", "ssid", "local_id", *named).filter(is_first)
    return here.join(there, "key", maintain_order="left")


def _paired(met: pl.DataFrame, settings: Settings, lacking: frozenset[str]) -> pl.DataFrame:
    last_there, last_here = (col(f"exit{side}").fill_null(LAST_DAY) for side in ("_there", ""))
    # An enrollment that becomes primary can stand in the way of another only while that one still is primary.
    becomes_primary = _primary("", settings) & ~_primary("_there", settings)
    # Lazily: of some fifty columns few are looked at, and fewer kept.
    told = compare(met.lazy(), settings, lacking).with_columns(
        intended=pl.when("differs").then(pl.lit("update")).otherwise(pl.lit("same")),
        own_state_row="state_row",
        pair_state_row=_NONE,
        pair_spell=pl.lit(None, pl.Int64),
        shortens=(last_here < last_there) | ((last_here == last_there) & ~becomes_primary),
    )
    return told.select(_OF_A_HALF).collect()


_NONE = pl.lit(None, pl.UInt32)


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(place=pl.concat_str("school_code", col("nps_code").fill_null(""), separator="^"))


def _stays(alone: pl.DataFrame, spells: pl.DataFrame, spell_set: SpellSet, settings: Settings) -> pl.DataFrame:
    """State rows without a partner; `stays` is added: an id of `NO_ACTION` for those that stay as they are, or `""`
    (rule 4.3)."""
    omitted = (col("start") > settings.as_of) & pl.lit(settings.process.future_dates == "omit")
    left_out = spell_set.left_out
    skipped = left_out.filter(col("reason").is_in([TAG_SKIPPED, PROGRAM_SKIPPED]), ~_NEVER)
    never = _left_out_there(spells, left_out.filter(_NEVER))
    return alone.with_columns(
        stays=first_of(
            {
                "settled-no-show": col("canceled"),
                "settled-completion": _settled_completion(settings),
                "future-dated": omitted & col("ssid").is_in(spell_set.enrolled_ssids.implode()),
                "left-as-is": _left_out_there(spells, skipped) & ~never,
            }
        )
    )


def _settled_completion(settings: Settings) -> pl.Expr:
    """A completion of one summer's day, for which Aeries keeps no `ENR` row."""
    year, last_day = settings.school_year, settings.process.last_school_day
    (month, day), summer_end = _SUMMER
    first = dt.date(year.first + 1, month, day) if last_day is None else last_day + dt.timedelta(days=1)
    in_summer = (col("start") <= dt.date(year.first, *summer_end)) | (col("start") >= first)
    return (col("start") == col("exit")) & (col("exit_reason") == COMPLETER) & in_summer


# The tag that districts give to students who must not be reported; any other skipped tag says less.
_NEVER = (col("reason") == TAG_SKIPPED) & (col("tag") == "*")


def _left_out_there(spells: pl.DataFrame, left_out: pl.DataFrame) -> pl.Expr:
    """State rows of students with one of these left-out rows at that school; at any when they have no spell at all."""
    at_school = pl.concat_str("ssid", "school_code", separator="^")
    there = at_school.is_in(left_out.select(at_school).to_series().implode())
    without_spell = left_out.join(spells, "ssid", "anti")["ssid"]
    return there | col("ssid").is_in(without_spell.implode())


def _left_out_holds(state_only: pl.DataFrame, spells: pl.DataFrame, spell_set: SpellSet) -> list[pl.DataFrame]:
    """State rows that would be deleted while Aeries has a row of the student that is not reported, or not yet (4.3)."""
    would_go = state_only.filter(col("intended") == "delete")
    later = spell_set.left_out.filter(col("reason") == FUTURE)
    found = {
        TAG_SKIPPED: would_go.filter(_left_out_there(spells, spell_set.left_out.filter(_NEVER))),
        FUTURE: would_go.filter(col("reason") != SAME_SCHOOL, _left_out_there(spells, later)),
    }
    return [
        _reasoned(rows["ssid"], LEFT_OUT_IN_AERIES, sentence(f"left-out/{why}"), f"{LEFT_OUT_IN_AERIES}/{why}")
        for why, rows in found.items()
    ]


def _state_only(alone: pl.DataFrame, pairs: pl.DataFrame, spell_set: SpellSet) -> pl.DataFrame:
    """State rows without a partner, in the order of rule 4.3."""
    enrolled = col("ssid").is_in(spell_set.enrolled_ssids.implode())
    pair = pairs.select("state_row", pair_spell="spell", moved="reason")
    return alone.join(pair, "state_row", "left", maintain_order="left").with_columns(
        _UNCHANGED,
        intended=pl.when(col("stays") != "").then("stays").otherwise(pl.lit("delete")),
        reason=pl.when(col("stays") != "")
        .then(pl.lit(""))
        .when(~enrolled)
        .then(pl.lit("no-current-year-enrollment"))
        .otherwise(col("moved").fill_null("not-in-aeries")),
        own_state_row="state_row",
        spell=pl.lit(None, pl.Int64),
        pair_state_row=_NONE,
    )


def _spell_only(alone: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    pair = pairs.select("spell", "state_row", moved="reason")
    continued = pl.when(col("origin") == "mid-year-change").then(pl.lit("mid-year-change"))
    return alone.join(pair, "spell", "left", maintain_order="left").with_columns(
        _UNCHANGED,
        intended=pl.lit("add"),
        reason=pl.coalesce("moved", continued, pl.lit("missing-in-calpads")),
        own_state_row=_NONE,
        pair_state_row="state_row",
        pair_spell=pl.lit(None, pl.Int64),
    )


_UNCHANGED = [
    *(pl.lit("").alias(name) for name in ("changed", "before", "after")),
    pl.lit(False).alias("shortens"),
]


def _described(actions: pl.DataFrame, state: pl.DataFrame, spells: pl.DataFrame, spell_set: SpellSet) -> pl.DataFrame:
    """What a person reads: school, student, dates, evidence; in order of student and start."""
    shown = ("school_code", "nps_code", "ssid", "local_id", "grade", "start_date", "exit_date", "exit_reason")
    told = ("school_code", "start_date", "exit_date", "exit_reason")
    there = state.select("ods_row", own_state_row="state_row", **{f"{name}_ods": name for name in shown})
    here = spells.select("spell", "school_name", **{f"{name}_sis": name for name in shown})
    names = spell_set.schools.unique("school_code", keep="first").select("school_code", named="name")
    filled = {name: _first_filled(f"{name}_sis", f"{name}_ods") for name in shown if name != "exit_reason"}
    filled["exit_date"] = pl.when(col("spell").is_not_null()).then("exit_date_sis").otherwise("exit_date_ods")
    described = (
        actions.with_row_index("order")
        .join(there, "own_state_row", "left", maintain_order="left")
        .join(here, "spell", "left", maintain_order="left")
        .with_columns(**filled)
        .join(names, "school_code", "left", maintain_order="left")
        .with_columns(school_name=_first_filled("school_name", "named"))
    )
    other_half = described.filter(col("pair_spell").is_not_null() | col("pair_state_row").is_not_null())
    other_half = (
        other_half.select("order", "pair_spell", "pair_state_row")
        .join(spells.select(pair_spell="spell", **{f"{name}_sis": name for name in told}), "pair_spell", "left")
        .join(
            state.select(pair_state_row="state_row", **{f"{name}_ods": name for name in told}), "pair_state_row", "left"
        )
        .select("order", **{f"{name}_pair": _first_filled(f"{name}_sis", f"{name}_ods") for name in told})
    )
    kept = ("ods_row", "state_row", "spell", "school_name", *filled, "intended", "reason", "changed", "before", "after")
    return (
        with_evidence(described.join(other_half, "order", "left"))
        .select("order", *kept, "evidence", "shortens")
        .sort("ssid", "start_date", "school_code", "nps_code", "intended", "order")
        .select(pl.int_range(pl.len()).alias("row"), pl.exclude("order"))
        .collect()
    )


def _first_filled(here: str, there: str) -> pl.Expr:
    said = col(here).fill_null("")
    return pl.when(said != "").then(said).otherwise(col(there).fill_null(""))


def _last_records(actions: pl.DataFrame, scope: Scope, settings: Settings) -> pl.DataFrame:
    """Deletes after which the extract would show no record at all for the student (section 7.4)."""
    going = actions.filter(col("intended") == "delete").group_by("ssid").agg(going=pl.len())
    theirs = scope.rows.narrow.select("ssid").join(going, "ssid", "semi").group_by("ssid").agg(theirs=pl.len())
    last = going.join(theirs, "ssid", "left").filter(col("theirs").fill_null(0) <= col("going"))["ssid"]
    added = actions.filter(col("intended") == "add")["ssid"]
    at_risk = (col("intended") == "delete") & col("ssid").is_in(last.implode())
    as_no_show = at_risk & ~col("ssid").is_in(added.implode()) & pl.lit(settings.process.last_record == "no-show")
    actions = _as_no_shows(actions.with_columns(at_risk=at_risk & ~as_no_show, no_show=as_no_show))
    return actions.with_columns(transaction=_TRANSACTION)


def _as_no_shows(actions: pl.DataFrame) -> pl.DataFrame:
    """Some deletes as updates to a student who never came: exit on the day before the start."""
    day_before = days.key(days.of_key(col("start_date")) - pl.duration(days=1))
    changed = {
        "intended": pl.lit("update"),
        "shortens": pl.lit(True),
        "changed": pl.lit("exit_date|exit_reason"),
        "before": pl.format("exit_date={}", "exit_date"),
        "after": pl.format("exit_date={}|exit_reason=N470", day_before),
        "exit_date": day_before,
        "evidence": pl.format("{} {}", "evidence", pl.lit(sentence("no-show/last-record"))),
    }
    return actions.with_columns(**{name: pl.when("no_show").then(new).otherwise(name) for name, new in changed.items()})


def _conflicts(
    scope: Scope, spells: pl.DataFrame, spell_set: SpellSet, cleared: Callable[[pl.DataFrame], pl.Series] | None
) -> pl.DataFrame:
    """All of rule 4.1: a looks at all rows of the LEA, b at those in scope, c at the older ones, d at Aeries alone."""
    people, rows = spell_set.people, scope.rows
    without_ssid = spell_set.left_out.filter(col("reason") == "no-ssid")["local_id"]
    known = known_people(people, spell_set.enrolled, spell_set.attended, spell_set.schools, without_ssid)
    claimed = rows.at(_worth_a_look(scope, spells, people), WHO)
    newcomers = spells.join(rows.narrow, "ssid", "anti")["ssid"]
    found = pl.concat(
        one.select(CONFLICT_COLUMNS)
        for one in (
            another_child(claimed, known),
            under_another_ssid(scope.state.select(*WHO, "school_code"), known),
            history_under_another_ssid(newcomers, _newest_of_strangers(scope, people, newcomers), known),
            two_for_one(known),
        )
    )
    # Which of a student's conflicts is told must not depend on the order of the rows.
    found = found.sort("ssid", "case", "detail", "group", "digest")
    is_cleared = pl.lit(False) if cleared is None else pl.lit(cleared(found)) & (col("case") != "d")
    return found.with_columns(cleared=is_cleared)


def _worth_a_look(scope: Scope, spells: pl.DataFrame, people: pl.DataFrame) -> pl.Series:
    """Positions of the LEA's rows, of any year, of the students concerned whose first name or birth date is not what
    Aeries says: case a is about no other, and these are few."""
    concerned = pl.concat([scope.state.select("ssid"), spells.select("ssid")]).lazy().unique()
    said = people.lazy().select(
        "ssid", called=col("first_name").cast(pl.Categorical), born=days.of_key(col("birth_date"))
    )
    said = said.unique("ssid", keep="first").join(concerned, "ssid", "semi")
    agrees = (col("first_name") == col("called")) & (col("birth_date") == col("born"))
    rows = scope.rows.narrow.lazy().select("ssid", "first_name", "birth_date", "reporting_lea").with_row_index("at")
    of_them = rows.filter(scope.of_lea).join(said, "ssid").filter(~agrees.fill_null(False))
    return of_them.select(col("at").sort()).collect(engine="streaming").to_series()


def _newest_of_strangers(scope: Scope, people: pl.DataFrame, newcomers: pl.Series) -> pl.DataFrame:
    """Of each SSID that Aeries does not know its newest row of the years before; none when nobody could be sought."""
    rows = scope.rows.narrow.select("ssid", "start", "reporting_lea").with_row_index("at")
    older = rows.filter(scope.of_lea, col("start") < scope.year.start) if len(newcomers) else rows.clear()
    strangers = older.join(people, "ssid", "anti", maintain_order="left")
    newest = strangers.sort("start", "at").unique("ssid", keep="last")
    return scope.rows.at(newest["at"].sort(), WHO)


def _of_conflicts(conflicts: pl.DataFrame) -> pl.DataFrame:
    left = conflicts.filter(~col("cleared")).unique("ssid", keep="first", maintain_order=True)
    return left.select(
        "ssid", hold_reason=pl.lit(CONFLICT), detail=pl.format(f"{CONFLICT}/{{}}", "case"), text="detail"
    )


def _of_odd(spells: pl.DataFrame) -> pl.DataFrame:
    odd = spells.filter(col("odd") != "")
    # Students do not hang on each other: which of a student's conflicts is told must not depend on who else is there.
    odd = odd.sort("odd", descending=True, maintain_order=True)
    return odd.select("ssid", hold_reason="odd", detail=pl.lit(""), text="odd_text")


def _of_prior_year(scope: Scope, settings: Settings) -> pl.DataFrame:
    still_open = (
        scope.open_prior_year()["ssid"] if settings.process.prior_year_open == "hold" else pl.Series("ssid", [])
    )
    return _reasoned(still_open, "prior-year-open", "An enrollment of an earlier school year is still open in CALPADS.")


def _reasoned(ssids: pl.Series, reason: str, said: str, detail: str = "") -> pl.DataFrame:
    told = {"hold_reason": reason, "detail": detail, "text": said}
    return ssids.cast(pl.String).to_frame("ssid").with_columns(**{name: pl.lit(what) for name, what in told.items()})


def _primary(side: str, settings: Settings) -> pl.Expr:
    lasts = (col(f"exit{side}").fill_null(settings.as_of) - col(f"start{side}")).dt.total_days() + 1
    return is_primary(col(f"status{side}"), lasts)
