"""Rules that act on whole spells: completions (2.4a, 2.4b, 2.6a), exits (2.4), year end (2.6), and what is wrong in
Aeries itself (2.7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl
from polars import col

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.frames.intervals import is_canceled, is_primary, overlaps
from senrkit.settings.settings import Settings
from senrkit.spells.schools import NPS_SCHOOL, receiver
from senrkit.spells.translate import Translator

SSID = r"^[0-9]{10}$"
PRIMARY, SECONDARY, NON_ADA = "10", "20", "50"
NON_ADA_EXITS = ("E170", "N470", "E150")
PRESCHOOL_GRADES = ("IN", "TD", "PS")
# What a preschool child's exit stays: assessed and not eligible, and a change of status (2.4).
PRESCHOOL_OWN_EXITS = ("N470", "E150")
GRADUATED = "100"
# Promoted to the next school: says nothing before the school's top grade (2.4a).
PROMOTED = ("480", "485")
COMPLETER, E156 = "E230", "E156"
TRANSFER_TO_SCHOOL = "T165"
NO_ROLL_OVER = "13"
YEAR_END_WINDOW = dt.timedelta(days=14)
SUMMER_ENDS = (8, 15)
TOP_GRADE_ASKED_FROM = (5, 1)
OVERLAP, DATE_ERROR = "aeries-overlap", "aeries-date-error"


def skipped_tags(settings: Settings) -> list[str]:
    """The tags that are skipped, without blanks around them; a blank tag is never one."""
    return [tag.strip() for tag in settings.aeries.skip_tags if tag.strip()]


def first_of(reasons: Mapping[str, pl.Expr]) -> pl.Expr:
    """The name of the first condition that holds; `""` when none does."""
    named = [pl.when(holds).then(pl.lit(name)) for name, holds in reasons.items()]
    return pl.coalesce(*named, pl.lit(""))


_OPEN_NOW = col("exit").is_null() & (col("left") == "") & (col("exit_reason") == "")
_FILLED_EOY = col("eoy").fill_null("") != ""
_FILLED_HSG = col("hsg").fill_null("") != ""


def completion_facts(spells: pl.DataFrame, known: Translator, settings: Settings) -> pl.DataFrame:
    """What `STU.HSG` and `STU.DG` say about each spell, for 2.4a and 2.6.

    Added are `completed` (day, `STU.DG`), `in_top_grade` (bool: of the spell's school) and, as bool: `may_complete`
    (open, of status 10, no preschool grade, without an exit of its own), `completes` (a completion that counts),
    `completion_unknown` (the source cannot say), `after_last_day` (completed after the last school day, and `STU.EOY`
    is not `E156`).
    """
    last_day = settings.process.last_school_day
    code, eoy = known.codes("STU.HSG", spells["hsg"]), known.codes("ATT.RS", spells["eoy"])
    unreadable = col("completed").is_null() & col("completed_on").ne_missing("")
    # Grades TK to 12 as Aeries numbers them, -1 to 12; none for every other.
    grade = col("grade").replace({"TK": "-1", "KN": "0"}).cast(pl.Float64, strict=False)
    promoted_early = code.is_in(PROMOTED) & (grade < col("top_grade"))
    before_start = col("completed") < col("start")
    return (
        spells.with_columns(completed=days.of_iso(col("completed_on")))
        .with_columns(
            in_top_grade=(grade == col("top_grade")).fill_null(False),
            may_complete=(
                pl.lit(settings.process.completion_closes)
                & (_OPEN_NOW & (col("status") == PRIMARY)).fill_null(False)
                & ~col("own_exit")
                & ~col("grade").is_in(PRESCHOOL_GRADES).fill_null(False)
            ),
            completes=_FILLED_HSG & ~promoted_early.fill_null(False) & ~before_start.fill_null(False),
        )
        .with_columns(
            completion_unknown=col("may_complete") & (col("hsg").is_null() | unreadable),
            after_last_day=(
                col("may_complete")
                & col("completes")
                & ((col("completed") > last_day).fill_null(False) if last_day else pl.lit(False))
                & ~eoy.eq_missing(E156)
            ),
        )
    )


def completion_closes(spells: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """An open spell ends with `E230` on the day of a completion inside it (2.4a); `closed_by` is added.

    At year end `STU.EOY` speaks first; a completion after the last school day is not this rule's.
    """
    last_day = settings.process.last_school_day
    latest = settings.as_of if last_day is None else min(settings.as_of, last_day)
    closes = col("may_complete") & col("completes") & (col("completed") <= latest)
    if _at_year_end(settings):
        closes &= ~_FILLED_EOY
    return spells.with_columns(
        exit=pl.when(closes).then("completed").otherwise("exit"),
        exit_reason=pl.when(closes).then(pl.lit(COMPLETER)).otherwise("exit_reason"),
        closed_by=first_of({"completion": closes, "aeries": col("exit").is_not_null()}),
    )


def year_end(spells: pl.DataFrame, known: Translator, school_table: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Open spells closed at the year's end, when asked for and near enough to it (2.6).

    `left_open` (bool) is added: those that stay open because `STU.NG` is 13.
    """
    last_day = settings.process.last_school_day
    if not _at_year_end(settings) or last_day is None:
        return spells.with_columns(left_open=pl.lit(False))
    _require_year_end_fields(spells)
    non_primary = col("status").is_in([SECONDARY, NON_ADA]).fill_null(False)
    no_roll_over = (col("next_grade") == NO_ROLL_OVER).fill_null(False)
    open_now = (_OPEN_NOW & (col("start") <= last_day)).fill_null(False) & ~col("after_last_day")
    spells = spells.with_columns(
        left_open=open_now & ~_FILLED_EOY & ~col("completes") & ~non_primary & no_roll_over, open_now=open_now
    ).with_columns(closes=col("open_now") & ~col("left_open"))
    generated = pl.coalesce(
        pl.when("completes").then(pl.lit(COMPLETER)),
        pl.when(non_primary).then(pl.lit("E170")),
        pl.when((col("grade") == "12") & (col("next_grade") == "12")).then(pl.lit(E156)),
        pl.lit("E155"),
    )
    eoy = spells.select(pl.when(col("closes") & _FILLED_EOY).then("eoy").otherwise(pl.lit(""))).to_series()
    by_code = known.codes("ATT.RS", eoy, spells["closes"])
    next_school = receiver(spells["ens"].replace({"0": ""}), school_table)
    spells = spells.with_columns(reason=pl.when(_FILLED_EOY).then(by_code).otherwise(generated))
    return spells.with_columns(
        exit=pl.when("closes").then(_year_end_day(last_day)).otherwise("exit"),
        exit_reason=pl.when("closes").then("reason").otherwise("exit_reason"),
        receiver_school=pl.when(col("closes") & _FILLED_EOY).then(next_school).otherwise("receiver_school"),
        closed_by=pl.when("closes").then(pl.lit("year-end")).otherwise("closed_by"),
    ).drop("open_now", "closes", "reason")


def _year_end_day(last_day: dt.date) -> pl.Expr:
    """The last school day; the day of the completion, or with `STU.EOY` of `STU.LD`, when that is inside the spell."""
    left_on = days.of_iso(col("left_on"))
    return (
        pl.when(_FILLED_EOY & left_on.is_between(col("start"), last_day))
        .then(left_on)
        .when((col("reason") == COMPLETER) & col("completed").is_between(col("start"), last_day))
        .then("completed")
        .otherwise(last_day)
    )


def summer_completions(
    spells: pl.DataFrame,
    left_out: pl.DataFrame,
    persons: pl.DataFrame,
    known: Translator,
    school_table: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """Students of grade 12 who complete after their last school day and before 16 August (2.6a): one spell of one day.

    `left_out` are the `ENR` rows in no spell, for a live row that covers the day speaks against. Columns are those of
    `spells` that are not the student's own; `person` is the position in `persons`, `waits_for_state` (bool) says that
    the year begins and the state's newest earlier row must end `E156`.
    """
    each = _one_row_a_student(persons, school_table)
    begins, ends = _in_the_summer(settings)
    wanted = [
        pl.lit(settings.process.summer_completions == "report"),
        _FILLED_HSG,
        begins | (ends & known.codes("ATT.RS", each["eoy"]).eq_missing(E156)),
        col("completed") <= settings.as_of,
        known.codes("STU.GR", each["local_grade"]) == "12",
        known.codes("STU.SP", each["local_program"]) == PRIMARY,
        ~col("tag").is_in(skipped_tags(settings)),
        ~col("local_program").is_in(settings.aeries.skip_programs).fill_null(False),
        col("ssid").str.contains(SSID),
        col("selected"),
    ]
    each = each.filter(*wanted)
    each = each.join(_covered(each, [spells, left_out]), "student", "anti", maintain_order="left")
    no, none = pl.lit(False), pl.lit(0, pl.Int64)
    unknown_nps = pl.when(col("school_code") != NPS_SCHOOL).then(pl.lit(""))
    return each.select(
        "student", "aeries_school", "ssid", "person", "tag", "school_code", "completed", "top_grade",
        attended="aeries_school",
        school_name="name",
        reporting_lea=pl.lit(settings.lea) if settings.charter else col("lea"),
        nps_code=unknown_nps,
        start="completed",
        exit="completed",
        status=pl.lit(PRIMARY),
        grade=pl.lit("12"),
        exit_reason=pl.lit(COMPLETER),
        receiver_school=pl.lit(""),
        origin=pl.lit("summer-completion"),
        closed_by=pl.lit("completion"),
        rows=none,
        own_exit=no,
        odd_dates=no,
        may_complete=no,
        completion_unknown=no,
        after_last_day=no,
        left_open=no,
        completes=pl.lit(True),
        in_top_grade=(col("top_grade") == 12).fill_null(False),
        waits_for_state=begins,
    )  # fmt: skip


def _one_row_a_student(persons: pl.DataFrame, school_table: pl.DataFrame) -> pl.DataFrame:
    """Of several `STU` rows an active one, at a selected school, of the first school; `person` is the position."""
    return (
        persons.with_row_index("person")
        .join(persons.filter(_FILLED_HSG), "student", "semi", maintain_order="left")
        .join(school_table, "aeries_school", "left", maintain_order="left")
        .with_columns(completed=days.of_iso(col("completed_on")), selected=col("selected").fill_null(False))
        .sort(col("tag") != "", ~col("selected"), "aeries_school", maintain_order=True)
        .unique("student", keep="first", maintain_order=True)
    )


def _in_the_summer(settings: Settings) -> tuple[pl.Expr, pl.Expr]:
    """Whether a completion lies in the summer in which the run year begins, and in the one in which it ends."""
    year, last_day, day = settings.school_year, settings.process.last_school_day, col("completed")
    begins = day.is_between(year.start, dt.date(year.first, *SUMMER_ENDS)).fill_null(False)
    if last_day is None:
        return begins, pl.lit(False)
    return begins, ((day > last_day) & (day <= year.end)).fill_null(False) & ~begins


def _covered(each: pl.DataFrame, sides: list[pl.DataFrame]) -> pl.DataFrame:
    """Students with a live row that covers the day; one without a start that can be read covers none."""
    rows = pl.concat([side.select("student", "start", "exit") for side in sides])
    met = each.select("student", "completed").join(rows, "student")
    reaches = col("exit").is_null() | (col("exit") >= col("completed"))
    return met.filter(col("start") <= col("completed"), reaches).select("student")


def exit_rules(spells: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """The exit reason as CALPADS takes it: the status rule, then the preschool rule, then the row's own reason (2.4).

    `row_reason` keeps the reason before the rules.
    """
    has_exit, own = col("exit").is_not_null(), col("exit_reason").fill_null("")
    secondary, non_ada = ((col("status") == status).fill_null(False) for status in (SECONDARY, NON_ADA))
    preschool = col("grade").is_in(PRESCHOOL_GRADES) & pl.lit(not settings.process.keep_preschool_exits)
    return spells.with_columns(
        row_reason="exit_reason",
        exit_reason=pl.when(has_exit & (secondary | (non_ada & ~own.is_in(NON_ADA_EXITS))))
        .then(pl.lit("E170"))
        .when(has_exit & preschool & ~non_ada & ~own.is_in(PRESCHOOL_OWN_EXITS))
        .then(pl.lit("E450"))
        .otherwise("exit_reason"),
    )


def completion(
    spells: pl.DataFrame, known: Translator, awards: pl.DataFrame | None, settings: Settings
) -> pl.DataFrame:
    """Completion status, only with `E230`; the graduate fields, only with a diploma (2.4, 2.4b, 5).

    `awards` is the table `ACT`. `uc_csu_differs` (bool) is added: UC and CSU are not both met, or both not met.
    """
    process = settings.process
    completes = spells["exit_reason"].eq_missing(COMPLETER)
    status = known.codes(
        "STU.HSG", spells.select(pl.when(completes).then("hsg").otherwise(pl.lit(""))).to_series(), completes
    )
    spells = spells.with_columns(completion_status=status)
    uc_csu, differ = _uc_csu(process.uc_csu)
    no_exemption = pl.lit("N" if process.blank_exemption else None, pl.String)
    graduate = {
        "uc_csu": uc_csu,
        "golden_state_seal": _seal(awards, process.golden_state_seal, settings),
        "biliteracy_seal": _seal(awards, process.biliteracy_seal, settings),
        "graduation_exemption": pl.when(col("gex") == "").then(no_exemption).otherwise("gex"),
    }
    graduated = col("completion_status") == GRADUATED
    return spells.with_columns(
        uc_csu_differs=(differ & graduated).fill_null(False),
        transition_status=pl.lit(None, pl.String),
        **{name: pl.when(~graduated).then(pl.lit("")).otherwise(value) for name, value in graduate.items()},
    )


def _uc_csu(when_they_differ: str) -> tuple[pl.Expr, pl.Expr]:
    """Y, N or unknown: `STU.CCO`, else `STU.CUC` and `STU.CCS` when both are filled; and whether those two differ."""

    def said(column: str) -> pl.Expr:
        answer = col(column).str.strip_chars()
        return pl.when(answer.is_in(["Y", "N"])).then(answer)

    override, uc, csu = said("uc_csu_override"), said("meets_uc"), said("meets_csu")
    differ = override.is_null() & (uc != csu)
    settled = pl.lit("Y" if when_they_differ == "either" else "N")
    both = pl.when(uc == csu).then(uc).when(uc != csu).then(settled)
    return pl.coalesce(override, both), differ


def _seal(awards: pl.DataFrame | None, code: str | None, settings: Settings) -> pl.Expr:
    """Y when `ACT` has the code dated in the run year, else N; unknown without the setting or the table, or a date."""
    if code is None or awards is None or not {"PID", "CD", "DT"} <= set(awards.columns):
        return pl.lit(None, pl.String)
    year = settings.school_year
    given = awards.filter(col("CD").str.strip_chars() == code.strip()).select("PID", day=days.of_iso(col("DT")))
    dated = given.filter(col("day").is_between(year.start, year.end))["PID"]
    undated = given.filter(col("day").is_null())["PID"]
    return (
        pl.when(col("student").is_in(dated.implode()))
        .then(pl.lit("Y"))
        .when(~col("student").is_in(undated.implode()))
        .then(pl.lit("N"))
    )


def spell_warnings(spells: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """What a person should know of single spells (2.4a, 2.4b, 2.6, 2.8): `kind, student, ssid, school_code, detail`."""
    is_open = col("exit").is_null()
    asked = settings.as_of >= dt.date(settings.school_year.first + 1, *TOP_GRADE_ASKED_FROM)
    in_top_grade = pl.lit(asked) & col("in_top_grade") & (col("status") == PRIMARY) & (col("closed_by") != "aeries")
    found = {
        "open-at-year-end": col("left_open"),
        "completion-without-date": col("may_complete") & col("completes") & (col("completed_on") == "") & is_open,
        "completion-after-year-end": col("after_last_day") & is_open,
        "uc-csu-differ": col("uc_csu_differs"),
        "top-grade-not-completed": in_top_grade & (col("hsg") == ""),
        "receiver-missing": (col("exit_reason") == TRANSFER_TO_SCHOOL) & (col("receiver_school") == ""),
    }
    settled = "Y" if settings.process.uc_csu == "either" else "N"
    return pl.concat(
        spells.filter(holds).select(
            "student", "ssid", "school_code", kind=pl.lit(kind), detail=pl.lit(_SAID[kind].format(uc_csu=settled))
        )
        for kind, holds in found.items()
    )


_SAID = {
    "open-at-year-end": "Next grade is 13 and neither an end-of-year status nor a completion is filled.",
    "completion-without-date": "A completion status without its date (STU.DG) ends no enrollment before year end: "
    "enter the date, or take the status out.",
    "completion-after-year-end": "The completion date is after the last school day: Aeries asks for end-of-year status "
    "E156 (STU.EOY) with it. The enrollment stays open until then.",
    "uc-csu-differ": "UC and CSU requirements (STU.CUC, STU.CCS) differ; {uc_csu} goes out, as uc_csu says.",
    "top-grade-not-completed": "In the top grade of the school, without a completion status.",
    "receiver-missing": "Exit T165 without the school that the student is expected at: enter the next school.",
}


def _at_year_end(settings: Settings) -> bool:
    last_day = settings.process.last_school_day
    return settings.process.auto_close and last_day is not None and settings.as_of >= last_day - YEAR_END_WINDOW


_ODD = "Dates that cannot be: an unreadable date, a start outside the school year, or an exit before the start."


def with_faults(spells: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """What is wrong in Aeries and holds the student (2.7): columns `canceled`, `odd`, `odd_text` are added."""
    spells = spells.with_columns(canceled=is_canceled(col("start"), col("exit"), col("row_reason")))
    lasts = (col("exit").fill_null(settings.as_of) - col("start")).dt.total_days() + 1
    key = [col(name).fill_null("") for name in ("ssid", "school_code", "nps_code", "start_date")]
    # Only who has several can have two that overlap.
    several = spells.filter(col("ssid").is_duplicated())
    at_school = [
        _overlapping(several, pl.concat_str(key[:3], separator="^")),
        several.filter(pl.struct(key).is_duplicated())["spell"],
    ]
    anywhere = _overlapping(several.filter(is_primary(col("status"), lasts)), col("ssid"))
    no_exit, reason_blank = col("exit").is_null(), col("row_reason").fill_null("unknown") == ""
    backwards = (col("exit") < col("start")).fill_null(False) & ~col("canceled")
    said = first_of(
        {
            "Two enrollments at this school overlap in Aeries.": col("spell").is_in(pl.concat(at_school).implode()),
            "Two primary enrollments overlap in Aeries.": col("spell").is_in(anywhere.implode()),
            _ODD: col("odd_dates") | backwards,
            "An exit date without an exit reason.": ~no_exit & reason_blank,
            "An exit reason without an exit date.": no_exit & ~reason_blank,
        }
    )
    odd = first_of({OVERLAP: col("odd_text").str.ends_with("in Aeries."), DATE_ERROR: col("odd_text") != ""})
    return spells.with_columns(odd_text=said).with_columns(odd=odd)


def _overlapping(spells: pl.DataFrame, group: pl.Expr) -> pl.Series:
    """The numbers of the spells that overlap another one of their group."""
    counting = spells.filter(~col("canceled"), col("start").is_not_null()).with_columns(group=group)
    return counting.filter(overlaps("group", col("start"), col("exit")))["spell"]


def _require_year_end_fields(spells: pl.DataFrame) -> None:
    lacking = [
        f"STU.{code}"
        for code, name in (("EOY", "eoy"), ("HSG", "hsg"), ("NG", "next_grade"))
        if spells.height and spells[name].is_null().all()
    ]
    if lacking:
        raise InputError(
            f"auto_close needs {', '.join(lacking)}, which the Aeries source does not have.",
            "Add the column to the export or set auto_close = false.",
        )
