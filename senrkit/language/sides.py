"""What the two sides say of the language status, and whether it is the same child: CALPADS as an ordered history, which
status came after which and by which correction; Aeries one row a student.

A newest status alone may look right and not be: an English learner who had been reclassified is none to be brought in.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars import col

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.reconciliation.identity import another_child, known_people, two_for_one, under_another_ssid
from senrkit.reference import SchoolYear
from senrkit.reference.elas import facts, known, lac_dates, may_follow
from senrkit.settings.settings import Settings
from senrkit.spells.people import people
from senrkit.spells.schools import school_table
from senrkit.spells.translate import Translator, translator

_NEEDED = {"STU": ("LF",), "LAC": ("ID",)}
# Without these something cannot be warned of.
_FOR_WARNINGS = {"STU": ("HL",), "LAC": ("USS", "ITF")}
_OTHER_LAC = ("EAC", "EAD", "ITF", *facts()["first_school_day"]["columns"])


_WHO = ["ssid", "school_code", "reporting_lea", "local_id", "first_name", "last_name", "birth_date"]
_STEP = ["before", "status", "correction", "day"]


def histories(rows: pl.DataFrame) -> pl.DataFrame:
    """The SELA extract as steps: one row per SSID, day and status, by SSID, the oldest first.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, status, correction` (text;
    the correction reason code, blank for none), `day` (a step without a readable day comes first),
    `before` (text: the status that this one came after, blank for the first), `lawful` (flag: it may come after that
    one, by the tables of the school year in which it starts; whoever only stays what they are takes no step).
    """
    found = to_polars(rows).select(
        *_WHO,
        "line",
        status=col.elas.str.strip_chars(),
        correction=col.correction_reason.str.strip_chars(),
        day=days.of_key(col.elas_date),
    )
    # Of a row that stands twice, the one with a correction reason says more.
    found = found.sort("ssid", "day", col.correction != "", "line", maintain_order=True)
    found = found.unique(["ssid", "day", "status"], keep="last", maintain_order=True)
    steps = found.sort("ssid", "day", "line", maintain_order=True).select(
        *_WHO, "status", "correction", "day", before=col.status.shift().over("ssid").fill_null("")
    )
    return steps.join(_lawful(steps), on=_STEP, how="left", maintain_order="left", nulls_equal=True)


def newest_statuses(steps: pl.DataFrame) -> pl.DataFrame:
    """One row per SSID of `histories`: its newest status.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, calpads_status, before,
    correction` (text), `calpads_day`, `two_newest` (flag): two different statuses start on the newest
    day; `lawful` (flag): so is every step.
    """
    on_newest_day = (col.day == col.day.max()).fill_null(False)
    return (
        steps.with_columns(
            two_newest=(on_newest_day.sum() > 1).over("ssid"),
            lawful=col.lawful.all().over("ssid"),
        )
        .unique("ssid", keep="last", maintain_order=True)
        .rename({"status": "calpads_status", "day": "calpads_day"})
    )


def older_statuses(steps: pl.DataFrame) -> pl.DataFrame:
    """The rows of `histories` that a newer one has followed."""
    return steps.filter(~col.ssid.is_last_distinct())


def _lawful(steps: pl.DataFrame) -> pl.DataFrame:
    """Each different step, and whether it may be taken. Where one without a day stands in the order, nobody knows."""
    each = steps.select(_STEP).unique()
    lawful = [
        day is not None and (before == status or may_follow(before, status, correction, SchoolYear.of(day)))
        for before, status, correction, day in each.rows()
    ]
    return each.with_columns(pl.Series("lawful", lawful, pl.Boolean))


def aeries_statuses(tables: AeriesTables, settings: Settings) -> pl.DataFrame:
    """One row per live Aeries student who has an SSID, a language status or a LAC row; two for one with two SSIDs.

    Columns, as text: `student` (`STU.ID`), `ssid`, `school_code` (state), `school_name`, `local_lf`, `aeries_status`
    (translated; unknown when it has no translation), `first_name`, `last_name` (legal), `stu_first_name`,
    `stu_last_name`, `birth_date` (CCYYMMDD), `grade` (state; unknown without a translation), `HL` (local) and
    `home_language` (state; unknown without a translation), `EAC`, `ITF`, and `initial_result`, the status that ITF
    means (blank where it is none). The LAC dates `SD IFD RD1 AES EAD USS STS` as Aeries gives them. What the source has
    no column for is unknown. `lac_rows` (rows that Aeries itself has), `parent` (flag: LAC or IDN knows the
    student), `two_statuses` (flag: the STU rows disagree), `left` (flag: nowhere in school any more).

    Raises
    ------
    InputError
        when the source has no STU.LF or no LAC.
    """
    frames = _frames(tables)
    _refuse_incomplete(frames, tables.source)
    stu = frames["STU"].with_columns(LF=col.LF.str.strip_chars())
    stu = stu.with_columns(HL=col.HL.str.strip_chars() if "HL" in stu.columns else pl.lit(None, pl.String))
    codes = stu.unique(["ID", "SC"], keep="first").select(
        student="ID", aeries_school="SC", local_lf="LF", local_grade="GR", HL="HL"
    )
    different = stu.group_by(student="ID").agg(two_statuses=col.LF.drop_nulls().n_unique() > 1)
    schools = school_table(frames["LOC"], settings).select("aeries_school", "school_code", school_name="name")
    translated = translator(frames["XRF"], settings.translations, settings.school_year)
    who = "student ssid aeries_school tag first_name last_name stu_first_name stu_last_name birth_date".split()
    found = (
        _persons(people(frames["STU"], frames.get("LSI"))).select(who)
        .join(codes, on=["student", "aeries_school"], how="left", maintain_order="left")
        .join(different, on="student", how="left", maintain_order="left")
        .join(schools, on="aeries_school", how="left", maintain_order="left")
        .with_columns(col("school_code", "school_name").fill_null(""))
    )  # fmt: skip
    # Who translates no language at all is not asked to: then a code stands for itself.
    spoken = translated.codes("STU.HL", found["HL"]) if "STU.HL" in translated.tables else found["HL"]
    found = _with_language_rows(found, frames, tables.inferred).with_columns(
        translated.codes("STU.LF", found["local_lf"]).alias("aeries_status"),
        translated.codes("STU.GR", found["local_grade"]).alias("grade"),
        spoken.alias("home_language"),
        left=(col.tag.str.strip_chars() != "") | col.student.is_in(_gone(frames["ENR"], settings).implode()),
        initial_result=_initial_result(translated, settings),
    )
    has_row = (col.ssid != "") | (col.local_lf != "") | (col.lac_rows > 0)
    return found.filter(has_row).drop("aeries_school", "tag", "local_grade")


def local_code(tables: AeriesTables, settings: Settings, status: str) -> str:
    """The one local code of `STU.LF` that means the status; those of the settings win over XRF. `""` without one.

    A code that a spreadsheet would take for a formula is none: it would not survive an import file.
    """
    year = settings.school_year
    of_settings = [code for code, state in settings.translations.get("STU.LF", {}).items() if state == status]
    every = translator(_frames(tables)["XRF"], settings.translations, year).tables.get("STU.LF", {})
    codes = of_settings or [code for code, state in every.items() if state == status and code]
    return codes[0] if len(codes) == 1 and codes[0][0] not in "=+-@" else ""


def not_asked(tables: AeriesTables) -> tuple[str, ...]:
    """Columns that the source lacks and without which a warning cannot be given, as `STU.HL`."""
    return tuple(
        f"{table}.{code}"
        for table, codes in _FOR_WARNINGS.items()
        for code in codes
        if code not in tables.tables.get(table, ())
    )


def identity_conflicts(held: pl.DataFrame, aeries: AeriesTables, settings: Settings) -> frozenset[str]:
    """The SSIDs of both sides for which it is not certain whose status it is: reconciliation 4.1, the same questions.

    `held` as `newest_statuses` gives it. A local id counts only in rows that the LEA itself reported: another LEA's
    numbers are its own.
    """
    tables = _frames(aeries)
    enr = tables["ENR"].filter(col("YR") == str(settings.school_year.first))
    schools = school_table(tables["LOC"], settings)
    attended = enr.select(student="ID", aeries_school="SC")
    known = known_people(people(tables["STU"], tables.get("LSI")), enr["ID"].unique(), attended, schools)
    own = pl.when(col("reporting_lea") == settings.lea)
    rows = held.with_columns(local_id=own.then("local_id").otherwise(pl.lit("")))
    found = [another_child(rows, known), under_another_ssid(rows, known), two_for_one(known)]
    return frozenset(ssid for one in found for ssid in one["ssid"])


def _refuse_incomplete(tables: Mapping[str, pl.DataFrame], source: str) -> None:
    lacking = [
        f"{table}.{code}" for table, codes in _NEEDED.items() for code in codes if code not in tables.get(table, ())
    ]
    if lacking:
        raise InputError(
            f"{source} lacks what language status needs: {', '.join(lacking)}.",
            "Let the login read these columns, or export STU and LAC with them.",
        )


def _frames(tables: AeriesTables) -> dict[str, pl.DataFrame]:
    """The tables, whichever frames they were given as."""
    return {name: to_polars(table) for name, table in tables.tables.items()}


def _persons(rows: pl.DataFrame) -> pl.DataFrame:
    """The row that speaks for each student and SSID; a blank SSID counts only where the student has no other."""
    has_one = (col.ssid != "").any().over("student")
    return rows.filter((col.ssid != "") | ~has_one).unique(["student", "ssid"], keep="first", maintain_order=True)


def _gone(enr: pl.DataFrame, settings: Settings) -> pl.Series:
    """Students of whom every enrollment of the year has ended before the day of the run."""
    ended = (days.of_iso(col.LD) < settings.as_of).fill_null(False)
    of_year = enr.filter(str(settings.school_year.first) == col.YR)
    return of_year.group_by("ID").agg(ended=ended.all()).filter("ended")["ID"]


def _initial_result(translated: Translator, settings: Settings) -> pl.Expr:
    """The status that `LAC.ITF` means: itself, or the district's own code for one; a word of another kind says nothing.

    Which of them Aeries' import of the Initial ELPAC writes is not documented.
    """
    value = col.ITF.str.strip_chars()
    status = value.str.to_uppercase()
    own = value.replace_strict(dict(translated.tables.get("STU.LF", {})), default="", return_dtype=pl.String)
    return pl.when(status.is_in(sorted(known(settings.school_year)))).then(status).otherwise(own)


def _with_language_rows(
    found: pl.DataFrame, frames: Mapping[str, pl.DataFrame], inferred: frozenset[str]
) -> pl.DataFrame:
    """With what LAC says of each student: blank without a row, unknown without the column."""
    lac, codes = frames["LAC"], list(dict.fromkeys((*lac_dates().values(), *_OTHER_LAC)))
    first = lac.unique("ID", keep="first", maintain_order=True)
    there = [code for code in codes if code in lac.columns]
    said = first.select(there, student="ID", has_row=pl.lit(True))
    counted = (lac.clear() if "LAC" in inferred else lac).group_by(student="ID").agg(lac_rows=pl.len().cast(pl.Int64))
    idn = frames["IDN"]["ID"].unique() if "IDN" in frames else pl.Series(dtype=pl.String)
    return (
        found.join(said, on="student", how="left", maintain_order="left")
        .join(counted, on="student", how="left", maintain_order="left")
        .with_columns(
            *(pl.when("has_row").then(code).otherwise(pl.lit("")) for code in there),
            *(pl.lit(None, pl.String).alias(code) for code in codes if code not in there),
            lac_rows=col.lac_rows.fill_null(0),
        )
        .with_columns(parent=col.student.is_in(idn.implode()) | (col.lac_rows > 0))
        .drop("has_row")
    )  # fmt: skip
