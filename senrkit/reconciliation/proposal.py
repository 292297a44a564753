"""State rows and spells, set against each other: the proposal (reconciliation.md 4 to 6).

Direction: CALPADS is changed to agree with Aeries. Every state row in scope and every spell lands in exactly one
action.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.frames.intervals import OPEN_END, primary
from senrkit.frames.text import taken
from senrkit.reconciliation.compare import EXIT_FIELDS, GRADUATE_FIELDS, compare
from senrkit.reconciliation.evidence import evidence, sentence
from senrkit.reconciliation.identity import (
    CONFLICT,
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
from senrkit.reconciliation.scope import Scope, key_of
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from senrkit.spells.build import FUTURE, PROGRAM_SKIPPED, TAG_SKIPPED, SpellSet
from senrkit.spells.rules import COMPLETER, E156

HOLD_ORDER = (
    "identity-conflict aeries-overlap aeries-date-error ambiguous-pair prior-year-open left-out-in-aeries "
    "predicted-rejection decision"
).split()
LEFT_OUT_IN_AERIES = "left-out-in-aeries"
AMBIGUOUS = "ambiguous-pair"
_TIE = "Two enrollments in Aeries explain the state row equally well."
_WHICH_NPS = "Aeries does not say at which nonpublic school, and CALPADS names more than one."
NO_ACTION = ("settled-no-show", "settled-completion", "left-as-is", "future-dated")
# The tag that districts give to students who must not be reported; any other skipped tag says less.
_NEVER_REPORTED = "*"
# A completion of the summer lies between these days, the first when the last school day is not known (4.3).
_SUMMER = ((6, 1), (8, 15))
# In the order in which they stand in one file.
TRANSACTIONS = {"delete": "D", "update": "A", "add": "A"}


@dataclass(frozen=True)
class Proposal:
    """What the run proposes.

    Attributes
    ----------
    actions
        One row a state row in scope, or spell without one, RangeIndex. Text: `action` (`same add update delete hold
        settled-no-show settled-completion left-as-is future-dated`), `intended` (what a hold would have been, else the
        action), `reason`, `hold_reason` (`""` or an id of section 6), `hold_detail` (its sub-reason, such as
        `identity-conflict/b` or the id of a rule), `hold_text`, `transaction` (`A`, `D`, `""`), `school_code`,
        `nps_code`, `school_name`, `ssid`, `local_id`, `grade`, `start_date`, `exit_date` (CCYYMMDD), `changed`,
        `before`, `after`, `evidence`. int64: `ods_row` (position in the extract, -1 none), `state_row` (position in
        the rows in scope: the row itself or the other half of a move, -1 none), `spell` (-1 none). bool: `shortens`,
        `at_risk`, `no_show`.
    records
        The 35 SENR fields of every row whose `intended` is add, update or delete, on the same index.
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

    actions: pd.DataFrame
    records: pd.DataFrame
    holds: pd.DataFrame
    information: pd.DataFrame
    spells: pd.DataFrame
    conflicts: pd.DataFrame


def reconcile(
    scope: Scope, spell_set: SpellSet, settings: Settings, cleared: Callable[[pd.DataFrame], np.ndarray] | None = None
) -> Proposal:
    """The proposal for one LEA and run year; neither frame is changed.

    `cleared` says which conflicts of identity a person has looked at and cleared (`decisions.Cleared`); never case d.
    """
    state = scope.state
    spells, unclear = _with_summer(spell_set, scope)
    spells, which_nps = with_known_nps(spells, state)
    partner = _same_key(state, spells)
    spells = _not_reopened(state, spells, partner)
    paired = _paired(state, spells, partner, settings, scope.lacking)
    state_alone, spells_alone = _without_partner(state, spells, partner)
    # A delete is what is left when nothing speaks against it. First what stays as it is: it explains no add either,
    # and is never half of a tie.
    no_action = _no_action(state_alone, spells, spell_set, settings)
    pairs, tied = pair_moves(state_alone[no_action == ""], spells_alone)
    state_only = _state_only(state_alone, no_action, pairs, spell_set)
    # Then what holds the student: somebody said "do not report", nobody said "delete".
    left_out = _left_out_holds(state_alone, state_only, spells, spell_set)
    spell_only = _spell_only(spells_alone, pairs)
    actions = pd.concat([paired, state_only, spell_only], ignore_index=True)
    actions = _described(actions, scope, spells, spell_set)
    actions = _last_records(actions, scope, settings)
    records = outgoing(actions, state, spells)
    conflicts = _conflicts(scope, spells, spell_set, cleared)
    ambiguous = [_reasoned(state.loc[tied, "ssid"], AMBIGUOUS, _TIE), _reasoned(which_nps, AMBIGUOUS, _WHICH_NPS)]
    holds = [_of_conflicts(conflicts), _of_faults(spells), *ambiguous, _of_prior_year(scope, settings), *left_out]
    told = information(scope, spell_set, spells, partner, unclear)
    proposal = Proposal(actions, records, _reasoned(which_nps.iloc[:0], "", ""), told, spells, conflicts)
    return hold(proposal, pd.concat(holds, ignore_index=True))


