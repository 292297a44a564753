"""What must hold of any run, said a second time and in another way: row by row, in plain Python, from the inputs."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable

import pandas as pd

from senrkit.frames.pandas_door import to_pandas
from senrkit.reconciliation.compare import GRADUATE_FIELDS
from senrkit.reference import ODS_FIELDS
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from tests import rulebook
from tests.properties.strategies import Ran

Row = dict[str, str]
Key = tuple[str, str, str, str]
_REPORTED = {rulebook.SCHOOLS[letter][2] for letter in "ABN"}
_LEFT_OUT = {
    "school-not-selected", "school-not-reported", "tag-skipped", "program-skipped", "no-ssid", "secondary-no-show",
    "future-dated",
}  # fmt: skip


def key(row: Row) -> Key:
    """School, NPS code, SSID, start date."""
    return row["school_code"], row["nps_code"], row["ssid"], row["start_date"]


def in_scope(row: Row) -> bool:
    """Section 1."""
    own = row["reporting_lea"] == rulebook.LEA and row["school_code"] in _REPORTED
    return own and "20260701" <= row["start_date"] <= "20270630"


def is_canceled(row: Row) -> bool:
    """`N470` on the start date or the day before."""
    day_before = (dt.datetime.strptime(row["start_date"], "%Y%m%d") - dt.timedelta(1)).strftime("%Y%m%d")
    return row["exit_reason"] == "N470" and row["exit_date"] in (row["start_date"], day_before)


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The columns of the extract, row by row; unknown stays NaN."""
    frame = to_pandas(frame)
    return frame[[name for name in ODS_FIELDS if name in frame]].to_dict("records")


def held(ran: Ran) -> set[str]:
    """SSIDs of held students."""
    return set(ran.outcome.proposal.holds["ssid"])


def enrolled(ran: Ran) -> set[str]:
    """SSIDs with a row in Aeries this year, left out or not."""
    of_student = to_pandas(ran.spell_set.people).groupby("student")["ssid"].agg(set)
    return set().union(*(of_student[student] for student in ran.spell_set.enrolled))


def every_row_has_one_class(ran: Ran, enr: pd.DataFrame) -> None:
    """Section 9, row by row instead of in sums."""
    actions = to_pandas(ran.outcome.proposal.actions)
    scoped = [at for at, row in enumerate(rows_of(ran.scope.rows.read())) if in_scope(row)]
    assert sorted(actions.loc[actions["ods_row"] >= 0, "ods_row"]) == scoped
    assert sorted(actions.loc[actions["spell"] >= 0, "spell"]) == list(range(len(ran.outcome.proposal.spells)))
    assert ((actions["ods_row"] >= 0) | (actions["spell"] >= 0)).all()
    assert set(ran.spell_set.left_out["reason"]) <= _LEFT_OUT
    used = ran.outcome.proposal.spells["rows"].sum() + len(ran.spell_set.left_out)
    assert used == (enr["YR"] == "2026").sum()


def files_touch_only_what_they_may(ran: Ran, settings: Settings) -> None:
    """Section 7, and what no file may ever do."""
    state = {key(row): row for row in rows_of(ran.scope.rows.read())}
    spells = {key(row) for row in rows_of(ran.outcome.proposal.spells)}
    allowed = {k for k, row in state.items() if in_scope(row) and k not in spells and not is_canceled(row)}
    allowed -= {k for k, row in state.items() if _is_summer_completion(row, settings)}
    rows_left = Counter(row["ssid"] for row in state.values())
    sent = [row for file in ran.outcome.plan.files for row in rows_of(file.records)]
    deletes = Counter(row["ssid"] for row in sent if row["transaction"] == "D")
    for file in ran.outcome.plan.files:
        records = rows_of(file.records)
        assert {row["ssid"] for row in records}.isdisjoint(held(ran)), "a held student in a file"
        assert {row["transaction"] for row in records} == {"D" if file.step.startswith("delete") else "A"}
        if records[0]["transaction"] == "A":
            assert max(Counter(row["ssid"] for row in records).values()) == 1, "one student twice in a file"
        for row in records:
            before = state.get(key(row))
            assert before is None or in_scope(before), "a row outside scope"
            assert before is None or key(row) in spells or not is_canceled(before), "a settled no-show"
            assert (before is not None) == (file.step != "add" and file.step != "add_after_last_record")
            if row["transaction"] == "D":
                assert key(row) in allowed, "a delete of a row that has a partner"
                assert (file.step == "delete_last_record") == (deletes[row["ssid"]] == rows_left[row["ssid"]])


