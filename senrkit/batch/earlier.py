"""What came before: what a command on the same batch folder has left to do, and what the batches beside it tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from senrkit.batch import document as documents
from senrkit.batch import locations
from senrkit.batch.document import FINISHED_STATES, Entry, new_entry
from senrkit.batch.home import Home
from senrkit.batch.plan import Planned
from senrkit.batch.worker import finished_run
from senrkit.errors import InputError

_CHANGED = "The settings file has changed since this LEA was run; its run folder is of the settings before."
_NOT_NAMED = "The source does not name this LEA any more."
_OF_THE_RESULT = ("name", "as_of", "state", "exit_code", "message", "cure", "stopped_by", "counts", "folder")


def entries(plan: Iterable[Planned], before: Mapping[str, Any] | None, home: Home) -> list[Entry]:
    """One entry for each settings file of the plan: finished ones as they were, all others to be run (`waiting`).

    What the run folders say counts, not `batch.json`: it may be a moment older. Finished LEAs that the plan does not
    name any more are kept at the end. Settings files that cannot be run have their sentence already.
    """
    known = {(entry["lea"], entry["settings"]): entry for entry in (before or {}).get("leas", [])}
    made = [_entry(one, known.pop((one.lea, locations.shown(one.settings)), None), home) for one in plan]
    gone = [entry | {"note": _NOT_NAMED} for entry in known.values() if entry["state"] in FINISHED_STATES]
    return made + gone


def _entry(one: Planned, before: Entry | None, home: Home) -> Entry:
    shown, extract = locations.shown(one.settings), locations.shown(one.extract)
    entry = new_entry(one.lea, shown, one.sha256, extract)
    if one.twins:
        return entry | _twice(one)
    done = finished_run(home, one.lea, shown) if one.lea else None
    if done and done["state"] in FINISHED_STATES:
        kept = entry | (before or {}) | {name: done[name] for name in _OF_THE_RESULT}
        if before and before["counts"] and not done["counts"]["weeks"]:
            # The ledger is at an address, or has moved on since.
            kept["counts"] = done["counts"] | {"weeks": before["counts"].get("weeks")}
        changed = (kept["settings_sha256"], kept["extract"]) != (one.sha256, extract)
        return kept | {"note": _CHANGED if changed else ""}
    if one.refused:
        said = {"message": one.refused.message, "cure": one.refused.cure, "exit_code": one.refused.exit_code}
        return entry | {"state": "failed"} | said
    return entry | {"attempts": before["attempts"] if before else 0}


def _twice(one: Planned) -> dict[str, Any]:
    others = " and ".join(map(locations.shown, one.twins))
    return {
        "state": "twice",
        "exit_code": 2,
        "message": f"The LEA {one.lea} has two settings files, so neither is run; the other is {others}.",
        "cure": "Take one of them out of the source.",
    }


def with_before(document: Mapping[str, Any], home: Home) -> dict[str, Any]:
    """The document with `before`, and its LEAs with `last_done` and `to_do_before`.

    The batch before is the last of those beside this one that began before it. One that cannot be read tells nothing.
    """
    others = sorted(_others(document, home), key=lambda found: found[0]["began"])
    last, where = others[-1] if others else (None, "")
    then = {one["lea"]: documents.to_do_of(one) for one in last["leas"] if one["lea"]} if last else {}
    done: dict[str, str] = {}
    for batch in [*(found for found, _ in others), document]:
        # In a batch of an older senrkit the LEAs have no day of their own.
        done |= {one["lea"]: one.get("as_of") or batch["as_of"] for one in batch["leas"] if _is_finished(one)}
    leas = [
        one | {"last_done": done.get(one["lea"], ""), "to_do_before": then.get(one["lea"])} for one in document["leas"]
    ]
    before = {"as_of": documents.day_of(last), "home": where} if last else None
    return dict(document) | {"before": before, "leas": leas}


def _others(document: Mapping[str, Any], home: Home) -> list[tuple[dict[str, Any], str]]:
    found = []
    for other in home.beside():
        try:
            batch = documents.parsed(other.read(documents.FILE), str(other))
        except InputError:
            continue
        if batch and batch["source"] == document["source"] and batch["began"] < document["began"]:
            found.append((batch, str(other)))
    return found


def _is_finished(entry: Mapping[str, Any]) -> bool:
    return bool(entry["lea"]) and entry["state"] in FINISHED_STATES
