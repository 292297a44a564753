"""The schools of `LOC`: under which code each reports, and which are selected (reconciliation.md 1 and 2.1)."""

from __future__ import annotations

import polars as pl

from senrkit.settings.settings import Settings

NPS_SCHOOL = "0000001"
DISTRICT_RECORD = "0"
NOT_SELECTED, NOT_REPORTED = "school-not-selected", "school-not-reported"

_NO = ("", "0", "N", "n", "No", "no", "False", "false", "F")
# Session types are local text; what is known is 1 and words that begin with S ("S", "Summer").
_SUMMER = ("1", "S", "s")


def school_table(loc: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """One row per Aeries school, the district record (code 0) apart.

    Columns: `aeries_school`, `name`, `school_code` (School of Attendance, as `LOC.SC` says, may be blank),
    `lea` (Reporting LEA), `top_grade` (float: `LOC.HI`, null when unknown), `selected` (bool), `why_not` (a left-out
    reason, `""` when selected).
    """
    lacking = {"HI", "TG", "DNR", "U"} - set(loc.columns)
    loc = loc.unique("CD", keep="first", maintain_order=True).with_columns(**dict.fromkeys(lacking, pl.lit("")))
    return (
        loc.with_columns(lea=_reporting_lea(loc, settings))
        .select(
            aeries_school="CD",
            name="NM",
            school_code="SC",
            lea="lea",
            top_grade=pl.col("HI").str.strip_chars().cast(pl.Float64, strict=False),
            why_not=_why_not(settings),
        )
        .with_columns(selected=pl.col("why_not") == "")
        .filter(pl.col("aeries_school") != DISTRICT_RECORD)
    )


def district_lea(loc: pl.DataFrame) -> str:
    """The seven-digit code on the district record, or `""` when Aeries does not hold one."""
    for county, district in loc.filter(pl.col("CD") == DISTRICT_RECORD).select("CC", "DC").iter_rows():
        code = county + district
        return code if len(code) == 7 and code.isdigit() else ""
    return ""


def receiver(next_school: pl.Series, schools: pl.DataFrame) -> pl.Series:
    """Next school as a state code: an Aeries code through `LOC`, a seven-digit code as it is; anything else unknown."""
    known = dict(schools.select("aeries_school", "school_code").iter_rows())
    answers = {
        code: code and (known.get(code) or (code if len(code) == 7 and code.isdigit() else None))
        for code in next_school.drop_nulls().unique()
    }
    return next_school.replace_strict(answers, default=None, return_dtype=pl.String)


def _reporting_lea(loc: pl.DataFrame, settings: Settings) -> pl.Expr:
    if settings.charter:
        return pl.col("SC")
    if settings.lea_from == "school":
        return pl.col("CC") + pl.col("DC")
    return pl.lit(district_lea(loc) or settings.lea)


def _why_not(settings: Settings) -> pl.Expr:
    chosen = settings.aeries.schools
    # A charter's virtual school has no code of its own and reports under the charter's.
    unwanted = (pl.col("lea") != settings.lea) & ~(pl.lit(settings.charter) & (pl.col("SC") == ""))
    if isinstance(chosen, tuple):
        unwanted |= ~pl.col("CD").is_in(chosen)
    if chosen != "default":
        return pl.when(unwanted).then(pl.lit(NOT_SELECTED)).otherwise(pl.lit(""))
    summer = pl.col("U").is_in(_SUMMER) | pl.col("U").str.to_lowercase().str.starts_with("summer")
    return (
        pl.when(unwanted | (pl.col("TG").str.strip_chars() != ""))
        .then(pl.lit(NOT_SELECTED))
        .when(~pl.col("DNR").is_in(_NO) | summer)
        .then(pl.lit(NOT_REPORTED))
        .otherwise(pl.lit(""))
    )
