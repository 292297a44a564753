"""SQL Server: the options of the connection, its driver and login, and T-SQL of every statement."""

from __future__ import annotations

import keyring
import pytest
import sqlalchemy as sa
import sqlglot
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from sqlalchemy.dialects import mssql

from senrkit.errors import UsageError
from senrkit.inputs.aeries import sql, sql_server, statements
from senrkit.inputs.aeries.statements import FoundTable
from senrkit.inputs.aeries.tables import wanted
from senrkit.settings.settings import AeriesSettings

DRIVER_18 = "ODBC Driver 18 for SQL Server"
SERVER = "mssql+pyodbc://reader@sql01/DST26000Heron"
SECRET = "p;w}d 1"


@pytest.fixture(autouse=True)
def computer(monkeypatch):
    """Microsoft's driver and FreeTDS are installed; the password is in the environment."""
    monkeypatch.setattr("pyodbc.drivers", lambda: ["SQLite3", "FreeTDS", DRIVER_18])
    monkeypatch.setattr(sql_server, "from_the_wheel", lambda: None)
    monkeypatch.setenv("AERIES_PASSWORD", SECRET)
    monkeypatch.setenv("AERIES_USER", "reader")


def connection(source: str, **aeries) -> dict[str, str]:
    """The keywords that reach ODBC, names in small letters."""
    url = sql_server.address(sa.make_url(source), AeriesSettings(source, **aeries))
    [whole], _ = sa.create_engine(url).dialect.create_connect_args(url)
    return sql_server._said(sa.make_url("mssql+pyodbc://").update_query_dict({"odbc_connect": whole}))


def refusal(source: str, **aeries) -> str:
    with pytest.raises(UsageError) as refused:
        connection(source, **aeries)
    assert SECRET not in str(refused.value)
    return str(refused.value)


class TestOptions:
    def test_safe_unless_told_otherwise(self):
        said = connection(SERVER)
        expected = {
            "driver": DRIVER_18,
            "encrypt": "yes",
            "trustservercertificate": "no",
            "applicationintent": "ReadOnly",
        }
        assert said.items() >= expected.items()
        assert said.items() >= {"server": "sql01", "database": "DST26000Heron", "uid": "reader"}.items()

    @pytest.mark.parametrize(
        ("settings", "changed"),
        [
            ({"trust_server_certificate": True}, {"encrypt": "yes", "trustservercertificate": "yes"}),
            ({"encrypt": False}, {"encrypt": "no", "trustservercertificate": "no"}),
        ],
    )
    def test_the_settings_may_say_otherwise(self, settings, changed):
        assert connection(SERVER, **settings).items() >= changed.items()

    def test_what_the_address_says_stays(self):
        said = connection(
            f"{SERVER}?driver=SQL+Server&Encrypt=strict&trustservercertificate=Yes&ApplicationIntent=ReadWrite"
        )
        expected = {"driver": "SQL Server", "encrypt": "strict", "trustservercertificate": "Yes"}
        assert said.items() >= (expected | {"applicationintent": "ReadWrite"}).items()

    def test_a_whole_connection_string(self):
        source = (
            "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC+Driver+17+for+SQL+Server%7D%3BSERVER%3Dsql01%3BUID%3Dreader"
        )
        said = connection(source, password_env="AERIES_PASSWORD")
        assert said["driver"] == "ODBC Driver 17 for SQL Server" and said["uid"] == "reader"
        assert said["encrypt"] == "yes" and said["applicationintent"] == "ReadOnly"
        url = sql_server.address(sa.make_url(source), AeriesSettings(source, password_env="AERIES_PASSWORD"))
        assert "PWD={p;w}}d 1}" in url.query["odbc_connect"]

    def test_a_data_source_name_keeps_its_driver(self):
        said = connection("mssql+pyodbc://reader@aeries_dsn")
        assert said["dsn"] == "aeries_dsn" and "driver" not in said and said["encrypt"] == "yes"


class TestDriver:
    @pytest.mark.parametrize(
        ("installed", "wheel", "taken"),
        [
            ([DRIVER_18, "FreeTDS"], "/wheel/lib.so", DRIVER_18),
            (["FreeTDS"], "/wheel/lib.so", "/wheel/lib.so"),
            (["ODBC Driver 17 for SQL Server", "FreeTDS"], None, "ODBC Driver 17 for SQL Server"),
            (["FreeTDS"], None, "FreeTDS"),
            (["SQLite3"], None, DRIVER_18),
        ],
    )
    def test_the_best_that_is_there(self, monkeypatch, installed, wheel, taken):
        monkeypatch.setattr("pyodbc.drivers", lambda: installed)
        monkeypatch.setattr(sql_server, "from_the_wheel", lambda: wheel)
        assert connection(SERVER, trust_server_certificate=True)["driver"] == taken

    def test_the_wheel_stands_in_for_the_driver_that_the_address_names(self, monkeypatch):
        monkeypatch.setattr("pyodbc.drivers", list)
        monkeypatch.setattr(sql_server, "from_the_wheel", lambda: "/wheel/lib.so")
        assert connection(f"{SERVER}?driver=ODBC+Driver+18+for+SQL+Server")["driver"] == "/wheel/lib.so"
        whole = "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC+Driver+18+for+SQL+Server%7D%3BUID%3Dreader"
        assert connection(whole)["driver"] == "/wheel/lib.so"

    def test_freetds_has_options_of_its_own(self):
        said = connection(f"{SERVER}?driver=FreeTDS", trust_server_certificate=True)
        assert said["encryption"] == "require" and said["applicationintent"] == "ReadOnly" and "encrypt" not in said

    def test_freetds_never_leaves_the_certificate_unchecked_by_itself(self):
        assert "trust_server_certificate = true" in refusal(f"{SERVER}?driver=FreeTDS")

    def test_freetds_cannot_take_every_password(self):
        said = refusal(f"{SERVER}?driver=FreeTDS", trust_server_certificate=True, password_env="AERIES_PASSWORD")
        assert "password with }" in said


