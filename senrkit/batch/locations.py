"""Where a settings file or an extract is: a path of this machine, or an address that fsspec reads."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from senrkit.addresses.address import address_of
from senrkit.errors import UsageError
from senrkit.settings.settings import Settings, load_settings


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
