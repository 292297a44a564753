"""What CALPADS would say to a SELA file; `senrkit validate` comes here by the record type of the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from senrkit.checks import CheckContext
from senrkit.checks.language import check_language, unchecked
from senrkit.inputs.sela_extract import read_sela_extract
from senrkit.inputs.sela_file import read_sela_file
from senrkit.reference import SchoolYear
from senrkit.validate import Validation


@dataclass(frozen=True)
class LanguageValidation(Validation):
    """As `Validation`, of a SELA file."""

    with_enrollments: bool = False
    about: ClassVar[str] = "language status"

    def unchecked(self) -> pd.DataFrame:
        return unchecked(self.context.as_of, with_state=self.with_state, with_enrollments=self.with_enrollments)


def validate_language(
    path: Path,
    *,
    as_of: dt.date,
    sela_extract: Sequence[Path] = (),
    enrollments: pd.DataFrame | None = None,
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
    held = (
        pd.concat([read_sela_extract(each).rows for each in sela_extract], ignore_index=True) if sela_extract else None
    )
    findings = check_language(file.records, as_of, held, enrollments)
    line = file.records["line"].to_numpy()[findings["row"]]
    usual = file.records["reporting_lea"].mode()
    context = CheckContext(SchoolYear.of(as_of), as_of, lea or (usual.iloc[0] if len(usual) else ""))
    return LanguageValidation(
        file, context, held is not None, findings.assign(file=file.name, line=line), enrollments is not None
    )
