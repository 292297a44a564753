"""`senrkit language`: read both sides, class every student, write the run folder. Nothing is written to Aeries here."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.addresses.address import Address
from senrkit.errors import Stopped, UsageError
from senrkit.frames import days
from senrkit.inputs.aeries.read import AeriesTables
from senrkit.inputs.aeries.tables import year_in_name
from senrkit.inputs.elpac import ElpacFile
from senrkit.inputs.extract.sela import SelaExtract, sela_layouts
from senrkit.inputs.load import ELPAC, SELA, Inputs, load
from senrkit.language import tables as listed
from senrkit.language.classes import CLASSES, classify
from senrkit.language.sides import (
    aeries_statuses,
    histories,
    identity_conflicts,
    local_code,
    newest_statuses,
    not_asked,
)
from senrkit.language.vendor import JUDGEMENTS, refuse_other_file, vendor_notes, vendor_results
from senrkit.progress import NoProgress, Progress
from senrkit.reference.elas import facts, from_testing
from senrkit.results.manifest import to_json
from senrkit.results.tables import to_csv
from senrkit.results.write import refuse_used, staged
from senrkit.settings.settings import Settings, settings_document
from senrkit.version import __version__

DOCUMENT, TABLE, WORKBOOK = "language.json", "language.csv", "language.xlsx"
LAC_IMPORT, STU_IMPORT = "aeries_import_LAC.csv", "aeries_import_STU.csv"


@dataclass(frozen=True, eq=False)
class LanguageRun:
    """A finished run.

    Attributes
    ----------
    folder
        The run folder.
    document
        As in `language.json`: inputs, counts, files; no student.
    found
        Every student with class and reason (`classify`).
    proposed, stu_rows
        The students proposed for Aeries, and their rows of STU (`SC, SN, ID, LF`, `LF` being the new code).
    who
        Of these rows key, names and birth date as they were read (`statements.WHO`): looked at again before writing.
    """

    settings: Settings
    folder: Path
    document: dict[str, Any]
    found: pl.DataFrame
    proposed: pl.DataFrame
    stu_rows: pl.DataFrame
    who: pl.DataFrame

    def summary_lines(self) -> list[str]:
        """What was found, in plain words; no student."""
        return summary_lines(self.document)

    def plan_lines(self) -> list[str]:
        """What --apply would write, in plain words; no student."""
        if not len(self.proposed):
            return ["Nothing to write: no student is newly EL or IFEP."]
        allowed = ", ".join(self.settings.aeries.write_databases) or "none, write_databases is not set"
        lines = [f"To be written to Aeries in one transaction (databases that may be written to: {allowed}):"]
        kinds = ["proposed_status", "proposed_lf", "proposed_column"]
        for status, code, column, count in self.proposed.group_by(kinds).len().sort(kinds).rows():
            lines.append(f"  {count:>5,} students become {status}: STU.LF = '{code}' and the day in LAC.{column}")
        if early := self.document["counts"]["proposed_from_vendor"]:
            lines.append(f"  {early:>5,} of them from the test vendor's file: CALPADS does not hold it yet")
        new = (self.proposed["lac_rows"] == 0).sum()
        more = f", {new:,} of them new" if new else ""
        return [*lines, f"  {len(self.stu_rows):>5,} rows of STU, {len(self.proposed):,} of LAC{more}"]


def run_language(
    settings: Settings,
    *,
    sela: Path | Address | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    made: dt.datetime | None = None,
) -> LanguageRun:
    """Compare language status in the SELA ODS extract with Aeries and write `language.csv`, the import files for
    Aeries, the workbook and `language.json` into a run folder, all or nothing.

    Parameters
    ----------
    sela
        The extract, instead of the settings' `sela_extract`.
    out
        The run folder itself; made if missing. Default: a new one in the `runs` folder.
    made
        The time that the files carry; default now.

    Raises
    ------
    UsageError
        when no extract is named, or the run folder holds files.
    InputError
        when an input cannot be read or the folder cannot be written; nothing is left behind.
    Stopped
        when Aeries is of another year, or the extract of another LEA.
    """
    progress = progress or NoProgress()
    if out is not None:
        refuse_used(out)
    inputs, found = read_and_compare(settings, sela=sela, progress=progress)
    document = _document(inputs, found, made or dt.datetime.now(dt.UTC).astimezone())
    proposed = listed.proposals(found)
    stu_rows = listed.stu_import(proposed, inputs.tables.tables["STU"])
    progress.step("writing the files")
    folder = out or _new_folder(settings)
    _write(folder, document, found, proposed, stu_rows, settings.as_of)
    stu = inputs.tables.tables["STU"]
    who = stu.select("SC", "SN", "ID", *(code for code in ("LN", "FN", "BD") if code in stu.columns))
    who = who.join(stu_rows.select("SC", "SN", "ID"), on=["SC", "SN", "ID"], how="semi")
    return LanguageRun(settings, folder, document, found, proposed, stu_rows, who)


def read_and_compare(
    settings: Settings, *, sela: Path | Address | None = None, progress: Progress | None = None
) -> tuple[Inputs, pl.DataFrame]:
    """What was read, and every student with class and reason (`classify`); nothing is written.

    Raises
    ------
    UsageError, InputError, Stopped
        as `run_language`.
    """
    progress = progress or NoProgress()
    settings = _with_sela(settings, sela)
    if settings.calpads.sela_extract is None:
        raise UsageError("No SELA extract is named.", "Set sela_extract under [calpads], or use --sela FILE.")
    progress.step("reading Aeries and the SELA extract")
    inputs = load(settings, SELA, ELPAC)
    refuse_other_year(settings, inputs.tables.newest_year, inputs.tables.database_name)
    _refuse_other_lea(settings, inputs.sela)
    if inputs.elpac is not None:
        refuse_other_file(inputs.elpac, settings)
    progress.step("comparing, student by student")
    return inputs, compared(inputs.sela.state, inputs.tables, settings, inputs.elpac)


def compared(
    sela_rows: pl.DataFrame, aeries: AeriesTables, settings: Settings, elpac: ElpacFile | None = None
) -> pl.DataFrame:
    """Every student with class and reason (`classify`), from the rows of the extract, the tables of Aeries and, where
    there is one, the test vendor's file."""
    steps, in_aeries = histories(sela_rows), aeries_statuses(aeries, settings)
    return classify(
        steps,
        in_aeries,
        identity_conflicts(newest_statuses(steps), aeries, settings),
        vendor_results(elpac, aeries, settings),
        local_codes={status: local_code(aeries, settings, status) for status in from_testing()},
        lea=settings.lea,
        year=settings.school_year,
        as_of=settings.as_of,
        from_vendor=settings.calpads.language_source == "vendor",
    )


