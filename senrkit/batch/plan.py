"""Which LEAs a folder or a table names, and what can be said of each before any work is done."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from senrkit.batch import locations
from senrkit.errors import SenrkitError, UsageError

_SETTINGS_NAME = "senrkit.toml"


@dataclass(frozen=True)
class Planned:
    """One settings file.

    Attributes
    ----------
    settings, extract
        Absolute path or address; `extract` is `""` where the table names none.
    lea, sha256
        `""` when the settings cannot be read.
    size
        Bytes of the extract, as far as they can be told beforehand.
    refused
        Why it cannot be run.
    twins
        The other settings files with the same LEA.
    """

    settings: str
    extract: str = ""
    lea: str = ""
    sha256: str = ""
    size: int = 0
    refused: SenrkitError | None = None
    twins: tuple[str, ...] = ()


def read_plan(source: Path) -> list[Planned]:
    """The settings files that the folder holds or the table names, in order; one that is named twice counts once.

    Raises
    ------
    UsageError
        when the source is neither, or names no settings file.
    InputError
        when the table cannot be read.
    """
    if source.is_dir():
        named = [(str(path.absolute()), "") for path in _in_folder(source)]
        cure = f"Put one *.toml an LEA into it, or one folder an LEA with its {_SETTINGS_NAME}."
    elif source.is_file():
        named = _in_table(source)
        cure = "Name one settings file in each line of the column settings."
    else:
        raise UsageError(f"There is no folder or table {source}.", "Name the folder or table of the settings files.")
    if not named:
        raise UsageError(f"{source} names no settings file.", cure)
    return _with_twins([_planned(settings, extract) for settings, extract in dict.fromkeys(named)])


def _in_folder(folder: Path) -> list[Path]:
    found = [*folder.glob("*.toml"), *folder.glob(f"*/{_SETTINGS_NAME}")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _in_table(table: Path) -> list[tuple[str, str]]:
    from senrkit.inputs.aeries.export_file import TEXT_SUFFIXES, WORKBOOK_SUFFIX, read_export

    if table.suffix.lower() not in (*TEXT_SUFFIXES, WORKBOOK_SUFFIX):
        raise UsageError(
            f"{table} is neither a folder nor a table.",
            "Name a folder, or a CSV or xlsx file with the column settings.",
        )
    read = read_export(table, "LEAS")
    columns = dict(zip((heading.strip().lower() for heading in read.headings), read.columns, strict=True))
    if "settings" not in columns:
        raise UsageError(
            f"{table} has no column settings.",
            "Give the column with the settings files that name; a column extract may stand beside it.",
        )
    folder, settings = table.absolute().parent, columns["settings"].to_list()
    extracts = columns["extract"].to_list() if "extract" in columns else [""] * len(settings)
    return [
        (locations.placed(one, folder), locations.placed(extract, folder))
        for one, extract in zip(settings, extracts, strict=True)
        if one.strip()
    ]


def _planned(settings: str, extract: str) -> Planned:
    bare = Planned(settings, extract)
    try:
        data = locations.content(settings)
        bare = dataclasses.replace(bare, sha256=hashlib.sha256(data).hexdigest())
        read = locations.load(settings, extract)
    except SenrkitError as error:
        return dataclasses.replace(bare, refused=error)
    return dataclasses.replace(bare, lea=read.lea, size=sum(map(_size, read.calpads.senr_extract)))


def _size(extract: object) -> int:
    """Bytes of an extract, or of the largest file in the folder that it is in; 0 for what is elsewhere or not there."""
    if not isinstance(extract, Path):
        return 0
    try:
        if extract.is_dir():
            return max((path.stat().st_size for path in extract.iterdir() if path.is_file()), default=0)
        return extract.stat().st_size
    except OSError:
        return 0


def _with_twins(plan: Iterable[Planned]) -> list[Planned]:
    plan = list(plan)
    many = {lea for lea, count in Counter(one.lea for one in plan if one.lea).items() if count > 1}
    return [
        dataclasses.replace(one, twins=tuple(other.settings for other in plan if other.lea == one.lea and other != one))
        if one.lea in many
        else one
        for one in plan
    ]
