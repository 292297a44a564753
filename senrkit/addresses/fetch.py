"""What is at an fsspec address, brought here: a file comes whole or not at all.

What a store says when it fails becomes a sentence of ours: its own words may quote a password or a signature.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from senrkit.addresses.address import Address
from senrkit.errors import InputError, SenrkitError

_CONNECT_SECONDS, _SILENCE_SECONDS = 30, 300

_NO_RIGHT = "it may not be read with the rights that senrkit has", "Ask for the right to read it, or log in anew."
# A failure's kind, HTTP status or number of the system (negative), what it means and what to do; the first that fits
# counts. Kinds are known by their names: most of these packages are not installed.
_REFUSALS: tuple[tuple[set[str], set[int], str, str], ...] = (
    ({"PermissionError", "NoCredentialsError", "AuthenticationException"}, {401, 403, 407}, *_NO_RIGHT),
    (
        set(),
        {-errno.ENOSPC, -errno.EDQUOT, -errno.EFBIG},
        "there is no room on the disk for a copy of it",
        "Make room where this computer keeps temporary files.",
    ),
    (
        {"ConnectionRefusedError"},
        {-errno.ECONNREFUSED},
        "the other side refuses the connection",
        "Check the address, and whether the server is running.",
    ),
    (
        {"gaierror", "ClientConnectorDNSError", "EndpointConnectionError"},
        set(),
        "the server is not found",
        "Check the address and the network.",
    ),
    ({"TimeoutError", "FSTimeoutError"}, {408, 504}, "the server does not answer", "Try again later."),
    (
        {"ClientPayloadError", "IncompleteRead", "ConnectionError", "ClientConnectionError", "EOFError"},
        set(),
        "the connection broke off before all of it was here",
        "Try again.",
    ),
    ({"FileNotFoundError"}, {404, 410}, "there is no such file or folder", "Check the address in the settings."),
    # What FTP has left to refuse once the file is there.
    ({"error_perm"}, set(), *_NO_RIGHT),
)


def read_bytes(address: Address) -> bytes:
    """The file's bytes. Raises `InputError` as `fetch`."""
    with in_plain_words(address):
        store, path = opened(address)
        return store.cat_file(path)


def fetch(address: Address, folder: Path, *, dated: bool = False) -> Path:
    """The file, or the folder with its files, as a copy in `folder`: under its own name, with its own times.

    Folders in a folder stay where they are: nothing that reads an input looks into them. An address of this machine's
    own files (`file://…`) needs no copy; its path is the answer.

    Parameters
    ----------
    dated
        refuse a folder of several files when the store does not tell which is the newest.

    Raises
    ------
    InputError
        when the protocol is not known or not installed; nothing is there, or it is not for us; the other side does not
        answer, or breaks off. No message has a password.
    """
    with in_plain_words(address):
        store, path = opened(address)
        if address.protocols[0] in ("file", "local"):
            store.info(path)
            return Path(path)
        copy = folder / _own_name(address.name)
        if not store.isdir(path):
            _copy_file(store, path, copy, address)
            return copy
        copy.mkdir()
        names = {entry["name"]: _name_in_folder(entry["name"], address) for entry in _files(store, path)}
        times = [_copy_file(store, there, copy / name, address) for there, name in names.items()]
    if dated and len(times) > 1 and None in times:
        raise InputError(
            f"{address} does not tell when its files were changed, so the newest is not known.", "Name the file itself."
        )
    return copy


def opened(address: Address) -> tuple[Any, str]:
    """The store of an address, and the path in it. Raises `InputError` when it is of no kind that can be read here."""
    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import available_protocols
    except ImportError:
        raise InputError(
            f"{address} is read by the Python package fsspec, which is not installed.",
            'Install it into senrkit\'s environment: pip install "fsspec[http]".',
        ) from None
    known = available_protocols()
    if unknown := next((one for one in address.protocols if one not in known), ""):
        raise InputError(
            f"{address}: {unknown} is no protocol by which senrkit reads files.",
            "Check what stands before ://, as in s3://, sftp://, https:// or file://.",
        )
    try:
        # A store that is kept would keep its password, and listings that have grown old.
        fresh = {"skip_instance_cache": True, "use_listings_cache": False}
        options = {one: fresh | _web_options(one) for one in address.protocols}
        return url_to_fs(address.text, **options)
    except ImportError:
        raise InputError(
            f"{address} needs a Python package that is not installed. {_who_is_missing(address)}",
            "Install it into senrkit's environment.",
        ) from None


