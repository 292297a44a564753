"""From Aeries rows to spells: the enrollments that CALPADS should hold (reconciliation.md 1 and 2).

Reads like the rule: the rows of the run year, those left out with their reason, codes translated, neighbouring rows
folded or split into mid-year changes, year end, exit rules, and last what is wrong in Aeries itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from senrkit import reference
from senrkit.frames import dates, text
from senrkit.frames.intervals import cancelled
from senrkit.frames.text import column_of, taken
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
    faults,
    skipped_tags,
    spell_warnings,
    summer_completions,
    year_end,
)
from senrkit.spells.translate import Translator, translator

TAG_SKIPPED, PROGRAM_SKIPPED, FUTURE = "tag-skipped", "program-skipped", "future-dated"
SECONDARY_NO_SHOW = "secondary-no-show"
_SPOKEN_FOR = (
    "eoy", "ens", "hsg", "next_grade", "gex", "completed_on", "left_on", "meets_uc", "meets_csu", "uc_csu_override",
)  # fmt: skip
REPORTABLE = ("status", "grade", "transfer_code", "residence_district", "nps_code")


@dataclass(frozen=True)
class SpellSet:
    """What Aeries says CALPADS should hold.

    Attributes
    ----------
    spells
        One row a spell: `spell` (int64, = position), `student`, `aeries_school`, `school_name`, the SENR fields
        `reporting_lea school_code nps_code academic_year ssid start_date status grade exit_date exit_reason
        completion_status receiver_school transfer_code residence_district uc_csu golden_state_seal biliteracy_seal
        transition_status graduation_exemption` and the demographics, as text, unknown = NaN; `start`, `exit`
        (datetime64[s]); `origin` (`row`, `mid-year-change`, `summer-completion`), `closed_by` (`aeries`, `completion`,
        `year-end`, `""`), `rows` (int64, Aeries rows in it), `cancelled` (bool), `fault` (hold reason or `""`),
        `fault_text`, `completion_unknown` (bool: open, and the source cannot say whether a completion ended it).
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

    spells: pd.DataFrame
    summer: pd.DataFrame
    left_out: pd.DataFrame
    untranslated: pd.DataFrame
    schools: pd.DataFrame
    people: pd.DataFrame
    enrolled: pd.Series
    attended: pd.DataFrame
    rows_read: int
    rows_without_student: int
    warnings: pd.DataFrame
    known: Translator
    unasked: tuple[str, ...]

    @cached_property
    def enrolled_ssids(self) -> pd.Series:
        """SSIDs, as far as they are known, of the students in `enrolled`."""
        return self.people["ssid"][text.is_in(self.people["student"], self.enrolled)].drop_duplicates()


def build_spells(tables: AeriesTables, settings: Settings) -> SpellSet:
    """Spells of the run year from the Aeries tables; no table is changed.

    Raises
    ------
    InputError
        when `auto_close` is on and the source lacks `STU.NG`, `STU.EOY` or `STU.HSG`.
    """
    known = translator(tables.tables["XRF"], settings.translations, settings.school_year)
    school_table = schools.school_table(tables.tables["LOC"], settings)
    persons = people(tables.tables["STU"], tables.tables.get("LSI"))
    rows = _rows_of_year(tables.tables["ENR"], settings, school_table, persons)
    rows["left_out"] = _left_out_reason(rows, settings)
    _translate(rows, known, (rows["left_out"] == "").to_numpy())
    rows["left_out"] = text.choose(_secondary_no_show(rows), SECONDARY_NO_SHOW, rows["left_out"])
    kept = (rows["left_out"] == "").to_numpy()
    spells = _with_people(_fold(rows[kept].reset_index(drop=True), settings), persons)
    spells = completion_closes(completion_facts(spells, known, school_table, settings), known, settings)
    spells = year_end(spells, known, school_table, settings)
    spells = spells.assign(waits_for_state=np.zeros(len(spells), dtype=bool))
    spells = pd.concat([spells, _in_summer(spells, rows[~kept], persons, known, school_table, settings)])
    spells = completion(exit_rules(spells.reset_index(drop=True), settings), known, tables.tables.get("ACT"), settings)
    spells = _finish(spells, known, settings)
    spells = spells.assign(**faults(spells, settings))
    waiting = spells["waits_for_state"].to_numpy(dtype=bool)
    return SpellSet(
        _numbered(spells[~waiting]),
        _numbered(spells[waiting]),
        _left_out_list(rows[~kept]),
        known.missing_codes(),
        school_table,
        persons,
        rows["student"].drop_duplicates(),
        rows[["student", "aeries_school"]].drop_duplicates(ignore_index=True),
        len(rows),
        int((rows["person"] < 0).sum()),
        spell_warnings(spells[~waiting], school_table, settings),
        known,
        _unasked(tables, settings),
    )


