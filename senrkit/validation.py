"""What CALPADS would say to any SENR file: rejected, warned, cannot be told; and the file without whom it would reject.

Exit codes of `senrkit validate`: 0 nothing fatal; 3 a file cannot be read; 4 a file would be rejected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
from polars import col

from senrkit.calpads.check import cannot_check
from senrkit.calpads.findings import FATAL, UNKNOWN, WARNING, by_cause
from senrkit.calpads.predict import apply
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.rules.language import SPAN, check_language, unchecked
from senrkit.calpads.store import Store
from senrkit.disk import write_all
from senrkit.errors import InputError, UsageError
from senrkit.frames import days
from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.directory import SchoolDirectory, read_school_directory
from senrkit.inputs.extract.sela import read_sela_extract
from senrkit.inputs.extract.senr import read_extract
from senrkit.inputs.submission.sela import read_sela_file, record_type_of
from senrkit.inputs.submission.senr import SenrFile, read_senr_file
from senrkit.reference import SchoolYear, rule_anchor, rule_titles
from senrkit.results.files import encode
from senrkit.results.tables import formula_safe
from senrkit.system.files import why
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

PASSED, REJECTED = 0, 4
UNREAD = "not-read"
_FINDINGS = ("line", "rule", "severity", "school_code", "ssid", "start_date", "fields", "message", "fix", "start_key")
_LEFT_OUT = ("line", "rule", "school_code", "ssid", "start_date", "message", "fix", "start_key")
_HEADINGS = {FATAL: "Would reject the file", WARNING: "Warnings", UNKNOWN: "Cannot be told"}


@dataclass(frozen=True, repr=False)
class Validation(Carded):
    """What one file would be told. `found` is the findings frame of the core, with the column `line` beside."""

    file: SenrFile
    context: CheckContext
    with_state: bool
    found: pl.DataFrame
    about: ClassVar[str] = "enrollment"

    @property
    def rejected(self) -> bool:
        return bool(self.file.faults) or (self.found["severity"] == FATAL).any()

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What would be said, in file order: `line` (int64, 1-based), `rule, severity` (`fatal`, `warning`, `unknown`),
        `school_code, ssid` (str), `start_date` (day), `fields, message, fix, start_key` (str)."""
        keyed = self.found.with_columns(start_date=days.of_key(col.start_date), start_key="start_date")
        return to_pandas(keyed.select(_FINDINGS).sort("line", maintain_order=True))

    def card(self) -> dict[str, str]:
        """What would come of it; no student."""
        counted = dict(self.found.group_by("severity").len().rows())
        said = {name: f"{counted.get(name, 0):,}" for name in (FATAL, WARNING, UNKNOWN)}
        verdict = "would be rejected" if self.rejected else "nothing fatal found"
        return {"file": self.file.name, "records": f"{len(self.file.records):,}", "verdict": verdict} | said

    @property
    def exit_code(self) -> int:
        return REJECTED if self.rejected else PASSED

    def causes(self) -> pl.DataFrame:
        """One row per cause, worst first, largest first (`findings.by_cause`), with `first_line` (int64) and
        `rule_book`, the anchor of the rule in the documentation."""
        cause = ["severity", "rule", "fields"]
        first = self.found.group_by(cause).agg(first_line=col.line.min())
        causes = by_cause(self.found, rule_titles()).join(first, on=cause, maintain_order="left")
        anchors = {rule: rule_anchor(rule) for rule in causes["rule"]}
        return causes.with_columns(rule_book=col.rule.replace_strict(anchors, default="", return_dtype=pl.String))

    def unchecked(self) -> pl.DataFrame:
        """Rules that could not be tested: `id`, `title`, `because`."""
        return cannot_check(self.context, with_state=self.with_state)

    def document(self) -> dict[str, Any]:
        """For machines: counts and causes, nobody's name or SSID."""
        return {
            "file": self.file.name,
            "records": len(self.file.records),
            "would_be_rejected": self.rejected,
            "faults": list(self.file.faults),
            "notes": list(self.file.notes),
            "causes": self.causes().to_dicts(),
            "cannot_check": self.unchecked().to_dicts(),
            "exit_code": self.exit_code,
        }

    def text(self) -> str:
        """For people: one line per cause."""
        verdict = "would be rejected" if self.rejected else "nothing fatal found"
        lines = [f"{self.file.name}: {len(self.file.records):,} records, {verdict}."]
        lines += [f"  The whole file: {fault}" for fault in self.file.faults]
        lines += [f"  Note: {note}" for note in self.file.notes]
        for causes in self.causes().partition_by("severity", maintain_order=True):
            lines += ["", f"{_HEADINGS[causes['severity'][0]]}:"]
            for cause in causes.rows(named=True):
                lines.append("  {rows:>7,} x {rule}: {title}. First in line {first_line:,}.".format(**cause))
                lines.append(f"{'':12}{cause['example']}")
                lines.append(f"{'':12}What to do: {cause['fix']}")
                if cause["rule_book"]:
                    lines.append(f"{'':12}Rule book: {cause['rule_book']}")
        lines += ["", f"{len(self.unchecked())} rules about {self.about} cannot be checked here (see --json)."]
        return "\n".join(lines)


