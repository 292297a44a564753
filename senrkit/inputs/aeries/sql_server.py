"""How to reach SQL Server through ODBC: the driver, the login, and options that are safe unless told otherwise."""

from __future__ import annotations

import importlib.util
import platform
import re
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from senrkit.errors import UsageError
from senrkit.inputs.aeries.credentials import login_name, secret
from senrkit.settings.settings import AeriesSettings
from senrkit.system.computer import IS_LINUX

_DRIVER_18 = "ODBC Driver 18 for SQL Server"
# The first that is there is taken when the address names none.
_PREFERRED = (_DRIVER_18, "ODBC Driver 17 for SQL Server", "FreeTDS")
# The wheel that carries Microsoft's driver has a folder for each family of Linux, as /etc/os-release calls it.
_WHEEL = "mssql_python_odbc"
_FAMILIES = {"debian": "debian_ubuntu", "ubuntu": "debian_ubuntu", "rhel": "rhel", "fedora": "rhel", "suse": "suse"}
_MACHINES = {"aarch64": "arm64"}
_PART = re.compile(r"\s*(?P<name>[^=;{}]+?)\s*=\s*(?P<value>\{(?:[^}]|\}\})*\}|[^;]*)\s*(?:;|$)")


def is_sql_server(url: sa.URL) -> bool:
    """SQL Server through ODBC, the way this module knows."""
    return url.drivername == "mssql+pyodbc"


def address(url: sa.URL, aeries: AeriesSettings) -> sa.URL:
    """`url` with driver, options and login filled in; what it says itself stays.

    Encrypted, the certificate checked, and meant for reading only (`ApplicationIntent`), unless `[aeries]` says
    otherwise. The secret is in the address that comes back: never show it.

    Raises
    ------
    UsageError
        when no login is named, or two are; when its secret is not to be had; when the driver cannot check the server's
        certificate and nobody said that it may go unchecked.
    """
    said = _said(url)
    driver = _driver(url, said)
    missing = {name: value for name, value in _options(driver, aeries).items() if name.lower() not in said}
    if driver:
        # Also when the address names one, as the wheel's driver is known by its path only.
        url = _with(url, {"driver": driver})
    complete = _with_login(_with(url, missing), said, aeries)
    if _is_freetds(driver) and "}" in (complete.password or ""):
        raise UsageError("FreeTDS cannot take a password with } in it.", "Use Microsoft's driver, or another password.")
    return complete


def from_the_wheel() -> str | None:
    """The path of Microsoft's driver 18 in the optional package mssql-python-odbc, None when it is not there."""
    found = importlib.util.find_spec(_WHEEL)
    if found is None or not IS_LINUX:
        return None
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    named = [system.get("ID", ""), *system.get("ID_LIKE", "").split()]
    family = next((_FAMILIES[name] for name in named if name in _FAMILIES), "debian_ubuntu")
    machine = _MACHINES.get(platform.machine(), platform.machine())
    folder = Path(str(found.origin)).parent / "libs" / "linux" / family / machine / "lib"
    return next((str(file) for file in sorted(folder.glob("libmsodbcsql-18*"))), None)


def _said(url: sa.URL) -> dict[str, str]:
    """The keywords that the address has, names in small letters, values without braces."""
    if whole := url.query.get("odbc_connect"):
        pairs = [(part["name"], part["value"].strip("{}")) for part in _PART.finditer(str(whole))]
    else:
        pairs = [(name, str(value)) for name, value in url.query.items()]
    return {name.lower(): value for name, value in reversed(pairs)}


def _driver(url: sa.URL, said: Mapping[str, str]) -> str | None:
    """The driver to name: the address's, by its path when only the wheel has it; None for a data source name."""
    by_name = "dsn" in said if "odbc_connect" in url.query else not url.database
    named = said.get("driver")
    if named is None and by_name:
        return None
    import pyodbc

    there = {name: name for name in pyodbc.drivers()}
    if _DRIVER_18 not in there and (path := from_the_wheel()):
        there[_DRIVER_18] = path
    if named is None:
        named = next((name for name in _PREFERRED if name in there), _DRIVER_18)
    return there.get(named, named)


def _is_freetds(driver: str | None) -> bool:
    return driver is not None and ("freetds" in driver.lower() or "libtdsodbc" in driver)


def _options(driver: str | None, aeries: AeriesSettings) -> dict[str, str]:
    reading = {"ApplicationIntent": "ReadOnly"}
    if _is_freetds(driver):
        if aeries.encrypt and not aeries.trust_server_certificate:
            raise UsageError(
                "FreeTDS does not check the server's certificate.",
                "Use Microsoft's driver, or accept that with trust_server_certificate = true in [aeries].",
            )
        secrecy = {"Encryption": "require" if aeries.encrypt else "off"}
        return reading | secrecy | {"TDS_Version": "7.4", "ClientCharset": "UTF-8"}
    yes_or_no = {True: "yes", False: "no"}
    return reading | {
        "Encrypt": yes_or_no[aeries.encrypt],
        "TrustServerCertificate": yes_or_no[aeries.trust_server_certificate],
    }


def _with_login(url: sa.URL, said: Mapping[str, str], aeries: AeriesSettings) -> sa.URL:
    named = url.username or said.get("uid") or said.get("user")
    if aeries.trusted_connection:
        if named or aeries.user_env or aeries.password_env or aeries.keyring:
            raise UsageError(
                "trusted_connection and a login of its own do not go together.", "Take one of them out of [aeries]."
            )
        return _with(url, {"Trusted_Connection": "yes"} if "trusted_connection" not in said else {})
    user = login_name(aeries, named)
    if not user and not said.keys() & {"trusted_connection", "authentication", "dsn", "pwd"}:
        raise UsageError(
            "[aeries] source names no login for SQL Server.",
            "Write mssql+pyodbc://name@server/database, name a variable in user_env, or set trusted_connection = true.",
        )
    password = secret(aeries, user, "the password of the Aeries login")
    if "odbc_connect" in url.query:
        login = {"UID": None if named else user, "PWD": password}
        return _with(url, {name: value for name, value in login.items() if value})
    plain = url.difference_update_query([name for name in url.query if name.lower() in ("uid", "user")])
    return plain.set(username=user, password=password)


def _with(url: sa.URL, options: Mapping[str, str]) -> sa.URL:
    whole = url.query.get("odbc_connect")
    if whole is None:
        return url.update_query_dict(options)
    # ODBC takes the first of two keywords that are the same.
    ours = [f"{name}={_quoted(value)}" for name, value in options.items()]
    return url.update_query_dict({"odbc_connect": ";".join([*ours, str(whole)])})


def _quoted(value: str) -> str:
    return "{" + value.replace("}", "}}") + "}" if re.search(r"[;{}\[\]()?*!@=\s]", value) else value
