"""What real drivers say, and the cause that a person is told: texts of msodbcsql 18, FreeTDS, psycopg and SQLite."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from senrkit.errors import InputError
from senrkit.inputs.aeries.database import plainly
from senrkit.inputs.aeries.read import read_aeries
from senrkit.settings.settings import load_settings

CONNECTING, READING = "connecting", "reading ENR"
MS = "[Microsoft][ODBC Driver 18 for SQL Server]"
SAID = [
    (
        READING,
        f"('40001', '[40001] {MS}[SQL Server]Transaction (Process ID 55) was deadlocked on lock resources "
        "with another process and has been chosen as the deadlock victim. Rerun the transaction. (1205) "
        "(SQLExecDirectW)')",
        "deadlock victim",
    ),
    (
        CONNECTING,
        f"('HY000', '[HY000] {MS}SSPI Provider: No Kerberos credentials available (default cache: "
        "FILE:/tmp/krb5cc_0) (458752)')",
        "no trusted login",
    ),
    (
        CONNECTING,
        f"('HY000', '[HY000] {MS}Cannot generate SSPI context (851968) (SQLDriverConnect)')",
        "no trusted login",
    ),
    (
        CONNECTING,
        f"('28000', '[28000] {MS}[SQL Server]Login failed. The login is from an untrusted domain and cannot "
        "be used with Integrated authentication. (18452) (SQLDriverConnect)')",
        "no trusted login",
    ),
    (
        CONNECTING,
        f"('28000', \"[28000] {MS}[SQL Server]Login failed for user 'reader'. (18456)\")",
        "refuses the login",
    ),
    (
        CONNECTING,
        f"('42000', \"[42000] {MS}[SQL Server]The target database, 'DST26000', is participating in an "
        'availability group and is currently not accessible for queries. (976)")',
        "secondary that may not be read",
    ),
    (
        CONNECTING,
        f"('42000', \"[42000] {MS}[SQL Server]The target database ('DST') is in an availability group and is "
        'currently accessible for connections when the application intent is set to read only. (978)")',
        "secondary that may not be read",
    ),
    (
        CONNECTING,
        f"('HY000', \"[HY000] {MS}[SQL Server]Database 'aeries' on server 'sql01' is not currently available.  "
        'Please retry the connection later. (40613)")',
        "Azure database is not available",
    ),
    (
        READING,
        f"('08004', '[08004] {MS}[SQL Server]The server principal \"reader\" is not able to access the database "
        '"DST26000" under the current security context. (916)\')',
        "not a user of that database",
    ),
    (
        READING,
        f"('42000', \"[42000] {MS}[SQL Server]Snapshot isolation transaction aborted due to update conflict. (3960)\")",
        "snapshot conflict",
    ),
    (
        CONNECTING,
        f"('08001', '[08001] {MS}SSL Provider: [error:0A000102:SSL routines::unsupported protocol] (-1)')",
        "old TLS",
    ),
    (
        CONNECTING,
        f"('08001', '[08001] {MS}SSL Provider: The client and server cannot communicate, because they do not "
        "possess a common algorithm.')",
        "old TLS",
    ),
    (
        CONNECTING,
        f"('08001', '[08001] {MS}SSL Provider: [error:0A00042E:SSL routines::tlsv1 alert protocol version]')",
        "old TLS",
    ),
    (
        CONNECTING,
        f"('08001', '[08001] {MS}SSL Provider: [error:0A000086:SSL routines::certificate verify "
        "failed:self-signed certificate]')",
        "certificate is not trusted",
    ),
    (
        CONNECTING,
        f"('08001', '[08001] {MS}SSL Provider: The certificate chain was issued by an authority that is not trusted.')",
        "certificate is not trusted",
    ),
    (
        READING,
        f"('42000', '[42000] {MS}[SQL Server]The SELECT permission was denied on the object STU (229)')",
        "may not read every table",
    ),
    (
        READING,
        "(psycopg.errors.SerializationFailure) could not serialize access due to concurrent update",
        "snapshot conflict",
    ),
    (
        READING,
        "(psycopg.errors.DeadlockDetected) deadlock detected",
        "deadlock victim",
    ),
]


@pytest.mark.parametrize(("doing", "said", "cause"), SAID)
def test_the_cause_is_told_and_nothing_of_the_driver(doing, said, cause):
    with pytest.raises(InputError, match=cause) as told, plainly("the database", doing, (OSError,)):
        raise OSError(said)
    assert "Microsoft" not in str(told.value) and told.value.cure.endswith(".")


@pytest.mark.parametrize("said", [said for _, said, cause in SAID if cause in ("old TLS", "no trusted login")])
def test_no_cure_switches_a_check_off(said):
    with pytest.raises(InputError) as told, plainly("the database", CONNECTING, (OSError,)):
        raise OSError(said)
    assert "trust_server_certificate" not in told.value.cure and "encrypt" not in told.value.cure


def test_a_file_that_was_left_in_the_middle_of_writing(folder):
    """A writer that is killed leaves its journal: what stands in the file is half of what was to be written."""
    crash = (
        "import os, sqlite3\n"
        f"c = sqlite3.connect({str(folder / 'aeries.db')!r}, isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN')\n"
        "c.execute(\"UPDATE STU SET FN = FN || 'x'\"); c.execute(\"UPDATE ENR SET ER = 'x'\")\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", crash], check=False)
    journal = folder / "aeries.db-journal"
    assert journal.stat().st_size
    with pytest.raises(InputError, match="a program stopped in the middle of writing it") as told:
        read_aeries(load_settings(folder / "senrkit.toml"))
    assert "fresh copy" in told.value.cure
    sqlite3.connect(folder / "aeries.db").execute("SELECT count(*) FROM STU").fetchone()
    assert not journal.exists()
    read_aeries(load_settings(folder / "senrkit.toml"))
