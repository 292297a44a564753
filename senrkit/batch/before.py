"""What the batches beside this one tell: how much was to be done in the one before, and when each LEA was last run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senrkit.batch import document as documents
from senrkit.batch.document import FINISHED_STATES
from senrkit.batch.home import Home
from senrkit.errors import InputError


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