def _web_options(protocol: str) -> dict[str, Any]:
    if protocol not in ("http", "https"):
        return {}
    import aiohttp

    # By itself aiohttp gives any file five minutes, however large it is and however well it is coming in.
    waiting = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
    return {"client_kwargs": {"timeout": waiting}}


def _who_is_missing(address: Address) -> str:
    """fsspec's own sentence about the package that a protocol needs."""
    from fsspec.registry import get_filesystem_class, known_implementations

    for protocol in address.protocols:
        try:
            get_filesystem_class(protocol)
        except ImportError:
            return f"{known_implementations[protocol]['err'].rstrip('.')}."
    return "fsspec names it in its list of protocols."


def _files(store: Any, folder: str) -> list[dict[str, Any]]:
    # Some stores list the folder as an empty file in itself.
    return [
        entry
        for entry in store.ls(folder, detail=True)
        if entry["type"] == "file" and entry["name"].rstrip("/") != folder.rstrip("/")
    ]


def _name_in_folder(path: str, address: Address) -> str:
    name = path.rpartition("/")[2]
    return _own_name(unquote(name.partition("?")[0]) if address.is_web else name)


def _own_name(name: str) -> str:
    """A name that stays in its folder, whatever a store says."""
    if name in ("", ".", "..") or any(sign in name for sign in "/\\\0"):
        raise InputError("At the address is a file whose name cannot be used here.", "Name the file that is meant.")
    return name


def _copy_file(store: Any, path: str, copy: Path, address: Address) -> dt.datetime | None:
    """When the file was changed, as far as the store tells; its copy has the same time."""
    there = store.info(path)
    store.get_file(path, str(copy))
    if there.get("size") is not None and copy.stat().st_size != there["size"]:
        raise InputError(f"{address}: {copy.name} has not come whole.", "Try again.")
    changed = _changed(store, path, there)
    if changed:
        os.utime(copy, (changed.timestamp(), changed.timestamp()))
    return changed


def _changed(store: Any, path: str, there: Mapping[str, Any]) -> dt.datetime | None:
    if "Last-Modified" in there:
        return email.utils.parsedate_to_datetime(there["Last-Modified"])
    try:
        changed = store.modified(path)
    except (NotImplementedError, KeyError):
        return None
    return changed if changed.tzinfo else changed.replace(tzinfo=dt.UTC)


@contextmanager
def in_plain_words(address: Address) -> Iterator[None]:
    """What a store says when it fails becomes an `InputError` of ours."""
    try:
        yield
    except SenrkitError:
        raise
    except Exception as failure:  # noqa: BLE001 - every store has faults of its own, and all of them end here
        sentence, cure = _meaning(failure)
        raise InputError(f"{address}: {sentence}.", cure) from None


def _meaning(failure: BaseException) -> tuple[str, str]:
    """Of a failure, or of what it was made from."""
    kinds: set[str] = set()
    numbers: set[int] = set()
    cause: BaseException | None = failure
    while cause is not None:
        kinds |= {kind.__name__ for kind in type(cause).__mro__}
        numbers |= {number for number in (getattr(cause, "status", None),) if isinstance(number, int)}
        numbers |= {-number for number in (getattr(cause, "errno", None),) if isinstance(number, int)}
        cause = cause.__cause__ or cause.__context__
    for names, codes, sentence, cure in _REFUSALS:
        if kinds & names or numbers & codes:
            return sentence, cure
    return f"it cannot be read ({type(failure).__name__})", "Check the address, and whether other programs can read it."
