"""What a person should know, never an action (reconciliation.md 2.8 and 5)."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.reconciliation.compare import NOT_COMPARED, demographic_differences
from senrkit.reconciliation.scope import Scope
from senrkit.spells.build import SpellSet

COLUMNS = ("kind", "school_code", "ssid", "local_id", "detail")


def information(scope: Scope, spell_set: SpellSet, met: pl.DataFrame, unclear: pl.DataFrame) -> pl.DataFrame:
    """One row a fact: `kind, school_code, ssid, local_id, detail` (text).

    Of a kind of `COUNTED_BY_SCHOOL` the students of a school come after a line with their number, whose `ssid` and
    `local_id` are blank. `met` are spells with the state row of their key, as `compare` takes them, `unclear`
    completions in the summer that the state does not confirm.

    Kinds: `summer-withdrawal-left-over`, `year-end-exit-never-came`, `open-at-year-end`, `completion-without-date`,
    `completion-after-year-end`, `summer-completion-unclear`, `uc-csu-differ`, `top-grade-not-completed`,
    `receiver-missing`, `demographics-differ`.
    """
    parts = [
        _summer_left_over(spell_set),
        _never_came(scope, spell_set),
        _with_counts(spell_set.warnings.rename({"student": "local_id"})),
        _unclear(unclear),
        _demographics(met),
    ]
    return pl.concat(part.select(COLUMNS) for part in parts)


COUNTED_BY_SCHOOL = ("completion-without-date", "top-grade-not-completed")


def _with_counts(warnings: pl.DataFrame) -> pl.DataFrame:
    """One line a school with the count, before the students it counts."""
    counted = warnings.filter(col("kind").is_in(COUNTED_BY_SCHOOL))
    students = pl.when(pl.len() == 1).then(pl.lit(" student: ")).otherwise(pl.lit(" students: "))
    lines = counted.group_by("kind", "school_code").agg(
        detail=pl.concat_str(pl.len().cast(pl.String), students, col("detail").first()),
        ssid=pl.lit(""),
        local_id=pl.lit(""),
    )
    every = pl.concat([lines.select(COLUMNS), warnings.select(COLUMNS)])
    return every.sort("kind", "school_code", maintain_order=True)


def _unclear(spells: pl.DataFrame) -> pl.DataFrame:
    return spells.select(
        "school_code",
        "ssid",
        "local_id",
        kind=pl.lit("summer-completion-unclear"),
        detail=pl.lit(
            "Completed in the summer, but the newest enrollment in CALPADS before it does not end with E156, so "
            "nothing is added. When that exit is wrong, correct it first."
        ),
    )


def _summer_left_over(spell_set: SpellSet) -> pl.DataFrame:
    """`STU.SWR` or `STU.SLD` filled while the student has a live `ENR` row: the usual cause of no-show codes."""
    filled = pl.any_horizontal(col(name).is_not_null() & ~col(name).is_in(["", "0"]) for name in ("swr", "sld"))
    left = spell_set.people.filter(filled).unique("student", keep="first", maintain_order=True)
    codes = spell_set.schools.select("aeries_school", "school_code")
    return (
        left.filter(col("student").is_in(spell_set.enrolled.implode()))
        .join(codes, "aeries_school", "left", maintain_order="left")
        .select(
            "ssid",
            col("school_code").fill_null(""),
            kind=pl.lit("summer-withdrawal-left-over"),
            local_id="student",
            detail=pl.lit("Summer withdrawal fields (SWR, SLD) are filled although the student is enrolled this year."),
        )
    )


def _never_came(scope: Scope, spell_set: SpellSet) -> pl.DataFrame:
    """A prior-year `E155` whose student has no enrollment this year (`domain/aeries_process.md` 2.8)."""
    last_year = col("start").is_between(scope.year.previous.start, scope.year.previous.end)
    rows = scope.rows.narrow.lazy().select("ssid", "start", "exit_reason", "reporting_lea").with_row_index("at")
    coming_back = rows.filter(scope.of_lea, last_year, col("exit_reason") == "E155")
    back = spell_set.enrolled_ssids.to_frame()
    gone = coming_back.join(back.lazy(), "ssid", "anti", maintain_order="left").unique(
        "ssid", keep="first", maintain_order=True
    )
    at = gone.select(col("at").sort()).collect().to_series()
    gone = scope.rows.at(at, ["school_code", "ssid", "local_id"])
    said = pl.lit(
        "Last year ended with E155 (coming back), but the student has no enrollment this year. Find out where "
        "the student went: E140, a transfer code on last year's row, or nothing when not pre-enrolled."
    )
    return gone.select(
        "school_code",
        "ssid",
        "local_id",
        kind=pl.lit("year-end-exit-never-came"),
        detail=pl.concat_str(said, _summer_withdrawal(gone["ssid"], spell_set)),
    )


def _summer_withdrawal(ssids: pl.Series, spell_set: SpellSet) -> pl.Series:
    """The code and the day that Aeries holds in `STU.SWR` and `STU.SLD`, as the end of a sentence; blank without."""
    theirs = spell_set.people.select("ssid", col("swr", "sld").fill_null("")).filter(col("ssid").is_in(ssids.implode()))
    first = theirs.unique("ssid", keep="first", maintain_order=True)
    said = ssids.to_frame().join(first, "ssid", "left", maintain_order="left").with_columns(pl.all().fill_null(""))
    said = said.with_columns(code=pl.coalesce(spell_set.known.codes("ATT.RS", said["swr"]), "swr"))
    on = pl.when(col("sld") != "").then(pl.format(" on {}", "sld")).otherwise(pl.lit(""))
    told = pl.when((col("code") != "") | (col("sld") != "")).then(
        pl.format(" Aeries' summer withdrawal says {}{}.", "code", on)
    )
    return said.select(told.fill_null("").alias("said")).to_series()


def _demographics(met: pl.DataFrame) -> pl.DataFrame:
    unequal = pl.any_horizontal((col(name) != col(f"{name}_there")).fill_null(False) for name in NOT_COMPARED)
    differing = met.filter(unequal).with_columns(differing=demographic_differences()).filter(col("differing") != "")
    named = col("differing").str.replace_all("|", ", ", literal=True).str.replace_all("_", " ", literal=True)
    return differing.select(
        "school_code",
        "ssid",
        "local_id",
        kind=pl.lit("demographics-differ"),
        detail=pl.format("SENR does not change these; send SINF or correct Aeries: {}.", named),
    )
