"""The secret that opens Aeries: from the environment or the system's key store, never from a file or into a message."""

from __future__ import annotations

import os
from typing import Protocol

from senrkit.errors import UsageError


class Where(Protocol):
    """The settings that say where a secret is (`[aeries]`)."""

    user_env: str | None
    password_env: str | None
    keyring: str | None


def login_name(where: Where, in_address: str | None) -> str | None:
    """The login's name: the address's own, or else what the variable `user_env` holds.

    Raises
    ------
    UsageError
        when both name one, or the variable is not set.
    """
    if not where.user_env:
        return in_address
    if in_address:
        raise UsageError(
            "The login's name stands in [aeries] source and user_env names a variable for it.", "Take one of them out."
        )
    return _from_environment(where.user_env, "user_env", "the login's name")


def secret(where: Where, user: str | None, what: str) -> str | None:
    """The password, or the API's certificate (`what`, in words), None when the settings name no place for it.

    Raises
    ------
    UsageError
        when two places are named, or the named one does not have it.
    """
    if where.password_env and where.keyring:
        raise UsageError("password_env and keyring both say where the secret is.", "Take one of them out of [aeries].")
    if where.password_env:
        return _from_environment(where.password_env, "password_env", what)
    return _from_key_store(where.keyring, user, what) if where.keyring else None


def _from_environment(variable: str, setting: str, what: str) -> str:
    value = os.environ.get(variable)
    if value:
        return value
    raise UsageError(
        f"The environment variable {variable}, which {setting} names, is not set.",
        f"Set it to {what} and run again.",
    )


def _from_key_store(service: str, user: str | None, what: str) -> str:
    if not user:
        raise UsageError(
            "The key store needs the login's name to find its password.",
            "Write it into [aeries] source, as in mssql+pyodbc://name@server/database, or name a variable in user_env.",
        )
    import keyring
    from keyring.errors import KeyringError

    try:
        value = keyring.get_password(service, user)
    except (KeyringError, OSError):
        raise UsageError(
            "This computer has no key store that senrkit can open.",
            "Unlock it, or use password_env instead of keyring.",
        ) from None
    if value:
        return value
    raise UsageError(
        f"The key store has nothing under the service {service} for {user}.",
        f"Put {what} there with `keyring set {service} {user}`.",
    )
