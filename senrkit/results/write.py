"""The run folder: made whole or not at all, private, read back before anything is said to be done.

Everything is written into a hidden folder `.unfinished-…` beside the run folder and moved to its place in one step at
the end, so that a run that is killed leaves nothing that looks finished.
"""

from __future__ import annotations

import errno
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from senrkit import disk
from senrkit.errors import InputError, UsageError
from senrkit.results.covering_sheet import covering_sheet
from senrkit.results.files import EncodedFile, Plan, decode
from senrkit.results.manifest import of_inputs_alone, to_json
from senrkit.results.report import write_workbook
from senrkit.results.tables import (
    findings_table,
    in_no_file,
    information_table,
    left_out_table,
    proposal_table,
    to_csv,
)
from senrkit.system.files import why
from senrkit.texts.card import Carded

COVERING_SHEET = "READ_ME_FIRST.txt"
MANIFEST, SOURCES = "manifest.json", "sources.json"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, repr=False)
class RunDocuments(Carded):
    """Everything that a finished run leaves.

    `findings` is `None` when nothing was predicted; `information` has `kind, school_code, ssid, local_id, detail`;
    `decisions` is the decisions file that was used, byte for byte, or `None`; `package` is the zip's name without end;
    `enrollments` is what both sides hold of the students concerned (`both_sides`); `sources` is what was read
    (`inputs.sources.what_was_read`).
    """

    manifest: Mapping[str, Any]
    plan: Plan
    files: Sequence[EncodedFile]
    left_out: pl.DataFrame
    findings: pl.DataFrame | None
    information: pl.DataFrame
    decisions: bytes | None
    package: str
    list_same: bool = False
    enrollments: pl.DataFrame | None = None
    sources: Mapping[str, Any] | None = None


def write_run(out: Path, documents: RunDocuments) -> Path:
    """Write the whole run folder; the manifest comes last, and the folder takes its name after that.

    The zip depends on the inputs alone: its manifest is `manifest.of_inputs_alone`.

    Raises
    ------
    UsageError
        when `out` holds files, or is no folder.
    InputError
        when the disk is full or cannot be written; nothing is left behind.
    RuntimeError
        when what stands on the disk is not what was to be written: a fault of senrkit or of the disk.
    """
    with staged(out) as folder:
        _write(folder / "proposal.csv", to_csv(proposal_table(documents.plan.actions, documents.list_same)))
        _write(folder / "left_out.csv", to_csv(left_out_table(documents.left_out)))
        _write(folder / "findings.csv", to_csv(findings_table(documents.findings)))
        _write(folder / "information.csv", to_csv(information_table(documents.information)))
        if documents.enrollments is not None:
            _write(folder / "enrollments.csv", to_csv(documents.enrollments))
        if documents.sources is not None:
            _write(folder / SOURCES, to_json(documents.sources))
        if documents.decisions is not None:
            _write(folder / "decisions.csv", documents.decisions)
        _write_submission(folder / "submission", documents)
        write_workbook(
            folder / "report.xlsx",
            documents.manifest,
            documents.plan,
            documents.left_out,
            documents.findings,
            documents.information,
            documents.sources,
        )
        _write(folder / MANIFEST, to_json(documents.manifest))
    return out


def write_stopped(
    out: Path,
    manifest: Mapping[str, Any],
    actions: pl.DataFrame | None = None,
    sources: Mapping[str, Any] | None = None,
) -> Path:
    """The folder of a run that a precondition stopped: the manifest, and the actions that could be accepted, if any.
    Raises as `write_run`."""
    with staged(out) as folder:
        if actions is not None:
            _write(folder / "proposal.csv", to_csv(proposal_table(in_no_file(actions))))
        if sources is not None:
            _write(folder / SOURCES, to_json(sources))
        _write(folder / MANIFEST, to_json(manifest))
    return out


def refuse_used(out: Path) -> None:
    """Stop before the work starts when the run folder cannot become `out`.

    Raises
    ------
    UsageError
        when `out` holds files, or is no folder.
    """
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"The run folder {out} holds files already.", "Name one that does not exist yet.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file, not a folder.", "Name a run folder that does not exist yet.")


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A private folder to write into that becomes `out` when the block ends well and vanishes when it does not.

    Raises
    ------
    UsageError
        as `refuse_used`.
    InputError
        when the disk is full or cannot be written.
    """
    try:
        refuse_used(out)
        with disk.staged(out) as folder:
            yield folder
    except OSError as error:
        raise _unwritable(out, error) from None


def _write_submission(folder: Path, documents: RunDocuments) -> None:
    folder.mkdir(mode=0o700)
    contents = {encoded.planned.name: encoded.data for encoded in documents.files}
    for encoded in documents.files:
        _write(folder / encoded.planned.name, encoded.data)
        _compare_with_plan(folder / encoded.planned.name, encoded)
    contents[COVERING_SHEET] = covering_sheet(documents.manifest).encode()
    _write(folder / COVERING_SHEET, contents[COVERING_SHEET])
    manifest = to_json(of_inputs_alone(documents.manifest))
    _write_zip(folder / f"{documents.package}.zip", contents | {MANIFEST: manifest})


def _write(path: Path, data: bytes) -> None:
    """Write a file that was not there, and read it back."""
    with path.open("xb") as file:
        file.write(data)
    if path.read_bytes() != data:
        raise RuntimeError(f"{path.name} was read back with other bytes than were written.")


def _compare_with_plan(path: Path, encoded: EncodedFile) -> None:
    if not decode(path.read_bytes()).equals(encoded.planned.records):
        raise RuntimeError(f"{path.name} was read back with other records than were planned.")


def _write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    """A zip with fixed times and modes: equal contents give equal bytes."""
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            package.writestr(entry, data)
    with zipfile.ZipFile(path) as package:
        if {name: package.read(name) for name in package.namelist()} != dict(contents):
            raise RuntimeError(f"{path.name} was read back with other files than were written.")


def _unwritable(out: Path, error: OSError) -> InputError:
    if disk.is_full(error):
        return InputError(
            f"There is no room left on the disk for the run folder {out}; nothing was kept.",
            "Make room or name another place with --out, then run again.",
        )
    if error.errno in _FORBIDDEN:
        return InputError(
            f"The run folder {out} cannot be made: the place is read-only or not yours, or a program has it open.",
            "Close it there, or name another place with --out, then run again.",
        )
    return InputError(
        f"The run folder {out} cannot be written ({why(error, out)}).",
        "Name another place with --out, then run again.",
    )