def _unasked(tables: AeriesTables, settings: Settings) -> tuple[str, ...]:
    """A missing column is unknown, not blank: which rules cannot be asked for want of it."""
    columns = reference.aeries_columns()
    said = [
        f"{row.table}.{row.column} is not there: {row.without}."
        for row in columns[(columns["without"] != "").to_numpy()].itertuples()
        if row.table in tables.tables and row.column not in tables.tables[row.table]
    ]
    if not {"CUC", "CCS", "CCO"} & {*tables.tables["STU"]}:
        said.append("STU.CUC, STU.CCS and STU.CCO are not there: UC/CSU of graduates is not known (2.4b).")
    if (settings.process.golden_state_seal or settings.process.biliteracy_seal) and "ACT" not in tables.tables:
        said.append("The table ACT is not there: the seals of graduates are not known (2.4b).")
    return tuple(said)


def _numbered(spells: pd.DataFrame) -> pd.DataFrame:
    spells = spells.reset_index(drop=True)
    return spells.assign(spell=np.arange(len(spells), dtype="int64"))


def _rows_of_year(
    enr: pd.DataFrame, settings: Settings, school_table: pd.DataFrame, persons: pd.DataFrame
) -> pd.DataFrame:
    enr = enr[(enr["YR"] == str(settings.school_year.first)).to_numpy()].reset_index(drop=True)
    home = _number(column_of(enr, "HS"))
    rows = pd.DataFrame(
        {
            "student": enr["ID"],
            "attended": enr["SC"],
            "aeries_school": text.first_filled(home, enr["SC"]),
            "entered": enr["ED"],
            "left": enr["LD"],
            "local_reason": enr["ER"],
            "local_grade": enr["GR"],
            "local_program": enr["PR"],
            "local_transfer": column_of(enr, "IT"),
            "next_school": _number(column_of(enr, "NS")),
            "residence_district": column_of(enr, "ITD").str.slice(0, 7),
            "row_nps": _number(column_of(enr, "NPS")),
        }
    )
    at = row_for(rows, persons)
    rows["person"] = at
    rows["tag"] = taken(persons["tag"], at).fillna("")
    rows["ssid"] = _ssid_of(persons, at)
    school = text.positions(rows["aeries_school"], school_table["aeries_school"])
    for name, column in (
        ("school_code", "school_code"),
        ("school_name", "name"),
        ("reporting_lea", "lea"),
        ("why_not", "why_not"),
    ):
        rows[name] = taken(school_table[column], school)
    rows["why_not"] = rows["why_not"].fillna(schools.NOT_SELECTED)
    rows[["school_code", "school_name"]] = rows[["school_code", "school_name"]].fillna("")
    if settings.charter:
        rows["reporting_lea"] = text.constant(settings.lea, rows.index)
    is_nps = text.equals(rows["school_code"], schools.NPS_SCHOOL)
    rows["nps_code"] = text.choose(is_nps, rows["row_nps"], "")
    rows["receiver_school"] = schools.receiver(rows["next_school"], school_table)
    rows["start"], rows["exit"] = dates.from_iso(rows["entered"]), dates.from_iso(rows["left"])
    return rows


def _ssid_of(persons: pd.DataFrame, at: np.ndarray) -> pd.Series:
    """The SSID on the row that speaks for the student; when that is blank, one on another row of the student."""
    own = taken(persons["ssid"], at).fillna("")
    if not text.equals(own, "").any():
        return own
    filled = persons[(persons["ssid"] != "").to_numpy()]
    student = taken(persons["student"], at).fillna("")
    return text.first_filled(own, taken(filled["ssid"], text.positions(student, filled["student"])).fillna(""))


def _number(column: pd.Series) -> pd.Series:
    """Zero in a numeric school or next-school column is blank."""
    return text.choose(text.equals(column, "0"), "", column)


def _left_out_reason(rows: pd.DataFrame, settings: Settings) -> np.ndarray:
    after = (rows["start"] > dates.stamp(settings.as_of)).to_numpy()
    reasons = [
        ((rows["why_not"] == schools.NOT_SELECTED).to_numpy(), schools.NOT_SELECTED),
        ((rows["why_not"] == schools.NOT_REPORTED).to_numpy(), schools.NOT_REPORTED),
        (rows["tag"].isin(skipped_tags(settings)).to_numpy(), TAG_SKIPPED),
        (rows["local_program"].isin(settings.aeries.skip_programs).to_numpy(), PROGRAM_SKIPPED),
        (~rows["ssid"].str.match(SSID).to_numpy(dtype=bool), "no-ssid"),
        (after & (settings.process.future_dates == "omit"), FUTURE),
    ]
    return text.selected([holds for holds, _ in reasons], [reason for _, reason in reasons], "", rows.index)