def refuse_other_year(settings: Settings, newest: int | None, database_name: str) -> None:
    """Raise `Stopped` when the newest enrollment rows, or the database's name, are of another year than the run's."""
    first = settings.school_year.first
    in_name = year_in_name(database_name) or first
    if newest == first == in_name:
        return
    said = f"of {in_name}" if in_name != first else f"with newest enrollments of {newest or 'no year'}"
    raise Stopped(
        f"The Aeries database is one {said}; the run is for {settings.school_year.text}.",
        "Name this year's database in [aeries], or another school_year.",
    )


def summary_lines(document: Mapping[str, Any]) -> list[str]:
    """The counts of a run in plain words; no student."""
    from senrkit.texts import wording

    counts, waiting = document["counts"], document["to_be_determined"]
    lines = [f"{sum(counts['class'].values()):,} students with a row on either side"]
    for name in CLASSES:
        lines.append(f"  {counts['class'][name]:>7,}  {name}: {wording.phrase('language-class', name).title}")
        lines += [
            f"             {count:,} x {reason}: {wording.phrase('language-reason', reason).title}"
            for reason, count in counts["reason"].get(name, {}).items()
        ]
    if early := counts["proposed_from_vendor"]:
        lines.append(f"New from the test vendor's file, not yet in CALPADS: {early:,}.")
    if vendor := counts["vendor"]:
        lines.append("The test vendor's results:")
        for name, count in vendor.items():
            lines.append(f"  {count:>7,}  {name}: {wording.phrase('language-vendor', name).title}")
    if warned := counts["proposed_with_warnings"]:
        lines.append(f"New with a warning (column warnings): {warned:,}.")
    lines.append(
        f"To be determined for more than {waiting['more_than_days']} days: {waiting['over']:,}; "
        f"for {waiting['at_least_days']} days or more: {waiting['long_over']:,}; exempt: {waiting['exempt']:,}."
    )
    return lines


def _with_sela(settings: Settings, sela: Path | Address | None) -> Settings:
    calpads = settings.calpads
    return dataclasses.replace(
        settings, calpads=dataclasses.replace(calpads, sela_extract=sela or calpads.sela_extract)
    )