def validate(
    path: Path,
    *,
    as_of: dt.date,
    extract: Sequence[Path] = (),
    directory: Path | None = None,
    lea: str = "",
) -> Validation:
    """Test a file against itself, and against the extract and the school directory where they are given.

    Parameters
    ----------
    lea
        The submitting LEA; default: the one that most records name.

    Raises
    ------
    InputError
        when the file, the extract or the directory cannot be read.
    """
    return validate_in_order([path], as_of=as_of, extract=extract, directory=directory, lea=lea)[0]


def validate_in_order(
    paths: Sequence[Path],
    *,
    as_of: dt.date,
    extract: Sequence[Path] = (),
    directory: Path | None = None,
    lea: str = "",
) -> list[Validation]:
    """Test files that are uploaded one after the other: with an extract, each meets the state as the files before it
    left it. A file that would be rejected changes nothing. SELA files and extracts are known by their record type.
    Parameters and errors as `validate`.
    """
    schools = read_school_directory(directory) if directory else None
    sela_extract = [path for path in extract if record_type_of(path) == "SELA-R"]
    senr_extract = [path for path in extract if path not in sela_extract]
    store = Store(read_extract(senr_extract).state) if senr_extract else None
    done: list[Validation] = []
    for path in paths:
        if record_type_of(path) == "SELA":
            enrollments = store.where(pl.lit(True), SPAN) if store is not None else None
            done.append(
                validate_language(path, as_of=as_of, sela_extract=sela_extract, enrollments=enrollments, lea=lea)
            )
            continue
        file = read_senr_file(path, SchoolYear.of(as_of))
        context = _context(file, as_of, lea, schools)
        answer = apply(store, file.records, context)
        done.append(Validation(file, context, store is not None, _in_lines(answer.findings, file)))
        # A line that could not be read sinks the file, too.
        store = store if done[-1].rejected else answer.store
    return done


def _in_lines(findings: pl.DataFrame, file: SenrFile) -> pl.DataFrame:
    """Findings with the file's name and the `line` in it."""
    return findings.with_columns(file=pl.lit(file.name), line=file.records["line"].gather(findings["row"]))


def _context(file: SenrFile, as_of: dt.date, lea: str, schools: SchoolDirectory | None) -> CheckContext:
    records = file.records
    charter = len(records) > 0 and (records["school_code"] == records["reporting_lea"]).all()
    usual = records["reporting_lea"].mode(maintain_order=True)
    return CheckContext(SchoolYear.of(as_of), as_of, lea or (usual[0] if len(usual) else ""), charter, schools)


