"""Every student with a row on either side gets one class (interface.md, "EL and IFEP").

`same`; `new-el`, `new-ifep`: proposed for Aeries; `conflict-status`, `conflict-date`: for a person; `refused`: CALPADS
has news, or the two cannot be compared, and nothing may be done without a person; `only-in-calpads`, `only-in-aeries`.
Whatever is in doubt is refused: a child's services hang on this.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.language.history import newest_statuses, older_statuses
from senrkit.language.warned import warnings
from senrkit.reference import SchoolYear
from senrkit.reference.elas import facts, from_testing, judged, known, lac_dates

SAME, REFUSED, CONFLICT_STATUS, CONFLICT_DATE = "same", "refused", "conflict-status", "conflict-date"
ONLY_CALPADS, ONLY_AERIES = "only-in-calpads", "only-in-aeries"
PROPOSED = tuple(f"new-{status.lower()}" for status in from_testing())
CLASSES = (*PROPOSED, REFUSED, CONFLICT_STATUS, CONFLICT_DATE, SAME, ONLY_CALPADS, ONLY_AERIES)
_NO_DAY = np.datetime64("NaT", "s")
_FLAGS = ("in_calpads", "in_aeries", "two_newest", "lawful", "two_statuses", "parent", "left")


def classify(
    steps: pd.DataFrame,
    aeries: pd.DataFrame,
    conflicts: frozenset[str],
    *,
    local_codes: dict[str, str],
    lea: str,
    year: SchoolYear,
    as_of: dt.date,
) -> pd.DataFrame:
    """Both sides set against each other.

    Parameters
    ----------
    steps, aeries
        `histories` and `aeries_statuses`.
    conflicts
        SSIDs of which it is not certain whose they are (`identity_conflicts`).
    local_codes
        Status → its one local code for `STU.LF`; `""` where there is not exactly one.
    lea
        The LEA of the run.

    Returns
    -------
    DataFrame
        One row a student: `ssid, local_id, school_code, school_name, class, reason, calpads_status, aeries_status,
        local_lf, proposed_lf, proposed_column, warnings, grade` (text, never unknown; `warnings` are sentences),
        `calpads_day, aeries_day, proposed_day` (datetime64[s]), `lac_rows` (int64), `in_aeries, left` (bool).
    """
    both = _joined(newest_statuses(steps), aeries)
    both = both.assign(**_history(both, older_statuses(steps)), **_first_school_day(both), aeries_day=_aeries_day(both))
    decided = _decided(both, conflicts, local_codes, year, np.datetime64(as_of, "s"))
    both = both.assign(**{"class": decided[0], "reason": decided[1]})
    both = both.assign(warnings=warnings(both, proposed=both["class"].isin(PROPOSED).to_numpy(), lea=lea))
    return _with_proposals(both, local_codes)


def _joined(held: pd.DataFrame, aeries: pd.DataFrame) -> pd.DataFrame:
    """Both sides in one frame, a student of one side alone with blanks for the other."""
    matched = aeries.assign(in_aeries=True)
    both = held.assign(in_calpads=True).merge(matched, on="ssid", how="outer", suffixes=("_calpads", ""), sort=True)
    flags = {name: both[name].eq(True) for name in _FLAGS}
    both = both.assign(**flags, lac_rows=both["lac_rows"].fillna(0).astype("int64"))
    school = both["school_code"].fillna("")
    usable = school.str.fullmatch(r"\d{7}").to_numpy(dtype=bool)
    return both.assign(
        school_code=text.choose(usable, school, both["school_code_calpads"].fillna("")),
        local_id=text.choose(both["in_aeries"].to_numpy(), both["student"], both["local_id"]).fillna(""),
    )


def _history(both: pd.DataFrame, older: pd.DataFrame) -> dict[str, np.ndarray]:
    """Where Aeries stands in CALPADS' own history.

    `held_before`: CALPADS has had Aeries' status and gone on from it. `stale_copy`: Aeries' own copy of CALPADS
    (`LAC.EAC`, `LAC.EAD`) is an older row; a copy without a day is one by its status alone. `corrected`: CALPADS'
    newest status was entered as a correction of the one that Aeries has.
    """
    ssid, eac = both["ssid"], both["EAC"].fillna("").str.strip()
    ead = dates.to_ccyymmdd(dates.from_iso(both["EAD"].fillna("")))
    statuses = text.joined([older["ssid"], older["status"]])
    days = text.joined([older["ssid"], older["status"], dates.to_ccyymmdd(older["day"])])
    same_status = text.is_in(text.joined([ssid, eac]), statuses)
    corrected = (both["correction"].fillna("") != "") & (both["before"] == both["aeries_status"])
    return {
        "held_before": text.is_in(text.joined([ssid, both["aeries_status"]]), statuses) & both["lawful"].to_numpy(),
        "stale_copy": text.is_in(text.joined([ssid, eac, ead]), days) | (same_status & (ead == "").to_numpy()),
        "corrected": (corrected & both["lawful"]).to_numpy(),
    }


def _first_school_day(both: pd.DataFrame) -> dict[str, pd.Series]:
    """`first_day`: the first school day in the United States that Aeries has; `first_text`: as it stands there."""
    first = text.first_filled(*(both[code].fillna("") for code in facts()["first_school_day"]["columns"]))
    return {"first_text": first, "first_day": dates.from_iso(first)}


def _aeries_day(both: pd.DataFrame) -> pd.Series:
    """The LAC day that belongs to Aeries' own status."""
    day = pd.Series(_NO_DAY, index=both.index)
    for status, column in lac_dates().items():
        day = day.mask(text.equals(both["aeries_status"], status), dates.from_iso(both[column]))
    return day