def _refuse_other_lea(settings: Settings, extract: SelaExtract) -> None:
    # Rows of other LEAs belong there: a status has one owner in the whole state.
    if not (extract.state["reporting_lea"] == settings.lea).any():
        raise Stopped(
            f"No row of the SELA extract is of LEA {settings.lea}.",
            "Check lea in the settings and the LEA under which you were logged in to CALPADS.",
        )


def _new_folder(settings: Settings) -> Path:
    name, again = f"{settings.as_of}_language", 2
    folder = settings.output.runs / name
    while folder.exists():
        folder, again = settings.output.runs / f"{name}_{again}", again + 1
    return folder


def _write(
    out: Path,
    document: dict[str, Any],
    found: pl.DataFrame,
    proposed: pl.DataFrame,
    stu_rows: pl.DataFrame,
    as_of: dt.date,
) -> None:
    contents = {
        TABLE: to_csv(listed.language_table(found)),
        LAC_IMPORT: to_csv(listed.lac_import(proposed)),
        STU_IMPORT: to_csv(stu_rows),
        DOCUMENT: to_json(document),
    }
    with staged(out) as folder:
        listed.write_workbook(folder / WORKBOOK, document, found, as_of)
        for name, data in contents.items():
            (folder / name).write_bytes(data)
            if (folder / name).read_bytes() != data:
                raise RuntimeError(f"{name} was read back with other bytes than were written.")


def _document(inputs: Inputs, found: pl.DataFrame, made: dt.datetime) -> dict[str, Any]:
    settings, extract, aeries = inputs.settings, inputs.sela, inputs.tables
    by_class = dict(found["class"].value_counts().rows())
    by_vendor = dict(found["vendor"].value_counts().rows())
    reasons: dict[str, dict[str, int]] = {}
    for name, reason, count in found.group_by("class", "reason").len().sort("class", "reason").rows():
        if reason:
            reasons.setdefault(name, {})[reason] = count
    proposed = listed.proposals(found)
    conflicts = listed.by_school(listed.conflict_report(found))
    document = {
        "senrkit_version": __version__,
        "made": made.isoformat(timespec="seconds"),
        "lea": settings.lea,
        "school_year": settings.school_year.text,
        "as_of": settings.as_of.isoformat(),
        "settings": settings_document(settings),
        "inputs": inputs.digests,
        "database": aeries.database_name,
        "counts": {
            "class": {name: by_class.get(name, 0) for name in CLASSES},
            "reason": reasons,
            "proposed": len(proposed),
            "proposed_with_warnings": (proposed["warnings"] != "").sum(),
            "proposed_from_vendor": (proposed["proposed_from"] == "vendor").sum(),
            "vendor": {name: by_vendor[name] for name in JUDGEMENTS if name in by_vendor},
        },
        "conflicts_by_school": conflicts.to_dicts(),
        "to_be_determined": _waiting(found, settings.as_of),
        "files": [TABLE, LAC_IMPORT, STU_IMPORT, WORKBOOK],
        "notes": [*aeries.notes, *extract.notes, *_age_note(extract, settings), *_not_asked(extract, aeries)]
        + (vendor_notes(inputs.elpac, found, settings) if inputs.elpac else []),
    }
    return settings.as_given(document)


def _waiting(found: pl.DataFrame, as_of: dt.date) -> dict[str, int]:
    limits = {name: facts()["to_be_determined"][name] for name in ("more_than_days", "at_least_days")}
    ages = listed.to_be_determined(found, as_of)["age"]
    exempt, long_over = ((ages == age).sum() for age in (listed.EXEMPT, listed.LONG_OVER))
    return limits | {"over": len(ages) - exempt, "long_over": long_over, "exempt": exempt}


def _age_note(extract: SelaExtract, settings: Settings) -> list[str]:
    """How old the extract is, when that is more than the settings allow."""
    newest = extract.state.select(days.of_update(col.last_updated)).to_series().max()
    most = settings.calpads.max_extract_age_days
    if newest is None or (settings.as_of - newest).days <= most:
        return []
    return [f"The newest change in the SELA extract is of {newest}: more than {most} days before {settings.as_of}."]


def _not_asked(extract: SelaExtract, aeries: AeriesTables) -> list[str]:
    """What a column that is missing leaves open."""
    lacking = not_asked(aeries)
    told = [f"The source has no {', '.join(lacking)}: the column warnings says nothing of it."] if lacking else []
    if extract.columns < max(sela_layouts()):
        told.append("The SELA extract has no correction reasons: what only a correction can explain is refused.")
    return told
