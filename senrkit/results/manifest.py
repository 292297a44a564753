"""`manifest.json`: what a run was given, what it found and what it wrote. Counts and digests, no student.

The manifest in the zip is the part of it that follows from the inputs (`of_inputs_alone`): without the clock, the
person and the place, so that the zip has the same bytes through whichever door it was made. Neither names the zip; the
digests of the files in it are in both.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from senrkit.results.tables import ACTIONS, shown_reason
from senrkit.settings.settings import settings_document

if TYPE_CHECKING:
    from senrkit.results.files import EncodedFile, Plan
    from senrkit.settings.settings import Settings

Json = Mapping[str, Any]

# What differs between two runs on the same inputs: by the way to an entry, the keys that say when, who and where.
_OF_THE_OCCASION: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): ("made",),
    ("settings",): ("file", "folder", "output"),
    ("settings", "aeries"): (
        *(
            "source",
            "schema",
            "user_env",
            "password_env",
            "keyring",
            "trusted_connection",
            "encrypt",
            "trust_server_certificate",
        ),
        *("login_timeout_seconds", "query_timeout_seconds", "write_source", "write_databases", "write_password_env"),
    ),
    ("settings", "calpads"): ("senr_extract", "sela_extract", "school_directory", "errors"),
    ("inputs",): ("source",),
    ("preconditions",): ("accepted_by",),
    ("accepted",): ("person",),
}


@dataclass(frozen=True)
class RunLabel:
    """Which run this is. `made` is the only reading of the clock in a run's output, with its time zone."""

    id: str
    number: str
    version: str
    made: dt.datetime


def build_manifest(
    label: RunLabel,
    settings: Settings,
    *,
    inputs: Sequence[Json],
    layout: Json | None,
    preconditions: Sequence[Json],
    accepted: Sequence[Json] = (),
    balance: Json | None = None,
    plan: Plan | None = None,
    files: Iterable[EncodedFile] = (),
    findings: pd.DataFrame | None = None,
    decisions: Json | None = None,
    notes: Sequence[str] = (),
    information: pd.DataFrame | None = None,
    what_if: Json | None = None,
) -> dict[str, Any]:
    """The manifest of a run, or, without a plan, of one that a precondition stopped.

    Parameters
    ----------
    inputs
        `role, name, sha256, bytes, rows` of each file or table read.
    preconditions
        `id, title, cure, state, evidence`, `state` being `passed`, `stopped`, `accepted` or `warning`.
    accepted
        `id, because, person`.
    balance
        The lines of `proposal.balance`, each with `total` and `parts`.
    findings
        Predicted findings, or `None` when nothing was predicted.
    decisions
        `name, sha256, applied, no_longer_fits` of the copy used, or `None` without one.
    notes
        Plain sentences about the inputs, such as leading zeros that were restored.
    information
        What a person should know (`kind`, …); counted by kind.
    what_if
        Counts on census day: CALPADS now, Aeries, CALPADS after (`WhatIf.document`).
    """
    return {
        "run_id": label.id,
        "run_number": label.number,
        "senrkit_version": label.version,
        "made": label.made.isoformat(timespec="seconds"),
        "lea": settings.lea,
        "school_year": settings.school_year.text,
        "as_of": settings.as_of.isoformat(),
        "settings": settings_document(settings),
        "inputs": [dict(entry) for entry in inputs],
        "layout": None if layout is None else dict(layout),
        "preconditions": [dict(entry) for entry in preconditions],
        "accepted": [dict(entry) for entry in accepted],
        "balance": None if balance is None else dict(balance),
        "counts": None if plan is None else counts(plan.actions),
        "findings": None if findings is None else findings_by_rule(findings),
        "files": [file_entry(encoded) for encoded in files],
        "missing_steps": [] if plan is None else [{"step": step, "why": why} for step, why in plan.missing],
        "decisions": None if decisions is None else dict(decisions),
        "notes": list(notes),
        "information": {} if information is None else _sizes(information.groupby("kind").size()),
        "what_if": None if what_if is None else dict(what_if),
    }


def of_inputs_alone(manifest: Json) -> dict[str, Any]:
    """The manifest without what differs between two runs on the same inputs: the clock, the person, the paths."""
    return _without_occasion(manifest, ())


def _without_occasion(entry: Json, way: tuple[str, ...]) -> dict[str, Any]:
    left_out = _OF_THE_OCCASION.get(way, ())
    return {key: _part(value, (*way, key)) for key, value in entry.items() if key not in left_out}


def _part(value: Any, way: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return _without_occasion(value, way)
    return [_part(one, way) for one in value] if isinstance(value, (list, tuple)) else value


def to_json(manifest: Json) -> bytes:
    """The manifest as UTF-8 text; keys stay in their order, so that equal manifests have equal bytes."""
    return (json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def counts(actions: pd.DataFrame) -> dict[str, Any]:
    """How many actions: by `action` (all seven), by `reason` under its action, by `school`, with each `school_name`."""
    by_action = actions["action"].value_counts()
    keyed = actions.assign(reason=shown_reason(actions))
    reasoned = keyed[keyed["reason"] != ""]
    named = actions[["school_code", "school_name"]].drop_duplicates("school_code").sort_values("school_code")
    return {
        "action": {action: int(by_action.get(action, 0)) for action in ACTIONS},
        "reason": _nested(reasoned.groupby(["action", "reason"]).size()),
        "school": _nested(actions.groupby(["school_code", "action"]).size()),
        "school_name": dict(zip(named["school_code"], named["school_name"], strict=True)),
    }


def findings_by_rule(findings: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Rule → severity and count, the most frequent first."""
    rules = findings.groupby("rule")["severity"].agg(["first", "size"]).reset_index()
    rules = rules.sort_values(["size", "rule"], ascending=[False, True])
    rows = zip(rules["rule"], rules["first"], rules["size"], strict=True)
    return {rule: {"severity": severity, "count": int(count)} for rule, severity, count in rows}


def file_entry(encoded: EncodedFile) -> dict[str, Any]:
    """One submission file: number, step, name, digest, size, rows, records per transaction code."""
    return {
        "number": encoded.planned.number,
        "step": encoded.planned.step,
        "name": encoded.planned.name,
        "sha256": encoded.sha256,
        "bytes": len(encoded.data),
        "rows": len(encoded.planned.records),
        "transactions": dict(encoded.transactions),
    }


def _sizes(sizes: pd.Series) -> dict[str, int]:
    return {name: int(size) for name, size in sizes.items()}


def _nested(sizes: pd.Series) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (outer, inner), size in sizes.items():
        nested.setdefault(outer, {})[inner] = int(size)
    return nested
