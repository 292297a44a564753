"""Rules that act on whole spells: completions (2.4a, 2.4b, 2.6a), exits (2.4), year end (2.6), and what is wrong in
Aeries itself (2.7)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from senrkit.errors import InputError
from senrkit.frames import dates, text
from senrkit.frames.intervals import cancelled, overlapping, primary
from senrkit.settings.settings import Settings
from senrkit.spells.schools import NPS_SCHOOL, receiver
from senrkit.spells.translate import Translator

SSID = r"^\d{10}$"
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


def completion_facts(
    spells: pd.DataFrame, known: Translator, school_table: pd.DataFrame, settings: Settings
) -> pd.DataFrame:
    """What `STU.HSG` and `STU.DG` say about each spell, for 2.4a and 2.6.

    Added are `completed` (datetime64[s], `STU.DG`) and, as bool: `may_complete` (open, of status 10, no preschool
    grade, without an exit of its own), `completes` (a completion that counts), `completion_unknown` (the source cannot
    say), `after_last_day` (completed after the last school day, and `STU.EOY` is not `E156`).
    """
    none_counted = np.zeros(len(spells), dtype=bool)
    code = known.codes("STU.HSG", spells["hsg"], none_counted)
    completed = dates.from_iso(spells["completed_on"])
    before_start = (completed < spells["start"]).to_numpy()
    promoted_early = code.isin(PROMOTED).to_numpy() & (_grade_number(spells) < _top_grade(spells, school_table))
    filled = spells["hsg"].notna().to_numpy() & ~text.equals(spells["hsg"], "")
    unreadable = completed.isna().to_numpy() & ~text.equals(spells["completed_on"], "")
    may_complete = _open_now(spells) & ~spells["own_exit"].to_numpy(dtype=bool)
    may_complete &= text.equals(spells["status"], PRIMARY) & ~spells["grade"].isin(PRESCHOOL_GRADES).to_numpy()
    may_complete &= settings.process.completion_closes
    completes = filled & ~promoted_early & ~before_start
    last_day = settings.process.last_school_day
    late = (completed > dates.stamp(last_day)).to_numpy() if last_day else none_counted
    comes_back = text.equals(known.codes("ATT.RS", spells["eoy"], none_counted), E156)
    return spells.assign(
        completed=completed,
        may_complete=may_complete,
        completes=completes,
        completion_unknown=may_complete & (spells["hsg"].isna().to_numpy() | unreadable),
        after_last_day=may_complete & completes & late & ~comes_back,
    )


def completion_closes(spells: pd.DataFrame, known: Translator, settings: Settings) -> pd.DataFrame:
    """An open spell ends with `E230` on the day of a completion inside it (2.4a); `closed_by` is added.

    At year end `STU.EOY` speaks first; a completion after the last school day is not this rule's.
    """
    closed_by = text.choose(spells["exit"].notna().to_numpy(), "aeries", text.constant("", spells.index))
    completed = spells["completed"]
    closes = spells["may_complete"].to_numpy() & spells["completes"].to_numpy()
    closes &= (completed <= dates.stamp(settings.as_of)).to_numpy()
    last_day = settings.process.last_school_day
    if last_day is not None:
        closes &= (completed <= dates.stamp(last_day)).to_numpy()
    if _at_year_end(settings):
        closes &= ~_filled_eoy(spells)
    return spells.assign(
        exit=spells["exit"].mask(closes, completed),
        exit_reason=text.choose(closes, COMPLETER, spells["exit_reason"]),
        closed_by=text.choose(closes, "completion", closed_by),
    )


def year_end(spells: pd.DataFrame, known: Translator, school_table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Open spells closed at the year's end, when asked for and near enough to it (2.6).

    `left_open` (bool) is added: those that stay open because `STU.NG` is 13.
    """
    last_day = settings.process.last_school_day
    if not _at_year_end(settings) or last_day is None:
        return spells.assign(left_open=np.zeros(len(spells), dtype=bool))
    _require_year_end_fields(spells)
    filled_eoy, completes = _filled_eoy(spells), spells["completes"].to_numpy()
    open_now = _open_now(spells) & (spells["start"] <= dates.stamp(last_day)).to_numpy()
    open_now &= ~spells["after_last_day"].to_numpy()
    non_primary = spells["status"].isin([SECONDARY, NON_ADA]).to_numpy()
    stays_open = open_now & ~filled_eoy & ~completes & ~non_primary & text.equals(spells["next_grade"], NO_ROLL_OVER)
    closes = open_now & ~stays_open
    grade_12_again = text.equals(spells["grade"], "12") & text.equals(spells["next_grade"], "12")
    generated = text.selected([completes, non_primary, grade_12_again], [COMPLETER, "E170", E156], "E155", spells.index)
    by_code = known.codes("ATT.RS", text.choose(closes & filled_eoy, spells["eoy"], ""), closes)
    reason = text.choose(filled_eoy, by_code, generated)
    return spells.assign(
        exit=spells["exit"].mask(closes, _year_end_day(spells, reason, last_day)),
        exit_reason=text.choose(closes, reason, spells["exit_reason"]),
        receiver_school=text.choose(closes & filled_eoy, _next_school(spells, school_table), spells["receiver_school"]),
        closed_by=text.choose(closes, "year-end", spells["closed_by"]),
        left_open=stays_open,
    )