def _decided(
    both: pd.DataFrame, conflicts: frozenset[str], local_codes: dict[str, str], year: SchoolYear, today: np.datetime64
) -> tuple[pd.Series, pd.Series]:
    """Class and reason: of all that hold, the first in this list."""
    calpads, in_aeries = both["calpads_status"].fillna(""), both["aeries_status"]
    equal = (calpads == in_aeries).to_numpy(dtype=bool)
    untested = in_aeries.isin(facts()["from_testing"]["untested"]).to_numpy()
    tested = calpads.isin(from_testing()).to_numpy()
    steps: list[tuple[np.ndarray, str, pd.Series | str]] = [
        (both["ssid"].isin(conflicts).to_numpy(), REFUSED, "identity-conflict"),
        (~both["in_aeries"].to_numpy(), ONLY_CALPADS, "ssid-not-in-aeries"),
        (~both["in_calpads"].to_numpy() & text.equals(both["ssid"], ""), ONLY_AERIES, "no-ssid"),
        (~both["in_calpads"].to_numpy(), ONLY_AERIES, "no-status-in-calpads"),
        (both["two_newest"].to_numpy(), REFUSED, "two-newest-statuses"),
        (~calpads.isin(known(year)).to_numpy(), REFUSED, "status-unknown"),
        (both["two_statuses"].to_numpy(), REFUSED, "two-statuses-in-aeries"),
        (in_aeries.isna().to_numpy() | ~in_aeries.isin([*known(year), ""]).to_numpy(), REFUSED, "local-code-unknown"),
        *((equal & mask, outcome, reason) for mask, outcome, reason in _of_equals(both)),
        (tested & ~untested & both["corrected"].to_numpy(), REFUSED, "corrected-in-calpads"),
        (tested & ~untested, REFUSED, text.concatenated("already-", in_aeries.str.lower())),
        *((tested & mask, REFUSED, reason) for mask, reason in _refusals(both, local_codes, today)),
        *((text.equals(calpads, status), f"new-{status.lower()}", _before(in_aeries)) for status in from_testing()),
        (both["corrected"].to_numpy(), CONFLICT_STATUS, "corrected-in-calpads"),
        (both["held_before"].to_numpy(), CONFLICT_STATUS, "aeries-behind"),
    ]
    judgement = text.mapped(
        text.joined([calpads, in_aeries]), lambda pair: judged(*pair.split("^"), year) if "^" in pair else ""
    )
    decided, reasons = text.constant(CONFLICT_STATUS, both.index), judgement
    for mask, outcome, reason in reversed(steps):
        decided, reasons = text.choose(mask, outcome, decided), text.choose(mask, reason, reasons)
    return decided, reasons


def _of_equals(both: pd.DataFrame) -> list[tuple[np.ndarray, str, str]]:
    """One status on both sides: is the day the same? Only where the status has a day in LAC, and it is known."""
    status = both["calpads_status"]
    column = status.map(lac_dates()).fillna("")
    stored = pd.Series("", index=both.index, dtype="str")
    for code in lac_dates().values():
        stored = text.choose((column == code).to_numpy(), both[code], stored)
    return [
        ((column == "").to_numpy(), SAME, ""),
        (stored.isna().to_numpy(), SAME, "day-not-compared"),
        (text.equals(stored, ""), CONFLICT_DATE, "aeries-day-blank"),
        ((both["aeries_day"] != both["calpads_day"]).to_numpy(), CONFLICT_DATE, "days-differ"),
        (np.ones(len(both), dtype=bool), SAME, ""),
    ]


