"""From hits to sentences: the findings frame, and the same grouped by cause."""

from __future__ import annotations

import string
from functools import cache

import numpy as np
import pandas as pd

from senrkit.calpads.records import Records, quotable
from senrkit.calpads.rule import Hits, Rule
from senrkit.frames import text

COLUMNS = ("file", "rule", "severity", "school_code", "ssid", "start_date", "fields", "message", "fix", "row")
FATAL, WARNING, UNKNOWN = "fatal", "warning", "unknown"
_SEVERITIES = (FATAL, WARNING, UNKNOWN)
# Only what CALPADS tests on input can reject a file; the others are listed after posting (calpads_rules.md section 1).
_INPUT_KINDS = frozenset({"IVR", "local"})
# Holes filled from our own tables; all others come out of the file and are quoted only if they look like a code.
_OUR_WORDS = frozenset({"field", "grades"})
# Never a pupil: a message goes to logs and screens.
_PUPIL = frozenset(
    "ssid local_id local_record_id first_name middle_name last_name suffix alias_first_name alias_middle_name"
    " alias_last_name birth_date birth_city".split()
)


def no_findings() -> pd.DataFrame:
    """The findings frame without a row."""
    return _empty().copy()


@cache
def _empty() -> pd.DataFrame:
    # Most rules of most files find nothing, and making a frame takes longer than asking.
    return pd.DataFrame({name: pd.Series(dtype="int64" if name == "row" else "str") for name in COLUMNS})


def joined_findings(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Findings frames one below the other, with a plain index."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else no_findings()


def findings_of(rule: Rule, found: Hits, records: Records, catalogue: dict[str, str]) -> pd.DataFrame:
    """One finding per hit. `catalogue` is the rule's row of `senrkit.reference.rules`."""
    frame = records.frame.take(found.rows).reset_index(drop=True)
    index = frame.index
    severity = text.constant(severity_of(catalogue), index)
    if found.doubtful is not None:
        severity = text.choose(found.doubtful, UNKNOWN, severity)
    fields = text.constant(catalogue["fields"], index) if found.fields is None else found.fields
    return pd.DataFrame(
        {
            "file": text.constant("", index),
            "rule": text.constant(rule.id, index),
            "severity": severity,
            **{name: frame[name] for name in ("school_code", "ssid", "start_date")},
            "fields": fields,
            "message": _sentence(catalogue["sentence"], found.holes, frame),
            "fix": text.constant(catalogue["fix"], index),
            "row": found.rows.astype("int64"),
        }
    )


def severity_of(catalogue: dict[str, str]) -> str:
    """The catalogue's severity; at most a warning for what CALPADS only asks after posting."""
    if catalogue["severity"] == FATAL and catalogue["kind"] not in _INPUT_KINDS:
        return WARNING
    return catalogue["severity"]


def by_cause(findings: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    """One row per cause, worst severity first, then the cause with most rows.

    Columns: `severity`, `rule`, `title`, `fields`, `rows` and `students` (int64), `example` (the message most often
    given), `fix`. Ten thousand errors of one kind are one row here.
    """
    grouped = findings.groupby(["severity", "rule", "fields"], sort=False, as_index=False).agg(
        rows=("message", "size"),
        students=("ssid", "nunique"),
        example=("message", _most_frequent),
        fix=("fix", "first"),
    )
    grouped.insert(2, "title", grouped["rule"].map(titles).astype("str"))
    rank = grouped["severity"].map({severity: rank for rank, severity in enumerate(_SEVERITIES)})
    order = np.lexsort((grouped["rule"].to_numpy(dtype=object), -grouped["rows"].to_numpy(), rank.to_numpy()))
    return grouped.take(order).reset_index(drop=True)


def _most_frequent(messages: pd.Series) -> str:
    return messages.value_counts(sort=True).index[0]


def _sentence(template: str, holes: dict[str, pd.Series], frame: pd.DataFrame) -> pd.Series:
    """The template with each `{hole}` filled by the rule, or else by the record's own field as it may be quoted."""
    parts: list[pd.Series | str] = [text.constant("", frame.index)]
    for literal, hole, _, _ in string.Formatter().parse(template):
        parts.append(literal)
        if hole in holes:
            parts.append(holes[hole] if hole in _OUR_WORDS else quotable(holes[hole]))
        elif hole:
            parts.append(_own_field(hole, frame))
    return text.concatenated(*parts)


def _own_field(hole: str, frame: pd.DataFrame) -> pd.Series:
    if hole in _PUPIL:
        raise KeyError(f"A rule's sentence may not quote {hole}.")
    return quotable(frame[hole])
