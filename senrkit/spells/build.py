"""From Aeries rows to spells: the enrollments that CALPADS should hold (reconciliation.md 1 and 2).

Reads like the rule: the rows of the run year, those left out with their reason, codes translated, neighbouring rows
folded or split into mid-year changes, year end, exit rules, and last what is wrong in Aeries itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl
from polars import col

from senrkit import reference
from senrkit.frames import days
from senrkit.frames.intervals import is_canceled
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.aeries.read import AeriesTables
from senrkit.settings.settings import Settings
from senrkit.spells import schools
from senrkit.spells.people import DEMOGRAPHICS, people, row_for
from senrkit.spells.rules import (
    SECONDARY,
    SSID,
    completion,
    completion_closes,
    completion_facts,
    exit_rules,
    first_of,
    skipped_tags,
    spell_warnings,
    summer_completions,
    with_faults,
    year_end,
)
from senrkit.spells.translate import Translator, translator
from senrkit.texts.card import Carded

TAG_SKIPPED, PROGRAM_SKIPPED, FUTURE = "tag-skipped", "program-skipped", "future-dated"
SECONDARY_NO_SHOW = "secondary-no-show"
_SPOKEN_FOR = (
    "eoy", "ens", "hsg", "next_grade", "gex", "completed_on", "left_on", "meets_uc", "meets_csu", "uc_csu_override",
)  # fmt: skip
# What only the rules of this room ask about; without them a district's spells take two thirds of the room.
_ON_THE_WAY = (
    "entered left local_reason local_grade local_program local_transfer next_school row_nps own_exit odd_dates "
    "top_grade completed may_complete completes after_last_day left_open uc_csu_differs in_top_grade waits_for_state "
    "row_reason person attended tag"
).split()
REPORTABLE = ("status", "grade", "transfer_code", "residence_district", "nps_code")


@dataclass(frozen=True, repr=False)
class SpellSet(Carded):
    """What Aeries says CALPADS should hold.

    Attributes
    ----------
    spells
        One row a spell: `spell` (= position), `student`, `aeries_school`, `school_name`, the SENR fields
        `reporting_lea school_code nps_code academic_year ssid start_date status grade exit_date exit_reason
        completion_status receiver_school transfer_code residence_district uc_csu golden_state_seal biliteracy_seal
        transition_status graduation_exemption` and the demographics, as text, unknown is null; `start`, `exit` (days);
        `origin` (`row`, `mid-year-change`, `summer-completion`), `closed_by` (`aeries`, `completion`, `year-end`,
        `""`), `rows` (Aeries rows in it), `canceled` (bool), `odd` (hold reason or `""`),
        `odd_text`, `completion_unknown` (bool: open, and the source cannot say whether a completion ended it).
    summer
        Spells of `origin` `summer-completion` in the year that begins, which wait for the state's word: they count only
        when the student's newest earlier state row ends `E156` (2.6a).
    left_out
        One row an `ENR` row of the run year that is in no spell: `reason, school_code, school_name, aeries_school,
        ssid, local_id, start_date, exit_date, tag`.
    untranslated
        Local codes without a translation: `set, code, rows`.
    schools, people
        See `schools.school_table`, `people.people`.
    enrolled
        `STU.ID` of every student with a live `ENR` row in the run year, at any school, left out or not.
    attended
        Those rows' schools: `student, aeries_school`.
    rows_read
        Number of live `ENR` rows of the run year.
    rows_without_student
        How many of them have no row in `STU`.
    warnings
        What a person should know, as `kind, student, ssid, school_code, detail`.
    known
        The translations of local codes.
    unasked
        Sentences: which columns the source lacks, and what cannot be asked for want of them.
    """

    spells: pl.DataFrame
    summer: pl.DataFrame
    left_out: pl.DataFrame
    untranslated: pl.DataFrame
    schools: pl.DataFrame
    people: pl.DataFrame
    enrolled: pl.Series
    attended: pl.DataFrame
    rows_read: int
    rows_without_student: int
    warnings: pl.DataFrame
    known: Translator
    unasked: tuple[str, ...]

    @cached_property
    def enrolled_ssids(self) -> pl.Series:
        """SSIDs, as far as they are known, of the students in `enrolled`; one may stand there twice."""
        return self.people.filter(col("student").is_in(self.enrolled.implode()))["ssid"]


def build_spells(tables: AeriesTables, settings: Settings) -> SpellSet:
    """Spells of the run year from the Aeries tables; no table is changed.

    Parameters
    ----------
    tables
        What `read_aeries` gives; frames of pandas or Polars.

    Returns
    -------
    SpellSet
        `spells`: one row a spell with `student, ssid, school_code, school_name, nps_code, start_date, exit_date`
        (String; dates CCYYMMDD), `start, exit` (Date), `exit_reason, completion_status, status, grade` and the other
        SENR fields (String, unknown is null), `origin, closed_by` (String), `rows` (Int64), `canceled` (Boolean),
        `odd, odd_text` (String). `left_out`: `reason, school_code, school_name, aeries_school, ssid, local_id,
        start_date, exit_date, tag`. The others are described at `SpellSet`.

    Raises
    ------
    InputError
        when `auto_close` is on and the source lacks `STU.NG`, `STU.EOY` or `STU.HSG`.
    """
    aeries = {name: to_polars(table) for name, table in tables.tables.items()}
    known = translator(aeries["XRF"], settings.translations, settings.school_year)
    school_table = schools.school_table(aeries["LOC"], settings)
    persons = people(aeries["STU"], aeries.get("LSI"))
    rows = _rows_of_year(aeries["ENR"], settings, school_table, persons).with_columns(left_out=_left_out(settings))
    rows = _translated(rows, known).with_columns(
        left_out=pl.when(_SECONDARY_NO_SHOW).then(pl.lit(SECONDARY_NO_SHOW)).otherwise("left_out")
    )
    kept, left_out = rows.filter(col("left_out") == ""), rows.filter(col("left_out") != "")
    spells = _with_people(_folded(kept, settings), persons)
    spells = completion_closes(completion_facts(spells, known, settings), settings)
    spells = year_end(spells, known, school_table, settings)
    summer = summer_completions(spells, left_out, persons, known, school_table, settings)
    spells = pl.concat(
        [spells.with_columns(waits_for_state=pl.lit(False)), _with_people(summer, persons)], how="diagonal"
    )
    spells = completion(exit_rules(spells, settings), known, aeries.get("ACT"), settings)
    spells = with_faults(_finished(spells, known, settings), settings)
    counting, waiting = (spells.filter(col("waits_for_state") == waits) for waits in (False, True))
    return SpellSet(
        _numbered(counting.drop(_ON_THE_WAY, _SPOKEN_FOR)),
        _numbered(waiting.drop(_ON_THE_WAY, _SPOKEN_FOR)),
        _left_out_list(left_out),
        known.missing_codes(),
        school_table,
        persons,
        rows["student"].unique(maintain_order=True),
        rows.select("student", "aeries_school"),
        rows.height,
        rows["person"].null_count(),
        spell_warnings(counting, settings),
        known,
        _unasked(aeries, settings),
    )


def _unasked(aeries: dict[str, pl.DataFrame], settings: Settings) -> tuple[str, ...]:
    """A missing column is unknown, not blank: which rules cannot be asked for want of it."""
    columns = reference.aeries_columns().filter(col("without") != "").select("table", "column", "without")
    said = [
        f"{table}.{column} is not there: {without}."
        for table, column, without in columns.iter_rows()
        if table in aeries and column not in aeries[table].columns
    ]
    if not {"CUC", "CCS", "CCO"} & {*aeries["STU"].columns}:
        said.append("STU.CUC, STU.CCS and STU.CCO are not there: UC/CSU of graduates is not known (2.4b).")
    if (settings.process.golden_state_seal or settings.process.biliteracy_seal) and "ACT" not in aeries:
        said.append("The table ACT is not there: the seals of graduates are not known (2.4b).")
    return tuple(said)


def _numbered(spells: pl.DataFrame) -> pl.DataFrame:
    return spells.with_columns(spell=pl.int_range(pl.len()))


def _rows_of_year(
    enr: pl.DataFrame, settings: Settings, school_table: pl.DataFrame, persons: pl.DataFrame
) -> pl.DataFrame:
    there = set(enr.columns)

    def stored(column: str) -> pl.Expr:
        return col(column) if column in there else pl.lit(None, pl.String)

    def number(column: str) -> pl.Expr:
        """Zero in a numeric school or next-school column is blank."""
        return pl.when(stored(column).eq_missing("0")).then(pl.lit("")).otherwise(stored(column))

    home = number("HS")
    rows = enr.filter(col("YR") == str(settings.school_year.first)).select(
        student="ID",
        attended="SC",
        aeries_school=pl.when(home.fill_null("") != "").then(home).otherwise("SC"),
        entered="ED",
        left="LD",
        local_reason="ER",
        local_grade="GR",
        local_program="PR",
        local_transfer=stored("IT"),
        next_school=number("NS"),
        residence_district=stored("ITD").str.slice(0, 7),
        row_nps=number("NPS"),
    )
    rows = rows.with_columns(row_for(rows, persons))
    who = persons.select("tag", own="ssid").with_row_index("person")
    # The SSID on the row that speaks for the student; when that is blank, one on another row of the student.
    another = persons.select("student", other="ssid").filter(col("other") != "").unique("student", keep="first")
    reports = school_table.select(
        "aeries_school", "school_code", "why_not", "top_grade", school_name="name", reporting_lea="lea"
    )
    return (
        rows.join(who, "person", "left", maintain_order="left")
        .join(another, "student", "left", maintain_order="left")
        .join(reports, "aeries_school", "left", maintain_order="left")
        .with_columns(
            tag=col("tag").fill_null(""),
            ssid=pl.when(col("own").fill_null("") != "")
            .then("own")
            .when(col("person").is_not_null())
            .then("other")
            .fill_null(""),
            why_not=col("why_not").fill_null(schools.NOT_SELECTED),
            school_code=col("school_code").fill_null(""),
            school_name=col("school_name").fill_null(""),
            reporting_lea=pl.lit(settings.lea) if settings.charter else col("reporting_lea"),
            receiver_school=schools.receiver(rows["next_school"], school_table),
            start=days.of_iso(col("entered")),
            exit=days.of_iso(col("left")),
        )
        .with_columns(nps_code=pl.when(col("school_code") == schools.NPS_SCHOOL).then("row_nps").otherwise(pl.lit("")))
        .drop("own", "other")
    )


def _left_out(settings: Settings) -> pl.Expr:
    future = col("start") > settings.as_of
    reasons = {
        schools.NOT_SELECTED: col("why_not") == schools.NOT_SELECTED,
        schools.NOT_REPORTED: col("why_not") == schools.NOT_REPORTED,
        TAG_SKIPPED: col("tag").is_in(skipped_tags(settings)),
        PROGRAM_SKIPPED: col("local_program").is_in(settings.aeries.skip_programs),
        "no-ssid": ~col("ssid").str.contains(SSID),
        FUTURE: future & pl.lit(settings.process.future_dates == "omit"),
    }
    return first_of(reasons)


def _translated(rows: pl.DataFrame, known: Translator) -> pl.DataFrame:
    kept = rows["left_out"] == ""
    return rows.with_columns(
        status=known.codes("STU.SP", rows["local_program"], kept),
        grade=known.codes("STU.GR", rows["local_grade"], kept),
        exit_reason=known.codes("ATT.RS", rows["local_reason"], kept),
        transfer_code=known.codes("STU.IT", rows["local_transfer"], kept),
    )


_CANCELED = is_canceled(col("start"), col("exit"), col("exit_reason"))
# A canceled no-show of status 20, which CALPADS takes in no form (section 2).
_SECONDARY_NO_SHOW = (col("left_out") == "") & (col("status") == SECONDARY) & _CANCELED


def _left_out_list(rows: pl.DataFrame) -> pl.DataFrame:
    named = rows.rename({"left_out": "reason", "student": "local_id", "entered": "start_date", "left": "exit_date"})
    order = ["reason", "school_code", "aeries_school", "local_id", "start_date", "exit_date"]
    listed = "reason school_code school_name aeries_school ssid local_id start_date exit_date tag".split()
    return named.select(listed).sort(order, maintain_order=True)


def _folded(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Rows of one student at one school in order of start: folded into one spell, or a mid-year change (2.2, 2.5)."""
    rows = rows.with_columns(own_exit=col("left").ne_missing(""))
    if settings.process.future_dates == "omit":
        later = (col("exit") > settings.as_of).fill_null(False)
        known = {name: pl.when(later & col(name).is_not_null()).then(pl.lit("")).otherwise(name) for name in _EXIT}
        rows = rows.with_columns(exit=pl.when(~later).then("exit"), **known)
    # A canceled row neither continues another nor is continued (2.2).
    rows = _in_order(rows.with_columns(apart=_CANCELED))
    # An exact duplicate counts once: how many rows each first row stands for.
    first = ~_same_as_before("student", "aeries_school", *_DISTINGUISHING)
    rows = rows.with_columns(first=first, copies=pl.len().over(first.cum_sum()).cast(pl.Int64))
    rows = rows.filter("first").drop("first")
    rows = rows.with_columns(continued=_continued(settings), odd_dates=_odd_dates(settings.school_year))
    rows = rows.with_columns(change=col("continued") & ~_same_as_before(*REPORTABLE))
    return _in_order(_one_row_a_spell(rows).drop("apart"))