def write_clean(validation: Validation, out: Path) -> tuple[Path, Path]:
    """Write the file without the students that sink it, and beside it the list of those left out, both or neither.

    Every record of a student with a fatal finding is left out, and every line that could not be read. The list
    (`<out>.left_out.csv`) has `line, rule, school_code, ssid, start_date, message, fix, start_key`. Both are private.

    Raises
    ------
    UsageError
        when `out` or its list is there already, nothing would be left, or the file is no SENR file in today's layout:
        written in another one it would blank what it does not hold.
    InputError
        when the folder cannot be written.
    """
    out = Path(out)
    list_file = out.with_name(out.name + ".left_out.csv")
    if out.exists() or list_file.exists():
        raise UsageError(f"{out.name} or its list is there already.", "Name another file for --clean.")
    if not validation.file.is_current:
        raise UsageError("Only a SENR file in the layout of its year can be cleaned.", "Export it again for this year.")
    records = validation.file.records
    sunk = _sunk(validation)
    kept = records.filter(~sunk)
    if kept.is_empty():
        raise UsageError("Every student of the file would sink it; nothing is left to write.", "Mend it at its source.")
    try:
        data = encode(kept)
    except ValueError:
        raise InputError(
            f"{validation.file.name} holds a value with a caret or a line end in a record without other faults.",
            "Remove the character at the source.",
        ) from None
    shown = _left_out(validation, sunk).with_columns(formula_safe(col(pl.String)))
    listed = shown.write_csv(line_terminator="\r\n").encode()
    try:
        write_all({out: data, list_file: listed})
    except OSError as error:
        cure = "Close it where it is open, or name a file in a folder of yours."
        raise InputError(f"{out.parent} cannot be written ({why(error, out)}).", cure) from None
    return out, list_file


def _sunk(validation: Validation) -> pl.Series:
    """Every record of a student with a fatal finding. A student without SSID is known by local id, else the record."""
    local, line = pl.format("local {}", "local_id"), pl.format("line {}", "line")
    who = pl.when(col.ssid != "").then("ssid").when(col.local_id != "").then(local).otherwise(line)
    students = validation.file.records.select(who=who)["who"]
    fatal = validation.found.filter(col.severity == FATAL)
    return students.is_in(students.gather(fatal["row"]).implode())


def _left_out(validation: Validation, sunk: pl.Series) -> pl.DataFrame:
    """A row per fatal finding; the student's other records as such; then the lines that are no record."""
    fatal = validation.found.filter(col.severity == FATAL).select(_LEFT_OUT[:-1])
    records = validation.file.records
    beside = (
        records.filter(sunk)
        .join(fatal, on="line", how="anti")
        .select(
            "line", "school_code", "ssid", "start_date", message=pl.lit("Left out with the student's other records.")
        )
    )
    unread = pl.DataFrame({"line": validation.file.unread}, {"line": pl.Int64}).with_columns(
        rule=pl.lit(UNREAD), message=pl.lit("The line is no record of the layout.")
    )
    listed = pl.concat([fatal, beside, unread], how="diagonal").sort(
        "line", col.rule.fill_null(""), maintain_order=True
    )
    listed = listed.with_columns(days.key_to_iso(col.start_date), start_key="start_date")
    # Polars would put quotes around a blank.
    return listed.select(_LEFT_OUT).with_columns(col(pl.String).replace("", None))


@dataclass(frozen=True, repr=False)
class LanguageValidation(Validation):
    """As `Validation`, of a SELA file."""

    with_enrollments: bool = False
    about: ClassVar[str] = "language status"

    def unchecked(self) -> pl.DataFrame:
        return unchecked(self.context.as_of, with_state=self.with_state, with_enrollments=self.with_enrollments)


def validate_language(
    path: Path,
    *,
    as_of: dt.date,
    sela_extract: Sequence[Path] = (),
    enrollments: pl.DataFrame | None = None,
    lea: str = "",
) -> LanguageValidation:
    """Test a SELA file against itself and what CALPADS holds.

    Parameters
    ----------
    sela_extract
        SELA ODS extracts.
    enrollments
        The rows of the SENR ODS extract.

    Raises
    ------
    InputError
        when a file cannot be read.
    """
    file = read_sela_file(path)
    held = pl.concat([read_sela_extract(each).state for each in sela_extract]) if sela_extract else None
    findings = check_language(file.records, as_of, held, enrollments)
    context = CheckContext(SchoolYear.of(as_of), as_of, lea or file.records["reporting_lea"].mode().min())
    return LanguageValidation(file, context, held is not None, _in_lines(findings, file), enrollments is not None)
