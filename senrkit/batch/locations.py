"""Where a settings file, an extract and what is kept of an LEA are: on this machine, or at an address."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path

from senrkit.addresses.address import Address, address_of
from senrkit.batch.home import home_of
from senrkit.disk import write_whole
from senrkit.errors import InputError, UsageError
from senrkit.ledger import journal
from senrkit.reconciliation.decisions import CHECKED_FILE, FILE
from senrkit.settings.settings import OutputSettings, Settings, load_settings

_LEDGER = f"{journal.FOLDER}/{journal.FILE}"


def placed(text: str, folder: Path) -> str:
    """The address as it stands, or the path seen from the folder, absolute; blank stays blank."""
    text = text.strip()
    return text if not text or address_of(text) else str((folder / Path(text).expanduser()).absolute())


def content(location: str) -> bytes:
    """The bytes of a settings file.

    Raises
    ------
    UsageError
        when there is no such file, or it cannot be read.
    InputError
        when the address does not answer.
    """
    if address := address_of(location):
        from senrkit.addresses.fetch import read_bytes

        return read_bytes(address)
    try:
        return Path(location).read_bytes()
    except OSError as error:
        raise UsageError(
            f"The settings file {location} cannot be read ({error.strerror}).", "Check the path in the batch's source."
        ) from None


def shown(location: str) -> str:
    """The location without a password."""
    return str(address_of(location) or location)


def load(settings: str, extract: str, as_of: str = "", today: str = "") -> Settings:
    """The settings, with the extract and the ISO days that are given. Raises as `load_settings`."""
    return load_settings(
        settings,
        as_of=dt.date.fromisoformat(as_of) if as_of else None,
        extract=[extract] if extract else None,
        today=dt.date.fromisoformat(today) if today else None,
    )


@contextlib.contextmanager
def kept_beside(settings: Settings) -> Iterator[Settings]:
    """The settings with their decisions and ledger, which at an address lie beside the settings file as on a disk.

    For the time of the block they are in a folder of this machine; what was added to them goes back at its end, unless
    somebody else has added to them meanwhile. Other settings are given back as they are.

    Raises
    ------
    InputError
        when they cannot be read: without the decisions nothing may be decided. Not when they cannot be written:
        `senrkit sent` tells the ledger of a run.
    """
    here = Path.cwd()
    if not isinstance(settings.file, Address) or not settings.output.runs.is_relative_to(here):
        yield settings
        return
    address = settings.file.parent.joined(settings.output.runs.relative_to(here).as_posix())
    home = home_of(address.text)
    with tempfile.TemporaryDirectory(prefix="senrkit-kept-") as own:
        runs = Path(own)
        before = {name: home.read(name) for name in (FILE, CHECKED_FILE, _LEDGER)}
        if before[_LEDGER] is not None:
            before |= {name: home.read(name) for name in home.files(journal.FOLDER)}
        for name, data in before.items():
            if data is not None:
                (runs / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_whole(runs / name, data)
        copies = {**settings.copies, str(runs): str(address)}
        yield dataclasses.replace(settings, output=OutputSettings(runs), copies=copies)
        made = {path.relative_to(runs).as_posix(): path.read_bytes() for path in runs.rglob("*") if path.is_file()}
        # The ledger last: what its events are about is there before them.
        added = sorted((name for name in made if made[name] != before.get(name)), key=lambda name: name == _LEDGER)
        with contextlib.suppress(InputError):
            if all(home.read(name) == before.get(name) for name in added):
                for name in added:
                    home.write(name, made[name])
