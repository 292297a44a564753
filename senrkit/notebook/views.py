"""Rows of a run folder in the columns and words that people read: dates with dashes, reasons in plain words."""

from __future__ import annotations

import pandas as pd

from senrkit import text, wording

_SHOWN = {
    "state": "State",
    "sequence": "No.",
    "rule": "Rule",
    "severity": "Severity",
    "action": "Action",
    "why": "Why",
    "school_name": "School",
    "school_code": "School code",
    "ssid": "SSID",
    "local_id": "Local ID",
    "grade": "Grade",
    "start_date": "Start",
    "exit_date": "Exit",
    "change": "Change",
    "evidence": "Evidence",
    "message": "What CALPADS says",
    "fix": "What to do",
}


def for_people(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a proposal, of findings, of what was left out or of a comparison, as text under plain headings.

    A column that is blank throughout is left away; so is the school's code where its name is known.
    """
    known = {name: rows[name] for name in rows}
    if "reason" in known:
        known["why"] = _why(rows)
    if "changed" in known:
        known["change"] = _change(rows)
    for kind in ("action", "severity"):
        if kind in known:
            known[kind] = text.mapped(known[kind], lambda id, kind=kind: wording.phrase(kind, id).title)
    shown = {heading: known[name] for name, heading in _SHOWN.items() if name in known and known[name].ne("").any()}
    if "School" in shown:
        shown.pop("School code", None)
    return pd.DataFrame(shown, index=rows.index)


def _why(rows: pd.DataFrame) -> pd.Series:
    """A reason's title depends on its action; what was left out has no action."""
    action = rows["action"] if "action" in rows else text.constant("left-out", rows.index)
    pairs = text.concatenated(action, "|", rows["reason"])
    return text.mapped(pairs, lambda pair: wording.phrase(*pair.split("|", 1)).title if not pair.endswith("|") else "")


def _change(rows: pd.DataFrame) -> pd.Series:
    return text.mapped(text.concatenated(rows["before"], "\n", rows["after"]), _arrows)


def _arrows(both: str) -> str:
    """`exit_date=` and `exit_date=20260925` as `exit date: (blank) → 20260925`."""
    before, after = (dict(part.split("=", 1) for part in side.split("|") if "=" in part) for side in both.split("\n"))
    return "; ".join(
        f"{name.replace('_', ' ')}: {before.get(name) or '(blank)'} → {value or '(blank)'}"
        for name, value in after.items()
    )
