"""`report.xlsx`: a run for people, one sheet each for summary, schools, proposal, held, left out, checks and findings.

No names: SSID and local id lead to the student. Headings and widths are in `texts/workbook.csv`, words in
`texts/reasons.csv`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from senrkit.calpads.check import titles
from senrkit.calpads.findings import by_cause
from senrkit.frames import dates, text
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.results.files import Plan
from senrkit.results.tables import ACTIONS, TO_DO, findings_table, proposal_table
from senrkit.results.workbook import Row, Sheet, write_book
from senrkit.texts import wording

_SHEETS = ("by_school", "proposal", "held", "left_out", "preconditions", "findings", "census", "information")


def write_workbook(
    path: Path,
    manifest: Mapping[str, Any],
    plan: Plan,
    left_out: pd.DataFrame,
    findings: pd.DataFrame | None,
    information: pd.DataFrame,
) -> None:
    """Write the workbook to `path`. Every cell but counts is text; none is a formula.

    A sheet shows at most `workbook.ROWS_PER_SHEET` rows and says so; the CSV files have all of them.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    tables = _tables(manifest, plan, left_out, findings, information)
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
    left_out: pd.DataFrame,
    findings: pd.DataFrame | None,
    information: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
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


def _sheet(name: str, table: pd.DataFrame) -> Sheet:
    words = wording.phrase("sheet", name)
    return Sheet(words.title, wording.sheet_columns(name), table, words.cure)


def _by_school(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Schools with the most to do first; one row a school."""
    counts = manifest["counts"]
    rows = [
        {"school_code": code, "school_name": counts["school_name"][code], **(dict.fromkeys(ACTIONS, 0) | by_action)}
        for code, by_action in counts["school"].items()
    ]
    table = pd.DataFrame(rows, columns=["school_code", "school_name", *ACTIONS])
    to_do = table[list(TO_DO)].sum(axis=1)
    return table.assign(to_do=to_do).sort_values(["to_do", "school_code"], ascending=[False, True])


def _proposal(plan: Plan) -> pd.DataFrame:
    table = proposal_table(plan.actions)
    labels = {file.name: file.label for file in plan.files}
    return table.assign(
        reason=_reason_titles(table),
        action=_titles("action", table["action"]),
        file=text.mapped(table["file"], lambda name: labels.get(name, "")),
        changed=_readable(table["changed"]),
        before=_readable(table["before"]),
        after=_readable(table["after"]),
    )


def _reason_titles(table: pd.DataFrame) -> pd.Series:
    """One reason has a title per action; those of an action without reasons stay blank."""
    titles = table["reason"]
    for action in TO_DO:
        titles = text.choose((table["action"] == action).to_numpy(), _titles(action, table["reason"]), titles)
    return titles


def _held(actions: pd.DataFrame) -> pd.DataFrame:
    held = actions[actions["action"] == "hold"].sort_values(["hold_reason", "school_code", "ssid", "start_date"])
    return held.assign(
        intended=_titles("action", held["intended"]),
        hold_reason=_titles("hold", held["hold_reason"]),
        cure=text.mapped(held["hold_reason"], lambda id: wording.phrase("hold", id).cure),
        start_date=dates.iso_texts(held["start_date"]),
        exit_date=dates.iso_texts(held["exit_date"]),
    )


def _left_out(left_out: pd.DataFrame) -> pd.DataFrame:
    rows = left_out.sort_values(["reason", "school_code", "ssid", "start_date"], kind="stable")
    return rows.assign(
        reason=_titles("left-out", rows["reason"]),
        sentence=text.mapped(rows["reason"], lambda id: wording.phrase("left-out", id).sentence),
        cure=text.mapped(rows["reason"], lambda id: wording.phrase("left-out", id).cure),
    )


def _preconditions(manifest: Mapping[str, Any]) -> pd.DataFrame:
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
    return pd.DataFrame(rows, columns=["id", "title", "state", "evidence", "accepted", "cure"], dtype="str")


def _causes(findings: pd.DataFrame | None, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """One line a cause, however many rows it has: worst first, then the one with most rows."""
    columns = [column.name for column in wording.sheet_columns("findings")]
    if findings is None or not len(findings):
        return pd.DataFrame({name: pd.Series([], dtype="str") for name in columns})
    causes = to_pandas(by_cause(to_polars(findings), titles(dt.date.fromisoformat(manifest["as_of"]))))
    return causes.assign(severity=_titles("severity", causes["severity"]))[columns]


def _findings(findings: pd.DataFrame | None) -> pd.DataFrame:
    table = findings_table(findings)
    size = table.groupby("rule")["rule"].transform("size")
    by_size = table.assign(size=size).sort_values(["size", "rule"], ascending=[False, True], kind="stable")
    return by_size.assign(
        severity=_titles("severity", by_size["severity"])
    )  # fmt: skip


def _census(manifest: Mapping[str, Any]) -> pd.DataFrame:
    rows = [
        {"school_code": code, "school_name": school["school_name"], "grade": grade, **counts}
        for code, school in (manifest["what_if"] or {"schools": {}})["schools"].items()
        for grade, counts in school["grades"].items()
    ]
    table = pd.DataFrame(rows, columns=["school_code", "school_name", "grade", "now", "aeries", "after"])
    texts = dict.fromkeys(("school_code", "school_name", "grade"), "str")
    return table.astype(texts | dict.fromkeys(("now", "aeries", "after"), "int64"))


def _information(information: pd.DataFrame) -> pd.DataFrame:
    columns = [column.name for column in wording.sheet_columns("information")]
    rows = information.reindex(columns=columns).fillna("").astype("str")
    rows = rows.sort_values(["kind", "school_code", "ssid"], kind="stable")
    return rows.assign(kind=_titles("information", rows["kind"]))


def _titles(kind: str, ids: pd.Series) -> pd.Series:
    return text.mapped(ids, lambda id: wording.phrase(kind, id).title)


def _readable(fields: pd.Series) -> pd.Series:
    """`exit_date=|grade=05` as `exit date: (blank); grade: 05`."""
    words = pc.replace_substring_regex(text.arrow(fields), r"=(\||$)", r"=(blank)\1")
    for mark, word in (("=", ": "), ("|", "; "), ("_", " ")):
        words = pc.replace_substring(words, mark, word)
    return text.from_arrow(words, fields.index)


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
    for action, count in manifest["counts"]["action"].items():
        phrase = wording.phrase("action", action)
        yield "text", (phrase.title, count, phrase.sentence)


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
