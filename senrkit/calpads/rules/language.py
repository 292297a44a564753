"""What CALPADS would say to a SELA file: a district may send EO, TBD and RFEP, never EL or IFEP.

The rules are rows of the catalog (family `language`). Those that need what CALPADS holds are asked when its extracts
are given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
from polars import col

from senrkit.calpads.findings import findings_of, joined_findings
from senrkit.calpads.records import filled, quotable
from senrkit.calpads.rule import Ask
from senrkit.frames import days
from senrkit.frames.intervals import LAST_DAY
from senrkit.frames.pandas_door import to_polars
from senrkit.reference import PACKAGED, SchoolYear, rules
from senrkit.reference.elas import from_testing, known, transitions

FILE_RULES = ("FRMT0002", "GERR0001", "GERR0002", "GERR0008", "SELA0280", "SELA0326", "SELA0520")
STATE_RULES = ("SELA0255", "SELA0281", "SELA0283", "SELA0285", "SELA0324", "SELA0326", "SELA0629")
ENROLMENT_RULES = ("GERR0005",)
# What is asked of an enrollment.
SPAN = ("ssid", "reporting_lea", "start_date", "exit_date")
# Fields that may not be blank, with their titles. Source: PowerSchool's layout page for 12.01 to 12.08; the status and
# its day because no rule could be asked without them.
_REQUIRED = {
    "record_type": "Record Type Code",
    "reporting_lea": "Reporting LEA",
    "school_code": "School of Attendance",
    "academic_year": "Academic Year ID",
    "ssid": "SSID",
    "elas": "English Language Acquisition Status Code",
    "elas_date": "English Language Acquisition Status Start Date",
}
_DATES = {"birth_date": "Student Birth Date", "elas_date": _REQUIRED["elas_date"]}
# English and American Sign Language, old two-digit and new three-letter codes (SELA0280, 10/2024).
_ENGLISH = ["eng", "ase", "00", "37"]
# From this day EL and IFEP come from the ELPAC system (SELA0520; CDE Flash 179).
_TESTED_SINCE = dt.date(2020, 7, 1)
_TBD = col.elas == "TBD"

Named = Iterator[tuple[str, Ask]]


def check_language(
    records: pl.DataFrame, as_of: dt.date, held: pl.DataFrame | None = None, enrollments: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Findings about a SELA file, in the order of the rules.

    Parameters
    ----------
    records
        The 16 SELA fields as text.
    held, enrollments
        The rows of the SELA and of the SENR ODS extract; without them their rules are not asked.

    Returns
    -------
    DataFrame
        As every findings frame; `start_date` is the start of the status.
    """
    sent, year = _with_terms(records), SchoolYear.of(as_of)
    asked = [*_of_file(year)]
    if held is not None:
        sent = _with_held(sent, _with_terms(held))
        asked += _against_state(year)
    if enrollments is not None:
        sent = _with_enrollments(sent, to_polars(enrollments))
        asked += _against_enrollments(as_of)
    in_force = {row["id"]: row for row in rules(as_of).filter(col.state != "off").rows(named=True)}
    asked = [(id, ask) for id, ask in asked if id in in_force]
    offends = sent.select(
        (ask.offends & (col.transaction != "D")).fill_null(False).alias(str(at)) for at, (_, ask) in enumerate(asked)
    )
    return joined_findings(
        findings_of(sent.filter(flags), ask, in_force[id], _shown)
        for (id, ask), flags in zip(asked, offends, strict=True)
        if flags.any()
    )


def unchecked(as_of: dt.date, *, with_state: bool, with_enrollments: bool) -> pl.DataFrame:
    """Rules about language in force that were not asked: `id`, `title`, `because`."""
    asked = [*FILE_RULES, *(STATE_RULES if with_state else ()), *(ENROLMENT_RULES if with_enrollments else ())]
    catalog = rules(as_of).filter(col.family == "language", col.state != "off", ~col.id.is_in(asked))
    because = (
        pl.when(col.id.is_in(ENROLMENT_RULES))
        .then(pl.lit("needs the SENR ODS extract"))
        .when(col.id.is_in(STATE_RULES))
        .then(pl.lit("needs the SELA ODS extract"))
        .otherwise(pl.lit("needs records that are not in these files"))
    )
    return catalog.select("id", "title", because=because)


def _of_file(year: SchoolYear) -> Named:
    for name, title in _DATES.items():
        no_day = (col(name) != "") & days.of_key(col(name)).is_null()
        yield "FRMT0002", Ask(no_day, {"field": pl.lit(title)}, name)
    for name, title in _REQUIRED.items():
        yield "GERR0001", Ask(~filled(name), {"field": pl.lit(title)}, name)
    unknown = (col.elas != "") & ~col.elas.is_in(sorted(known(year)))
    yield "GERR0002", Ask(unknown, {"field": pl.lit(_REQUIRED["elas"]), "value": col.elas}, "elas")
    transaction = col.transaction.str.strip_chars()
    yield "GERR0008", Ask(~transaction.is_in(["", "A", "D", "R"]), {"value": transaction})
    yield "SELA0280", Ask(col.primary_language.is_in(_ENGLISH) & ~col.elas.is_in(["", "EO"]), {})
    on_one_day = pl.struct("ssid", "elas_date").is_duplicated() & col.day.is_not_null() & (col.ssid != "")
    yield "SELA0326", Ask(on_one_day, {})
    # Of an older status, or one with such a correction reason, the page does not say.
    unsure = (col.day < _TESTED_SINCE).fill_null(False) | col.reason.is_in(["1", "2", "5"])
    yield "SELA0520", Ask(col.elas.is_in(from_testing()), {"elas": col.elas}, None, unsure)


