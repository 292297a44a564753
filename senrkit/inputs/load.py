"""Both sides become frames, in one go: Aeries, and of CALPADS what is asked for.

Everything is read once, from this machine or an address: a digest is always that of the very bytes that were
understood. Copies of what lies at an address are gone when `load` returns.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from senrkit.errors import LayoutError
from senrkit.inputs.aeries.read import AeriesTables, read_aeries
from senrkit.inputs.directory import SchoolDirectory, read_bytes, read_school_directory
from senrkit.inputs.elpac import ElpacFile, read_elpac_file
from senrkit.inputs.extract.sela import SelaExtract, read_sela_extract
from senrkit.inputs.extract.senr import Extract, read_extract
from senrkit.inputs.local import local_inputs
from senrkit.settings.settings import Settings
from senrkit.texts.card import Carded

SENR, SELA, DIRECTORY, ELPAC = "senr_extract", "sela_extract", "school_directory", "elpac_file"
_OF_CALPADS = {SENR, SELA, DIRECTORY, ELPAC}


@dataclass(frozen=True, eq=False, repr=False)
class Inputs(Carded):
    """What was read.

    Attributes
    ----------
    settings
        Those that were read by. What they name as a copy is gone; `Settings.as_given` says the address instead.
    tables
        Aeries.
    senr
        The SENR extract, or why it is none; `None` when it was not asked for, as the two below.
    sela
        The SELA extract.
    elpac
        The test vendor's file; `None`, too, when the settings name none.
    directory
        The bytes of the school directory; `None`, too, when there is none at the place that the settings name.
    begun
        What was begun as soon as Aeries was read (`load`); finished by now. Its result, or what stopped it.
    digests
        An entry for each file and each table of Aeries, as the manifest lists them: `role`, `name`, `sha256` and sizes.
    """

    settings: Settings
    tables: AeriesTables
    senr: Extract | LayoutError | None
    sela: SelaExtract | None
    elpac: ElpacFile | None
    directory: bytes | None
    begun: Future[Any] | None
    digests: list[dict[str, Any]]

    def extract(self) -> Extract:
        """The SENR extract; raises the `LayoutError` by which it was refused."""
        if isinstance(self.senr, LayoutError):
            raise self.senr
        assert self.senr is not None
        return self.senr

    def school_directory(self) -> SchoolDirectory | None:
        """The school directory, if the settings name one; raises as `read_school_directory`."""
        path = self.settings.calpads.school_directory
        return None if path is None else read_school_directory(path, self.directory)

    def without_rows(self, save: Collection[str] = ()) -> Inputs:
        """Where Aeries was read, without its rows, save those of some tables."""
        kept = {table: self.tables.tables[table] for table in save}
        return dataclasses.replace(self, tables=dataclasses.replace(self.tables, tables=kept), begun=None)


def load(settings: Settings, *calpads: str, begin: Callable[[AeriesTables, Settings], Any] | None = None) -> Inputs:
    """Aeries and, at the same time, what is named of CALPADS (`SENR`, `SELA`, `ELPAC`, `DIRECTORY`).

    Most of that work is done outside of Python; so is most of what `begin` does with Aeries while the extract is still
    being read.

    Raises
    ------
    UsageError
        when the address of Aeries is of no known kind, or its login is not to be had.
    InputError
        when an input cannot be read. A SENR extract that is of no known layout is no error here: see `Inputs.senr`.
    """
    with local_inputs(settings, without=_OF_CALPADS - set(calpads)) as local, ThreadPoolExecutor(2) as workers:
        of_state = workers.submit(_read_extracts, local, calpads)
        tables = read_aeries(local)
        begun = workers.submit(begin, tables, local) if begin else None
        senr, sela = of_state.result()
        directory = _read_directory(local) if DIRECTORY in calpads else None
        named = ELPAC in calpads and local.calpads.elpac_file is not None
        elpac = read_elpac_file(local.calpads.elpac_file) if named else None
    digests = _digests(local, tables, senr, sela, elpac, directory)
    return Inputs(local, tables, senr, sela, elpac, directory, begun, digests)


def _read_extracts(
    settings: Settings, calpads: tuple[str, ...]
) -> tuple[Extract | LayoutError | None, SelaExtract | None]:
    sela = read_sela_extract(settings.calpads.sela_extract) if SELA in calpads else None
    if SENR not in calpads:
        return None, sela
    try:
        return read_extract(settings.calpads.senr_extract, held=bool(settings.copies)), sela
    except LayoutError as refused:
        refused.message, refused.cure = settings.as_given([refused.message, refused.cure])
        return refused, sela


def _read_directory(settings: Settings) -> bytes | None:
    path = settings.calpads.school_directory
    # One that is not there stops a run only when it is needed.
    return read_bytes(path) if path is not None and path.is_file() else None


def _digests(
    settings: Settings,
    tables: AeriesTables,
    senr: Extract | LayoutError | None,
    sela: SelaExtract | None,
    elpac: ElpacFile | None,
    directory: bytes | None,
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    of_state: tuple[tuple[str, Extract | SelaExtract | ElpacFile | None, dict[str, Any]], ...] = (
        (SENR, senr if isinstance(senr, Extract) else None, {}),
        (SELA, sela, {"columns": sela.columns} if sela else {}),
        (ELPAC, elpac, {"layout": elpac.layout} if elpac else {}),
    )
    for role, extract, more in of_state:
        for file in extract.files if extract else ():
            sizes = {name: getattr(file, name) for name in ("name", "sha256", "bytes", "rows")}
            found.append({"role": role, **more, **sizes})
    if directory is not None:
        name, sha256 = settings.calpads.school_directory.name, hashlib.sha256(directory).hexdigest()
        found.append({"role": DIRECTORY, "name": name, "sha256": sha256, "bytes": len(directory)})
    return found + [
        {
            "role": "aeries",
            "source": tables.source,
            "name": name,
            "sha256": tables.digests.get(name, ""),
            "rows": len(rows),
        }
        for name, rows in tables.tables.items()
    ]
