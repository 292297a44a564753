"""Aeries tables from the Aeries API v5: by school, a year at a time. What it cannot give is unknown, not blank."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
from polars import col

from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries.api_client import ApiClient, ApiRefusal, Record, contract
from senrkit.inputs.aeries.credentials import secret
from senrkit.inputs.aeries.tables import (
    AeriesTables,
    assembled,
    has_inactive,
    newest_year,
    tidied,
    usable,
    without_student_row,
    years_read,
)
from senrkit.inputs.aeries.values import texts
from senrkit.settings.settings import Settings

# The name under which a key store keeps the certificate, as it is the header's name.
CERTIFICATE = "AERIES-CERT"
_ENDS_IN = "/api/v5"
_CLOCKS_MAY_DIFFER = dt.timedelta(minutes=10)
_XRF = "TC SC TC1 FC1 CD1 CD".split()


def read_api(settings: Settings, pause: Callable[[float], None] = time.sleep) -> AeriesTables:
    """Read the API whose address is `settings.aeries.source`.

    Tables STU, ENR, LOC and LAC with the columns of `api.toml` that the server sends; XRF without rows: the
    translations of local codes must stand in the settings. `notes` says so, and names the codes met as Aeries does.

    Raises
    ------
    UsageError
        when the address is not that of an API v5, or the certificate is not to be had or would go out in the clear.
    InputError
        when the API does not have the school year, does not answer well, or leaves out something needed. No message has
        the certificate or anything of a pupil.
    """
    source, first = settings.aeries.source.rstrip("/"), settings.school_year.first
    with ApiClient(_http(settings, source), first, source, pause) as api:
        notes = _checked_year(api, source, first)
        tables = _tables(api, source, first)
        notes += _names_of_codes(api, tables["ENR"], settings)
    _, gaps = usable({table: rows.columns for table, rows in tables.items()}, source, spared=("DEL",))
    rows = {table: tidied(table, raw, source) for table, raw in tables.items()}
    notes += _inactive(rows, source, first)
    newest = newest_year(rows["ENR"])
    told = [*notes, *gaps]
    # Every student has language fields there, also one whom Aeries has no LAC row of.
    return assembled(rows, first, newest=newest, source=source, name="", notes=told, inferred=["LAC"])


def _http(settings: Settings, source: str) -> Any:
    aeries = settings.aeries
    if not source.lower().endswith(_ENDS_IN):
        raise UsageError(
            f"{source} is not the address of an Aeries API.", f"Write it up to and with {_ENDS_IN} in [aeries] source."
        )
    if source.lower().startswith("http:") and aeries.encrypt:
        raise UsageError(
            f"Over {source} the certificate and every student would go out unencrypted.",
            "Write https, or accept that with encrypt = false in [aeries].",
        )
    certificate = secret(aeries, CERTIFICATE, "the API's certificate")
    if not certificate or not (certificate.isascii() and certificate.isprintable()):
        raise UsageError(
            "There is no certificate for the Aeries API, or it is none.",
            "Name the environment variable that holds it in password_env, or the key store's service in keyring.",
        )
    import httpx

    return httpx.Client(
        base_url=f"{source}/",
        headers={CERTIFICATE: certificate.strip(), "Accept": "application/json"},
        verify=not aeries.trust_server_certificate,
        timeout=httpx.Timeout(aeries.query_timeout_seconds or None, connect=aeries.login_timeout_seconds or None),
    )


def _checked_year(api: ApiClient, source: str, first: int) -> list[str]:
    """Refuse an API that would answer with another year, which it does without a word; notes on its clock."""
    info = api.get("systeminfo")
    if not isinstance(info, dict) or "DatabaseYear" not in info:
        raise ApiRefusal(source, "systeminfo", "shape")
    year = f"{first}-{first + 1}"
    offered = info.get("AvailableDatabaseYears") or [info["DatabaseYear"]]
    if info["DatabaseYear"] != year or year not in offered:
        raise InputError(
            f"{source} does not have the school year {year}; it has {', '.join(map(str, sorted(offered)))}.",
            "Check school_year in the settings, and which years the API was set up for.",
        )
    try:
        there = dt.datetime.fromisoformat(str(info.get("CurrentDateTime")))
        apart = abs(there - dt.datetime.now(dt.UTC))
    except (TypeError, ValueError):
        return []
    if apart <= _CLOCKS_MAY_DIFFER:
        return []
    minutes = round(apart.total_seconds() / 60)
    return [f"The clocks of this computer and of Aeries differ by {minutes:,} minutes: check as_of."]


def _tables(api: ApiClient, source: str, first: int) -> dict[str, pl.DataFrame]:
    schools = api.records("schools")
    numbers = _school_numbers(schools, source)
    by_school = api.each(lambda school: _students(api, source, school), numbers)
    students = [pair for of_school in by_school for pair in of_school]
    places = [(school, year) for school in numbers for year in years_read(first)]
    enrollments = api.each(lambda place: _enrollments(api, source, *place), places)
    by_student = {str(extended.get("StudentID")): extended for _, extended in reversed(students)}
    return {
        "LOC": _table("LOC", schools, source),
        "STU": _table("STU", [extended | plain for plain, extended in students], source),
        "LAC": _table("LAC", list(by_student.values()), source),
        "ENR": _table("ENR", [record for rows in enrollments for record in rows], source),
        "XRF": pl.DataFrame(schema=dict.fromkeys(_XRF, pl.String)),
    }


def _school_numbers(schools: Sequence[Record], source: str) -> list[int]:
    numbers = [school.get("SchoolCode") for school in schools]
    if not numbers or not all(str(number).isdecimal() for number in numbers):
        raise ApiRefusal(source, "schools", "shape")
    return sorted({int(str(number)) for number in numbers})


def _students(api: ApiClient, source: str, school: int) -> list[tuple[Record, Record]]:
    """Each student of the school with the extended record of the same row."""
    paths = (f"schools/{school}/students", f"schools/{school}/students/extended")
    for _ in range(2):
        plain, extended = ({_key(record): record for record in api.paged(path, _key)} for path in paths)
        if plain.keys() == extended.keys():
            return [(plain[key], extended[key]) for key in plain]
        # Somebody came or left between the two.
        for path in paths:
            api.forget(path)
    raise ApiRefusal(source, paths[1], "moving")


def _key(record: Record) -> tuple[object, object]:
    return (record.get("SchoolCode"), record.get("StudentNumber"))


def _enrollments(api: ApiClient, source: str, school: int, year: int) -> list[Record]:
    path = f"schools/{school}/enrollment/0/year/{year}"
    rows = api.records(path)
    if any(str(row.get("AcademicYear")) != str(year) for row in rows):
        raise ApiRefusal(source, path, "shape")
    return rows


def _table(table: str, records: Sequence[Record], source: str) -> pl.DataFrame:
    """Records as raw columns. A field that the server leaves out leaves its column out; `null` is blank."""
    codes = contract()["fields"][table]
    sent = {field for record in records for field in record} if records else set(codes)
    uneven = [field for field in codes if field in sent and not all(field in record for record in records)]
    if uneven:
        raise InputError(
            f"{source}: some records of {table} have {', '.join(uneven)} and some have not.",
            "Run again; if it stays, ask Aeries whether the API is set up the same for every school.",
        )
    found = {code: texts([record[field] for record in records]) for field, code in codes.items() if field in sent}
    return pl.DataFrame(found)


def _inactive(rows: Mapping[str, pl.DataFrame], source: str, first: int) -> list[str]:
    """Refuse an API that leaves inactive students out: what the state rightly holds for them would look unfounded."""
    this_year = rows["ENR"].filter(str(first) == col.YR)
    missing = without_student_row(this_year, rows["STU"])
    if has_inactive(rows["STU"]) or not len(rows["STU"]):
        return [f"Students with enrollments this year whom the API does not give: {missing:,}."] if missing else []
    if missing:
        raise InputError(
            f"{source} gives no student with a tag, and not those of all enrollments this year ({missing:,} missing): "
            "inactive students are left out.",
            "Ask Aeries why, and read from exports or the database until then.",
        )
    return ["The API gave no student with a tag, so inactive students may be missing."]


def _names_of_codes(api: ApiClient, enrollments: pl.DataFrame, settings: Settings) -> list[str]:
    """That there are no translations, and how Aeries calls the codes met that the settings do not translate."""
    said = ["The API has no translations of local codes (XRF): only those in [translations] of the settings count."]
    listed = []
    for one in contract()["codes"]:
        if one["column"] not in enrollments.columns:
            continue
        known = settings.translations.get(one["set"], {})
        met = {code.rstrip() for code in enrollments[one["column"]].unique()} - {"", *known}
        names = _names(api, one["path"]) if met else {}
        listed += [f"{one['set']} {code} = {names[code]}" for code in sorted(met) if code in names]
    if listed:
        said.append(f"Codes met without a line in [translations], as Aeries names them: {'; '.join(listed)}.")
    return said


def _names(api: ApiClient, path: str) -> dict[str, str]:
    try:
        records = api.records(path)
    except ApiRefusal as fault:
        # Names only help a person; the certificate need not be allowed to read them.
        if fault.kind in ("401", "403", "404"):
            return {}
        raise
    return {str(record.get("Code", "")).rstrip(): str(record.get("Description", "")) for record in records}
