"""What both sides hold of each student for whom something is proposed: `enrollments.csv` in the run folder.

With it a run can be looked at later, student by student, without its inputs.
"""

from __future__ import annotations

import pandas as pd

from senrkit.frames import dates, text
from senrkit.reconciliation.scope import Scope
from senrkit.reference import ODS_FIELDS

CALPADS, AERIES = "calpads", "aeries"
ENROLLMENT_COLUMNS = (
    "side", "ssid", "local_id", "school_code", "school_name", "nps_code", "start_date", "exit_date", "exit_reason",
    "completion_status", "status", "grade", "academic_year",
)  # fmt: skip


def both_sides(actions: pd.DataFrame, scope: Scope, spells: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """One row per state row of any year, and per spell of the run year, of each student with an action besides `same`.

    Columns `ENROLLMENT_COLUMNS`, all text, `side` being `calpads` or `aeries`; dates ISO. Sorted by student, side and
    start date.
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
