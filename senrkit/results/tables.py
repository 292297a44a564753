"""The tables of a run folder, `proposal.csv`, `left_out.csv`, `findings.csv` and `enrollments.csv`: their columns,
order and bytes."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from senrkit.frames import dates, text
from senrkit.frames.text import formula_safe, sorted_by
from senrkit.reconciliation.scope import Scope
from senrkit.reference import ODS_FIELDS

PROPOSAL_COLUMNS = (
    "sequence", "file", "action", "transaction", "reason", "school_code", "school_name", "ssid", "local_id", "grade",
    "start_date", "exit_date", "changed", "before", "after", "evidence",
    "start_key", "hold_detail", "local_record_id", "at_risk",
)  # fmt: skip
# What a table that an older senrkit wrote may lack; in order of appearance, so always at the right.
ADDED_COLUMNS = ("start_key", "hold_detail", "local_record_id", "at_risk")
FINDINGS_COLUMNS = (
    "file", "rule", "severity", "school_code", "ssid", "start_date", "fields", "message", "fix", "start_key",
)  # fmt: skip
LEFT_OUT_COLUMNS = (
    "reason", "school_code", "school_name", "aeries_school", "ssid", "local_id", "start_date", "exit_date",
)  # fmt: skip
# In the order of the upload, then what is not sent.
SENT = ("delete", "update", "add")
TO_DO = (*SENT, "hold")
ACTIONS = (*TO_DO, "settled-no-show", "settled-completion", "left-as-is", "future-dated", "same")
CALPADS, AERIES = "calpads", "aeries"
ENROLLMENT_COLUMNS = (
    "side", "ssid", "local_id", "school_code", "school_name", "nps_code", "start_date", "exit_date", "exit_reason",
    "completion_status", "status", "grade", "academic_year",
)  # fmt: skip
_DAY_IN_VALUES = r"(^|\|)exit_date=(\d{4})(\d\d)(\d\d)"


def proposal_table(actions: pd.DataFrame, list_same: bool = False) -> pd.DataFrame:
    """The actions of a plan as `proposal.csv` shows them: in sequence, then what is not sent, action by action.

    `sequence` is text, blank for what is not sent; the `reason` of a hold is why it is held, its `evidence` begins with
    what was found, and `hold_detail` is the sub-reason (`identity-conflict/b`, the id of a rule). Dates are ISO; the
    key's start date is also there as CCYYMMDD, `start_key`. `at_risk` is `true` or `false`. Rows of action `same` are
    there only with `list_same`. All columns are text.
    """
    shown = actions if list_same else actions[actions["action"] != "same"]
    rank = shown["action"].map(ACTIONS.index).astype("int64").where(shown["sequence"] == 0, -1)
    by = ["rank", "sequence", "school_code", "ssid", "start_date"]
    shown = sorted_by(shown.assign(rank=rank), by)
    is_sent = (shown["sequence"] > 0).to_numpy()
    table = shown.assign(
        sequence=text.choose(is_sent, shown["sequence"].astype("str"), ""),
        reason=shown_reason(shown),
        evidence=_with_hold_text(shown),
        start_key=shown["start_date"],
        at_risk=text.choose(_goes_at_risk(shown), "true", text.constant("false", shown.index)),
        **{name: dates.iso_texts(shown[name]) for name in ("start_date", "exit_date")},
        **{name: _iso_values(shown[name]) for name in ("before", "after")},
    )
    return table[list(PROPOSAL_COLUMNS)].reset_index(drop=True)


def _goes_at_risk(actions: pd.DataFrame) -> np.ndarray:
    """Deletes that are sent and leave no record; a held one is at no risk."""
    return actions["at_risk"].to_numpy(dtype=bool) & text.equals(actions["action"], "delete")


def shown_reason(actions: pd.DataFrame) -> pd.Series:
    """The reason that people see: of a hold why it is held, else why it is done."""
    return text.choose((actions["action"] == "hold").to_numpy(), actions["hold_reason"], actions["reason"])


def _with_hold_text(actions: pd.DataFrame) -> pd.Series:
    has_text = (actions["hold_text"] != "").to_numpy()
    both = text.concatenated(actions["hold_text"], " ", actions["evidence"])
    # An enrollment that agrees, of a student who is held, has no evidence of its own.
    said = text.choose(text.equals(actions["evidence"], ""), actions["hold_text"], both)
    return text.choose(has_text, said, actions["evidence"])


def _iso_values(packed: pd.Series) -> pd.Series:
    """`exit_date=20261009|grade=05` as `exit_date=2026-10-09|grade=05`."""
    dashed = pc.replace_substring_regex(text.arrow(packed), _DAY_IN_VALUES, r"\1exit_date=\2-\3-\4")
    return text.from_arrow(dashed, packed.index)


def left_out_table(left_out: pd.DataFrame) -> pd.DataFrame:
    """Aeries rows in no spell, by reason, school, SSID and start date."""
    by = ["reason", "school_code", "ssid", "start_date", "local_id"]
    return sorted_by(left_out, by)[list(LEFT_OUT_COLUMNS)].reset_index(drop=True)


def findings_table(findings: pd.DataFrame | None) -> pd.DataFrame:
    """Predicted findings in upload order; without a prediction an empty table."""
    if findings is None:
        return pd.DataFrame({column: pd.Series([], dtype="str") for column in FINDINGS_COLUMNS})
    by = ["file", "rule", "school_code", "ssid", "start_date"]
    table = findings.assign(start_key=findings["start_date"], start_date=dates.iso_texts(findings["start_date"]))
    return sorted_by(table, by)[list(FINDINGS_COLUMNS)].reset_index(drop=True)


def both_sides(actions: pd.DataFrame, scope: Scope, spells: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """One row per state row of any year, and per spell of the run year, of each student with an action besides `same`.

    Columns `ENROLLMENT_COLUMNS`, all text, `side` being `calpads` or `aeries`; dates ISO. Sorted by student, side and
    start date. With it a run can be looked at later, student by student, without its inputs.
    """
    ssids = actions.loc[actions["action"] != "same", "ssid"].drop_duplicates()
    names = schools.drop_duplicates("school_code").set_index("school_code")["name"]
    shown = [name for name in ENROLLMENT_COLUMNS if name in ODS_FIELDS]
    state = scope.rows.where(scope.rows.is_in("ssid", ssids), shown).assign(side=CALPADS)
    aeries = text.rows_where(spells[shown], text.is_in(spells["ssid"], ssids)).assign(side=AERIES)
    rows = pd.concat([state, aeries], ignore_index=True)
    rows["school_name"] = text.mapped(rows["school_code"], names.get)
    rows = rows.reindex(columns=list(ENROLLMENT_COLUMNS)).astype("str").fillna("")
    rows = rows.assign(**{name: dates.iso_texts(rows[name]) for name in ("start_date", "exit_date")})
    descending = rows.sort_values(["ssid", "side", "start_date"], ascending=[True, False, True], kind="stable")
    return descending.reset_index(drop=True)


def to_csv(table: pd.DataFrame) -> bytes:
    """Text columns as CSV: UTF-8 without mark, CR LF, headings, nothing that a spreadsheet would run as a formula.

    Every value is quoted; unknown is written as blank.
    """
    columns = {name: pc.fill_null(text.arrow(formula_safe(table[name])), "") for name in table.columns}
    out = io.BytesIO()
    pa.csv.write_csv(pa.table(columns), out, pa.csv.WriteOptions(eol="\r\n", quoting_header="none"))
    return out.getvalue()