def _year_end_day(spells: pd.DataFrame, reason: pd.Series, last_day: dt.date) -> pd.Series:
    """The last school day; the day of the completion, or with `STU.EOY` of `STU.LD`, when that is inside the spell."""
    day = pd.Series(dates.stamp(last_day), index=spells.index).astype("datetime64[s]")
    own = [
        (text.equals(reason, COMPLETER), spells["completed"]),
        (_filled_eoy(spells), dates.from_iso(spells["left_on"])),
    ]
    for asked, said in own:
        inside = (said >= spells["start"]).to_numpy() & (said <= dates.stamp(last_day)).to_numpy()
        day = day.mask(asked & inside, said)
    return day


def summer_completions(
    spells: pd.DataFrame,
    left_out: pd.DataFrame,
    persons: pd.DataFrame,
    known: Translator,
    school_table: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:
    """Students of grade 12 who complete after their last school day and before 16 August (2.6a): one spell of one day.

    `left_out` are the `ENR` rows in no spell, for a live row that covers the day speaks against. Columns are those of
    `spells` that are not the student's own; `person` is the position in `persons`, `waits_for_state` (bool) says that
    the year begins and the state's newest earlier row must end `E156`.
    """
    each = _one_row_a_student(persons, school_table)
    completed, none_counted = dates.from_iso(each["completed_on"]), np.zeros(len(each), dtype=bool)
    wanted = each["hsg"].notna().to_numpy() & ~text.equals(each["hsg"], "")
    begins, ends = _in_the_summer(completed, settings)
    comes_back = text.equals(known.codes("ATT.RS", each["eoy"], none_counted), E156)
    wanted &= begins | (ends & comes_back)
    wanted &= (settings.process.summer_completions == "report") & (completed <= dates.stamp(settings.as_of)).to_numpy()
    wanted &= text.equals(known.codes("STU.GR", each["local_grade"], none_counted), "12")
    wanted &= text.equals(known.codes("STU.SP", each["local_program"], none_counted), PRIMARY)
    wanted &= ~each["tag"].isin(skipped_tags(settings)).to_numpy()
    wanted &= ~each["local_program"].isin(settings.aeries.skip_programs).to_numpy()
    wanted &= each["ssid"].str.match(SSID).to_numpy(dtype=bool)
    school = text.positions(each["aeries_school"], school_table["aeries_school"])
    wanted &= np.append(school_table["selected"].to_numpy(dtype=bool), False)[school]
    wanted &= ~_covered(each["student"], completed, [spells, left_out])
    each, day, school = each[wanted].reset_index(drop=True), completed[wanted].reset_index(drop=True), school[wanted]
    own = school_table.iloc[school].reset_index(drop=True)
    blank, no = text.constant("", each.index), np.zeros(len(each), dtype=bool)
    return pd.DataFrame(
        {
            **each[["student", "aeries_school", "ssid", "person", "tag"]],
            "attended": each["aeries_school"],
            "school_code": own["school_code"],
            "school_name": own["name"],
            "reporting_lea": text.constant(settings.lea, each.index) if settings.charter else own["lea"],
            "nps_code": text.choose(text.equals(own["school_code"], NPS_SCHOOL), text.unknown(each.index), ""),
            "start": day,
            "exit": day,
            "completed": day,
            "status": text.constant(PRIMARY, each.index),
            "grade": text.constant("12", each.index),
            "exit_reason": text.constant(COMPLETER, each.index),
            "receiver_school": blank,
            "origin": text.constant("summer-completion", each.index),
            "closed_by": text.constant("completion", each.index),
            "rows": np.zeros(len(each), dtype="int64"),
            "copies": np.zeros(len(each), dtype="int64"),
            **dict.fromkeys(
                ("own_exit", "odd_dates", "may_complete", "completion_unknown", "after_last_day", "left_open"), no
            ),
            "completes": ~no,
            "waits_for_state": begins[wanted],
        }
    )


def _one_row_a_student(persons: pd.DataFrame, school_table: pd.DataFrame) -> pd.DataFrame:
    """Of several `STU` rows an active one, at a selected school, of the first school; `person` is the position."""
    school = text.positions(persons["aeries_school"], school_table["aeries_school"])
    ranked = persons.assign(
        person=np.arange(len(persons)),
        inactive=(persons["tag"] != "").to_numpy(),
        unselected=~np.append(school_table["selected"].to_numpy(dtype=bool), False)[school],
    ).sort_values(["inactive", "unselected", "aeries_school"], kind="stable")
    return ranked.drop_duplicates("student").drop(columns=["inactive", "unselected"]).reset_index(drop=True)


def _in_the_summer(day: pd.Series, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Whether a day lies in the summer in which the run year begins, and in the one in which it ends."""
    year, last_day = settings.school_year, settings.process.last_school_day
    summer_end = dt.date(year.first, *SUMMER_ENDS)
    begins = ((day >= dates.stamp(year.start)) & (day <= dates.stamp(summer_end))).to_numpy()
    if last_day is None:
        return begins, np.zeros(len(day), dtype=bool)
    ends = ((day > dates.stamp(last_day)) & (day <= dates.stamp(year.end))).to_numpy()
    return begins, ends & ~begins


def _covered(students: pd.Series, day: pd.Series, sides: list[pd.DataFrame]) -> np.ndarray:
    """Whether a live row of the student covers the day; one without a start that can be read covers none."""
    rows = pd.concat([side[["student", "start", "exit"]] for side in sides], ignore_index=True)
    asked = pd.DataFrame({"student": students, "day": day, "place": np.arange(len(students))}).dropna(subset=["day"])
    met = asked.merge(rows, on="student")
    inside = (met["start"] <= met["day"]) & (met["exit"].isna() | (met["exit"] >= met["day"]))
    covered = np.zeros(len(students), dtype=bool)
    covered[met.loc[inside, "place"].unique()] = True
    return covered


def exit_rules(spells: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The exit reason as CALPADS takes it: the status rule, then the preschool rule, then the row's own reason (2.4).

    `row_reason` keeps the reason before the rules.
    """
    has_exit, own = spells["exit"].notna().to_numpy(), spells["exit_reason"]
    secondary, non_ada = text.equals(spells["status"], SECONDARY), text.equals(spells["status"], NON_ADA)
    preschool = spells["grade"].isin(PRESCHOOL_GRADES).to_numpy() & (not settings.process.keep_preschool_exits)
    rules = [
        secondary | (non_ada & ~own.isin(NON_ADA_EXITS).to_numpy()),
        preschool & ~non_ada & ~own.isin(PRESCHOOL_OWN_EXITS).to_numpy(),
    ]
    settled = [has_exit & applies for applies in rules]
    reason = text.choose(settled[0], "E170", text.choose(settled[1], "E450", own))
    return spells.assign(row_reason=own, exit_reason=reason)


def completion(
    spells: pd.DataFrame, known: Translator, awards: pd.DataFrame | None, settings: Settings
) -> pd.DataFrame:
    """Completion status, only with `E230`; the graduate fields, only with a diploma (2.4, 2.4b, 5).

    `awards` is the table `ACT`. `uc_csu_differs` (bool) is added: UC and CSU are not both met, or both not met.
    """
    process = settings.process
    completes = text.equals(spells["exit_reason"], COMPLETER)
    status = known.codes("STU.HSG", text.choose(completes, spells["hsg"], ""), completes)
    not_graduated = ~text.equals(status, GRADUATED) & status.notna().to_numpy()
    uc_csu, differs = _uc_csu(spells, process.uc_csu)
    exemption = text.choose(
        text.equals(spells["gex"], ""),
        text.constant("N", spells.index) if process.blank_exemption else text.unknown(spells.index),
        spells["gex"],
    )
    graduate = {
        "uc_csu": uc_csu,
        "golden_state_seal": _seal(spells["student"], awards, process.golden_state_seal, settings),
        "biliteracy_seal": _seal(spells["student"], awards, process.biliteracy_seal, settings),
        "graduation_exemption": exemption,
    }
    return spells.assign(
        completion_status=status,
        uc_csu_differs=differs & text.equals(status, GRADUATED),
        transition_status=text.unknown(spells.index),
        **{name: text.choose(not_graduated, "", value) for name, value in graduate.items()},
    )


def _uc_csu(spells: pd.DataFrame, when_they_differ: str) -> tuple[pd.Series, np.ndarray]:
    """Y, N or unknown: `STU.CCO`, else `STU.CUC` and `STU.CCS` when both are filled; and whether those two differ."""
    said = {
        name: {answer: text.equals(spells[name].str.strip(), answer) for answer in ("Y", "N")}
        for name in ("uc_csu_override", "meets_uc", "meets_csu")
    }
    override, uc, csu = said.values()
    both_filled = (uc["Y"] | uc["N"]) & (csu["Y"] | csu["N"])
    differ = both_filled & (uc["Y"] != csu["Y"]) & ~(override["Y"] | override["N"])
    met = uc["Y"] | csu["Y"] if when_they_differ == "either" else uc["Y"] & csu["Y"]
    answer = text.selected(
        [override["Y"], override["N"], both_filled & met, both_filled], ["Y", "N", "Y", "N"], "", spells.index
    )
    return text.choose(text.equals(answer, ""), text.unknown(spells.index), answer), differ


def _seal(students: pd.Series, awards: pd.DataFrame | None, code: str | None, settings: Settings) -> pd.Series:
    """Y when `ACT` has the code dated in the run year, else N; unknown without the setting or the table, or a date."""
    unknown = text.unknown(students.index)
    if code is None or awards is None or not {"PID", "CD", "DT"} <= set(awards.columns):
        return unknown
    given = awards[text.equals(awards["CD"].str.strip(), code.strip())]
    day, year = dates.from_iso(given["DT"]), settings.school_year
    in_year = ((day >= dates.stamp(year.start)) & (day <= dates.stamp(year.end))).to_numpy()
    has, may_have = (text.is_in(students, given.loc[rows, "PID"]) for rows in (in_year, day.isna().to_numpy()))
    return text.choose(has, "Y", text.choose(may_have, unknown, text.constant("N", students.index)))


def spell_warnings(spells: pd.DataFrame, school_table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """What a person should know of single spells (2.4a, 2.4b, 2.6, 2.8): `kind, student, ssid, school_code, detail`."""
    is_open = spells["exit"].isna().to_numpy()
    undated = spells["may_complete"].to_numpy() & spells["completes"].to_numpy()
    undated &= text.equals(spells["completed_on"], "") & is_open
    year = settings.school_year
    asked = settings.as_of >= dt.date(year.first + 1, *TOP_GRADE_ASKED_FROM)
    in_top_grade = asked & (_grade_number(spells) == _top_grade(spells, school_table))
    in_top_grade &= text.equals(spells["status"], PRIMARY) & ~text.equals(spells["closed_by"], "aeries")
    no_receiver = text.equals(spells["exit_reason"], TRANSFER_TO_SCHOOL) & text.equals(spells["receiver_school"], "")
    found = {
        "open-at-year-end": spells["left_open"].to_numpy(dtype=bool),
        "completion-without-date": undated,
        "completion-after-year-end": spells["after_last_day"].to_numpy(dtype=bool) & is_open,
        "uc-csu-differ": spells["uc_csu_differs"].to_numpy(dtype=bool),
        "top-grade-not-completed": in_top_grade & text.equals(spells["hsg"], ""),
        "receiver-missing": no_receiver,
    }
    return pd.concat(
        [
            spells.loc[rows, ["student", "ssid", "school_code"]].assign(
                kind=kind, detail=_SAID[kind].format(uc_csu="Y" if settings.process.uc_csu == "either" else "N")
            )
            for kind, rows in found.items()
        ],
        ignore_index=True,
    ).astype("str")


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


def _grade_number(spells: pd.DataFrame) -> np.ndarray:
    """Grades TK to 12 as Aeries numbers them, -1 to 12; NaN for every other."""
    numbered = text.mapped(spells["grade"], lambda code: {"TK": "-1", "KN": "0"}.get(code, code))
    return pd.to_numeric(numbered, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)


def _top_grade(spells: pd.DataFrame, school_table: pd.DataFrame) -> np.ndarray:
    at = text.positions(spells["aeries_school"], school_table["aeries_school"])
    return np.append(school_table["top_grade"].to_numpy(dtype="float64"), np.nan)[at]


def _open_now(spells: pd.DataFrame) -> np.ndarray:
    return spells["exit"].isna().to_numpy() & text.equals(spells["left"], "") & text.equals(spells["exit_reason"], "")


def _filled_eoy(spells: pd.DataFrame) -> np.ndarray:
    return spells["eoy"].notna().to_numpy() & ~text.equals(spells["eoy"], "")


def _at_year_end(settings: Settings) -> bool:
    last_day = settings.process.last_school_day
    return settings.process.auto_close and last_day is not None and settings.as_of >= last_day - YEAR_END_WINDOW


def faults(spells: pd.DataFrame, settings: Settings) -> dict[str, object]:
    """What is wrong in Aeries and holds the student (2.7): columns `cancelled`, `fault`, `fault_text`."""
    start, end = (spells[name].to_numpy(dtype="datetime64[D]") for name in ("start", "exit"))
    is_cancelled = cancelled(start, end, spells["row_reason"])
    reason_blank = text.equals(spells["row_reason"], "")
    no_exit = np.isnat(end)
    problems = [
        (spells["odd_dates"].to_numpy() | ((end < start) & ~is_cancelled), DATE_ERROR, _ODD),
        (~no_exit & reason_blank, DATE_ERROR, "An exit date without an exit reason."),
        (no_exit & ~reason_blank, DATE_ERROR, "An exit reason without an exit date."),
    ]
    school = text.joined([spells["ssid"], spells["school_code"], spells["nps_code"]])
    live = ~is_cancelled
    at_school = overlapping(school, start, end, live) | _same_key(spells)
    is_primary = primary(spells["status"], start, end, np.datetime64(settings.as_of))
    anywhere = overlapping(spells["ssid"], start, end, live & is_primary)
    overlaps = [
        (at_school, OVERLAP, "Two enrollments at this school overlap in Aeries."),
        (anywhere, OVERLAP, "Two primary enrollments overlap in Aeries."),
    ]
    conditions, found, said = (list(column) for column in zip(*overlaps, *problems, strict=True))
    return {
        "cancelled": is_cancelled,
        "fault": text.selected(conditions, found, "", spells.index),
        "fault_text": text.selected(conditions, said, "", spells.index),
    }


_ODD = "Dates that cannot be: an unreadable date, a start outside the school year, or an exit before the start."


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