class KeyStore(KeyringBackend):
    priority = 1

    def __init__(self, secrets, locked=False):
        super().__init__()
        self.secrets, self.locked = secrets, locked

    def get_password(self, service, username):
        if self.locked:
            raise KeyringLocked(f"{SECRET} is locked")
        return self.secrets.get((service, username))

    def set_password(self, *_):
        raise NotImplementedError


@pytest.fixture
def key_store():
    before = keyring.get_keyring()
    yield lambda *given, **how: keyring.set_keyring(KeyStore(*given, **how))
    keyring.set_keyring(before)


class TestLogin:
    def test_a_password_from_the_environment(self):
        url = sql_server.address(sa.make_url(SERVER), AeriesSettings(SERVER, password_env="AERIES_PASSWORD"))
        assert (url.username, url.password) == ("reader", SECRET) and SECRET not in url.render_as_string()

    def test_the_name_from_the_environment(self):
        assert connection("mssql+pyodbc://sql01/DST26000Heron", user_env="AERIES_USER")["uid"] == "reader"

    def test_a_name_among_the_options(self):
        said = connection("mssql+pyodbc://sql01/DST26000Heron?UID=reader@heron.example")
        assert said["uid"] == "reader@heron.example" and "trusted_connection" not in said

    def test_a_password_from_the_key_store(self, key_store):
        key_store({("senrkit", "reader"): SECRET})
        url = sql_server.address(sa.make_url(SERVER), AeriesSettings(SERVER, keyring="senrkit"))
        assert url.password == SECRET

    def test_the_person_who_is_logged_in(self):
        said = connection("mssql+pyodbc://sql01/DST26000Heron", trusted_connection=True)
        assert said["trusted_connection"].lower() == "yes" and "uid" not in said
        whole = connection("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BSERVER%3Dsql01", trusted_connection=True)
        assert whole["trusted_connection"] == "yes"

    @pytest.mark.parametrize(
        ("source", "settings", "says"),
        [
            ("mssql+pyodbc://sql01/db", {}, "names no login for SQL Server"),
            (SERVER, {"trusted_connection": True}, "do not go together"),
            ("mssql+pyodbc://sql01/db", {"trusted_connection": True, "keyring": "x"}, "do not go together"),
            (SERVER, {"user_env": "AERIES_USER"}, "Take one of them out"),
            (SERVER, {"password_env": "AERIES_PASSWORD", "keyring": "x"}, "both say where the secret is"),
            (SERVER, {"password_env": "AERIES_UNSET"}, "AERIES_UNSET, which password_env names, is not set"),
            ("mssql+pyodbc://sql01/db", {"user_env": "AERIES_UNSET"}, "AERIES_UNSET, which user_env names, is not set"),
            ("mssql+pyodbc:///?odbc_connect=DSN%3Daeries", {"keyring": "x"}, "needs the login's name"),
        ],
    )
    def test_a_login_that_is_not_to_be_had(self, source, settings, says):
        assert says in refusal(source, **settings)

    def test_a_key_store_without_it(self, key_store):
        key_store({("senrkit", "another"): SECRET})
        assert "keyring set senrkit reader" in refusal(SERVER, keyring="senrkit")

    def test_a_key_store_that_does_not_open(self, key_store):
        key_store({}, locked=True)
        assert "no key store that senrkit can open" in refusal(SERVER, keyring="senrkit")


def found(table: str) -> FoundTable:
    kinds = {"int": sa.Integer(), "date": mssql.DATETIME(), "flag": mssql.BIT(), "text": mssql.NVARCHAR(30)}
    return FoundTable(
        table, {code: sa.column(code, kinds[kind]) for code, kind in wanted()[table].kinds.items()}, schema="dbo"
    )


STATEMENTS = {
    **{table: lambda table=table: statements.rows_of(table, found(table), 2026) for table in wanted()},
    "newest year": lambda: statements.newest_year(found("ENR")),
    "columns": sql.columns,
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_t_sql_that_reads_and_has_no_parameters(name):
    compiled = STATEMENTS[name]().compile(dialect=mssql.dialect())
    [parsed] = sqlglot.parse(str(compiled), read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(parsed, sqlglot.exp.Select) and not compiled.params
    changing = (sqlglot.exp.Insert, sqlglot.exp.Update, sqlglot.exp.Delete, sqlglot.exp.Into, sqlglot.exp.Command)
    assert not list(parsed.find_all(*changing))
    assert {table.db for table in parsed.find_all(sqlglot.exp.Table)} <= {"dbo", "INFORMATION_SCHEMA"}
    # T-SQL has no LIMIT, no true and no false.
    assert not parsed.args.get("limit") and "true" not in str(compiled).lower()
