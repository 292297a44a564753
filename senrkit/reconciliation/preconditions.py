"""May the two be compared? Every precondition of reconciliation.md section 3, reported whether passed or not."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
from polars import col

from senrkit.errors import LayoutError, UsageError
from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.aeries.read import AeriesTables
from senrkit.inputs.aeries.tables import year_in_name
from senrkit.inputs.extract.senr import Extract
from senrkit.reconciliation.proposal import Proposal
from senrkit.reconciliation.scope import Scope
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet
from senrkit.spells.schools import NPS_SCHOOL, district_lea
from senrkit.texts import wording

PASSED, STOPPED, ACCEPTED, WARNING = "passed", "stopped", "accepted", "warning"
DELETES_AT_LEAST, DELETES_SHARE = 25, 0.02
ACTIVE_ONLY_ABOVE = 50
UNREADABLE_AT_LEAST, UNREADABLE_SHARE = 5, 0.01
FOUND_SHARE = 0.98


@dataclass(frozen=True)
class Precondition:
    """One precondition as found: no student data in it.

    Attributes
    ----------
    id, title, kind, cure
        As in `texts/preconditions.csv`; `kind` is `hard`, `soft` or `warning`.
    state
        `passed`, `stopped`, `accepted` or `warning`.
    evidence
        One sentence with the figures.
    by_school
        Counts by school of attendance, where that helps.
    accepted_by, because
        Who accepted a soft stop, and why.
    """

    id: str
    title: str
    kind: str
    cure: str
    state: str
    evidence: str
    by_school: Mapping[str, int] = field(default_factory=dict)
    accepted_by: str = ""
    because: str = ""


@dataclass(frozen=True)
class Acceptance:
    """What a person accepted by name: soft stops with a reason, and the exact number of deletes."""

    because: Mapping[str, str] = field(default_factory=dict)
    deletes: int | None = None
    person: str = ""


@functools.cache
def _texts() -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in wording.rows("preconditions.csv")}


def stopped(found: list[Precondition]) -> list[Precondition]:
    """Those that stop the run."""
    return [one for one in found if one.state == STOPPED]


def check_acceptable(acceptance: Acceptance) -> None:
    """Refuse, before any work, an acceptance that cannot be one.

    Raises
    ------
    UsageError
        for an unknown id, a hard stop, an empty reason, or P12 without its number.
    """
    for name, because in acceptance.because.items():
        known = _texts().get(name)
        if known is None:
            raise UsageError(f"There is no precondition {name}.", f"Known are {', '.join(_texts())}.")
        if known["kind"] != "soft":
            raise UsageError(
                f"{name} ({known['title'].lower()}) cannot be accepted; it has to be mended.", known["cure"]
            )
        if name == "P12" and acceptance.deletes is None:
            raise UsageError("P12 is accepted only by the exact number of deletes.", "Use --accept-deletes N.")
        if not because.strip():
            raise UsageError(f"Accepting {name} needs a reason.", 'Add --because "…".')


def of_inputs(tables: AeriesTables, extract: Extract | LayoutError, settings: Settings) -> list[Precondition]:
    """P01, P02 and P03: what can be said before the two sides are set against each other."""
    found = [_as_of_in_year(settings), _aeries_year(tables, settings)]
    if isinstance(extract, LayoutError):
        return [*found, _found("P03", False, str(extract))]
    layout = f"SENR-R, {len(extract.state):,} rows of {extract.layout.fields + 2} columns."
    return [*found, _found("P03", True, layout)]


def of_comparison(
    extract: Extract, scope: Scope, spell_set: SpellSet, tables: AeriesTables, settings: Settings
) -> list[Precondition]:
    """P04 to P11 and P13 to P16."""
    return [
        _own_lea(scope, settings),
        _schools(spell_set, tables, settings),
        _closed_ones_too(scope),
        _shows_last_year(scope),
        _fresh(extract, settings),
        _closed_out(scope, settings),
        _translated(spell_set),
        _enrollment_started(scope, spell_set),
        _once(extract, scope),
        _far_enough(scope, settings),
        _dates_read(tables, settings),
        _students_found(spell_set),
    ]


def of_postings(
    newest_posting: dt.date | None, newest_in_extract: dt.date | None, laid_over: int, taken_off: int
) -> Precondition:
    """P17: the newest posting that the ledger knows is newer than the extract."""
    if newest_posting is None:
        return _found("P17", True, "No file of a run is known to have posted.")
    update = f"of {newest_in_extract}" if newest_in_extract else "not known"
    said = f"The newest posting is of {newest_posting}, the newest update in the extract {update}"
    fresh = newest_in_extract is not None and newest_posting < newest_in_extract
    done = f"Rows laid over it: {laid_over:,}; rows taken off it: {taken_off:,}."
    return _found("P17", fresh, f"{said}." if fresh else f"{said}. {done}")


def of_deletes(proposal: Proposal, scope: Scope, acceptance: Acceptance) -> Precondition:
    """P12: deletes exceed both 25 and 2 % of the state rows in scope."""
    deletes = proposal.actions.filter(col("action") == "delete")
    rows = len(scope.state)
    many = len(deletes) > DELETES_AT_LEAST and len(deletes) > DELETES_SHARE * rows
    share = f" ({len(deletes) / rows:.1%})" if rows else ""
    said = f"{len(deletes):,} of {rows:,} state rows in scope would be deleted{share}."
    by_school = _by_school(deletes["school_code"]) if many else {}
    if many and acceptance.deletes == len(deletes):
        return _found(
            "P12",
            True,
            said,
            by_school,
            state=ACCEPTED,
            person=acceptance.person,
            because=acceptance.because.get("P12") or f"--accept-deletes {acceptance.deletes}",
        )
    if many and acceptance.deletes is not None:
        said += f" The number accepted was {acceptance.deletes:,}."
    return _found("P12", not many, said, by_school)


def accepted(found: list[Precondition], acceptance: Acceptance) -> list[Precondition]:
    """The soft stops that a person accepted by name, marked so."""
    return [
        _found(
            one.id,
            True,
            one.evidence,
            one.by_school,
            state=ACCEPTED,
            person=acceptance.person,
            because=acceptance.because[one.id],
        )
        if one.state == STOPPED and one.kind == "soft" and one.id in acceptance.because
        else one
        for one in found
    ]


def not_checked(ids: list[str], because: str) -> list[Precondition]:
    """Preconditions that an earlier stop leaves unanswered; never passed."""
    return [_found(name, True, f"Not checked: {because}", state=WARNING) for name in ids]


def in_order(found: list[Precondition]) -> list[Precondition]:
    """All of them, in the order of section 3; those missing are marked as not checked."""
    by_id = {one.id: one for one in found}
    missing = [name for name in _texts() if name not in by_id]
    stops = ", ".join(one.id for one in stopped(found))
    by_id |= {one.id: one for one in not_checked(missing, f"{stops} stopped the run first.")}
    return [by_id[name] for name in _texts()]


def _found(
    name: str,
    passed: bool,
    evidence: str,
    by_school: Mapping[str, int] | None = None,
    state: str = "",
    person: str = "",
    because: str = "",
) -> Precondition:
    words = _texts()[name]
    failing = WARNING if words["kind"] == "warning" else STOPPED
    state = state or (PASSED if passed else failing)
    return Precondition(
        name, words["title"], words["kind"], words["cure"], state, evidence, by_school or {}, person, because
    )


def _as_of_in_year(settings: Settings) -> Precondition:
    year = settings.school_year
    said = f"The run is as of {settings.as_of}; the school year runs from {year.start} to {year.end}."
    return _found("P01", year.contains(settings.as_of), said)


def _aeries_year(tables: AeriesTables, settings: Settings) -> Precondition:
    first, newest = settings.school_year.first, tables.newest_year
    in_name = year_in_name(tables.database_name)
    held = newest if newest is not None else "no year"
    said = f"The newest enrollment rows in Aeries are of {held}; the run is for {first}."
    if in_name is not None:
        said += f" The database's name says {in_name}."
    return _found("P02", newest == first and in_name in (None, first), said)


def _dates_read(tables: AeriesTables, settings: Settings) -> Precondition:
    """P15: dates that cannot be read, each column apart, by their shape and never by their value."""
    enr, stu = (to_polars(tables.tables[name]) for name in ("ENR", "STU"))
    of_year = enr.filter(col("YR") == str(settings.school_year.first))
    said, passed = [], True
    for name, column in {"STU.BD": stu["BD"], "ENR.ED": of_year["ED"], "ENR.LD": of_year["LD"]}.items():
        values = column.alias("value").to_frame()
        odd = values.filter(days.of_iso(col("value")).is_null(), col("value").ne_missing(""))["value"]
        filled = column.ne_missing("").sum()
        stops = len(odd) > UNREADABLE_AT_LEAST and len(odd) > UNREADABLE_SHARE * filled
        passed &= not stops
        if len(odd):
            # The commonest first, and of those as common the first met.
            counted = odd.drop_nulls().to_frame().group_by("value", maintain_order=True).len()
            values = counted.sort("len", descending=True, maintain_order=True)["value"][:200]
            shown = ", ".join(list(dict.fromkeys(map(_shape, values)))[:3])
            said.append(f"{name}: {len(odd):,} of {filled:,} values cannot be read as a date, of the shape {shown}.")
    if tables.day_order == "undecided":
        said.append("No date shows whether day or month comes first.")
    return _found("P15", passed, " ".join(said) or "Every date of birth, entry and leaving can be read.")


def _shape(value: str) -> str:
    """Digits as 9, letters as A and a: what a value looks like, without the value."""
    shape = re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", value)))
    return re.sub(r"[^9Aa/.\-: ]", "?", shape)[:20]


def _students_found(spell_set: SpellSet) -> Precondition:
    """P16: enrollment rows of the run year whose student is in `STU`."""
    rows, missing = spell_set.rows_read, spell_set.rows_without_student
    said = f"{rows - missing:,} of {rows:,} enrollment rows of the year find their student in STU."
    return _found("P16", rows - missing >= FOUND_SHARE * rows, said)


def _own_lea(scope: Scope, settings: Settings) -> Precondition:
    others = _counted(scope.rows.narrow.filter(~scope.of_lea)["reporting_lea"])
    unexpected = {lea: rows for lea, rows in others.items() if lea not in settings.calpads.other_leas}
    own = _own_rows(scope)
    said = f"{own:,} rows are of LEA {settings.lea}."
    if unexpected:
        named = ", ".join(f"{lea or 'blank'} ({rows:,})" for lea, rows in list(unexpected.items())[:5])
        said += f" {sum(unexpected.values()):,} rows are of other LEAs: {named}."
    return _found("P04", own > 0 and not unexpected, said)


def _counted(column: pl.Series) -> dict[str, int]:
    """How often each value stands there, the commonest first, and of those as common the first met."""
    counted = column.alias("value").cast(pl.String).to_frame().group_by("value", maintain_order=True).len()
    return dict(counted.sort("len", descending=True, maintain_order=True).iter_rows())


def _own_rows(scope: Scope) -> int:
    return scope.rows.narrow.select(scope.of_lea.sum()).item()


def _schools(spell_set: SpellSet, tables: AeriesTables, settings: Settings) -> Precondition:
    selected = spell_set.schools["selected"].sum()
    # A completion of the summer goes out under its school's code, too.
    spells = pl.concat(side.select("school_code", "aeries_school") for side in (spell_set.spells, spell_set.summer))
    uncoded = _counted(spells.filter(~col("school_code").str.contains(r"^[0-9]{7}$"))["aeries_school"])
    said = f"{selected:,} schools are selected."
    if not selected:
        own = district_lea(to_polars(tables.tables["LOC"]))
        if own and own != settings.lea and not settings.charter and settings.lea_from == "district":
            said += f" The district record in Aeries says {own}, the settings say {settings.lea}."
    if uncoded:
        schools = ", ".join(f"{code} ({rows:,})" for code, rows in uncoded.items())
        said += f" Enrollments at Aeries schools without a seven-digit state code: {schools}."
    return _found("P05", selected > 0 and not uncoded, said)


def _closed_ones_too(scope: Scope) -> Precondition:
    own = _own_rows(scope)
    closed = scope.rows.narrow.select((scope.of_lea & col("exit").is_not_null()).sum()).item()
    said = f"{closed:,} of {own:,} rows have an exit date."
    return _found("P06", not (own > ACTIVE_ONLY_ABOVE and closed == 0), said)


def _earliest(scope: Scope) -> dt.date | None:
    return scope.rows.narrow.select(col("start").filter(scope.of_lea).min()).item()


def _said_of(earliest: dt.date | None) -> str:
    return f"The earliest start date is {earliest}" if earliest else "No row of the LEA has a start date"


def _shows_last_year(scope: Scope) -> Precondition:
    earliest, wanted = _earliest(scope), scope.year.previous.start
    said = f"{_said_of(earliest)}; last school year began on {wanted}."
    return _found("P07", earliest is not None and earliest <= wanted, said)


def _far_enough(scope: Scope, settings: Settings) -> Precondition:
    earliest = _earliest(scope)
    wanted = dt.date(settings.school_year.first - settings.calpads.years_back, 7, 1)
    said = f"{_said_of(earliest)}; {settings.calpads.years_back} years back is {wanted}."
    return _found("P14", earliest is not None and earliest <= wanted, said)


def _fresh(extract: Extract, settings: Settings) -> Precondition:
    newest = extract.newest_update
    if newest is None:
        return _found("P08", False, "No row has a readable date of last update, so the extract's age is not known.")
    age = (settings.as_of - newest).days
    allowed = settings.calpads.max_extract_age_days
    said = (
        f"The newest update in the extract is of {newest}, {_days(age)} before the run; {_days(allowed)} are allowed."
    )
    return _found("P08", age <= allowed, said)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _closed_out(scope: Scope, settings: Settings) -> Precondition:
    still_open = scope.open_prior_year()
    by_school = _by_school(still_open["school_code"])
    said = f"{still_open.height:,} state rows that started before {scope.year.start} are still open."
    if still_open.height and settings.process.prior_year_open == "hold":
        return _found("P09", False, said + " Their students are held.", by_school, state=WARNING)
    return _found("P09", not still_open.height, said, by_school)


def _translated(spell_set: SpellSet) -> Precondition:
    missing = spell_set.untranslated
    listed = ", ".join(f"{name} {code!r} ({rows:,} rows)" for name, code, rows in missing.iter_rows())
    said = f"Without a translation: {listed}." if listed else "Every local code met has a translation."
    return _found("P10", not len(missing), said)


def _enrollment_started(scope: Scope, spell_set: SpellSet) -> Precondition:
    here, there = spell_set.spells["ssid"].n_unique(), scope.state["ssid"].n_unique()
    said = f"{here:,} students have enrollments in Aeries, {there:,} have state rows in scope."
    return _found("P11", here * 2 >= there, said)


def _once(extract: Extract, scope: Scope) -> Precondition:
    files = [file.name for file in extract.files]
    twice = _rows_with_a_repeated_key(scope)
    said = (
        f"{twice.height:,} rows share their key (school, SSID, start date) with another row."
        if twice.height
        else "No key stands twice."
    )
    if len(files) > 1:
        said += f" {len(files)} files were given for one LEA: {', '.join(files)}."
    lines = ", ".join(f"{extract.line(row):,}" for row in twice["ods_row"][:6])
    if lines:
        said += f" First lines: {lines}."
    return _found("P13", not twice.height and len(files) == 1, said, _by_school(twice["school_code"].cast(pl.String)))


def _rows_with_a_repeated_key(scope: Scope) -> pl.DataFrame:
    """All rows whose key another row has: `ods_row` and what the key is made of.

    Students with one state row a start date cannot repeat a key, so SSID and start date are looked at first.
    """
    rows = scope.rows.narrow.select("ssid", "start", "school_code", "nps_code").with_row_index("ods_row")
    both = col("ssid").hash() ^ col("start").hash()
    in_order = rows.select(both.sort()).to_series()
    coarse = rows.filter(both.is_in(in_order.filter(in_order == in_order.shift()).implode()))
    nps = pl.when(col("school_code") == NPS_SCHOOL).then(col("nps_code").cast(pl.String))
    return coarse.filter(pl.struct("school_code", nps.alias("nps"), "ssid", "start").is_duplicated())


def _by_school(schools: pl.Series) -> dict[str, int]:
    return dict(sorted(_counted(schools).items()))
