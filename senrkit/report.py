"""`report.xlsx`: a run for people, one sheet each for summary, schools, proposal, held, left out, checks and findings.

No names: SSID and local id lead to the student. Headings and widths are in `texts/workbook.csv`, words in
`texts/reasons.csv`.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from senrkit import text, wording
from senrkit.checks import by_cause, titles
from senrkit.report_summary import summary_rows
from senrkit.run_tables import ACTIONS, findings_table, proposal_table
from senrkit.sheet_rows import fill_sheets
from senrkit.submission import Plan

# Nobody reads further than this in a workbook; the CSV files are for programs.
ROWS_PER_SHEET = 20_000


def write_workbook(
    path: Path,
    manifest: Mapping[str, Any],
    plan: Plan,
    left_out: pd.DataFrame,
    findings: pd.DataFrame | None,
    information: pd.DataFrame,
) -> None:
    """Write the workbook to `path`. Every cell but counts is text; none is a formula.

    A sheet shows at most `ROWS_PER_SHEET` rows and says so; the CSV files have all of them.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    import xlsxwriter

    skeleton = io.BytesIO()
    made = dt.datetime.fromisoformat(manifest["made"]).replace(tzinfo=None)
    book = xlsxwriter.Workbook(skeleton, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"senrkit {manifest['run_id']}", "created": made})
    _summary_sheet(book, manifest)
    tables = _tables(manifest, plan.actions, left_out, findings, information)
    rows = {number: _table_sheet(book, name, tables[name]) for number, name in enumerate(tables, start=2)}
    book.close()
    fill_sheets(skeleton.getvalue(), rows, path)


