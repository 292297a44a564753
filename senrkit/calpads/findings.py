"""From hits to sentences: the findings frame, and the same grouped by cause."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping

import polars as pl
from polars import col

from senrkit.calpads.records import quotable
from senrkit.calpads.rule import Ask
from senrkit.frames import days

SCHEMA = {
    **dict.fromkeys("file rule severity school_code ssid start_date fields message fix".split(), pl.String),
    "row": pl.UInt32,
}
FATAL, WARNING, UNKNOWN = "fatal", "warning", "unknown"
_SEVERITIES = (FATAL, WARNING, UNKNOWN)
# Only what CALPADS tests on input can reject a file; the others are listed after posting (calpads_rules.md section 1).
_INPUT_KINDS = frozenset({"IVR", "local"})
# Holes filled from our own tables; all others come out of the file and are quoted only if they look like a code.
_OUR_WORDS = frozenset({"field", "grades"})
# Days, which people read as they read all others: 2026-08-12.
_DAYS = ("_date", "opened", "closed")
# Never a pupil: a message goes to logs and screens.
_PUPIL = frozenset(
    "ssid local_id local_record_id first_name middle_name last_name suffix alias_first_name alias_middle_name"
    " alias_last_name birth_date birth_city".split()
)


def joined_findings(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Findings frames one below the other."""
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts])


def findings_of(
    hits: pl.DataFrame, ask: Ask, catalog: Mapping[str, str], shown: Callable[[pl.Expr], pl.Expr] = quotable
) -> pl.DataFrame:
    """One finding per record that offends. `catalog` is the rule's row of `senrkit.reference.rules`; `shown` is how
    a value may be quoted."""
    severity = pl.lit(severity_of(catalog))
    if ask.doubtful is not None:
        severity = pl.when(ask.doubtful).then(pl.lit(UNKNOWN)).otherwise(severity)
    return hits.select(
        "file",
        rule=pl.lit(catalog["id"]),
        severity=severity,
        school_code="school_code",
        ssid="ssid",
        start_date="start_date",
        fields=pl.lit(catalog["fields"] if ask.fields is None else ask.fields),
        message=_sentence(catalog["sentence"], ask.holes, shown),
        fix=pl.lit(catalog["fix"]),
        row="row",
    )


def severity_of(catalog: Mapping[str, str]) -> str:
    """The catalog's severity; at most a warning for what CALPADS only asks after posting."""
    if catalog["severity"] == FATAL and catalog["kind"] not in _INPUT_KINDS:
        return WARNING
    return catalog["severity"]


def by_cause(findings: pl.DataFrame, titles: Mapping[str, str]) -> pl.DataFrame:
    """One row per cause, worst severity first, then the cause with most rows.

    Columns: `severity`, `rule`, `title`, `fields`, `rows` and `students` (counts), `example` (the message most often
    given), `fix`. Ten thousand errors of one kind are one row here.
    """
    return (
        findings.group_by("severity", "rule", "fields", maintain_order=True)
        .agg(
            rows=pl.len().cast(pl.Int64),
            students=col.ssid.drop_nulls().n_unique().cast(pl.Int64),
            example=col.message.mode(maintain_order=True).first(),
            fix=col.fix.first(),
        )
        .with_columns(title=col.rule.replace_strict(dict(titles), default=None, return_dtype=pl.String))
        .sort(
            col.severity.cast(pl.Enum(_SEVERITIES)), col.rows, col.rule, descending=[False, True, False],
            maintain_order=True,
        )
        .select("severity", "rule", "title", "fields", "rows", "students", "example", "fix")
    )  # fmt: skip


def _sentence(template: str, holes: Mapping[str, pl.Expr], shown: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """The template with each `{hole}` filled by the rule, or else by the record's own field as it may be quoted."""
    parts = []
    for literal, hole, _, _ in string.Formatter().parse(template):
        parts.append(pl.lit(literal))
        if hole in _OUR_WORDS:
            parts.append(holes[hole])
        elif hole in _PUPIL:
            raise KeyError(f"A rule's sentence may not quote {hole}.")
        elif hole:
            quoted = shown(holes[hole] if hole in holes else col(hole))
            parts.append(_iso(quoted) if hole.endswith(_DAYS) else quoted)
    return pl.concat_str(parts, ignore_nulls=True)


def _iso(day: pl.Expr) -> pl.Expr:
    """`CCYYMMDD` as `CCYY-MM-DD`; what is no day of the calendar is quoted as it stands."""
    return pl.when(days.of_key(day).is_null()).then(day).otherwise(days.key_to_iso(day))