_DISTINGUISHING = (
    "entered left local_reason local_grade local_program local_transfer residence_district nps_code next_school".split()
)
# The next school goes with the exit; unknown stays unknown.
_EXIT = ("left", "local_reason", "exit_reason", "next_school", "receiver_school")


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """By student, school and start; rows that are set `apart`, the canceled ones, after all others of the school, and
    open rows and rows without a readable start last."""
    order = ["student", "aeries_school", "apart", "start", "exit", *_DISTINGUISHING]
    order = [name for name in order if name in rows.columns]
    last = [name in ("start", "exit") for name in order]
    return rows.sort(order, nulls_last=last, maintain_order=True)


def _same_as_before(*columns: str) -> pl.Expr:
    """Whether a row has the values of the row before it; unknown is the same as unknown."""
    same = pl.all_horizontal(col(name).eq_missing(col(name).shift()) for name in columns)
    return same & (pl.int_range(pl.len()) > 0)


def _continued(settings: Settings) -> pl.Expr:
    gap = (col("start") - col("exit").shift()).dt.total_days()
    updated = (col("exit_reason").shift() == "E150") & gap.is_between(0, settings.process.e150_gap_days)
    unbroken = (col("local_reason").shift() == "") & (gap == 1)
    together = _same_as_before("student", "aeries_school") & ~col("apart")
    return together & (updated.fill_null(False) | unbroken.fill_null(False))