def hold(proposal: Proposal, holds: pd.DataFrame) -> Proposal:
    """The proposal with more students held (section 6): no record in any file, every action shown as `hold`.

    `holds` has `ssid`, `hold_reason`, `detail`, `text`. What is no action (a settled row, one left as it is, one that
    starts later) stays.
    """
    every = pd.concat([proposal.holds, holds], ignore_index=True)
    rank = every["hold_reason"].map({reason: place for place, reason in enumerate(HOLD_ORDER)})
    every = every.iloc[np.argsort(rank.to_numpy(), kind="stable")].drop_duplicates("ssid", ignore_index=True)
    actions = proposal.actions
    at = text.positions(actions["ssid"], every["ssid"])
    held = (at >= 0) & ~actions["intended"].isin(NO_ACTION).to_numpy()
    at = np.where(held, at, -1)
    transaction = text.mapped(actions["intended"], _transaction)
    changed = actions.assign(
        action=text.choose(held, "hold", actions["intended"]),
        hold_reason=taken(every["hold_reason"], at).fillna(""),
        hold_detail=taken(every["detail"], at).fillna(""),
        hold_text=taken(every["text"], at).fillna(""),
        transaction=text.choose(held, "", transaction),
    )
    return replace(proposal, actions=changed, holds=every)


def balance(proposal: Proposal, scope: Scope, spell_set: SpellSet) -> dict[str, dict[str, Any]]:
    """The lines of section 9, each with its `total` and its `parts`.

    Raises
    ------
    AssertionError
        when a line does not add up: a fault of senrkit, never of the data.
    """
    actions = proposal.actions
    by_state = actions.loc[actions["ods_row"] >= 0, "action"].value_counts()
    by_spell = actions.loc[actions["spell"] >= 0, "action"].value_counts()
    read = scope.counts()
    lines = {
        "state-rows": (
            read["state_rows_read"],
            {"in-scope": read["in_scope"], "other-school": read["other_school"], "other-year": read["other_year"]},
        ),
        "in-scope": (read["in_scope"], _parts(by_state, ("same", "update", "delete", "hold", *NO_ACTION))),
        "enr-rows": (
            spell_set.rows_read,
            {"in-spells": int(spell_set.spells["rows"].sum()), "left-out": len(spell_set.left_out)},
        ),
        "spells": (len(proposal.spells), _parts(by_spell, ("same", "update", "add", "hold"))),
    }
    for name, (total, parts) in lines.items():
        assert total == sum(parts.values()), f"The balance does not add up: {name}, {total} is not {parts}."
    return {name: {"total": total, "parts": parts} for name, (total, parts) in lines.items()}


def _transaction(intended: str) -> str:
    return TRANSACTIONS.get(intended, "")


def _parts(counted: pd.Series, actions: tuple[str, ...]) -> dict[str, int]:
    return {"held" if action == "hold" else action: int(counted.get(action, 0)) for action in actions}


def _same_key(state: pd.DataFrame, spells: pd.DataFrame) -> np.ndarray:
    """For each spell the state row with its key, -1 none; a key that two spells share goes to the first."""
    keys = key_of(spells)
    at = text.positions(keys, key_of(state))
    at[keys.duplicated().to_numpy()] = -1
    return at


