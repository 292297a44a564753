"""The made districts and files that are measured: each is made once and kept."""

from __future__ import annotations

from pathlib import Path

from benchmarks.process import make
from benchmarks.sizes import Size

DATA = Path(__file__).resolve().parent / "data"


def district(data: Path, size: Size) -> Path:
    """The folder of the district of that size: extract, Aeries database, directory, settings."""
    folder = data / f"large_{size.state_rows}_{size.enr_rows}"
    # The settings file is written last.
    if not (folder / "senrkit.toml").is_file():
        make("make_large", folder, size.state_rows, size.enr_rows)
    return folder


def submitted(folder: Path, records: int) -> Path:
    """A submission file of the extract's last rows, as a vendor might write it."""
    file = folder / f"SENR_{records}.txt"
    if not file.is_file():
        make("make_submitted", folder / "SENR_ODS.txt", records, file)
    return file


def leas(data: Path, count: int, size: Size) -> Path:
    """A folder of as many LEAs of that size, each in a folder named by its code."""
    folder = data / f"leas_{count}_{size.state_rows}"
    make("make_leas", folder, count, size.state_rows, size.enr_rows)
    return folder