def _secondary_no_show(rows: pd.DataFrame) -> np.ndarray:
    """A cancelled no-show of status 20, which CALPADS takes in no form (section 2)."""
    secondary = text.equals(rows["left_out"], "") & text.equals(rows["status"], SECONDARY)
    return secondary & _row_cancelled(rows)


def _row_cancelled(rows: pd.DataFrame) -> np.ndarray:
    ends = (rows[name].to_numpy(dtype="datetime64[D]") for name in ("start", "exit"))
    return cancelled(*ends, rows["exit_reason"])


def _translate(rows: pd.DataFrame, known: Translator, kept: np.ndarray) -> None:
    rows["status"] = known.codes("STU.SP", rows["local_program"], kept)
    rows["grade"] = known.codes("STU.GR", rows["local_grade"], kept)
    rows["exit_reason"] = known.codes("ATT.RS", rows["local_reason"], kept)
    rows["transfer_code"] = known.codes("STU.IT", rows["local_transfer"], kept)


def _left_out_list(rows: pd.DataFrame) -> pd.DataFrame:
    listed = rows[
        ["left_out", "school_code", "school_name", "aeries_school", "ssid", "student", "entered", "left", "tag"]
    ]
    listed.columns = pd.Index(
        "reason school_code school_name aeries_school ssid local_id start_date exit_date tag".split()
    )
    order = ["reason", "school_code", "aeries_school", "local_id", "start_date", "exit_date"]
    return listed.sort_values(order, ignore_index=True)


