"""A run in a few lines of plain words, for terminals, logs and mail. No student in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from senrkit import reference
from senrkit.texts import wording


def summary_lines(manifest: Mapping[str, Any], folder: Path | None) -> list[str]:
    """Preconditions that did not pass, the balance, the files in upload order, the held."""
    which = (manifest["school_year"], f"as of {manifest['as_of']}", f"run {manifest['run_number']}")
    lines = [" · ".join(("senrkit", f"LEA {manifest['lea']}", *which))]
    lines += [
        f"  {one['id']} {one['state']}: {one['evidence']}"
        for one in manifest["preconditions"]
        if one["state"] not in ("passed", "stopped")
    ]
    if manifest["balance"] is None:
        return lines
    lines += ["", "Balance"]
    lines += [f"  {_line(name, line)}" for name, line in manifest["balance"].items()]
    lines += _overlay(manifest.get("overlay"))
    lines += ["", "Files, in upload order (send each after the one before has Posted)"]
    lines += [f"  {entry['name']}  {entry['rows']:,} records" for entry in manifest["files"]] or [
        "  none: nothing to change"
    ]
    held = manifest["counts"]["reason"].get("hold", {})
    if held:
        lines += ["", "Held, in no file (report.xlsx says what to do)"]
        lines += [f"  {count:>5,}  {reason}: {wording.phrase('hold', reason).title}" for reason, count in held.items()]
    return lines + _findings(manifest)


def _overlay(laid: Mapping[str, Any] | None) -> list[str]:
    if not laid:
        return []
    return [
        f"  Laid over the extract: {laid['rows']:,} rows of {len(laid['files'])} files that have posted since; "
        f"{laid['same']:,} of the same are theirs."
    ]


def _findings(manifest: Mapping[str, Any]) -> list[str]:
    """One line a rule, most rows first. A fatal one holds its students, so that no file is refused for them."""
    if not manifest["findings"]:
        return []
    titles = dict(reference.rules(dt.date.fromisoformat(manifest["as_of"])).select("id", "title").rows())
    said = {
        "fatal": "would be refused, held",
        "warning": "goes out, look at it",
        "unknown": "may be refused, goes out alone",
    }
    return ["", "Predicted answer of CALPADS"] + [
        f"  {found['count']:>5,}  {rule}: {titles.get(rule, rule)} ({said.get(found['severity'], found['severity'])})"
        for rule, found in manifest["findings"].items()
    ]


def _line(name: str, line: Mapping[str, Any]) -> str:
    parts = " + ".join(f"{count:,} {part}" for part, count in line["parts"].items())
    return f"{line['total']:,} {_NAMES[name]} = {parts}"


_NAMES = {
    "state-rows": "state rows read",
    "in-scope": "state rows in scope",
    "enr-rows": "Aeries rows of the year",
    "spells": "spells",
}
