"""`report.xlsx`: a run for people, one sheet each for summary, schools, proposal, held, left out, checks and findings.

No names: SSID and local id lead to the student. Headings and widths are in `texts/workbook.csv`, words in
`texts/reasons.csv`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.calpads.findings import by_cause
from senrkit.frames import days
from senrkit.inputs.sources import lines
from senrkit.reference import rule_anchor, rule_titles
from senrkit.results.files import Plan
from senrkit.results.tables import ACTIONS, TO_DO, findings_table, proposal_table, seen
from senrkit.results.workbook import Row, Sheet, write_book
from senrkit.texts import wording

_SHEETS = (
    "by_school", "proposal", "held", "left_out", "preconditions", "findings", "finding_rows", "census", "information",
    "sources",
)  # fmt: skip
_ALL = "All schools"
_TOTALS = ("by_school", "census")


def write_workbook(
    path: Path,
    manifest: Mapping[str, Any],
    plan: Plan,
    left_out: pl.DataFrame,
    findings: pl.DataFrame | None,
    information: pl.DataFrame,
    sources: Mapping[str, Any] | None = None,
) -> None:
    """Write the workbook to `path`. Every cell but counts is text; none is a formula.

    A sheet shows at most `workbook.ROWS_PER_SHEET` rows and says so; the CSV files have all of them.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    tables = _tables(manifest, plan, left_out, findings, information)
    if sources is not None:
        tables["sources"] = _sources(sources)
    write_book(
        path,
        f"senrkit {manifest['run_id']}",
        dt.datetime.fromisoformat(manifest["made"]),
        (wording.phrase("sheet", "summary").title, summary_rows(manifest)),
        [_sheet(name, table) for name, table in tables.items()],
    )


def _tables(
    manifest: Mapping[str, Any],
    plan: Plan,
    left_out: pl.DataFrame,
    findings: pl.DataFrame | None,
    information: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    return {
        "by_school": _by_school(manifest),
        "proposal": _proposal(plan),
        "held": _held(plan.actions),
        "left_out": _left_out(left_out),
        "preconditions": _preconditions(manifest),
        "findings": _causes(findings, manifest),
        "finding_rows": _findings(findings),
        "census": _census(manifest),
        "information": _information(information),
    }


def _sheet(name: str, table: pl.DataFrame) -> Sheet:
    words = wording.phrase("sheet", name)
    has_total = name in _TOTALS and not table.is_empty()
    return Sheet(words.title, wording.sheet_columns(name), table, words.cure, has_total=has_total)


def _by_school(manifest: Mapping[str, Any]) -> pl.DataFrame:
    """Schools with the most to do first, one row a school, and how much of all that is; then all of them together."""
    counts = manifest["counts"]
    rows = [
        (code, counts["school_name"][code], *(by_action.get(action, 0) for action in ACTIONS))
        for code, by_action in counts["school"].items()
    ]
    schema = {"school_code": pl.String, "school_name": pl.String, **dict.fromkeys(ACTIONS, pl.Int64)}
    table = pl.DataFrame(rows, schema, orient="row").with_columns(
        to_do=pl.sum_horizontal(TO_DO), enrollments=pl.sum_horizontal(ACTIONS)
    )
    table = _with_total(table.sort("to_do", "school_code", descending=[True, False]))
    share = (col.to_do / col.enrollments * 100).round(1).cast(pl.String)
    return table.with_columns(rate=pl.when(col.enrollments > 0).then(share + "%").otherwise(pl.lit("")))


def _with_total(table: pl.DataFrame) -> pl.DataFrame:
    """A table of schools with a last row that adds up its numbers."""
    if table.is_empty():
        return table
    sums = {name: pl.col(name).sum() for name, kind in table.schema.items() if kind.is_integer()}
    return pl.concat([table, table.select(school_name=pl.lit(_ALL), **sums)], how="diagonal")


def _proposal(plan: Plan) -> pl.DataFrame:
    # One reason has a title per action; those of an action without reasons stay blank.
    reason = col.reason
    for action in TO_DO:
        reason = pl.when(col.action == action).then(_titles(action, col.reason)).otherwise(reason)
    labels = {file.name: file.label for file in plan.files}
    return proposal_table(plan.actions).with_columns(
        reason=reason,
        action=_titles("action", col.action),
        file=col.file.replace_strict(labels, default="", return_dtype=pl.String),
        **{name: _readable(col(name)) for name in ("changed", "before", "after")},
    )


def _held(actions: pl.DataFrame) -> pl.DataFrame:
    held = actions.filter(col.action == "hold")
    return held.sort("hold_reason", "school_code", "ssid", "start_date", maintain_order=True).with_columns(
        days.key_to_iso(col("start_date", "exit_date")),
        intended=_titles("action", col.intended),
        hold_reason=_titles("hold", col.hold_reason),
        cure=_words("hold", col.hold_reason, "cure"),
        **seen(held),
    )


def _left_out(left_out: pl.DataFrame) -> pl.DataFrame:
    rows = left_out.sort("reason", "school_code", "ssid", "start_date", maintain_order=True, nulls_last=True)
    return rows.with_columns(
        reason=_titles("left-out", col.reason),
        sentence=_words("left-out", col.reason, "sentence"),
        cure=_words("left-out", col.reason, "cure"),
    )


def _preconditions(manifest: Mapping[str, Any]) -> pl.DataFrame:
    accepted = {entry["id"]: f"{entry['person']}: {entry['because']}" for entry in manifest["accepted"]}
    rows = [
        (
            entry["id"],
            entry["title"],
            wording.phrase("state", entry["state"]).title,
            entry["evidence"],
            accepted.get(entry["id"], ""),
            "" if entry["state"] == "passed" else entry["cure"],
        )
        for entry in manifest["preconditions"]
    ]
    names = ["id", "title", "state", "evidence", "accepted", "cure"]
    return pl.DataFrame(rows, dict.fromkeys(names, pl.String), orient="row")


def _causes(findings: pl.DataFrame | None, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """One line a cause, however many rows it has: worst first, then the one with most rows."""
    columns = [column.name for column in wording.sheet_columns("findings")]
    if findings is None or findings.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    causes = by_cause(findings, rule_titles())
    anchors = {rule: rule_anchor(rule) for rule in causes["rule"]}
    return causes.with_columns(
        severity=_titles("severity", col.severity),
        rule_book=col.rule.replace_strict(anchors, default="", return_dtype=pl.String),
    ).select(columns)


def _findings(findings: pl.DataFrame | None) -> pl.DataFrame:
    by_size = findings_table(findings).sort(
        pl.len().over("rule"), "rule", descending=[True, False], maintain_order=True
    )
    return by_size.with_columns(severity=_titles("severity", col.severity))


def _census(manifest: Mapping[str, Any]) -> pl.DataFrame:
    rows = [
        (code, school["school_name"], grade, counts["now"], counts["aeries"], counts["after"])
        for code, school in (manifest["what_if"] or {"schools": {}})["schools"].items()
        for grade, counts in school["grades"].items()
    ]
    texts, numbers = ("school_code", "school_name", "grade"), ("now", "aeries", "after")
    schema = dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Int64)
    return _with_total(pl.DataFrame(rows, schema, orient="row"))


def _information(information: pl.DataFrame) -> pl.DataFrame:
    columns = [column.name for column in wording.sheet_columns("information")]
    rows = pl.concat([pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), information], how="diagonal_relaxed")
    rows = rows.select(col(columns).fill_null("")).sort("kind", "school_code", "ssid", maintain_order=True)
    return rows.with_columns(kind=_titles("information", col.kind))