def _with_summer(spell_set: SpellSet, scope: Scope) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The spells, and with them those completions of the summer in which the year begins that the state confirms: the
    student's newest earlier state row ends `E156` (2.6a). The others are returned, too."""
    waiting = spell_set.summer
    if not len(waiting):
        return spell_set.spells, waiting
    at = np.flatnonzero(scope.rows.is_in("ssid", waiting["ssid"]))
    earlier = scope.rows.at(at, ["ssid", "exit_date", "exit_reason"]).assign(start_there=scope.start[at])
    earlier = earlier.merge(waiting[["ssid", "start"]], on="ssid")
    earlier = earlier[(earlier["start_there"] < earlier["start"]).to_numpy()]
    newest = earlier.sort_values(["start_there", "exit_date"], kind="stable").drop_duplicates("ssid", keep="last")
    confirmed = text.is_in(waiting["ssid"], newest.loc[text.equals(newest["exit_reason"], E156), "ssid"])
    spells = pd.concat([spell_set.spells, waiting[confirmed]], ignore_index=True)
    return spells.assign(spell=np.arange(len(spells), dtype="int64")), waiting[~confirmed]


def _not_reopened(state: pd.DataFrame, spells: pd.DataFrame, partner: np.ndarray) -> pd.DataFrame:
    """A state row that a completion ended stays ended where the source cannot say whether Aeries has one (2.4a)."""
    at = np.flatnonzero((partner >= 0) & spells["completion_unknown"].to_numpy(dtype=bool))
    at = at[text.equals(state["exit_reason"].iloc[partner[at]], COMPLETER)]
    if not len(at):
        return spells
    kept = spells.copy()
    for name in (*EXIT_FIELDS, "exit"):
        kept.loc[at, name] = state[name].iloc[partner[at]].to_numpy()
    kept.loc[at, list(GRADUATE_FIELDS)] = np.nan
    return kept


def _paired(
    state: pd.DataFrame, spells: pd.DataFrame, partner: np.ndarray, settings: Settings, lacking: frozenset[str]
) -> pd.DataFrame:
    spell = np.flatnonzero(partner >= 0)
    # Nearly every row has a partner, so only the columns that are looked at are copied.
    there = state[[*COMPARED, "start", "exit"]].iloc[partner[spell]].reset_index(drop=True)
    here = spells[[*COMPARED, "start", "exit", "closed_by"]].iloc[spell].reset_index(drop=True)
    listed = compare(there, here, settings, lacking)
    last_there, last_here = (_last_day(side["exit"]) for side in (there, here))
    # An enrollment that becomes primary can stand in the way of another only while that one still is primary.
    primary_there, primary_here = (_primary(side, settings) for side in (there, here))
    becomes_primary = primary_here & ~primary_there
    return pd.DataFrame(
        {
            "intended": text.choose(listed["differs"].to_numpy(), "update", text.constant("same", listed.index)),
            "reason": listed["reason"],
            "changed": listed["changed"],
            "before": listed["before"],
            "after": listed["after"],
            "own_state_row": partner[spell],
            "state_row": partner[spell],
            "spell": spell,
            "pair_state_row": -1,
            "pair_spell": -1,
            "shortens": (last_here < last_there) | ((last_here == last_there) & ~becomes_primary),
        }
    )


