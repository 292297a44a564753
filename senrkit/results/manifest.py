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

import polars as pl
from polars import col

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
    ("settings", "calpads"): (
        *("senr_extract", "sela_extract", "school_directory", "elpac_file", "language_source", "errors"),
    ),
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
    lea_name: str = "",
    inputs: Sequence[Json],
    layout: Json | None,
    preconditions: Sequence[Json],
    accepted: Sequence[Json] = (),
    balance: Json | None = None,
    plan: Plan | None = None,
    files: Iterable[EncodedFile] = (),
    findings: pl.DataFrame | None = None,
    decisions: Json | None = None,
    notes: Sequence[str] = (),
    information: pl.DataFrame | None = None,
    what_if: Json | None = None,
    overlay: Json | None = None,
) -> dict[str, Any]:
    """The manifest of a run, or, without a plan, of one that a precondition stopped.

    Parameters
    ----------
    lea_name
        What Aeries calls the LEA, `""` where it does not say.
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
    overlay
        What has posted and the extract does not show: `same, rows, files` (`Postings.document`).
    """
    return {
        "run_id": label.id,
        "run_number": label.number,
        "senrkit_version": label.version,
        "made": label.made.isoformat(timespec="seconds"),
        "lea": settings.lea,
        "lea_name": lea_name,
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
        "information": {} if information is None else _sizes(information, "kind"),
        "what_if": None if what_if is None else dict(what_if),
        "overlay": None if overlay is None else dict(overlay),
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


def counts(actions: pl.DataFrame) -> dict[str, Any]:
    """How many actions: by `action` (all of them), by `reason` under its action, by `school`, each `school_name`."""
    by_action = _sizes(actions, "action")
    reasoned = actions.select("action", reason=shown_reason()).filter(col.reason != "")
    named = actions.unique("school_code", keep="first").select("school_code", "school_name").sort("school_code")
    return {
        "action": {action: by_action.get(action, 0) for action in ACTIONS},
        "reason": _nested(reasoned, "action", "reason"),
        "school": _nested(actions, "school_code", "action"),
        "school_name": dict(named.rows()),
    }


def findings_by_rule(findings: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Rule → severity and count, the most frequent first."""
    rules = findings.group_by("rule").agg(severity=col.severity.first(), count=pl.len())
    rows = rules.sort("count", "rule", descending=[True, False]).rows()
    return {rule: {"severity": severity, "count": count} for rule, severity, count in rows}


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


def _sizes(rows: pl.DataFrame, by: str) -> dict[str, int]:
    return dict(rows.group_by(by).len().sort(by).rows())


def _nested(rows: pl.DataFrame, outer: str, inner: str) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for first, second, size in rows.group_by(outer, inner).len().sort(outer, inner).rows():
        nested.setdefault(first, {})[second] = size
    return nested
