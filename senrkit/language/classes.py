"""Every student with a row on either side gets one class (interface.md, "EL and IFEP").

`same`; `new-el`, `new-ifep`: proposed for Aeries; `conflict-status`, `conflict-date`: for a person; `refused`: CALPADS
has news, or the two cannot be compared, and nothing may be done without a person; `only-in-calpads`, `only-in-aeries`.
Whatever is in doubt is refused: a child's services hang on this.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
from polars import col

from senrkit.calpads.records import school_year
from senrkit.frames import days
from senrkit.language.sides import newest_statuses, older_statuses
from senrkit.language.vendor import as_newest_status, judgement
from senrkit.language.warned import warnings
from senrkit.reference import SchoolYear
from senrkit.reference.elas import facts, from_testing, judged, known, lac_dates

SAME, REFUSED, CONFLICT_STATUS, CONFLICT_DATE = "same", "refused", "conflict-status", "conflict-date"
ONLY_CALPADS, ONLY_AERIES = "only-in-calpads", "only-in-aeries"
PROPOSED = tuple(f"new-{status.lower()}" for status in from_testing())
CLASSES = (*PROPOSED, REFUSED, CONFLICT_STATUS, CONFLICT_DATE, SAME, ONLY_CALPADS, ONLY_AERIES)
_FLAGS = ("in_calpads", "in_aeries", "two_newest", "lawful", "two_statuses", "parent", "left")


def classify(
    steps: pl.DataFrame,
    aeries: pl.DataFrame,
    conflicts: frozenset[str],
    vendor: pl.DataFrame,
    *,
    local_codes: dict[str, str],
    lea: str,
    year: SchoolYear,
    as_of: dt.date,
    from_vendor: bool = False,
) -> pl.DataFrame:
    """Both sides set against each other, and the test vendor's results against both.

    Parameters
    ----------
    steps, aeries
        `histories` and `aeries_statuses`.
    conflicts
        SSIDs of which it is not certain whose they are (`identity_conflicts`).
    vendor
        `vendor_results`.
    local_codes
        Status → its one local code for `STU.LF`; `""` where there is not exactly one.
    lea
        The LEA of the run.
    from_vendor
        Whether a result that CALPADS does not hold yet is proposed (`language_source`).

    Returns
    -------
    DataFrame
        One row a student: `ssid, local_id, school_code, school_name, class, reason, calpads_status, aeries_status,
        local_lf, proposed_status, proposed_lf, proposed_column, proposed_from, warnings, grade, vendor_status, vendor`
        (text, never unknown; `warnings` are sentences, `proposed_from` is `calpads` or `vendor`, `vendor` one of
        `vendor.JUDGEMENTS`), `calpads_day, aeries_day, vendor_day, proposed_day` (days), `lac_rows` (a number),
        `in_aeries, left` (flags).
    """
    older = older_statuses(steps)
    both = _joined(newest_statuses(steps), aeries).join(vendor, on="ssid", how="left", maintain_order="left")
    both = as_newest_status(both.with_columns(vendor=judgement(older, year)), lea, year, counts=from_vendor)
    both = both.with_columns(**_history(older), first_text=_FIRST_TEXT).with_columns(
        first_day=days.of_iso(col.first_text), aeries_day=_AERIES_DAY
    )
    both = both.join(_judgements(both, year), on=["calpads_status", "aeries_status"], how="left", nulls_equal=True)
    decided, reason = _decided(conflicts, local_codes, year, as_of)
    both = both.with_columns(reason=reason, **{"class": decided})
    both = both.with_columns(warnings=warnings(proposed=_PROPOSED, lea=lea))
    return _with_proposals(both, local_codes)


_PROPOSED = col("class").is_in(PROPOSED)
_EAC = col.EAC.fill_null("").str.strip_chars()
_EAD = days.of_iso(col.EAD)
# The column of LAC that has the day of CALPADS' status; null where there is none.
_TARGET = col.calpads_status.replace_strict(lac_dates(), default=None, return_dtype=pl.String)
# The first school day in the United States that Aeries has, as it stands there.
_FIRST_TEXT = pl.coalesce([col(code).replace("", None) for code in facts()["first_school_day"]["columns"]]).fill_null(
    ""
)
# The LAC day that belongs to Aeries' own status.
_AERIES_DAY = pl.coalesce(
    [pl.when(col.aeries_status == status).then(days.of_iso(col(code))) for status, code in lac_dates().items()]
)


def _joined(held: pl.DataFrame, aeries: pl.DataFrame) -> pl.DataFrame:
    """Both sides in one frame, by SSID, a student of one side alone with blanks for the other."""
    also = {name: f"{name}_calpads" for name in held.columns if name in aeries.columns and name != "ssid"}
    ours = held.rename(also).with_columns(in_calpads=pl.lit(True))
    both = ours.join(
        aeries.with_columns(in_aeries=pl.lit(True)), on="ssid", how="full", coalesce=True, maintain_order="left_right"
    )
    usable = col.school_code.fill_null("").str.contains(r"^[0-9]{7}$")
    return (
        both.sort("ssid", maintain_order=True)
        .with_columns(col(_FLAGS).fill_null(False), col.lac_rows.fill_null(0))
        .with_columns(
            school_code=pl.when(usable).then("school_code").otherwise(col.school_code_calpads.fill_null("")),
            local_id=pl.when("in_aeries").then("student").otherwise("local_id").fill_null(""),
        )
    )


def _history(older: pl.DataFrame) -> dict[str, pl.Expr]:
    """Where Aeries stands in CALPADS' own history.

    `held_before`: CALPADS has had Aeries' status and gone on from it. `stale_copy`: Aeries' own copy of CALPADS
    (`LAC.EAC`, `LAC.EAD`) is an older row; a copy without a day is one by its status alone. `corrected`: CALPADS'
    newest status was entered as a correction of the one that Aeries has.
    """
    statuses = _joint(older, "ssid", "status")
    dated = _joint(older.with_columns(day=days.key(col.day)), "ssid", "status", "day")
    ead = days.key(_EAD)
    copied = pl.concat_str("ssid", _EAC, separator="^").is_in(statuses) & (ead == "")
    corrected = (col.correction.fill_null("") != "") & (col.before == col.aeries_status)
    there = pl.concat_str("ssid", col.aeries_status.fill_null(""), separator="^").is_in(statuses)
    return {
        "held_before": there & col.lawful,
        "stale_copy": pl.concat_str("ssid", _EAC, ead, separator="^").is_in(dated) | copied,
        "corrected": corrected.fill_null(False) & col.lawful,
    }


def _joint(rows: pl.DataFrame, *columns: str) -> pl.Series:
    return rows.select(pl.concat_str(columns, separator="^")).to_series().unique().implode()


def _judgements(both: pl.DataFrame, year: SchoolYear) -> pl.DataFrame:
    """What the tables of transitions say of each different pair."""
    pairs = both.select("calpads_status", "aeries_status").unique()
    said = [judged(held or "", here or "", year) for held, here in pairs.rows()]
    return pairs.with_columns(pl.Series("judgment", said, pl.String))


def _decided(
    conflicts: frozenset[str], local_codes: dict[str, str], year: SchoolYear, today: dt.date
) -> tuple[pl.Expr, pl.Expr]:
    """Class and reason: of all that hold, the first in this list."""
    calpads, in_aeries = col.calpads_status.fill_null(""), col.aeries_status
    equal = (calpads == in_aeries).fill_null(False)
    settled = calpads.is_in(from_testing()) & ~in_aeries.is_in(facts()["from_testing"]["untested"]).fill_null(False)
    steps: list[tuple[pl.Expr, str, str | pl.Expr]] = [
        (col.ssid.is_in(sorted(conflicts)), REFUSED, "identity-conflict"),
        (~col.in_aeries, ONLY_CALPADS, "ssid-not-in-aeries"),
        (~col.in_calpads & (col.ssid == ""), ONLY_AERIES, "no-ssid"),
        (~col.in_calpads, ONLY_AERIES, "no-status-in-calpads"),
        (col.two_newest, REFUSED, "two-newest-statuses"),
        (~calpads.is_in(sorted(known(year))), REFUSED, "status-unknown"),
        (col.two_statuses, REFUSED, "two-statuses-in-aeries"),
        (in_aeries.is_null() | ~in_aeries.is_in([*sorted(known(year)), ""]), REFUSED, "local-code-unknown"),
        *((equal & mask, outcome, reason) for mask, outcome, reason in _of_equals()),
        (settled & col.corrected, REFUSED, "corrected-in-calpads"),
        (settled, REFUSED, pl.format("already-{}", in_aeries.str.to_lowercase())),
        *((calpads.is_in(from_testing()) & mask, REFUSED, reason) for mask, reason in _refusals(local_codes, today)),
        *((calpads == status, f"new-{status.lower()}", _from(in_aeries)) for status in from_testing()),
        (col.corrected, CONFLICT_STATUS, "corrected-in-calpads"),
        (col.held_before, CONFLICT_STATUS, "aeries-behind"),
    ]
    decided, reasons = pl.lit(CONFLICT_STATUS), col.judgment
    for mask, outcome, reason in reversed(steps):
        said = pl.lit(reason) if isinstance(reason, str) else reason
        decided, reasons = (
            pl.when(mask).then(pl.lit(outcome)).otherwise(decided),
            pl.when(mask).then(said).otherwise(reasons),
        )
    return decided, reasons


def _of_equals() -> list[tuple[pl.Expr, str, str]]:
    """One status on both sides: is the day the same? Only where the status has a day in LAC, and it is known."""
    stored = pl.lit("")
    for code in lac_dates().values():
        stored = pl.when(code == _TARGET).then(code).otherwise(stored)
    return [
        (_TARGET.is_null(), SAME, ""),
        (stored.is_null(), SAME, "day-not-compared"),
        (stored == "", CONFLICT_DATE, "aeries-day-blank"),
        ((col.aeries_day != col.calpads_day).fill_null(True), CONFLICT_DATE, "days-differ"),
        (pl.lit(True), SAME, ""),
    ]


def _refusals(local_codes: dict[str, str], today: dt.date) -> list[tuple[pl.Expr, str]]:
    """Why a new EL or IFEP may not be brought in (aeries_database.md 5.3)."""
    day, status = col.calpads_day, col.calpads_status
    births = [days.of_key(col(name)) for name in ("birth_date", "birth_date_calpads")]
    copied = ~_EAC.is_in(facts()["from_testing"]["untested"])
    contradicts = copied & ((status != _EAC) | (_EAD.is_not_null() & (day != _EAD).fill_null(True)))
    # The source does not say whether the column to be written is blank (the Aeries API has no IFD, for example).
    unknown = [(code == _TARGET) & col(code).is_null() for code in lac_dates().values()]
    # A status day that stands in LAC already and is not the one to be written: it is never overwritten.
    filled = [
        (col(code) != "") & ~((code == _TARGET) & (days.of_iso(col(code)) == day)).fill_null(False)
        for code in lac_dates().values()
    ]
    return [
        (~col.lawful, "history-contradicts"),
        (day > today, "day-in-future"),
        (pl.any_horizontal((day < birth).fill_null(False) for birth in births), "day-before-birth"),
        ((col.first_text != "") & col.first_day.is_null(), "aeries-date-error"),
        (day < _earliest(col.first_day), "day-before-first-school"),
        (col.lac_rows > 1, "two-lac-rows"),
        (~col.parent, "no-parent"),
        (pl.any_horizontal(mask.fill_null(False) for mask in unknown), "lac-day-unknown"),
        (pl.any_horizontal(mask.fill_null(False) for mask in filled), "lac-day-filled"),
        (contradicts & ~col.stale_copy, "eac-contradicts"),
        (status.replace_strict(local_codes, default="", return_dtype=pl.String) == "", "no-local-code"),
    ]


def _earliest(first_day: pl.Expr) -> pl.Expr:
    """From which day on a student may have been tested: incoming kindergartners are in the summer before."""
    window = first_day.dt.offset_by(f"-{facts()['first_school_day']['most_days_before']}d")
    return pl.max_horizontal(pl.date(school_year(first_day), 7, 1), window)


def _from(in_aeries: pl.Expr) -> pl.Expr:
    filled = pl.format("aeries-{}", in_aeries.str.to_lowercase())
    return pl.when(in_aeries == "").then(pl.lit("aeries-blank")).otherwise(filled)


def _with_proposals(both: pl.DataFrame, local_codes: dict[str, str]) -> pl.DataFrame:
    proposed, status = pl.when(_PROPOSED), col.calpads_status
    codes = status.replace_strict(local_codes, default="", return_dtype=pl.String)
    kept = (
        "ssid local_id school_code school_name class reason calpads_status calpads_day aeries_status aeries_day"
        " local_lf proposed_status proposed_lf proposed_column proposed_day proposed_from lac_rows in_aeries warnings"
        " grade left vendor_status vendor_day vendor"
    ).split()
    return both.with_columns(
        proposed_status=proposed.then(status),
        proposed_from=proposed.then(pl.when("from_vendor").then(pl.lit("vendor")).otherwise(pl.lit("calpads"))),
        calpads_status="held_status",
        calpads_day="held_day",
        proposed_lf=proposed.then(codes),
        proposed_column=proposed.then(_TARGET),
        proposed_day=proposed.then("calpads_day"),
    ).select(col(kept)).with_columns(col(pl.String).fill_null(""))  # fmt: skip