def _refusals(both: pd.DataFrame, local_codes: dict[str, str], today: np.datetime64) -> list[tuple[np.ndarray, str]]:
    """Why a new EL or IFEP may not be brought in (aeries_database.md 5.3)."""
    day, status = both["calpads_day"], both["calpads_status"]
    births = [dates.from_ccyymmdd(both[name]) for name in ("birth_date", "birth_date_calpads")]
    eac, ead = both["EAC"].fillna("").str.strip(), dates.from_iso(both["EAD"].fillna(""))
    copied = ~eac.isin(facts()["from_testing"]["untested"])
    contradicts = copied & ((eac != status) | (ead.notna() & (ead != day)))
    return [
        (~both["lawful"].to_numpy(), "history-contradicts"),
        ((day > today).to_numpy(), "day-in-future"),
        (((day < births[0]) | (day < births[1])).to_numpy(), "day-before-birth"),
        (((both["first_text"] != "") & both["first_day"].isna()).to_numpy(), "aeries-date-error"),
        ((day < _earliest(both["first_day"])).to_numpy(), "day-before-first-school"),
        ((both["lac_rows"] > 1).to_numpy(), "two-lac-rows"),
        (~both["parent"].to_numpy(), "no-parent"),
        (_target_unknown(both), "lac-day-unknown"),
        (_other_day_filled(both), "lac-day-filled"),
        (contradicts.to_numpy() & ~both["stale_copy"].to_numpy(), "eac-contradicts"),
        ((status.map(local_codes).fillna("") == "").to_numpy(), "no-local-code"),
    ]


def _earliest(first_day: pd.Series) -> pd.Series:
    """From which day on a student may have been tested: incoming kindergartners are in the summer before."""
    half_a_year = np.timedelta64(6, "M")  # from January to 1 July
    months = first_day.to_numpy(dtype="datetime64[M]")
    july = (months - half_a_year).astype("datetime64[Y]").astype("datetime64[M]") + half_a_year
    window = first_day - pd.Timedelta(days=facts()["first_school_day"]["most_days_before"])
    return pd.Series(np.maximum(july.astype("datetime64[s]"), window.to_numpy()), first_day.index)


def _target_unknown(both: pd.DataFrame) -> np.ndarray:
    """The source does not say whether the column to be written is blank (the Aeries API has no IFD, for example)."""
    target = both["calpads_status"].map(lac_dates())
    found = np.zeros(len(both), dtype=bool)
    for code in lac_dates().values():
        found |= ((target == code) & both[code].isna()).to_numpy()
    return found


def _other_day_filled(both: pd.DataFrame) -> np.ndarray:
    """A status day that stands in LAC already and is not the one to be written: it is never overwritten."""
    target = both["calpads_status"].map(lac_dates())
    found = np.zeros(len(both), dtype=bool)
    for code in lac_dates().values():
        stored = both[code].fillna("")
        right = (target == code) & (dates.from_iso(stored) == both["calpads_day"])
        found |= ((stored != "") & ~right).to_numpy()
    return found


def _before(in_aeries: pd.Series) -> pd.Series:
    return text.choose(text.equals(in_aeries, ""), "aeries-blank", text.concatenated("aeries-", in_aeries.str.lower()))


def _with_proposals(both: pd.DataFrame, local_codes: dict[str, str]) -> pd.DataFrame:
    proposed = both["class"].isin(PROPOSED).to_numpy()
    status = both["calpads_status"]
    none = pd.Series("", index=both.index, dtype="str")
    both = both.assign(
        proposed_lf=text.choose(proposed, status.map(local_codes).fillna("").astype("str"), none),
        proposed_column=text.choose(proposed, status.map(lac_dates()).fillna("").astype("str"), none),
        proposed_day=both["calpads_day"].where(proposed, _NO_DAY),
    )
    kept = (
        "ssid local_id school_code school_name class reason calpads_status calpads_day aeries_status aeries_day"
        " local_lf proposed_lf proposed_column proposed_day lac_rows in_aeries warnings grade left"
    ).split()
    texts = [name for name in kept if both[name].dtype == "str"]
    return both[kept].assign(**{name: both[name].fillna("") for name in texts}).reset_index(drop=True)