def _tables(
    manifest: Mapping[str, Any],
    actions: pd.DataFrame,
    left_out: pd.DataFrame,
    findings: pd.DataFrame | None,
    information: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    return {
        "by_school": _by_school(manifest),
        "proposal": _proposal(actions),
        "held": _held(actions),
        "left_out": _left_out(left_out),
        "preconditions": _preconditions(manifest),
        "findings": _causes(findings, manifest),
        "finding_rows": _findings(findings),
        "census": _census(manifest),
        "information": _information(information),
    }


def _by_school(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Schools with the most to do first; one row a school."""
    counts = manifest["counts"]
    rows = [
        {"school_code": code, "school_name": counts["school_name"][code], **(dict.fromkeys(ACTIONS, 0) | by_action)}
        for code, by_action in counts["school"].items()
    ]
    table = pd.DataFrame(rows, columns=["school_code", "school_name", *ACTIONS])
    to_do = table[["delete", "update", "add", "hold"]].sum(axis=1)
    return table.assign(to_do=to_do).sort_values(["to_do", "school_code"], ascending=[False, True])


def _proposal(actions: pd.DataFrame) -> pd.DataFrame:
    table = proposal_table(actions)
    return table.assign(
        reason=_reason_titles(table),
        action=_titles("action", table["action"]),
        file=table["file"].str.extract(r"_(\d{2,}_[a-z_]+)\.txt$", expand=False).fillna(""),
        start_date=_iso(table["start_date"]),
        exit_date=_iso(table["exit_date"]),
        changed=_readable(table["changed"]),
        before=_readable(table["before"]),
        after=_readable(table["after"]),
    )


def _reason_titles(table: pd.DataFrame) -> pd.Series:
    """One reason has a title per action; those of an action without reasons stay blank."""
    titles = table["reason"]
    for action in ("add", "update", "delete", "hold"):
        titles = text.choose((table["action"] == action).to_numpy(), _titles(action, table["reason"]), titles)
    return titles


def _held(actions: pd.DataFrame) -> pd.DataFrame:
    held = actions[actions["action"] == "hold"].sort_values(["hold_reason", "school_code", "ssid", "start_date"])
    return held.assign(
        intended=_titles("action", held["intended"]),
        hold_reason=_titles("hold", held["hold_reason"]),
        cure=text.mapped(held["hold_reason"], lambda id: wording.phrase("hold", id).cure),
        start_date=_iso(held["start_date"]),
        exit_date=_iso(held["exit_date"]),
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
    causes = by_cause(findings, titles(dt.date.fromisoformat(manifest["as_of"])))
    return causes.assign(severity=_titles("severity", causes["severity"]))[columns]


def _findings(findings: pd.DataFrame | None) -> pd.DataFrame:
    table = findings_table(findings)
    size = table.groupby("rule")["rule"].transform("size")
    by_size = table.assign(size=size).sort_values(["size", "rule"], ascending=[False, True], kind="stable")
    return by_size.assign(
        severity=_titles("severity", by_size["severity"]), start_date=_iso(by_size["start_date"])
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


def _iso(ccyymmdd: pd.Series) -> pd.Series:
    dashed = pc.replace_substring_regex(text.arrow(ccyymmdd), r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")
    return text.from_arrow(dashed, ccyymmdd.index)


def _readable(fields: pd.Series) -> pd.Series:
    """`exit_date=|grade=05` as `exit date: (blank); grade: 05`."""
    words = pc.replace_substring_regex(text.arrow(fields), r"=(\||$)", r"=(blank)\1")
    for mark, word in (("=", ": "), ("|", "; "), ("_", " ")):
        words = pc.replace_substring(words, mark, word)
    return text.from_arrow(words, fields.index)


def _summary_sheet(book: Any, manifest: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(wording.phrase("sheet", "summary").title)
    style = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "head": book.add_format({"bold": True, "bottom": 1, "font_size": 12}),
        "text": book.add_format({"text_wrap": True, "valign": "top", "indent": 1}),
        "number": book.add_format({"num_format": "#,##0", "valign": "top"}),
    }
    for column, width in enumerate((44, 12, 120)):
        sheet.set_column(column, column, width)
    for at, (kind, cells) in enumerate(summary_rows(manifest)):
        for column, value in enumerate(cells):
            if isinstance(value, int):
                sheet.write_number(at, column, value, style["number"])
            elif value or kind == "head":
                sheet.write_string(at, column, value, style[kind])
    _for_print(sheet)
    sheet.fit_to_pages(1, 1)


def _table_sheet(book: Any, name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A sheet with its heading; returns the rows that go below."""
    columns = wording.sheet_columns(name)
    sheet = book.add_worksheet(wording.phrase("sheet", name).title)
    look = {"bold": True, "bg_color": "#DDE6F0", "bottom": 1, "text_wrap": True, "valign": "top"}
    head, head_of_numbers = book.add_format(look), book.add_format(look | {"align": "right"})
    styles = {wrap: book.add_format({"valign": "top", "text_wrap": wrap}) for wrap in (False, True)}
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width, styles[column.wrap])
        is_number = pd.api.types.is_integer_dtype(table[column.name])
        sheet.write_string(0, at, column.heading, head_of_numbers if is_number else head)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(min(len(table), ROWS_PER_SHEET), 1), len(columns) - 1)
    sheet.repeat_rows(0)
    # SSIDs and codes are text on purpose; a green corner in each cell would only alarm.
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    _for_print(sheet)
    return _shown(name, table[[column.name for column in columns]])


def _shown(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The first rows of a table, and a word when there are more, or none."""
    if 0 < len(table) <= ROWS_PER_SHEET:
        return table
    more = wording.phrase("block", "more").sentence.format(shown=f"{ROWS_PER_SHEET:,}", all=f"{len(table):,}")
    said = more if len(table) else wording.phrase("sheet", name).cure
    shown = table.head(ROWS_PER_SHEET).astype("str")
    last = pd.DataFrame([[said] + [""] * (table.shape[1] - 1)], columns=table.columns, dtype="str")
    return pd.concat([shown, last], ignore_index=True)


def _for_print(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(1)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&RPage &P of &N")