def _odd_dates(year: reference.SchoolYear) -> pl.Expr:
    """Rows whose dates cannot be: no readable start, outside the run year, an exit before its start (2.7)."""
    outside = ~col("start").is_between(year.start, year.end).fill_null(False)
    unreadable = col("exit").is_null() & col("left").ne_missing("")
    return outside | unreadable | ((col("exit") < col("start")).fill_null(False) & ~_CANCELED)


_FROM_LAST = ("exit", "left", "local_reason", "exit_reason", "next_school", "receiver_school", "person", "own_exit")


def _one_row_a_spell(rows: pl.DataFrame) -> pl.DataFrame:
    day_after = col("exit").shift() + pl.duration(days=1)
    rows = rows.with_columns(
        start=pl.when("change").then(day_after).otherwise("start"),
        is_first=~(col("continued") & ~col("change")),
    )
    counted = rows.group_by(place=col("is_first").cum_sum(), maintain_order=True).agg(
        col("odd_dates").any(), rows=col("copies").sum()
    )
    last = rows.filter(col("is_first").shift(-1, fill_value=True)).select(_FROM_LAST)
    spells = rows.filter("is_first").with_columns(*last, *counted.drop("place"))
    ends = col("change").shift(-1, fill_value=False)
    return spells.with_columns(
        exit_reason=pl.when(ends).then(pl.lit("E150")).otherwise("exit_reason"),
        origin=pl.when("change").then(pl.lit("mid-year-change")).otherwise(pl.lit("row")),
    ).drop("change", "is_first", "copies", "left_out", "why_not", "continued")


def _with_people(spells: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Spells with what the student's `STU` row says: demographics in local codes, end-of-year fields."""
    said = persons.select(*DEMOGRAPHICS, *_SPOKEN_FOR).with_row_index("person")
    return spells.join(said, "person", "left", maintain_order="left")


def _finished(spells: pl.DataFrame, known: Translator, settings: Settings) -> pl.DataFrame:
    """Keys and dates as they go out, demographics in state codes."""
    code_sets = {"gender": "STU.GN", "suffix": "STU.SF", "birth_country": "STU.BCU", "birth_state": "STU.BST"}
    every = pl.repeat(True, spells.height, eager=True)
    return _numbered(spells).with_columns(
        academic_year=pl.lit(settings.school_year.text),
        start_date=days.key(col("start")),
        exit_date=days.key(col("exit")),
        **{name: known.codes(code_set, spells[name], every) for name, code_set in code_sets.items()},
    )
