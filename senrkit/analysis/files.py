"""Files without settings: an extract or a submission file read, and what CALPADS would say to one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from senrkit import validation
from senrkit.errors import UsageError
from senrkit.inputs.extract import sela, senr
from senrkit.inputs.submission.sela import read_sela_file, record_type_of
from senrkit.inputs.submission.senr import SenrFile, read_senr_file
from senrkit.reference import SchoolYear
from senrkit.validation import Validation

Place = Path | str


def read_extract(*places: Place, as_of: dt.date | None = None) -> senr.Extract | sela.SelaExtract | SenrFile:
    """What CALPADS gave out, or a file that somebody made for it, by what its first record says it is.

    Parameters
    ----------
    places
        A SENR ODS extract in one or several files, a zip, or a folder (its newest SENR-R file); or one SELA extract, or
        one SENR or SELA submission file.
    as_of
        The day by whose layout a submission file is read. Default: today.

    Returns
    -------
    Extract, SelaExtract or SenrFile
        Each with `rows`, a pandas frame, all text as it stands in the file (dates CCYYMMDD) and `line` (int64,
        1-based), and each prints as a card without a student.

    Raises
    ------
    LayoutError
        when it is text, but no extract as CALPADS writes it.
    InputError
        when it cannot be read. No message quotes the file.
    UsageError
        when several files are given that are not one SENR extract.
    """
    paths = [Path(place) for place in places]
    kinds = {record_type_of(path) for path in paths}
    if kinds <= {"SENR-R", ""}:
        return senr.read_extract(paths)
    if len(paths) > 1:
        raise UsageError("Several files are read together only as one SENR extract.", "Read them one by one.")
    (path,), (kind,) = paths, kinds
    if kind == "SELA-R":
        return sela.read_sela_extract(path)
    if kind == "SELA":
        return read_sela_file(path)
    return read_senr_file(path, SchoolYear.of(as_of or dt.date.today()))


def validate(
    path: Place,
    *,
    extract: Place | Sequence[Place] = (),
    directory: Place | None = None,
    lea: str = "",
    as_of: dt.date | None = None,
) -> Validation:
    """What CALPADS would say to any SENR or SELA file.

    Parameters
    ----------
    extract
        What CALPADS holds now: its ODS extract, in one or several files. Without it the file is tested against itself.
    directory
        CDE's public school directory (pubschls).
    lea
        The submitting LEA. Default: the one that most records name.
    as_of
        The day of the upload. Default: today.

    Returns
    -------
    Validation
        `findings` (a pandas frame), `rejected`, `exit_code` (0, or 4 when it would be rejected), `text()` (what
        `senrkit validate` prints).

    Raises
    ------
    InputError
        when the file, the extract or the directory cannot be read.
    """
    given = [extract] if isinstance(extract, Path | str) else extract
    return validation.validate(
        Path(path),
        as_of=as_of or dt.date.today(),
        extract=[Path(each) for each in given],
        directory=None if directory is None else Path(directory),
        lea=lea,
    )