def _against_state(year: SchoolYear) -> Named:
    """Of an SSID of which CALPADS holds no row nothing is known but what it may not be."""
    allowed = ["^".join(pair) for pair in sorted(transitions(year))]
    judged = col.elas.is_in(sorted(known(year))) & ~_TBD
    follows = pl.concat_str("current", "elas", separator="^").is_in(allowed)
    yield "SELA0255", Ask(judged & ~follows, {"elas": col.elas, "current_elas": col.current})
    settled = ~col.current.is_in(["", "TBD", "EO"]) | ((col.current == "EO") & (col.reason == ""))
    yield "SELA0281", Ask(_TBD & settled, {})
    moved = col.is_held & col.day.ne_missing(col.day_held) & col.day.is_not_null()
    yield "SELA0283", Ask(moved & ~_TBD, {"elas": col.elas})
    yield "SELA0285", Ask(~col.is_held & ~_TBD & (col.day <= col.newest_day), {})
    yield "SELA0324", Ask((col.reason == "1") & ~col.had_eo, {})
    again = col.is_held & (col.day_held == col.day).fill_null(False)
    yield "SELA0326", Ask(col.on_a_day_held & ~again, {})
    yield "SELA0629", Ask(col.elas.is_in(from_testing()) & (col.reason != "") & (col.current == ""), {})


def _against_enrollments(as_of: dt.date) -> Named:
    """Inside an enrollment at the LEA, or in the summer of this year (6/2025). Who has no row at all is in doubt."""
    first = SchoolYear.of(as_of).first
    in_summer = (
        col.day.is_between(dt.date(first, 7, 1), dt.date(first, 8, 31))
        & (col.elas != "RFEP")
        & ~(_TBD & (col.day > as_of))
    )
    yield "GERR0005", Ask(~col.inside & ~in_summer & col.day.is_not_null(), {}, None, ~col.enrolled)


def _with_terms(rows: pl.DataFrame) -> pl.DataFrame:
    return to_polars(rows).with_row_index("row").with_columns(
        file=pl.lit(""),
        day=days.of_key(col.elas_date),
        start_date="elas_date",
        reason=col.correction_reason.str.strip_chars(),
    )  # fmt: skip


def _with_held(sent: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """What CALPADS holds of the student: the newest status (`current`, `newest_day`), whether it holds this status
    (`is_held`, `day_held`), any on this day, or ever held EO."""
    held = held.sort("day", nulls_last=True, maintain_order=True)
    newest = held.unique("ssid", keep="last").select("ssid", current="elas", newest_day="day")
    first = held.unique(["ssid", "elas"], keep="first", maintain_order=True)
    of_status = first.select("ssid", "elas", is_held=True, day_held="day")
    of_day = held.select("ssid", "elas_date", on_a_day_held=True).unique()
    had_eo = held.filter(col.elas == "EO").select("ssid", had_eo=True).unique()
    told = [(newest, ["ssid"]), (of_status, ["ssid", "elas"]), (of_day, ["ssid", "elas_date"]), (had_eo, ["ssid"])]
    for known_of, on in told:
        sent = sent.join(known_of, on=on, how="left", maintain_order="left")
    return sent.with_columns(col.current.fill_null(""), col("is_held", "on_a_day_held", "had_eo").fill_null(False))


def _with_enrollments(sent: pl.DataFrame, enrollments: pl.DataFrame) -> pl.DataFrame:
    """Whether the status starts inside an enrollment at the LEA, and whether the student has any row."""
    spans = enrollments.select(
        "ssid",
        "reporting_lea",
        start=days.of_key(col.start_date),
        end=days.of_key(col.exit_date).fill_null(LAST_DAY),
    )
    met = sent.select("row", "ssid", "reporting_lea", "day").join(spans, on=["ssid", "reporting_lea"])
    inside = met.filter(col.day.is_between("start", "end"))["row"].unique()
    return sent.with_columns(
        inside=col.row.is_in(inside.implode()), enrolled=col.ssid.is_in(enrollments["ssid"].unique().implode())
    )


def _shown(value: pl.Expr) -> pl.Expr:
    """A status as it is, when it is one; anything else only if it looks like a code."""
    statuses = sorted({row["submitted_elas"] for row in PACKAGED.rows("elas_transitions")})
    return pl.when(value.is_in(statuses)).then(value).otherwise(quotable(value))
