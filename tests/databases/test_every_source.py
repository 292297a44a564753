"""The same district through every source: the same spells, the same proposal, the same files for CALPADS."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from senrkit.engine import Finished, run
from senrkit.settings.settings import TRANSLATION_SETS, load_settings
from tests.databases import api_server
from tests.districts import column_kinds, write_database, write_folder

# What the API does not have, as far as SENR goes: the suffix, the graduate fields, and legal names of their own.
NOT_IN_THE_API = [
    "suffix", "gex", "graduation_exemption", "first_name", "middle_name", "last_name", "meets_uc", "meets_csu",
    "uc_csu_override", "uc_csu", "uc_csu_differs", "golden_state_seal", "biliteracy_seal",
]  # fmt: skip


@pytest.fixture(scope="session")
def finish(demo, tmp_path_factory):
    """Run the demo from another source; other words are settings of `[aeries]`."""

    def running(source: str, translations=None, **aeries) -> Finished:
        settings = load_settings(demo / "senrkit.toml")
        settings = replace(settings, aeries=replace(settings.aeries, source=source, **aeries))
        if translations:
            settings = replace(settings, translations=translations)
        return run(settings, out=tmp_path_factory.mktemp("run"))

    return running


@pytest.fixture(scope="session")
def from_file(demo, finish) -> Finished:
    return finish(f"sqlite:///{demo / 'aeries.db'}")


@pytest.fixture
def servers():
    with ExitStack() as stack:
        yield stack


def same(one: Finished, other: Finished) -> None:
    assert_frame_equal(one.comparison.spell_set.spells, other.comparison.spell_set.spells)
    assert_frame_equal(one.comparison.spell_set.left_out, other.comparison.spell_set.left_out)
    assert_frame_equal(one.comparison.proposal.actions, other.comparison.proposal.actions)
    assert one.exit_code == other.exit_code == 5
    files = {path.relative_to(one.folder): path.read_bytes() for path in sorted(one.folder.rglob("*.txt"))}
    assert len(files) > 3 and "proposal.csv" in {path.name for path in one.folder.iterdir()}
    for path, content in [*files.items(), ("proposal.csv", (one.folder / "proposal.csv").read_bytes())]:
        assert (other.folder / path).read_bytes() == content, path


def test_sqlite_through_odbc(demo, finish, from_file, sqlite_odbc):
    same(from_file, finish(sqlite_odbc(demo / "aeries.db")))


def test_postgresql(tables, finish, from_file, postgres_port, monkeypatch):
    from tests.databases import postgres

    postgres.fill(postgres_port, "DST26000Demo", tables, column_kinds())
    monkeypatch.setenv("AERIES_PASSWORD", postgres.PASSWORD)
    source = f"postgresql+pyodbc://{postgres.USER}@127.0.0.1/DST26000Demo?port={postgres_port}"
    same(from_file, finish(f"{source}&driver=PostgreSQL+Unicode&BoolsAsChar=0", password_env="AERIES_PASSWORD"))


def test_sql_server(tables, finish, from_file, tds_driver, servers, monkeypatch):
    from tests.databases import tds_server

    port = servers.enter_context(tds_server.serving(tds_server.SqlServer(tables, column_kinds())))
    monkeypatch.setenv("AERIES_PASSWORD", tds_server.PASSWORD)
    source = f"mssql+pyodbc://{tds_server.USER}@127.0.0.1:{port}/{tds_server.DATABASE}?driver={tds_driver}"
    same(from_file, finish(source, password_env="AERIES_PASSWORD", trust_server_certificate=True))


@pytest.fixture(scope="session")
def exportable(tables):
    """The rows, without an SSID that is too short in Aeries itself: from an export it would get zeros."""
    rows = {name: frame.to_dict("records") for name, frame in tables.items()}
    assert any(0 < len(row["CID"]) < 10 for row in rows["STU"])
    return rows | {"STU": [row | {"CID": row["CID"] if len(row["CID"]) == 10 else ""} for row in rows["STU"]]}


@pytest.fixture(scope="session")
def from_exportable_file(exportable, finish, tmp_path_factory) -> Finished:
    return finish(write_database(tmp_path_factory.mktemp("exportable") / "aeries.db", exportable))


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_exports(exportable, finish, from_exportable_file, form, tmp_path):
    same(from_exportable_file, finish(write_folder(tmp_path, exportable, form=form)))


def test_api_as_far_as_it_goes(tables, finish, from_file, servers, monkeypatch):
    rows = {name: frame.to_dict("records") for name, frame in tables.items()}
    address = servers.enter_context(api_server.serving(api_server.AeriesApi(rows)))
    monkeypatch.setenv("AERIES_CERT", api_server.CERTIFICATE)
    translations = {
        name: {row["CD1"]: row["CD"] for row in rows["XRF"] if name == f"{row['TC1']}.{row['FC1']}"}
        for name in TRANSLATION_SETS
    }
    from_api = finish(address, translations=translations, password_env="AERIES_CERT", encrypt=False)
    spells, of_api = from_file.comparison.spell_set.spells, from_api.comparison.spell_set.spells
    assert of_api["suffix"].is_null().all(), "what the API does not give is unknown, not blank"
    assert_frame_equal(*(side.drop(NOT_IN_THE_API, strict=False) for side in (spells, of_api)))
    # Of graduates it does not say enough.
    graduates = spells.filter(pl.col("completion_status") == "100")
    sides = (run.comparison.proposal.actions for run in (from_file, from_api))
    assert_frame_equal(*(side.join(graduates, on="ssid", how="anti", maintain_order="left") for side in sides))
