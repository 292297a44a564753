"""The tables of a run folder, `proposal.csv`, `left_out.csv`, `findings.csv`, `information.csv` and `enrollments.csv`:
their columns, order and bytes."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.reconciliation.scope import Scope
from senrkit.reference import ODS_FIELDS

PROPOSAL_COLUMNS = (
    "sequence", "file", "action", "transaction", "reason", "school_code", "school_name", "ssid", "local_id", "grade",
    "start_date", "exit_date", "changed", "before", "after", "evidence",
    "start_key", "hold_detail", "local_record_id", "at_risk", "first_seen", "age", "rule", "concerned",
)  # fmt: skip
# What a table that an older senrkit wrote may lack; in order of appearance, so always at the right.
ADDED_COLUMNS = ("start_key", "hold_detail", "local_record_id", "at_risk", "first_seen", "age", "rule", "concerned")
FINDINGS_COLUMNS = (
    "file", "rule", "severity", "school_code", "ssid", "start_date", "fields", "message", "fix", "start_key",
)  # fmt: skip
LEFT_OUT_COLUMNS = (
    "reason", "school_code", "school_name", "aeries_school", "ssid", "local_id", "start_date", "exit_date",
)  # fmt: skip
# The reason of a hold by a rule: CALPADS would refuse the record.
PREDICTED = "predicted-rejection"
# In the order of the upload, then what is not sent.
SENT = ("delete", "update", "add")
TO_DO = (*SENT, "hold")
ACTIONS = (*TO_DO, "settled-no-show", "settled-completion", "left-as-is", "future-dated", "same")
CALPADS, AERIES = "calpads", "aeries"
INFORMATION_COLUMNS = ("kind", "school_code", "ssid", "local_id", "detail")
ENROLLMENT_COLUMNS = (
    "side", "ssid", "local_id", "school_code", "school_name", "nps_code", "start_date", "exit_date", "exit_reason",
    "completion_status", "status", "grade", "academic_year",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV injection).
_FORMULA = r"^[=+\-@\t\r\n]"
_DAY_IN_VALUES = r"(^|\|)exit_date=([0-9]{4})([0-9]{2})([0-9]{2})"


def proposal_table(actions: pl.DataFrame, list_same: bool = False) -> pl.DataFrame:
    """The actions of a plan as `proposal.csv` shows them: in sequence, then what is not sent, action by action.

    `sequence` is text, blank for what is not sent; the `reason` of a hold is why it is held, its `evidence` begins with
    what was found, and `hold_detail` is the sub-reason (`identity-conflict/b`, the id of a rule). Dates are ISO; the
    key's start date is also there as CCYYMMDD, `start_key`. `at_risk` is `true` or `false`. `first_seen` is the day of
    the first run that had what is to be done, `age` the days since then, `rule` the rule of CALPADS by which it is
    held, `concerned` the other SSIDs of a conflict of identity, with a bar between them. Rows of action `same` are
    there only with `list_same`. All are text.
    """
    is_sent = col.sequence > 0
    rank = pl.when(is_sent).then(None).otherwise(col.action.cast(pl.Enum(ACTIONS)))
    # An enrollment that agrees, of a student who is held, has no evidence of its own.
    said = pl.concat_str("hold_text", "evidence", separator=" ")
    evidence = pl.when(col.hold_text == "").then("evidence").when(col.evidence == "").then("hold_text").otherwise(said)
    # A held delete is at no risk.
    goes_at_risk = col.at_risk & (col.action == "delete")
    iso = (days.key_to_iso(col("start_date", "exit_date")), _iso_values(col("before", "after")))
    return (
        actions.filter(list_same | (col.action != "same"))
        .sort(rank, "sequence", "school_code", "ssid", "start_date", maintain_order=True)
        .with_columns(
            *iso,
            sequence=pl.when(is_sent).then(col.sequence.cast(pl.String)).otherwise(pl.lit("")),
            reason=shown_reason(),
            evidence=evidence,
            start_key="start_date",
            at_risk=pl.when(goes_at_risk).then(pl.lit("true")).otherwise(pl.lit("false")),
            **seen(actions),
            rule=pl.when(col.hold_reason == PREDICTED).then("hold_detail").otherwise(pl.lit("")),
        )
        .select(PROPOSAL_COLUMNS)
    )


def seen(actions: pl.DataFrame) -> dict[str, pl.Expr]:
    """`first_seen`, `age` and `concerned` of actions, as text; blank where the actions do not say."""
    text = {"first_seen": days.iso, "age": lambda age: age.cast(pl.String).fill_null("")}
    named = text | {"concerned": lambda others: others.fill_null("")}
    return {name: said(col(name)) if name in actions.columns else pl.lit("") for name, said in named.items()}


def in_no_file(actions: pl.DataFrame) -> pl.DataFrame:
    """Actions for which no file was planned, as `proposal_table` takes them."""
    return actions.with_columns(file=pl.lit(""), local_record_id=pl.lit(""), sequence=pl.lit(0))


def shown_reason() -> pl.Expr:
    """The reason that people see: of a hold why it is held, else why it is done."""
    return pl.when(col.action == "hold").then("hold_reason").otherwise("reason")


def _iso_values(packed: pl.Expr) -> pl.Expr:
    """`exit_date=20261009|grade=05` as `exit_date=2026-10-09|grade=05`."""
    return packed.str.replace_all(_DAY_IN_VALUES, "${1}exit_date=$2-$3-$4")


def left_out_table(left_out: pl.DataFrame) -> pl.DataFrame:
    """Aeries rows in no spell, by reason, school, SSID and start date."""
    by = ["reason", "school_code", "ssid", "start_date", "local_id"]
    return left_out.sort(by, maintain_order=True, nulls_last=True).select(LEFT_OUT_COLUMNS)


def findings_table(findings: pl.DataFrame | None) -> pl.DataFrame:
    """Predicted findings in upload order; without a prediction an empty table."""
    if findings is None:
        return pl.DataFrame(schema=dict.fromkeys(FINDINGS_COLUMNS, pl.String))
    by = ["file", "rule", "school_code", "ssid", "start_date"]
    keyed = findings.with_columns(days.key_to_iso(col.start_date), start_key="start_date")
    return keyed.sort(by, maintain_order=True).select(FINDINGS_COLUMNS)


def information_table(information: pl.DataFrame) -> pl.DataFrame:
    """What a person should know, by kind, school and student."""
    rows = pl.concat([pl.DataFrame(schema=dict.fromkeys(INFORMATION_COLUMNS, pl.String)), information], how="diagonal")
    by = ["kind", "school_code", "ssid", "local_id", "detail"]
    return rows.select(col(INFORMATION_COLUMNS).fill_null("")).sort(by, maintain_order=True)


def both_sides(actions: pl.DataFrame, scope: Scope, spells: pl.DataFrame, schools: pl.DataFrame) -> pl.DataFrame:
    """One row per state row of any year, and per spell of the run year, of each student with an action besides `same`.

    Columns `ENROLLMENT_COLUMNS`, all text, `side` being `calpads` or `aeries`; dates ISO. Sorted by student, side and
    start date. With it a run can be looked at later, student by student, without its inputs.
    """
    ssids = actions.filter(col.action != "same")["ssid"].unique().implode()
    named = schools.unique("school_code", keep="first", maintain_order=True).select("school_code", school_name="name")
    shown = [name for name in ENROLLMENT_COLUMNS if name in ODS_FIELDS]
    state = scope.rows.where(col.ssid.is_in(ssids), shown).with_columns(side=pl.lit(CALPADS))
    aeries = spells.filter(col.ssid.is_in(ssids)).select(shown).with_columns(side=pl.lit(AERIES))
    return (
        pl.concat([state, aeries])
        .join(named, on="school_code", how="left", maintain_order="left")
        .select(col(ENROLLMENT_COLUMNS).fill_null(""))
        .sort("ssid", "side", "start_date", descending=[False, True, False], maintain_order=True)
        .with_columns(days.key_to_iso(col("start_date", "exit_date")))
    )


CHANGED_COLUMNS = (
    "sequence", "action", "reason", "school_code", "school_name", "ssid", "local_id", "start_date", "field", "before",
    "after", "start_key",
)  # fmt: skip


def unpacked(proposal: pl.DataFrame) -> pl.DataFrame:
    """Of `proposal.csv`, where `changed`, `before` and `after` hold several fields in a cell, a row a field.

    Of each update, and of what would be one if it were not held: `CHANGED_COLUMNS`, all text.
    """
    rows = proposal.filter(col.changed != "").with_columns(col("changed", "before", "after").str.split("|"))
    values = {side: col(side).str.splitn("=", 2).struct.field("field_1").fill_null("") for side in ("before", "after")}
    return rows.explode("changed", "before", "after").with_columns(**values, field="changed").select(CHANGED_COLUMNS)


def changes_of(before: str, after: str) -> list[tuple[str, str, str]]:
    """Field, value before, value after: as `unpacked`, of the cells of one row."""
    sides = (dict(part.split("=", 1) for part in cell.split("|") if "=" in part) for cell in (before, after))
    old, new = sides
    return [(name, old.get(name, ""), value) for name, value in new.items()]


def to_csv(table: pl.DataFrame) -> bytes:
    """Text columns as CSV: UTF-8 without mark, CR LF, headings, nothing that a spreadsheet would run as a formula.

    Every value is quoted; unknown is written as blank.
    """
    shown = to_polars(table).select(formula_safe(col(pl.String)).fill_null(""))
    rows = shown.write_csv(include_header=False, line_terminator="\r\n", quote_style="always")
    return (",".join(shown.columns) + "\r\n" + rows).encode()


def formula_safe(text: pl.Expr) -> pl.Expr:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it text."""
    # To look is much quicker than to replace.
    return pl.when(~text.str.contains(_FORMULA)).then(text).otherwise(pl.lit("'") + text)
