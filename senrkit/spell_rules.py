"""Rules that act on whole spells: year end (2.6), exits (2.4), completion, and what is wrong in Aeries itself (2.7)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from senrkit import dates, text
from senrkit.errors import InputError
from senrkit.intervals import cancelled, overlapping, primary
from senrkit.schools import receiver
from senrkit.settings import Settings
from senrkit.translate import Translator

SECONDARY, NON_ADA = "20", "50"
NON_ADA_EXITS = ("E170", "N470", "E150")
PRESCHOOL_GRADES = ("IN", "TD", "PS")
GRADUATED = "100"
NO_ROLL_OVER = "13"
YEAR_END_WINDOW = dt.timedelta(days=14)
OVERLAP, DATE_ERROR = "aeries-overlap", "aeries-date-error"


def year_end(
    spells: pd.DataFrame, known: Translator, school_table: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Open spells closed on the last school day, when asked for and near enough to it (2.6).

    Returns the spells with `closed_by`, and the open spells left open because `STU.NG` is 13.
    """
    closed_by = text.choose(spells["exit"].notna().to_numpy(), "aeries", text.constant("", spells.index))
    last_day = settings.process.last_school_day
    if not settings.process.auto_close or last_day is None or settings.as_of < last_day - YEAR_END_WINDOW:
        return spells.assign(closed_by=closed_by), _warnings(spells.iloc[:0])
    _require_year_end_fields(spells)
    open_now = (
        spells["exit"].isna().to_numpy() & text.equals(spells["left"], "") & text.equals(spells["exit_reason"], "")
    )
    open_now &= (spells["start"] <= dates.stamp(last_day)).to_numpy()
    filled_eoy, filled_completion = ~text.equals(spells["eoy"], ""), ~text.equals(spells["hsg"], "")
    non_primary = spells["status"].isin([SECONDARY, NON_ADA]).to_numpy()
    stays_open = (
        open_now & ~filled_eoy & ~filled_completion & ~non_primary & text.equals(spells["next_grade"], NO_ROLL_OVER)
    )
    closes = open_now & ~stays_open
    grade_12_again = text.equals(spells["grade"], "12") & text.equals(spells["next_grade"], "12")
    kinds = [filled_completion, non_primary, grade_12_again]
    generated = text.selected(kinds, ["E230", "E170", "E156"], "E155", spells.index)
    by_code = known.codes("ATT.RS", text.choose(closes & filled_eoy, spells["eoy"], ""), closes)
    reason = text.choose(filled_eoy, by_code, generated)
    next_school = _next_school(spells, school_table)
    closed = spells.assign(
        exit=spells["exit"].mask(closes, dates.stamp(last_day)),
        exit_reason=text.choose(closes, reason, spells["exit_reason"]),
        receiver_school=text.choose(closes & filled_eoy, next_school, spells["receiver_school"]),
        closed_by=text.choose(closes, "year-end", closed_by),
    )
    return closed, _warnings(spells[stays_open])


def exit_rules(spells: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The exit reason as CALPADS takes it: the status rule, then the preschool rule, then the row's own reason (2.4).

    `row_reason` keeps the reason before the rules.
    """
    has_exit = spells["exit"].notna().to_numpy()
    secondary, non_ada = text.equals(spells["status"], SECONDARY), text.equals(spells["status"], NON_ADA)
    preschool = spells["grade"].isin(PRESCHOOL_GRADES).to_numpy() & (not settings.process.keep_preschool_exits)
    becomes_e170 = secondary | (non_ada & ~spells["exit_reason"].isin(NON_ADA_EXITS).to_numpy())
    reason = text.choose(has_exit & preschool & ~non_ada, "E450", spells["exit_reason"])
    return spells.assign(
        row_reason=spells["exit_reason"], exit_reason=text.choose(has_exit & becomes_e170, "E170", reason)
    )


def completion(spells: pd.DataFrame, known: Translator) -> pd.DataFrame:
    """Completion status, only with `E230`; the graduate fields, only with a diploma (2.4, 5)."""
    completes = text.equals(spells["exit_reason"], "E230")
    status = known.codes("STU.HSG", text.choose(completes, spells["hsg"], ""), completes)
    not_graduated = ~text.equals(status, GRADUATED) & status.notna().to_numpy()
    unknown = text.unknown(spells.index)
    return spells.assign(
        completion_status=status,
        golden_state_seal=text.choose(not_graduated, "", unknown),
        biliteracy_seal=text.choose(not_graduated, "", unknown),
        graduation_exemption=text.choose(not_graduated, "", spells["gex"]),
        uc_csu=unknown,
        transition_status=unknown,
    )


def faults(spells: pd.DataFrame, settings: Settings) -> dict[str, object]:
    """What is wrong in Aeries and holds the student (2.7): columns `cancelled`, `fault`, `fault_text`."""
    start, end = (spells[name].to_numpy(dtype="datetime64[D]") for name in ("start", "exit"))
    is_cancelled = cancelled(start, end, spells["row_reason"])
    reason_blank = text.equals(spells["row_reason"], "")
    no_exit = np.isnat(end)
    problems = [
        (spells["odd_dates"].to_numpy() | ((end < start) & ~is_cancelled), DATE_ERROR, _ODD),
        (~no_exit & reason_blank, DATE_ERROR, "an exit date without an exit reason"),
        (no_exit & ~reason_blank, DATE_ERROR, "an exit reason without an exit date"),
    ]
    school = text.joined([spells["ssid"], spells["school_code"], spells["nps_code"]])
    live = ~is_cancelled
    at_school = overlapping(school, start, end, live) | _same_key(spells)
    is_primary = primary(spells["status"], start, end, np.datetime64(settings.as_of))
    anywhere = overlapping(spells["ssid"], start, end, live & is_primary)
    overlaps = [
        (at_school, OVERLAP, "two enrollments at this school overlap"),
        (anywhere, OVERLAP, "two primary enrollments overlap"),
    ]
    conditions, found, said = (list(column) for column in zip(*overlaps, *problems, strict=True))
    return {
        "cancelled": is_cancelled,
        "fault": text.selected(conditions, found, "", spells.index),
        "fault_text": text.selected(conditions, said, "", spells.index),
    }


_ODD = "dates that cannot be: an unreadable date, a start outside the school year, or an exit before the start"


def _same_key(spells: pd.DataFrame) -> np.ndarray:
    key = text.joined([spells[name] for name in ("ssid", "school_code", "nps_code", "start_date")])
    return key.duplicated(keep=False).to_numpy()


def _next_school(spells: pd.DataFrame, school_table: pd.DataFrame) -> pd.Series:
    return receiver(text.choose(text.equals(spells["ens"], "0"), "", spells["ens"]), school_table)


def _require_year_end_fields(spells: pd.DataFrame) -> None:
    lacking = [
        f"STU.{code}"
        for code, name in (("EOY", "eoy"), ("HSG", "hsg"), ("NG", "next_grade"))
        if len(spells) and spells[name].isna().all()
    ]
    if lacking:
        raise InputError(
            f"auto_close needs {', '.join(lacking)}, which the Aeries source does not have.",
            "Add the column to the export or set auto_close = false.",
        )


def _warnings(spells: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": text.constant("open-at-year-end", spells.index),
            "student": spells["student"],
            "ssid": spells["ssid"],
            "school_code": spells["school_code"],
            "detail": text.constant(
                "Next grade is 13 and neither an end-of-year status nor a completion is filled.", spells.index
            ),
        }
    ).reset_index(drop=True)