def _without_partner(
    state: pd.DataFrame, spells: pd.DataFrame, partner: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    has_partner = np.zeros(len(state), dtype=bool)
    has_partner[partner[partner >= 0]] = True
    state_alone = state[~has_partner].assign(state_row=np.flatnonzero(~has_partner))
    spells_alone = spells[partner < 0]
    return tuple(  # type: ignore[return-value]
        side.assign(place=text.joined([side["school_code"], side["nps_code"]])) for side in (state_alone, spells_alone)
    )


def _no_action(alone: pd.DataFrame, spells: pd.DataFrame, spell_set: SpellSet, settings: Settings) -> np.ndarray:
    """State rows without a partner that stay as they are, an id of `NO_ACTION`, or `""` (rule 4.3)."""
    omitted = (alone["start"] > dates.stamp(settings.as_of)).to_numpy() & (settings.process.future_dates == "omit")
    left_out = spell_set.left_out
    skipped = left_out["reason"].isin([TAG_SKIPPED, PROGRAM_SKIPPED]).to_numpy() & ~_is_never_reported(left_out)
    never = _left_out_there(alone, spells, left_out[_is_never_reported(left_out)])
    stays = {
        "settled-no-show": alone["cancelled"].to_numpy(),
        "settled-completion": _settled_completion(alone, settings),
        "future-dated": omitted & text.is_in(alone["ssid"], spell_set.enrolled_ssids),
        "left-as-is": _left_out_there(alone, spells, left_out[skipped]) & ~never,
    }
    return np.select(list(stays.values()), list(stays), "")


def _settled_completion(alone: pd.DataFrame, settings: Settings) -> np.ndarray:
    """A completion of one summer's day, for which Aeries keeps no `ENR` row."""
    start, year, last_day = alone["start"], settings.school_year, settings.process.last_school_day
    (month, day), summer_end = _SUMMER
    first = dt.date(year.first + 1, month, day) if last_day is None else last_day + dt.timedelta(days=1)
    in_summer = (start <= dates.stamp(dt.date(year.first, *summer_end))) | (start >= dates.stamp(first))
    one_day = (start == alone["exit"]).to_numpy() & text.equals(alone["exit_reason"], COMPLETER)
    return one_day & in_summer.to_numpy()


def _is_never_reported(left_out: pd.DataFrame) -> np.ndarray:
    return text.equals(left_out["reason"], TAG_SKIPPED) & text.equals(left_out["tag"], _NEVER_REPORTED)


def _left_out_there(alone: pd.DataFrame, spells: pd.DataFrame, left_out: pd.DataFrame) -> np.ndarray:
    """State rows of students with one of these left-out rows at that school; at any when they have no spell at all."""
    at_school = (text.joined([side["ssid"], side["school_code"]]) for side in (alone, left_out))
    without_spell = ~text.is_in(alone["ssid"], spells["ssid"])
    return text.is_in(*at_school) | (without_spell & text.is_in(alone["ssid"], left_out["ssid"]))


def _left_out_holds(
    alone: pd.DataFrame, state_only: pd.DataFrame, spells: pd.DataFrame, spell_set: SpellSet
) -> list[pd.DataFrame]:
    """State rows that would be deleted while Aeries has a row of the student that is not reported, or not yet (4.3)."""
    left_out = spell_set.left_out
    would_go = text.equals(state_only["intended"], "delete")
    moved = text.equals(state_only["reason"], SAME_SCHOOL)
    found = {
        TAG_SKIPPED: would_go & _left_out_there(alone, spells, left_out[_is_never_reported(left_out)]),
        FUTURE: would_go & ~moved & _left_out_there(alone, spells, left_out[text.equals(left_out["reason"], FUTURE)]),
    }
    return [
        _reasoned(
            alone.loc[rows, "ssid"].drop_duplicates(),
            LEFT_OUT_IN_AERIES,
            sentence(f"left-out/{why}"),
            f"{LEFT_OUT_IN_AERIES}/{why}",
        )
        for why, rows in found.items()
    ]


def _state_only(alone: pd.DataFrame, no_action: np.ndarray, pairs: pd.DataFrame, spell_set: SpellSet) -> pd.DataFrame:
    """State rows without a partner, in the order of rule 4.3."""
    rows = alone["state_row"].to_numpy()
    enrolled = text.is_in(alone["ssid"], spell_set.enrolled_ssids)
    pair = pairs.set_index("state_row").reindex(rows)
    moved = pair["reason"].fillna("").astype("str").reset_index(drop=True)
    reason = np.select(
        [no_action != "", ~enrolled, (moved != "").to_numpy()],
        ["", "no-current-year-enrollment", moved.to_numpy(dtype=object)],
        "not-in-aeries",
    )
    intended = np.where(no_action != "", no_action, "delete")
    return _half(
        intended,
        reason,
        own_state_row=rows,
        state_row=rows,
        spell=-1,
        pair_spell=pair["spell"].fillna(-1).to_numpy("int64"),
    )


def _spell_only(alone: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    spell = alone["spell"].to_numpy()
    pair = pairs.set_index("spell").reindex(spell)
    moved = pair["reason"].fillna("").astype("str").reset_index(drop=True)
    origin = alone["origin"].reset_index(drop=True)
    reason = np.select(
        [(moved != "").to_numpy(), text.equals(origin, "mid-year-change")],
        [moved.to_numpy(dtype=object), "mid-year-change"],
        "missing-in-calpads",
    )
    from_state = pair["state_row"].fillna(-1).to_numpy("int64")
    return _half(
        np.full(len(spell), "add"),
        reason,
        own_state_row=-1,
        state_row=from_state,
        spell=spell,
        pair_state_row=from_state,
    )


def _half(intended: np.ndarray, reason: np.ndarray, **where: object) -> pd.DataFrame:
    rows = pd.RangeIndex(len(intended))
    base = {"changed": "", "before": "", "after": "", "pair_state_row": -1, "pair_spell": -1, "shortens": False}
    half = pd.DataFrame({"intended": intended, "reason": reason, **base, **where}, index=rows)
    texts = ["intended", "reason", "changed", "before", "after"]
    return half.astype(
        dict.fromkeys(texts, "str")
        | dict.fromkeys(("own_state_row", "state_row", "spell", "pair_state_row", "pair_spell"), "int64")
    )


def _described(actions: pd.DataFrame, scope: Scope, spells: pd.DataFrame, spell_set: SpellSet) -> pd.DataFrame:
    """What a person reads: school, student, dates, evidence; in order of student and start."""
    own, spell = actions["own_state_row"].to_numpy(), actions["spell"].to_numpy()
    described = actions.copy()
    for name in ("school_code", "nps_code", "ssid", "local_id", "grade", "start_date", "exit_date"):
        there, here = taken(scope.state[name], own), taken(spells[name], spell)
        described[name] = (
            text.first_filled(here, there) if name != "exit_date" else text.choose(spell >= 0, here, there)
        )
        described[name] = described[name].fillna("")
    named = spell_set.schools.drop_duplicates("school_code")
    by_code = taken(named["name"], text.positions(described["school_code"], named["school_code"]))
    described["school_name"] = text.first_filled(taken(spells["school_name"], spell), by_code).fillna("")
    described["ods_row"] = np.where(
        own >= 0, scope.positions[np.where(own >= 0, own, 0)] if len(scope.positions) else -1, -1
    )
    described["evidence"] = evidence(described, scope.state, spells)
    return text.sorted_rows(described, ["ssid", "start_date", "school_code", "nps_code", "intended"])


def _last_records(actions: pd.DataFrame, scope: Scope, settings: Settings) -> pd.DataFrame:
    """Deletes after which the extract would show no record at all for the student (section 7.4)."""
    deletes = actions[actions["intended"] == "delete"]
    going = deletes["ssid"].value_counts()
    ssids = pd.Series(going.index, dtype="str")
    # Only the rows of students with deletes matter, out of perhaps millions.
    theirs = scope.rows.where(scope.rows.is_in("ssid", ssids), ["ssid"])["ssid"].value_counts()
    last = ssids[(theirs.reindex(going.index).fillna(0).to_numpy() <= going.to_numpy())]
    at_risk = (actions["intended"] == "delete").to_numpy() & text.is_in(actions["ssid"], last)
    replaced = text.is_in(actions["ssid"], actions.loc[actions["intended"] == "add", "ssid"])
    no_show = at_risk & ~replaced & (settings.process.last_record == "no-show")
    actions = _as_no_shows(actions, no_show) if no_show.any() else actions
    return actions.assign(
        action=actions["intended"],
        transaction=text.mapped(actions["intended"], _transaction),
        at_risk=at_risk & ~no_show,
        no_show=no_show,
    )


def _as_no_shows(actions: pd.DataFrame, no_show: np.ndarray) -> pd.DataFrame:
    """Some deletes as updates to a student who never came: exit on the day before the start."""
    day_before = dates.to_ccyymmdd(dates.from_ccyymmdd(actions["start_date"]) - pd.Timedelta(days=1))
    return actions.assign(
        intended=text.choose(no_show, "update", actions["intended"]),
        shortens=actions["shortens"].to_numpy(dtype=bool) | no_show,
        changed=text.choose(no_show, "exit_date|exit_reason", actions["changed"]),
        before=text.choose(no_show, text.concatenated("exit_date=", actions["exit_date"]), actions["before"]),
        after=text.choose(no_show, text.concatenated("exit_date=", day_before, "|exit_reason=N470"), actions["after"]),
        exit_date=text.choose(no_show, day_before, actions["exit_date"]),
        evidence=text.choose(
            no_show, text.concatenated(actions["evidence"], " ", sentence("no-show/last-record")), actions["evidence"]
        ),
    )


def _conflicts(
    scope: Scope, spells: pd.DataFrame, spell_set: SpellSet, cleared: Callable[[pd.DataFrame], np.ndarray] | None
) -> pd.DataFrame:
    """All of rule 4.1: a looks at all rows of the LEA, b at those in scope, c at the older ones, d at Aeries alone."""
    people, rows = spell_set.people, scope.rows
    left_out = spell_set.left_out
    without_ssid = left_out.loc[text.equals(left_out["reason"], "no-ssid"), "local_id"]
    known = known_people(people, spell_set.enrolled, spell_set.attended, spell_set.schools, without_ssid)
    concerned = pd.concat([scope.state["ssid"], spells["ssid"]], ignore_index=True).drop_duplicates()
    claimed = rows.where(scope.of_lea & rows.is_in("ssid", concerned), WHO)
    newcomers = spells["ssid"][~text.is_in(spells["ssid"], text.from_arrow(rows.column("ssid").values))]
    found = pd.concat(
        [
            another_child(claimed, known),
            under_another_ssid(scope.state[[*WHO, "school_code"]], known),
            history_under_another_ssid(newcomers, _newest_of_strangers(scope, people, newcomers), known),
            two_for_one(known),
        ],
        ignore_index=True,
    )
    # Which of a student's conflicts is told must not depend on the order of the rows.
    found = text.sorted_rows(found, ["ssid", "case", "detail", "group"])
    never = text.equals(found["case"], "d")
    return found.assign(cleared=np.zeros(len(found), dtype=bool) if cleared is None else cleared(found) & ~never)


def _newest_of_strangers(scope: Scope, people: pd.DataFrame, newcomers: pd.Series) -> pd.DataFrame:
    """Of each SSID that Aeries does not know its newest row of the years before; none when nobody could be sought."""
    older = scope.of_lea & (scope.start < np.datetime64(scope.year.start)) & ~scope.rows.is_in("ssid", people["ssid"])
    at = np.flatnonzero(older) if len(newcomers) else np.zeros(0, dtype="int64")
    at = at[np.argsort(scope.start[at], kind="stable")[::-1]]
    newest = ~scope.rows.at(at, ["ssid"])["ssid"].duplicated().to_numpy()
    return scope.rows.at(at[newest], WHO)


def _of_conflicts(conflicts: pd.DataFrame) -> pd.DataFrame:
    left = conflicts[~conflicts["cleared"].to_numpy(dtype=bool)].drop_duplicates("ssid")
    detail = text.concatenated(f"{CONFLICT}/", left["case"])
    return pd.DataFrame(
        {"ssid": left["ssid"], "hold_reason": CONFLICT, "detail": detail, "text": left["detail"]}
    ).astype("str")


def _of_faults(spells: pd.DataFrame) -> pd.DataFrame:
    faulty = spells.loc[(spells["fault"] != "").to_numpy(), ["ssid", "fault", "fault_text"]].assign(detail="")
    faulty = faulty.set_axis(["ssid", "hold_reason", "text", "detail"], axis=1).astype("str")
    # Students do not hang on each other: which of a student's faults is told must not depend on who else is there.
    return faulty.sort_values("hold_reason", ascending=False, kind="stable")


def _of_prior_year(scope: Scope, settings: Settings) -> pd.DataFrame:
    at = scope.open_prior_year() if settings.process.prior_year_open == "hold" else np.zeros(0, dtype="int64")
    ssids = scope.rows.at(at, ["ssid"])["ssid"].drop_duplicates()
    return _reasoned(ssids, "prior-year-open", "An enrollment of an earlier school year is still open in CALPADS.")


def _reasoned(ssids: pd.Series, reason: str, said: str, detail: str = "") -> pd.DataFrame:
    return pd.DataFrame({"ssid": ssids.to_numpy(), "hold_reason": reason, "detail": detail, "text": said}).astype("str")


def _primary(side: pd.DataFrame, settings: Settings) -> np.ndarray:
    start, end = (side[name].to_numpy(dtype="datetime64[D]") for name in ("start", "exit"))
    return primary(side["status"], start, end, np.datetime64(settings.as_of))


def _last_day(column: pd.Series) -> np.ndarray:
    days = column.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), OPEN_END, days)
