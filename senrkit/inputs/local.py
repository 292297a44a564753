"""Inputs at fsspec addresses become private local copies for as long as they are read.

Which address is an input's: everything with `://` under `[calpads]`; for `[aeries] source`, see
`address.source_address`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from senrkit.addresses.address import Address
from senrkit.disk import remove_abandoned
from senrkit.errors import InputError, SenrkitError
from senrkit.settings.settings import Settings

_COPIES = "senrkit-inputs-"
_SQLITE = b"SQLite format 3\0"


@contextmanager
def local_inputs(settings: Settings, *, without: Collection[str] = ()) -> Iterator[Settings]:
    """The settings with a private local copy (mode 700) for every input that has an address, gone after the block.

    The copies have the names and times of the originals, so that a run on them has the same digests, number and files.
    What is said inside, with `Settings.as_given` or as an error, names the address. Settings without an address
    are given back as they are.

    Parameters
    ----------
    without
        settings that are not needed: of `source`, `senr_extract`, `sela_extract`, `school_directory`,
        `elpac_file`.

    Raises
    ------
    InputError
        when an input cannot be brought here (`addresses.fetch.fetch`); none is half-read.
    """
    wanted = {name: places for name, places in _addresses(settings).items() if name not in without}
    if not any(wanted.values()):
        yield settings
        return
    with _private_folder() as folder:
        local = settings
        for name, addresses in wanted.items():
            for address in addresses:
                local = _with_copy(local, name, address, folder)
        try:
            yield local
        except SenrkitError as error:
            error.message, error.cure = local.as_given([error.message, error.cure])
            raise


def _addresses(settings: Settings) -> dict[str, list[Address]]:
    calpads = settings.calpads
    named = {
        "source": (settings.aeries.source,),
        "senr_extract": calpads.senr_extract,
        "sela_extract": (calpads.sela_extract,),
        "school_directory": (calpads.school_directory,),
        "elpac_file": (calpads.elpac_file,),
    }
    return {name: [place for place in places if isinstance(place, Address)] for name, places in named.items()}


def _with_copy(settings: Settings, name: str, address: Address, folder: Path) -> Settings:
    """The settings with this address' local copy instead of it."""
    from senrkit.addresses.fetch import fetch

    # Each in a folder of its own: two inputs may have one name.
    copy = fetch(address, Path(tempfile.mkdtemp(dir=folder)), dated=name != "source")
    copies = {**settings.copies, str(copy): str(address)}
    if name == "source":
        source = str(copy) if copy.is_dir() else _database(copy, address)
        aeries = dataclasses.replace(settings.aeries, source=source)
        return dataclasses.replace(settings, aeries=aeries, copies={**copies, source: str(address)})
    if name == "senr_extract":
        value = tuple(copy if one == address else one for one in settings.calpads.senr_extract)
        calpads = dataclasses.replace(settings.calpads, senr_extract=value)
    else:
        calpads = dataclasses.replace(settings.calpads, **{name: copy})
    return dataclasses.replace(settings, calpads=calpads, copies=copies)


def _database(file: Path, address: Address) -> str:
    with suppress(OSError), file.open("rb") as opened:
        if opened.read(len(_SQLITE)) == _SQLITE:
            return f"sqlite:///{file.as_posix()}"
    raise InputError(
        f"{address} is neither a SQLite database nor a folder of exports.", "Check [aeries] source in the settings."
    )


@contextmanager
def _private_folder() -> Iterator[Path]:
    remove_abandoned(Path(tempfile.gettempdir()), _COPIES)
    try:
        # mkdtemp makes it for this person alone.
        folder = Path(tempfile.mkdtemp(prefix=_COPIES))
    except OSError as error:
        raise InputError(
            f"There is no place for copies of the inputs ({os.strerror(error.errno or 0)}).",
            "Name a folder of yours with room in the environment variable TMPDIR.",
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
