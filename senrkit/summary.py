"""A run in a few lines of plain words, for terminals, logs and mail. No student in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def summary_lines(manifest: Mapping[str, Any], folder: Path | None) -> list[str]:
    """Preconditions that did not pass, the balance, the files in upload order, the held."""
    lines = [f"senrkit · LEA {manifest['lea']} · {manifest['school_year']} · as of {manifest['as_of']} · run {manifest['run_number']}"]
    lines += [
        f"  {one['id']} {one['state']}: {one['evidence']}" for one in manifest["preconditions"] if one["state"] not in ("passed", "stopped")
    ]
    if manifest["balance"] is None:
        return lines
    lines += ["", "Balance"]
    lines += [f"  {_line(name, line)}" for name, line in manifest["balance"].items()]
    lines += ["", "Files, in upload order (send each after the one before has Posted)"]
    lines += [f"  {entry['name']}  {entry['rows']:,} records" for entry in manifest["files"]] or ["  none: nothing to change"]
    held = manifest["counts"]["reason"].get("hold", {})
    if held:
        lines += ["", "Held, in no file"] + [f"  {count:,} {reason}" for reason, count in held.items()]
    findings = manifest["findings"] or {}
    if findings:
        lines += ["", "Predicted findings"]
        lines += [f"  {found['count']:,} {rule} ({found['severity']})" for rule, found in findings.items()]
    return lines


def _line(name: str, line: Mapping[str, Any]) -> str:
    parts = " + ".join(f"{count:,} {part}" for part, count in line["parts"].items())
    return f"{line['total']:,} {_NAMES[name]} = {parts}"


_NAMES = {
    "state-rows": "state rows read",
    "in-scope": "state rows in scope",
    "enr-rows": "Aeries rows of the year",
    "spells": "spells",
}
