"""A batch as tables: its LEAs, their schools, the reasons, and what needs a person. From `batch.json` and manifests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from senrkit.batch.document import FINISHED_STATES, WEEKS, Entry, to_do_of
from senrkit.batch.home import Home, manifest_of
from senrkit.results.tables import ACTIONS, TO_DO
from senrkit.texts import wording

# Whom a person should look at first.
_STATES = ("fault", "failed", "stopped", "twice", "waiting", "held", "done")
_COUNTED = ("in_scope", "spells", "files", "records", "findings")
_TEXTS = ("lea", "name", "state", "as_of", "last_done", "stopped_by", "folder", "settings")
# What happens at the next run is too late for an LEA that nobody has looked at for longer.
OVERDUE_DAYS = 7
_SCHOOL = ("lea", "lea_name", "school_code", "school_name")


@dataclass(frozen=True)
class BatchTables:
    """`leas`: one row an LEA, those that need a person first; counts are missing where no run was finished (Int64).

    `schools`: `lea, lea_name, school_code, school_name`, a count for each action and `to_do`, most to do first.
    `reasons`: `lea, action, reason, count`, as in the manifests.
    `problems`: `lea, state, count, sentence, cure, settings`, in the order of `leas`; `state` is an id of
    `batch-state`.
    """

    leas: pd.DataFrame
    schools: pd.DataFrame
    reasons: pd.DataFrame
    problems: pd.DataFrame

    @property
    def finished(self) -> pd.DataFrame:
        """The LEAs with counts, as whole numbers."""
        done = self.leas[self.leas["state"].isin(FINISHED_STATES)]
        return done.astype(dict.fromkeys(ACTIONS, "int64"))


def read_tables(home: Home, document: Mapping[str, Any]) -> BatchTables:
    """The tables of the batch at `home`. Only manifests are opened there: counts, nobody."""
    entries = sorted(document["leas"], key=_rank)
    manifests = [manifest_of(home, entry["folder"]) if entry["folder"] else None for entry in entries]
    schools, reasons, problems = [], [], []
    for entry, manifest in zip(entries, manifests, strict=True):
        counts = (manifest or {}).get("counts") or {"school": {}, "school_name": {}, "reason": {}}
        schools += list(_schools(entry, counts))
        reasons += list(_reasons(entry["lea"], counts))
        problems += [*_problems(entry, manifest), *_overdue(entry, document)]
    leas = pd.DataFrame([_lea(entry) for entry in entries], columns=[*_TEXTS, *_NUMBERS, "seconds"])
    return BatchTables(
        leas.astype(dict.fromkeys(_TEXTS, "str") | dict.fromkeys(_NUMBERS, "Int64") | {"seconds": "Float64"}),
        _school_table(schools),
        _table(reasons, ("lea", "action", "reason"), ("count",)),
        _table(problems, ("lea", "state", "sentence", "cure", "settings"), ("count",)),
    )


_NUMBERS = (*_COUNTED, *ACTIONS, "to_do", "to_do_before", *WEEKS, "attempts", "peak_mib")


def _rank(entry: Entry) -> tuple[int, int, str, str]:
    return _STATES.index(entry["state"]), -(to_do_of(entry) or 0), entry["lea"], entry["settings"]


def _lea(entry: Entry) -> dict[str, Any]:
    counts = entry["counts"] or {}
    return {
        **{name: entry.get(name) for name in ("lea", "state", "folder", "settings", "attempts", "seconds", "peak_mib")},
        **{name: entry.get(name) or "" for name in ("name", "as_of", "last_done")},
        "to_do": to_do_of(entry),
        "to_do_before": entry.get("to_do_before"),
        "stopped_by": " ".join(entry["stopped_by"]),
        **{name: counts.get(name) for name in _COUNTED},
        **{name: (counts.get("weeks") or {}).get(name) for name in WEEKS},
        **{action: counts["action"].get(action, 0) if counts else None for action in ACTIONS},
    }


def _schools(entry: Entry, counts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for code, by_action in counts["school"].items():
        name = counts["school_name"].get(code, "")
        who = {"lea": entry["lea"], "lea_name": entry.get("name") or ""}
        yield who | {"school_code": code, "school_name": name} | dict.fromkeys(ACTIONS, 0) | by_action


def _school_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = _table(rows, _SCHOOL, ACTIONS)
    table["to_do"] = table[list(TO_DO)].sum(axis=1).astype("int64")
    return table.sort_values(["to_do", "lea", "school_code"], ascending=[False, True, True], ignore_index=True)


def _reasons(lea: str, counts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for action in TO_DO:
        for reason, count in counts["reason"].get(action, {}).items():
            yield {"lea": lea, "action": action, "reason": reason, "count": count}


def _problems(entry: Entry, manifest: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    where = {"lea": entry["lea"], "settings": entry["settings"]}
    stops = [one for one in (manifest or {}).get("preconditions", ()) if one["state"] == "stopped"]
    if entry["state"] == "stopped" and stops:
        for one in stops:
            said = f"{one['id']}, {one['title']}: {one['evidence']}"
            yield where | {"state": "stopped", "count": 1, "sentence": said, "cure": one["cure"]}
    elif entry["state"] not in FINISHED_STATES:
        words = wording.phrase("batch-state", entry["state"])
        said = {"sentence": entry["message"] or words.sentence, "cure": entry["cure"] or words.cure}
        yield where | {"state": entry["state"], "count": 1} | said
    elif manifest is None:
        words = wording.phrase("batch-state", "unread")
        yield where | {"state": "unread", "count": 1, "sentence": words.sentence, "cure": words.cure}
    elif entry["state"] == "held":
        for reason, count in manifest["counts"]["reason"].get("hold", {}).items():
            words = wording.phrase("hold", reason)
            said = f"{words.title}{'' if words.title.endswith('?') else '.'} {words.sentence}"
            yield where | {"state": "held", "count": count, "sentence": said, "cure": words.cure}
    if entry["note"]:
        yield where | {"state": "note", "count": 1, "sentence": entry["note"], "cure": ""}


def _overdue(entry: Entry, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An LEA whose newest finished run is old, or of which no batch beside this one knows a finished run."""
    last = entry.get("last_done")
    if entry["state"] in FINISHED_STATES or not entry["lea"] or not (last or document.get("before")):
        return
    idle = (dt.date.fromisoformat(document["as_of"]) - dt.date.fromisoformat(last)).days if last else None
    if idle is None or idle >= OVERDUE_DAYS:
        words = wording.phrase("batch-state", "overdue")
        said = words.sentence if idle is None else f"{words.sentence} The last was of {last}, {idle} days before."
        yield {
            "lea": entry["lea"], "state": "overdue", "count": idle or 0, "sentence": said, "cure": words.cure,
            "settings": entry["settings"],
        }  # fmt: skip


def _table(rows: list[dict[str, Any]], texts: tuple[str, ...], numbers: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*texts, *numbers])
    return table.astype(dict.fromkeys(texts, "str") | dict.fromkeys(numbers, "int64"))