def _fold(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Rows of one student at one school in order of start: folded into one spell, or a mid-year change (2.2, 2.5)."""
    rows = rows.assign(own_exit=(rows["left"] != "").to_numpy())
    if settings.process.future_dates == "omit":
        later = (rows["exit"] > dates.stamp(settings.as_of)).to_numpy()
        rows = rows.assign(
            exit=rows["exit"].mask(later),
            **{name: text.choose(later & rows[name].notna().to_numpy(), "", rows[name]) for name in _EXIT},
        )
    # A cancelled row neither continues another nor is continued (2.2).
    rows = _in_order(rows.assign(apart=_row_cancelled(rows)))
    duplicate = _same_as_before(rows, ["student", "aeries_school", *_DISTINGUISHING])
    rows["copies"] = _count_copies(duplicate)
    rows = rows[~duplicate].reset_index(drop=True)
    continued, change = _continued(rows, settings)
    rows["odd_dates"] = _odd_dates(rows, settings)
    spells = _one_row_a_spell(rows, begins=~(continued & ~change), change=change)
    return _in_order(spells.drop(columns="apart"))


_DISTINGUISHING = (
    "entered left local_reason local_grade local_program local_transfer residence_district nps_code next_school".split()
)


# The next school goes with the exit; unknown stays unknown.
_EXIT = ("left", "local_reason", "exit_reason", "next_school", "receiver_school")


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """By student, school and start; rows that are set `apart`, the cancelled ones, after all others of the school."""
    order = ["student", "aeries_school", "apart", "start", "exit", *_DISTINGUISHING]
    order = [name for name in order if name in rows]
    codes = [rows[name].to_numpy() if name in ("apart", "start", "exit") else text.ranks(rows[name]) for name in order]
    # Open rows and rows without a readable start come last.
    codes = [
        np.where(np.isnat(code), np.datetime64("9999-12-31", "s"), code) if code.dtype.kind == "M" else code
        for code in codes
    ]
    return rows.iloc[np.lexsort(codes[::-1])].reset_index(drop=True)


def _same_as_before(rows: pd.DataFrame, columns: list[str]) -> np.ndarray:
    same = np.ones(len(rows), dtype=bool)
    same[:1] = False
    for name in columns:
        same[1:] &= text.same_as_before(rows[name])
    return same


def _count_copies(duplicate: np.ndarray) -> np.ndarray:
    """How many rows each first row stands for: itself and the exact duplicates that follow it."""
    firsts = np.flatnonzero(~duplicate)
    copies = np.ones(len(duplicate), dtype="int64")
    copies[firsts] = np.diff(np.append(firsts, len(duplicate)))
    return copies


def _continued(rows: pd.DataFrame, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Whether a row continues the one before it, and whether it does so with other reportable values."""
    together = _same_as_before(rows, ["student", "aeries_school"]) & ~rows["apart"].to_numpy()
    before_exit = rows["exit"].shift().to_numpy(dtype="datetime64[D]")
    gap = (rows["start"].to_numpy(dtype="datetime64[D]") - before_exit).astype("float64")
    gap[np.isnan(gap) | (gap < -1e15)] = np.nan
    reason_before = rows["exit_reason"].shift()
    updated = text.equals(reason_before, "E150") & (gap >= 0) & (gap <= settings.process.e150_gap_days)
    unbroken = text.equals(rows["local_reason"].shift(), "") & (gap == 1)
    continued = together & (updated | unbroken)
    return continued, continued & ~_same_as_before(rows, list(REPORTABLE))


def _odd_dates(rows: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Rows whose dates cannot be: no readable start, outside the run year, an exit before its start (2.7)."""
    start, end = rows["start"].to_numpy(dtype="datetime64[D]"), rows["exit"].to_numpy(dtype="datetime64[D]")
    year = settings.school_year
    outside = np.isnat(start) | (start < np.datetime64(year.start)) | (start > np.datetime64(year.end))
    unreadable = np.isnat(end) & (rows["left"] != "").to_numpy()
    return outside | unreadable | ((end < start) & ~cancelled(start, end, rows["exit_reason"]))


def _one_row_a_spell(rows: pd.DataFrame, begins: np.ndarray, change: np.ndarray) -> pd.DataFrame:
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts, len(rows))[1:] - 1
    first, last = rows.iloc[firsts].reset_index(drop=True), rows.iloc[lasts].reset_index(drop=True)
    changed_from = change[firsts] if len(rows) else np.zeros(0, dtype=bool)
    changed_to = np.append(changed_from[1:], False) if len(firsts) else changed_from
    day_after = pd.Series(rows["exit"].shift().to_numpy()[firsts]) + pd.Timedelta(days=1)
    spells = first.drop(columns=["left_out", "why_not"])
    spells["start"] = first["start"].mask(changed_from, day_after).astype("datetime64[s]")
    for name in ("exit", "left", "local_reason", "exit_reason", "next_school", "receiver_school", "person", "own_exit"):
        spells[name] = last[name]
    spells["exit_reason"] = text.choose(changed_to, "E150", last["exit_reason"])
    spells["origin"] = np.where(changed_from, "mid-year-change", "row")
    spells["origin"] = spells["origin"].astype("str")
    spells["rows"] = np.add.reduceat(rows["copies"].to_numpy(), firsts) if len(firsts) else np.zeros(0, dtype="int64")
    spells["odd_dates"] = np.logical_or.reduceat(rows["odd_dates"].to_numpy(), firsts) if len(firsts) else changed_from
    return spells


def _with_people(spells: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    """Spells with what the student's `STU` row says: demographics in local codes, end-of-year fields."""
    at = spells["person"].to_numpy()
    return spells.assign(**{name: taken(persons[name], at) for name in (*DEMOGRAPHICS, *_SPOKEN_FOR)})


def _in_summer(
    spells: pd.DataFrame,
    left_out: pd.DataFrame,
    persons: pd.DataFrame,
    known: Translator,
    school_table: pd.DataFrame,
    settings: Settings,
) -> pd.DataFrame:
    """Spells of one day for students who completed in the summer (2.6a), with the columns of the other spells."""
    found = summer_completions(spells, left_out, persons, known, school_table, settings)
    own = persons.iloc[found["person"].to_numpy()].reset_index(drop=True)
    made = found.assign(**{name: own[name] for name in (*DEMOGRAPHICS, *_SPOKEN_FOR)})
    return made.reindex(columns=spells.columns).astype(spells.dtypes.to_dict())


def _finish(spells: pd.DataFrame, known: Translator, settings: Settings) -> pd.DataFrame:
    """Keys and dates as they go out, demographics in state codes."""
    every = np.ones(len(spells), dtype=bool)
    finished = spells.assign(
        spell=np.arange(len(spells), dtype="int64"),
        academic_year=text.constant(settings.school_year.text, spells.index),
        start_date=dates.to_ccyymmdd(spells["start"]),
        exit_date=dates.to_ccyymmdd(spells["exit"]),
    )
    for name, code_set in (
        ("gender", "STU.GN"),
        ("suffix", "STU.SF"),
        ("birth_country", "STU.BCU"),
        ("birth_state", "STU.BST"),
    ):
        finished[name] = known.codes(code_set, finished[name], every)
    return finished.reset_index(drop=True)
