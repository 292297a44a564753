"""State rows and spells, set against each other: the proposal (reconciliation.md 4 to 6).

Direction: CALPADS is changed to agree with Aeries. Every state row in scope and every spell lands in exactly one
action.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from senrkit import dates, text
from senrkit.compare import COMPARED, compare
from senrkit.evidence import evidence, sentence
from senrkit.identity import identity_conflicts
from senrkit.information import information
from senrkit.intervals import OPEN_END, primary
from senrkit.nonpublic import with_known_nps
from senrkit.pairing import pair_moves
from senrkit.people import taken
from senrkit.records import outgoing
from senrkit.scope import Scope, key_of
from senrkit.settings import Settings
from senrkit.spells import SpellSet

HOLD_ORDER = (
    "identity-conflict aeries-overlap aeries-date-error ambiguous-pair prior-year-open predicted-rejection decision"
).split()
AMBIGUOUS = "ambiguous-pair"
_TIE = "Two enrollments in Aeries explain the state row equally well."
_WHICH_NPS = "Aeries does not say at which nonpublic school, and CALPADS names more than one."
NO_ACTION = ("settled-no-show", "future-dated")
# In the order in which they stand in one file.
TRANSACTIONS = {"delete": "D", "update": "A", "add": "A"}


@dataclass(frozen=True)
class Proposal:
    """What the run proposes.

    Attributes
    ----------
    actions
        One row a state row in scope, or spell without one, RangeIndex. Text: `action` (`same add update delete hold
        settled-no-show future-dated`), `intended` (what a hold would have been, else the action), `reason`,
        `hold_reason` (`""` or an id of section 6), `hold_detail`, `transaction` (`A`, `D`, `""`), `school_code`,
        `nps_code`, `school_name`, `ssid`, `local_id`, `grade`, `start_date`, `exit_date` (CCYYMMDD), `changed`,
        `before`, `after`, `evidence`. int64: `ods_row` (position in the extract, -1 none), `state_row` (position in
        the rows in scope: the row itself or the other half of a move, -1 none), `spell` (-1 none). bool: `shortens`,
        `at_risk`, `no_show`.
    records
        The 35 SENR fields of every row whose `intended` is add, update or delete, on the same index.
    holds
        One row an SSID: `ssid`, `hold_reason`, `detail`; the first of section 6 that applies.
    information
        Never an action: `kind, school_code, ssid, local_id, detail`.
    """

    actions: pd.DataFrame
    records: pd.DataFrame
    holds: pd.DataFrame
    information: pd.DataFrame


def reconcile(scope: Scope, spell_set: SpellSet, settings: Settings) -> Proposal:
    """The proposal for one LEA and run year; neither frame is changed."""
    state = scope.state
    spells, which_nps = with_known_nps(spell_set.spells, state)
    partner = _same_key(state, spells)
    paired = _paired(state, spells, partner, settings)
    alone = _without_partner(state, spells, partner)
    no_action = _no_action(alone[0], spell_set, settings)
    # What stays as it is explains no add, and is never half of a tie.
    pairs, tied = pair_moves(alone[0][no_action == ""], alone[1])
    state_only = _state_only(alone[0], no_action, pairs, spell_set)
    spell_only = _spell_only(alone[1], pairs)
    actions = pd.concat([paired, state_only, spell_only], ignore_index=True)
    actions = _described(actions, scope, spells, spell_set)
    actions = _last_records(actions, scope, settings)
    records = outgoing(actions, state, spells)
    ambiguous = [_reasoned(state.loc[tied, "ssid"], AMBIGUOUS, _TIE), _reasoned(which_nps, AMBIGUOUS, _WHICH_NPS)]
    holds = _data_holds(scope, spells, spell_set, ambiguous, settings)
    proposal = Proposal(actions, records, holds.iloc[:0], information(scope, spell_set, spells, partner))
    return hold(proposal, holds)


def hold(proposal: Proposal, holds: pd.DataFrame) -> Proposal:
    """The proposal with more students held (section 6): no record in any file, every action shown as `hold`.

    `holds` has `ssid`, `hold_reason`, `detail`. A cancelled no-show and a future-dated state row are no action and
    stay.
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
        "spells": (len(spell_set.spells), _parts(by_spell, ("same", "update", "add", "hold"))),
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


def _paired(state: pd.DataFrame, spells: pd.DataFrame, partner: np.ndarray, settings: Settings) -> pd.DataFrame:
    spell = np.flatnonzero(partner >= 0)
    # Nearly every row has a partner, so only the columns that are looked at are copied.
    there = state[[*COMPARED, "start", "exit"]].iloc[partner[spell]].reset_index(drop=True)
    here = spells[[*COMPARED, "start", "exit", "closed_by"]].iloc[spell].reset_index(drop=True)
    listed = compare(there, here, settings)
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


def _no_action(alone: pd.DataFrame, spell_set: SpellSet, settings: Settings) -> np.ndarray:
    """State rows without a partner that stay as they are: `settled-no-show`, `future-dated`, or `""` (rule 4.3)."""
    omitted = (alone["start"] > dates.stamp(settings.as_of)).to_numpy() & (settings.process.future_dates == "omit")
    late = omitted & text.is_in(alone["ssid"], spell_set.enrolled_ssids)
    return np.select([alone["cancelled"].to_numpy(), late], list(NO_ACTION), "")


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


def _data_holds(
    scope: Scope, spells: pd.DataFrame, spell_set: SpellSet, ambiguous: list[pd.DataFrame], settings: Settings
) -> pd.DataFrame:
    faulty = spells.loc[(spells["fault"] != "").to_numpy(), ["ssid", "fault", "fault_text"]]
    faulty.columns = pd.Index(["ssid", "hold_reason", "detail"])
    # Students do not hang on each other: which of a student's faults is told must not depend on who else is there.
    faulty = faulty.sort_values("hold_reason", ascending=False, kind="stable")
    holds = [identity_conflicts(scope, spell_set), faulty, *ambiguous]
    if settings.process.prior_year_open == "hold":
        ssids = scope.rows.at(scope.open_prior_year(), ["ssid"])["ssid"].drop_duplicates()
        holds.append(
            _reasoned(ssids, "prior-year-open", "An enrollment of an earlier school year is still open in CALPADS.")
        )
    return pd.concat(holds, ignore_index=True)[["ssid", "hold_reason", "detail"]]


def _reasoned(ssids: pd.Series, reason: str, detail: str) -> pd.DataFrame:
    return pd.DataFrame({"ssid": ssids.to_numpy(), "hold_reason": reason, "detail": detail}).astype("str")


def _primary(side: pd.DataFrame, settings: Settings) -> np.ndarray:
    start, end = (side[name].to_numpy(dtype="datetime64[D]") for name in ("start", "exit"))
    return primary(side["status"], start, end, np.datetime64(settings.as_of))


def _last_day(column: pd.Series) -> np.ndarray:
    days = column.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), OPEN_END, days)