def _sources(sources: Mapping[str, Any]) -> pl.DataFrame:
    """What was read: a line of `inputs.sources.lines` a row."""
    return pl.DataFrame({"said": [line.strip() for line in lines(sources)]})


def _titles(kind: str, ids: pl.Expr) -> pl.Expr:
    """The title of each id; an id without words is its own."""
    return ids.replace({id: phrase.title for id, phrase in wording.phrases(kind).items()})


def _words(kind: str, ids: pl.Expr, part: str) -> pl.Expr:
    words = {id: getattr(phrase, part) for id, phrase in wording.phrases(kind).items()}
    return ids.replace_strict(words, default="", return_dtype=pl.String)


def _readable(fields: pl.Expr) -> pl.Expr:
    """`exit_date=|grade=05` as `exit date: (blank); grade: 05`."""
    words = fields.str.replace_all(r"=(\||$)", "=(blank)$1")
    for mark, word in (("=", ": "), ("|", "; "), ("_", " ")):
        words = words.str.replace_all(mark, word, literal=True)
    return words


def summary_rows(manifest: Mapping[str, Any]) -> list[Row]:
    """The rows of the sheet: title, what was run, and a block each for balance, actions, reasons, files and sheets."""
    title = f"SENR reconciliation {manifest['lea']}, {manifest['school_year']}"
    about = f"As of {manifest['as_of']}. Run {manifest['run_id']}, senrkit {manifest['senrkit_version']}."
    rows: list[Row] = [("title", (title,)), ("text", (about,))]
    for block in (_balance, _actions, _reasons, _files, _sheets):
        rows += [("text", ()), *block(manifest)]
    return rows


def _balance(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("balance")
    for line, counted in manifest["balance"].items():
        parts = " + ".join(f"{n:,} {wording.phrase('part', part).title}" for part, n in counted["parts"].items())
        yield "text", (wording.phrase("balance", line).title, counted["total"], f"= {parts}")


def _actions(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("action")
    whole = sum(manifest["counts"]["action"].values())
    for action, count in manifest["counts"]["action"].items():
        phrase = wording.phrase("action", action)
        share = f"{count / whole:.1%} of all. " if whole else ""
        yield "text", (phrase.title, count, share + phrase.sentence)


def _reasons(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("reason")
    for action, reasons in manifest["counts"]["reason"].items():
        for reason, count in reasons.items():
            phrase = wording.phrase(action, reason)
            yield "text", (f"{wording.phrase('action', action).title}: {phrase.title}", count, phrase.sentence)


def _files(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("files")
    if not manifest["files"]:
        yield "text", (wording.phrase("block", "files").cure,)
    for entry in manifest["files"]:
        yield "text", (entry["name"], entry["rows"], wording.phrase("step", entry["step"]).sentence)
    for step in manifest["missing_steps"]:
        yield "text", (step["step"], 0, step["why"])


def _sheets(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("sheets")
    for sheet in _SHEETS:
        phrase = wording.phrase("sheet", sheet)
        yield "text", (phrase.title, "", phrase.sentence)


def _head(block: str) -> Row:
    return "head", (wording.phrase("block", block).title, "", "")
