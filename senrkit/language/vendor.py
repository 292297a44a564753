"""The third side: what the test vendor's file says, beside CALPADS and Aeries.

The vendor sends a result to CALPADS within 48 hours, and every day again; what CALPADS holds counts. So the file shows
what is on its way, and where the three contradict one another. Only with `language_source = "vendor"` is anything
proposed from it, and only for whom CALPADS still has to be determined.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars import col

from senrkit.errors import Stopped
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.inputs.elpac import ElpacFile
from senrkit.language.sides import identity_conflicts
from senrkit.reference import SchoolYear
from senrkit.reference.elas import facts, from_testing, reachable, transitions
from senrkit.settings.settings import Settings

NOT_YET, AGREES = "not-yet-in-calpads", "agrees"
# In the order of what a person should look at first.
JUDGEMENTS = (
    NOT_YET, "unknown-to-calpads", "calpads-contradicts", "aeries-contradicts", "whose-result", "two-results",
    "corrected-by-vendor", "not-in-aeries", "aeries-has-it", "agrees-other-day", "calpads-went-on", AGREES,
)  # fmt: skip
_COLUMNS = {"ssid": pl.String, "vendor_status": pl.String, "vendor_day": pl.Date, "vendor_correction": pl.String}
_FLAGS = ("vendor_two", "vendor_doubt")


def vendor_results(elpac: ElpacFile | None, aeries: AeriesTables, settings: Settings) -> pl.DataFrame:
    """The results of the run's school year and LEA, one row per SSID; none without a file.

    Columns: `ssid, vendor_status` (EL or IFEP), `vendor_correction` (text), `vendor_day`, `vendor_two` (flag: two
    different results) and `vendor_doubt` (flag: it is not certain whose result it is).
    """
    if elpac is None:
        return pl.DataFrame(schema=_COLUMNS | dict.fromkeys(_FLAGS, pl.Boolean))
    rows = _of_the_run(elpac, settings).sort("ssid", "day", "line")
    doubtful = identity_conflicts(
        rows.with_columns(reporting_lea=pl.lit(settings.lea), school_code=col.school_code.str.slice(7)),
        aeries,
        settings,
    )
    each = rows.group_by("ssid", maintain_order=True).agg(
        vendor_status=col.result.last(),
        vendor_day=col.day.last(),
        vendor_correction=col.correction.max(),
        vendor_two=(pl.struct("result", "day").n_unique() > 1),
    )
    return each.with_columns(vendor_doubt=col.ssid.is_in(sorted(doubtful))).select(*_COLUMNS, *_FLAGS)


def refuse_other_file(elpac: ElpacFile, settings: Settings) -> None:
    """Raise `Stopped` when no row is of the LEA, or no result of the school year."""
    name = elpac.files[0].name
    if not elpac.rows.select(_of_lea(settings).any()).item():
        raise Stopped(
            f"No row of {name} is of LEA {settings.lea}.",
            "Check lea in the settings and the LEA whose reports were chosen in TOMS.",
        )
    dated = elpac.rows.filter((col.result != "") & col.day.is_not_null())
    if dated.height and not dated.select(_of_year(settings).any()).item():
        raise Stopped(
            f"No result in {name} is of {settings.school_year.text}; the newest is of {dated['day'].max()}.",
            "Download the file of this year, or name another school_year.",
        )


def vendor_notes(elpac: ElpacFile, found: pl.DataFrame, settings: Settings) -> list[str]:
    """What of the file was not used, in plain words; no student."""
    name, results = elpac.files[0].name, elpac.rows.filter(col.result != "")
    ours = results.filter(_of_lea(settings))
    elsewhere, other_year = results.height - ours.height, ours.filter(~_of_year(settings)).height
    used = _of_the_run(elpac, settings)["ssid"]
    nowhere = used.is_in(found["ssid"].implode()).not_().sum()
    counted = {
        "results of students of other LEAs were left out": elsewhere,
        "results of another school year, or without a day, were left out": other_year,
        "results are of students on neither side": nowhere,
    }
    return [*elpac.notes, *(f"{name}: {count:,} {said}." for said, count in counted.items() if count)]


def judgement(older: pl.DataFrame, year: SchoolYear) -> pl.Expr:
    """What the vendor's result means beside the two sides, of the frame that `classify` has joined; `""` for none.

    `older` are the statuses that a newer one has followed.
    """
    result, calpads, in_aeries = col.vendor_status, col.calpads_status.fill_null(""), col.aeries_status.fill_null("?")
    untested = facts()["from_testing"]["untested"]
    waits = calpads.is_in(untested)
    held = older.select(pl.concat_str("ssid", "status", separator="^")).to_series().unique().implode()
    gone_on = pl.any_horizontal(
        (result == status) & calpads.is_in(sorted(reachable(status, year))) for status in from_testing()
    )
    gone_on |= (col.correction.fill_null("") != "") | pl.concat_str("ssid", result, separator="^").is_in(held)
    steps: Mapping[str, pl.Expr] = {
        "": result.is_null(),
        "whose-result": col.vendor_doubt,
        "two-results": col.vendor_two,
        "corrected-by-vendor": col.vendor_correction != "",
        "not-in-aeries": ~col.in_aeries,
        "unknown-to-calpads": ~col.in_calpads,
        NOT_YET: waits & in_aeries.is_in(untested),
        "aeries-has-it": waits & (in_aeries == result),
        "aeries-contradicts": waits,
        AGREES: (calpads == result) & (col.calpads_day == col.vendor_day).fill_null(False),
        "agrees-other-day": calpads == result,
        "calpads-went-on": gone_on,
    }  # fmt: skip
    said = pl.lit("calpads-contradicts")
    for id, mask in reversed(steps.items()):
        said = pl.when(mask).then(pl.lit(id)).otherwise(said)
    return said


def as_newest_status(both: pl.DataFrame, lea: str, year: SchoolYear, *, counts: bool) -> pl.DataFrame:
    """The joined frame, with the vendor's result as CALPADS' newest status of whom CALPADS still has to be determined.

    `from_vendor` (flag) says of whom, and is nobody unless it `counts`; what CALPADS itself holds is in `held_status`
    and `held_day`.
    """
    waits = facts()["to_be_determined"]["status"]
    allowed = [status for status in from_testing() if (waits, status) in transitions(year)]
    taken = (col.vendor == NOT_YET) & ~col.two_newest & (col.calpads_status == waits)
    taken &= col.vendor_status.is_in(allowed) & pl.lit(counts)
    given = {
        "calpads_status": col.vendor_status,
        "calpads_day": col.vendor_day,
        "before": col.calpads_status,
        "correction": pl.lit(""),
        "reporting_lea": pl.lit(lea),
    }
    return both.with_columns(held_status=col.calpads_status, held_day=col.calpads_day, from_vendor=taken).with_columns(
        **{name: pl.when("from_vendor").then(value).otherwise(name) for name, value in given.items()}
    )


def _of_the_run(elpac: ElpacFile, settings: Settings) -> pl.DataFrame:
    return elpac.rows.filter((col.result != "") & _of_lea(settings) & _of_year(settings))


def _of_lea(settings: Settings) -> pl.Expr:
    """Rows of students whose newest school is the LEA's; a charter that reports for itself is its own."""
    return (col.district_code.str.head(7) == settings.lea) | (col.school_code.str.slice(7) == settings.lea)


def _of_year(settings: Settings) -> pl.Expr:
    year = settings.school_year
    return col.day.is_between(year.start, year.end).fill_null(False)
