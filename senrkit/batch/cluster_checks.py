"""Can this cluster do a batch? It answers, has the same software, and sees the batch folder at the same place."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from typing import Any

from senrkit.batch.home import Home, home_of
from senrkit.errors import InputError, SenrkitError, UsageError

_SAME = ("python", "senrkit", "pandas", "pyarrow", "distributed")
_FIRST_WORKER_SECONDS = 20


def checked_address(address: str, seconds: float) -> str:
    """The address, when something listens there: Dask itself tries for long before it says that nothing does.

    Raises
    ------
    UsageError
        when it is no address, or one whose keys are not known here.
    InputError
        when nothing answers within so many seconds; of an address with keys that is not asked.
    """
    from distributed.comm import get_address_host_port, parse_address
    from distributed.security import Security

    try:
        protocol, _ = parse_address(address, strict=True)
        host_and_port = get_address_host_port(address, strict=True)
    except (ValueError, KeyError):
        raise UsageError(f"{address} is no address of a Dask scheduler.", "Write it as tcp://host:8786.") from None
    if protocol == "tls" and Security().get_connection_args("client")["ssl_context"] is None:
        raise UsageError(
            f"{address} needs keys, and Dask's own settings name none.", "See Dask's distributed.comm.tls."
        )
    if protocol == "tcp":
        # With keys, a scheduler would write down each such knock as a failed handshake.
        try:
            socket.create_connection(host_and_port, seconds).close()
        except (OSError, OverflowError):
            raise no_answer(address) from None
    return address


def no_answer(address: str) -> InputError:
    """What to say when no scheduler answers."""
    return InputError(f"No Dask scheduler answers at {address}.", "Check the address, and whether it is running.")


def check_cluster(client: Any, address: str, home: Home) -> None:
    """Refuse a cluster whose results could differ from those here.

    Raises
    ------
    InputError
        when there is no worker, a worker has other software, or does not see or may not write the batch folder.
    """
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER_SECONDS)
    except TimeoutError:
        raise InputError(f"The Dask scheduler at {address} has no worker.", "Start workers, then try again.") from None
    versions = client.get_versions(packages=list(_SAME[1:]))
    here = _versions(versions["client"])
    for place, there in versions["workers"].items():
        others = {name: found for name, found in _versions(there).items() if found != here[name]}
        if others:
            said = ", ".join(
                f"{name} {found or 'not at all'} instead of {here[name]}" for name, found in others.items()
            )
            raise InputError(
                f"The Dask worker {place} has {said}.", "Install the same on every worker as here, then try again."
            )
    _check_home(client, home)


def _versions(asked: Mapping[str, Any]) -> dict[str, str | None]:
    found = {name: asked["packages"].get(name) for name in _SAME}
    # The last number of Python's version changes nothing that counts here.
    return found | {"python": ".".join(asked["packages"]["python"].split(".")[:2])}


def _check_home(client: Any, home: Home) -> None:
    probe = f".probe-{secrets.token_hex(4)}"
    home.write(probe, probe.encode())
    try:
        answers = client.run(shares_home, home.text, probe, on_error="return")
    finally:
        home.remove(probe)
    for worker, answer in answers.items():
        if answer is not True:
            said = "may not write" if answer == "written" else "does not see"
            raise InputError(
                f"The Dask worker {worker} {said} the batch folder {home}.",
                "Name one with --out that all workers share, at the same path and as the same person; or an address.",
            )


def shares_home(text: str, probe: str) -> bool | str:
    """On a worker: is this the home that the batch has? True, or what is missing (`read`, `written`)."""
    home, own = home_of(text), f"{probe}-{secrets.token_hex(4)}"
    try:
        if home.read(probe) != probe.encode():
            return "read"
    except SenrkitError:
        return "read"
    try:
        home.write(own, b"")
        home.remove(own)
    except (SenrkitError, OSError):
        return "written"
    return True