def the_model_ends_where_aeries_is(ran: Ran, settings: Settings) -> None:
    """Section 8, the core: in scope the spells and what is kept, all else untouched, to the last column."""
    before, after = rows_of(ran.scope.rows.read()), rows_of(ran.outcome.store.rows)
    findings = to_pandas(ran.outcome.findings)
    assert not (findings["severity"] == "fatal")[~findings["ssid"].isin(held(ran))].any()
    stays = held(ran)
    untouchable = [[row for row in rows if not in_scope(row) or row["ssid"] in stays] for rows in (before, after)]
    assert _counted(untouchable[0]) == _counted(untouchable[1])
    was, now, spells = (_by_student(rows, stays) for rows in (before, after, rows_of(ran.outcome.proposal.spells)))
    outside = {row["ssid"] for row in before if not in_scope(row)}
    here = enrolled(ran)
    for ssid in was.keys() | now.keys() | spells.keys():
        mine = was.get(ssid, {})
        alone = {k: row for k, row in mine.items() if k not in spells.get(ssid, {})}
        kept = {k: row for k, row in alone.items() if _stays(row, ssid in here, settings)}
        kept |= {k: row for k, row in alone.items() if _left_as_is(row, ran, bool(spells.get(ssid)))}
        if settings.process.last_record == "no-show" and not (kept or ssid in spells or ssid in outside):
            assert now[ssid].keys() == mine.keys() and all(map(is_canceled, now[ssid].values()))
            continue
        assert now.get(ssid, {}).keys() == spells.get(ssid, {}).keys() | kept.keys()
        for k, row in kept.items():
            assert now[ssid][k] == row
        for k, spell in spells.get(ssid, {}).items():
            _agrees(mine.get(k), now[ssid][k], spell, settings)


def _agrees(before: Row | None, after: Row, spell: Row, settings: Settings) -> None:
    """What Aeries says stands there; what it does not say stands as before; a row that was right was left alone."""
    narrowed = settings.process.compare
    compared = [name for name in COMPARED if _says(spell, name) and (narrowed is None or name in narrowed)]
    if before is not None and all(before[name] == spell[name] for name in compared):
        assert after == before
        return
    for name in spell:
        if spell[name] == spell[name] and name not in ("record_type", "transaction", "local_record_id"):
            assert after[name] == spell[name], name
        elif before is not None and name in COMPARED:
            assert after[name] == before[name], name


def _says(spell: Row, name: str) -> bool:
    known = spell[name] == spell[name]
    return known and (name not in GRADUATE_FIELDS or spell["completion_status"] == "100")


def _stays(row: Row, is_enrolled: bool, settings: Settings) -> bool:
    omitted = settings.process.future_dates == "omit" and row["start_date"] > settings.as_of.strftime("%Y%m%d")
    return is_canceled(row) or _is_summer_completion(row, settings) or (omitted and is_enrolled)


def _is_summer_completion(row: Row, settings: Settings) -> bool:
    """`E230` of one day, until 15 August or from the day after the last school day on."""
    last_day = settings.process.last_school_day or dt.date(2027, 5, 31)
    in_summer = row["start_date"] <= "20260815" or row["start_date"] > last_day.strftime("%Y%m%d")
    return row["exit_reason"] == "E230" and row["start_date"] == row["exit_date"] and in_summer


def _left_as_is(row: Row, ran: Ran, has_spell: bool) -> bool:
    """The student's row at that school, at any without a spell, is left out by a tag that is not `*`."""
    left_out = to_pandas(ran.spell_set.left_out)
    theirs = left_out[(left_out["ssid"] == row["ssid"]) & (left_out["reason"] == "tag-skipped")]
    there = theirs[(theirs["school_code"] == row["school_code"]) | (not has_spell)]
    return bool(len(there)) and "*" not in set(there["tag"])


def _by_student(rows: list[Row], left_out: set[str]) -> dict[str, dict[Key, Row]]:
    found: dict[str, dict[Key, Row]] = defaultdict(dict)
    for row in rows:
        if row["ssid"] not in left_out and ("reporting_lea" not in row or in_scope(row)):
            assert key(row) not in found[row["ssid"]], "one key twice"
            found[row["ssid"]][key(row)] = row
    return dict(found)


def _counted(rows: Iterable[Row]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(tuple(sorted(row.items())) for row in rows)
