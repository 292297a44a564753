"""Inputs and settings at fsspec addresses: the same run as on local files, and plain sentences when it cannot be."""

from __future__ import annotations

import contextlib
import csv
import http.server
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner

from senrkit import engine
from senrkit.addresses.address import Address, address_of, source_address
from senrkit.cli.main import main
from senrkit.demo import make
from senrkit.errors import InputError, UsageError
from senrkit.inputs import local as addresses
from senrkit.inputs.local import local_inputs
from senrkit.language.apply import write_to_aeries
from senrkit.language.work import LanguageRun, run_language
from senrkit.results.manifest import of_inputs_alone
from senrkit.settings.settings import Settings, load_settings, read_settings_text, settings_document
from senrkit.student import StudentView, explain
from tests.text_tables import rows_of

SETTINGS = (
    'school_year = "2026-2027"\nlea = "1999990"\n[aeries]\nsource = "{source}"\n[calpads]\nsenr_extract = {senr}\n'
)
OF_THE_OCCASION = {"report.xlsx", "manifest.json", "sources.json"}


class Server(http.server.ThreadingHTTPServer):
    """A web server of a folder on loopback. `refused`: paths that nobody may read; `broken`: those that break off."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802 - the name that http.server asks for
        if self.path.partition("?")[0] in self.server.refused:
            self.send_error(403)
        elif self.path in self.server.broken:
            data = Path(self.translate_path(self.path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made-up district with its settings, an extract folder and a folder of exports."""
    folder = tmp_path_factory.mktemp("district")
    make(folder, 300, 1, None)
    _export(folder / "aeries.db", folder / "exports")
    (folder / "extracts").mkdir()
    shutil.copy2(folder / "SENR_ODS.txt", folder / "extracts" / "SENR november.txt")
    (folder / "extracts" / "older.txt").write_bytes((folder / "SENR_ODS.txt").read_bytes()[:1000])
    os.utime(folder / "extracts" / "older.txt", (1_600_000_000, 1_600_000_000))
    return folder


@pytest.fixture(scope="module")
def web(district: Path) -> Iterator[Server]:
    with Server(district) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module", params=["file", "memory", "http"])
def store(request: pytest.FixtureRequest, district: Path, web: Server) -> str:
    """The district's folder as an address."""
    if request.param == "file":
        return district.as_uri()
    if request.param == "http":
        return web.address
    memory = fsspec.filesystem("memory")
    memory.put(str(district), "/county/1999990", recursive=True)
    # To this store the newest is what was put there last.
    memory.put(str(district / "extracts" / "SENR november.txt"), "/county/1999990/extracts/SENR november.txt")
    return "memory://county/1999990"


@dataclass(frozen=True)
class AtHome:
    """What a run, a check, a language run and a student's view of the local files give."""

    run: engine.Finished
    check: engine.Finished
    language: LanguageRun
    ssid: str
    student: StudentView


@pytest.fixture(scope="module")
def home(district: Path, tmp_path_factory: pytest.TempPathFactory) -> AtHome:
    settings, folder = load_settings(district / "senrkit.toml"), tmp_path_factory.mktemp("home")
    with (district / "SENR_ODS.txt").open() as lines:
        ssid = next(lines).split("^")[7]
    run, language = engine.run(settings, out=folder / "run"), run_language(settings, out=folder / "language")
    return AtHome(run, engine.check(settings), language, ssid, explain(settings, ssid))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of settings at an address the `runs` folder, with the ledger in it, is in the current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies of inputs are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _export(database: Path, folder: Path) -> None:
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(database)) as opened:
        for table in ("STU", "ENR", "LOC", "XRF"):
            rows = opened.execute(f'SELECT * FROM "{table}"')
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([[column[0] for column in rows.description], *rows])


def _settings(source: str, *senr: str, folder: Path | Address = Path("/county"), more: str = "") -> Settings:
    return read_settings_text(SETTINGS.format(source=source, senr=json.dumps(senr or ["SENR.txt"])) + more, folder)


def _files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name not in OF_THE_OCCASION}


class TestAddress:
    @pytest.mark.parametrize("row", rows_of("""
        text                                     name      parent                            protocols
        s3://bucket/a/SENR.txt                   SENR.txt  s3://bucket/a                     s3
        s3://bucket/a/exports/                   exports   s3://bucket/a                     s3
        sftp://me:secret@host/SENR.txt           SENR.txt  sftp://me:***@host                sftp
        sftp://me:secret@host                    host      sftp://                           sftp
        https://host/a/SE%20NR.txt?sig=abc#part  SE_NR.txt https://host/a                    https
        file:///a/b.txt                          b.txt     file:///a                         file
        memory://b.txt                           b.txt     memory://                         memory
        zip://b.txt::s3://bucket/a.zip           b.txt     zip://::s3://bucket/a.zip         zip,s3
        zip://x/b.txt::a.zip                     b.txt     zip://x::a.zip                    zip,file
        simplecache::sftp://me:secret@h/a/b.txt  b.txt     simplecache::sftp://me:***@h/a    simplecache,sftp
    """))  # fmt: skip
    def test_name_folder_and_protocols(self, row: dict[str, str]) -> None:
        address = Address(row["text"])
        assert address.name == row["name"].replace("_", " ")
        assert str(address.parent) == row["parent"]
        assert address.protocols == tuple(row["protocols"].split(","))

    @pytest.mark.parametrize("row", rows_of("""
        folder                          relative       joined
        s3://bucket/a                   SENR.txt       s3://bucket/a/SENR.txt
        s3://bucket/a                   ../b/SENR.txt  s3://bucket/b/SENR.txt
        memory://                       SENR.txt       memory://SENR.txt
        file:///a                       ./b/c.txt      file:///a/b/c.txt
        https://host/a                  b#c.txt        https://host/a/b%23c.txt
        zip://a::s3://bucket/b.zip      c.txt          zip://a/c.txt::s3://bucket/b.zip
    """))  # fmt: skip
    def test_what_is_relative_to_it(self, row: dict[str, str]) -> None:
        assert str(Address(row["folder"]).joined(row["relative"])) == row["joined"]

    @pytest.mark.parametrize(
        "text",
        ["sftp://me:hunter2@host/x", "simplecache::sftp://me:hunter2@host/x", "zip://a::ftp://me:hunter2@host/x",
         "https://host/x?sig=hunter2", "https://host/x?X-Amz-Signature=hunter2&a=b"],
    )  # fmt: skip
    def test_a_secret_in_it_is_never_shown(self, text: str) -> None:
        address = Address(text)
        assert "hunter2" not in f"{address} {address!r}"
        assert "***" in str(address)
        assert address.text == text

    @pytest.mark.parametrize(
        "text", ["SENR.txt", "/a/b.txt", r"C:\exports\SENR.txt", "C:/exports/SENR.txt", "a::b.txt", ""]
    )
    def test_a_path_is_none(self, text: str) -> None:
        assert address_of(text) is None

    @pytest.mark.parametrize("row", rows_of("""
        source                            is_address
        s3://bucket/aeries.db             yes
        sftp://host/exports               yes
        file:///srv/exports               yes
        zip://aeries.db::s3://bucket/a    yes
        https://district.aeries.net/api   no
        http://127.0.0.1:8000             no
        sqlite:///aeries.db               no
        mssql+pyodbc://server/DST26000    no
        postgresql://server/aeries        no
        nosuch://server/aeries            no
        exports                           no
    """))  # fmt: skip
    @pytest.mark.parametrize("installed", [True, False])
    def test_which_source_of_aeries_is_one(
        self, row: dict[str, str], installed: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not installed:
            monkeypatch.setitem(sys.modules, "fsspec", None)
        expected = row["is_address"] == "yes" or (not installed and row["source"].startswith("nosuch"))
        assert (source_address(row["source"]) is not None) == expected


class TestSettings:
    def test_relative_paths_lead_from_the_address_of_the_settings(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        monkeypatch.chdir(tmp_path)
        more = 'sela_extract = "/srv/SELA.txt"\nschool_directory = "https://cde/pubschls.txt"\n'
        settings = _settings("sqlite:///aeries.db", "SENR.txt", folder=Address("s3://county/1999990"), more=more)
        assert settings.aeries.source == Address("s3://county/1999990/aeries.db")
        assert settings.calpads.senr_extract == (Address("s3://county/1999990/SENR.txt"),)
        assert settings.calpads.sela_extract == Path("/srv/SELA.txt")
        assert settings.calpads.school_directory == Address("https://cde/pubschls.txt")
        assert settings.output.runs == tmp_path / "runs"

    def test_a_folder_of_exports_at_the_address_of_the_settings(self):
        assert _settings("exports", folder=Address("s3://county")).aeries.source == Address("s3://county/exports")

    def test_an_extract_of_the_command_line_may_be_an_address(self, district: Path):
        settings = load_settings(district / "senrkit.toml", extract=["s3://county/SENR.txt", Path("b.txt")])
        assert settings.calpads.senr_extract == (Address("s3://county/SENR.txt"), Path("b.txt").absolute())

    def test_the_manifest_has_no_password(self):
        more = 'sela_extract = "ftp://me:hunter2@host/SELA.txt"\n'
        settings = _settings(
            "exports", "sftp://me:hunter2@host/SENR.txt", folder=Address("ftp://u:hunter2@h/"), more=more
        )
        document = json.dumps(settings_document(settings))
        assert "hunter2" not in document
        assert "sftp://me:***@host/SENR.txt" in document

    def test_a_source_with_a_password_is_refused(self):
        with pytest.raises(UsageError, match="holds a password"):
            _settings("sftp://me:hunter2@host/exports")

    def test_nothing_of_fsspec_is_loaded_without_an_address(self, district: Path):
        code = (
            "import sys, senrkit; from pathlib import Path;"
            f"senrkit.check(senrkit.load_settings(Path({str(district / 'senrkit.toml')!r})));"
            "sys.exit('fsspec' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


class TestTheSameRun:
    def test_files_and_number_are_those_of_the_local_files(
        self, store: str, home: AtHome, tmp_path: Path, temporary: Path
    ):
        settings = load_settings(f"{store}/senrkit.toml")
        away = engine.run(settings, out=tmp_path / "away")
        assert _files(away.folder) == _files(home.run.folder)
        assert any(name.endswith(".zip") for name in _files(away.folder))
        assert of_inputs_alone(away.manifest) == of_inputs_alone(home.run.manifest)
        assert away.manifest["settings"]["calpads"]["senr_extract"] == [f"{store}/SENR_ODS.txt"]
        assert away.manifest["settings"]["aeries"]["source"] == f"{store}/aeries.db"
        assert {one["source"] for one in away.manifest["inputs"] if "source" in one} == {f"{store}/aeries.db"}
        assert away.comparison.settings is settings
        assert str(temporary) not in (away.folder / "manifest.json").read_text("utf-8")
        assert not list(temporary.iterdir())

    def test_folders_of_extracts_and_exports(self, store: str, district: Path, tmp_path: Path, temporary: Path):
        def settings(source: str, senr: str) -> Settings:
            text = (district / "senrkit.toml").read_text().replace("sqlite:///aeries.db", source)
            return read_settings_text(text.replace('"SENR_ODS.txt"', f'"{senr}"'), district)

        at_home = engine.run(settings("exports", "extracts"), out=tmp_path / "home")
        # The API has the web's protocols for itself.
        source = "exports" if store.startswith("http") else f"{store}/exports"
        away = engine.run(settings(source, f"{store}/extracts"), out=tmp_path / "away")
        assert _files(away.folder) == _files(at_home.folder)
        assert away.manifest["run_number"] == at_home.manifest["run_number"]
        assert "Taken as the newest SENR-R file in extracts: SENR november.txt." in away.manifest["notes"]

    def test_check_student_and_language(self, store: str, home: AtHome, tmp_path: Path, temporary: Path):
        settings = load_settings(f"{store}/senrkit.toml")
        assert of_inputs_alone(engine.check(settings).manifest) == of_inputs_alone(home.check.manifest)
        assert explain(settings, home.ssid) == home.student
        language = run_language(settings, out=tmp_path / "language")
        assert language.document["counts"] == home.language.document["counts"]
        assert language.document["settings"]["calpads"]["sela_extract"] == f"{store}/SELA_ODS.txt"
        for name in ("language.csv", "aeries_import_LAC.csv", "aeries_import_STU.csv"):
            assert (language.folder / name).read_bytes() == (home.language.folder / name).read_bytes()
        assert not list(temporary.iterdir())

    def test_the_command_line(self, web: Server, district: Path, tmp_path: Path):
        words = ["run", "--settings", f"{web.address}/senrkit.toml", "--out", str(tmp_path / "out"), "--json"]
        result = CliRunner().invoke(main, [*words, "--extract", f"{web.address}/SENR_ODS.txt"])
        assert result.exit_code == 5, result.stderr
        assert json.loads(result.stdout)["settings"]["file"] == f"{web.address}/senrkit.toml"

    def test_nothing_is_written_to_a_database_at_an_address(self, district: Path, tmp_path: Path):
        done = run_language(load_settings(f"{district.as_uri()}/senrkit.toml"), out=tmp_path / "out")
        with pytest.raises(UsageError, match="is no database that can be written to"):
            write_to_aeries(done, len(done.proposed))


class TestCopies:
    def test_are_private_and_gone_afterwards(self, web: Server, temporary: Path):
        settings = load_settings(f"{web.address}/senrkit.toml")
        with local_inputs(settings) as local:
            (folder,) = temporary.iterdir()
            assert folder.stat().st_mode & 0o777 == 0o700
            assert local.calpads.senr_extract[0].is_file()
            assert local.calpads.senr_extract[0].name == "SENR_ODS.txt"
        assert not list(temporary.iterdir())

    def test_have_the_times_of_their_originals(self, web: Server, district: Path, temporary: Path):
        with local_inputs(load_settings(f"{web.address}/senrkit.toml")) as local:
            there = (district / "SENR_ODS.txt").stat().st_mtime
            assert int(local.calpads.senr_extract[0].stat().st_mtime) == int(there)

    def test_are_gone_when_the_work_fails(self, web: Server, temporary: Path):
        with pytest.raises(KeyboardInterrupt), local_inputs(load_settings(f"{web.address}/senrkit.toml")):
            raise KeyboardInterrupt
        assert not list(temporary.iterdir())

    def test_what_a_killed_run_left_is_removed(self, web: Server, temporary: Path):
        left, young, other = (
            temporary / name for name in (f"{addresses._COPIES}old", f"{addresses._COPIES}new", "old")
        )
        for folder in (left, young, other):
            folder.mkdir()
        yesterday = time.time() - 25 * 3600
        os.utime(left, (yesterday, yesterday))
        os.utime(other, (yesterday, yesterday))
        with local_inputs(load_settings(f"{web.address}/senrkit.toml")):
            pass
        assert set(temporary.iterdir()) == {young, other}

    def test_own_files_are_read_where_they_are(self, district: Path, temporary: Path):
        with local_inputs(load_settings(f"{district.as_uri()}/senrkit.toml")) as local:
            assert local.calpads.senr_extract == (district / "SENR_ODS.txt",)

    def test_only_what_is_needed_is_brought(self, web: Server, district: Path, temporary: Path):
        settings = _settings(str(district / "exports"), f"{web.address}/nothing.txt")
        with local_inputs(settings, without=("senr_extract",)) as local:
            assert local is settings

    def test_settings_without_an_address_are_given_back(self, district: Path):
        settings = load_settings(district / "senrkit.toml")
        with local_inputs(settings) as local:
            assert local is settings

    def test_two_inputs_of_one_name(self, web: Server, temporary: Path):
        settings = _settings("exports", f"{web.address}/SENR_ODS.txt", f"{web.address}/extracts/../SENR_ODS.txt")
        with local_inputs(settings) as local:
            one, two = local.calpads.senr_extract
            assert one != two
            assert one.read_bytes() == two.read_bytes()


class TestFaults:
    def fault(self, settings: Settings) -> InputError:
        with pytest.raises(InputError) as raised:
            engine.check(settings)
        assert raised.value.exit_code == 3
        assert "hunter2" not in str(raised.value)
        return raised.value

    @pytest.mark.parametrize("row", rows_of("""
        address                      sentence
        s4://bucket/SENR.txt         s4_is_no_protocol_by_which_senrkit_reads_files
        wandb://a/b/SENR.txt         needs_a_Python_package_that_is_not_installed
        memory://nowhere/SENR.txt    there_is_no_such_file_or_folder
        file:///nowhere/SENR.txt     there_is_no_such_file_or_folder
        {web}/nothing.txt            there_is_no_such_file_or_folder
        {web}/nothing/               there_is_no_such_file_or_folder
        {web}/refused.txt?sig=hunter2  it_may_not_be_read_with_the_rights_that_senrkit_has
        {web}/broken.txt             the_connection_broke_off_before_all_of_it_was_here
        {closed}/SENR.txt            the_other_side_refuses_the_connection
        ftp://me:hunter2@{host}/SENR.txt  the_other_side_refuses_the_connection
        http://nobody.invalid/SENR.txt  the_server_is_not_found
    """))  # fmt: skip
    def test_is_one_sentence(self, row: dict[str, str], district: Path, web: Server, temporary: Path):
        (district / "refused.txt").write_bytes(b"SENR-R^")
        (district / "broken.txt").write_bytes(b"SENR-R^" * 1000)
        web.refused, web.broken = {"/refused.txt"}, {"/broken.txt"}
        with socket.socket() as port:
            # Bound and not listening: nobody else can take the port, and nobody answers.
            port.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{port.getsockname()[1]}"
            given = row["address"].format(web=web.address, closed=f"http://{host}", host=host)
            fault = self.fault(_settings(str(district / "exports"), given))
        assert row["sentence"].replace("_", " ") in fault.message
        assert fault.cure
        assert not list(temporary.iterdir())

    def test_a_missing_package_is_named(self, district: Path):
        assert "Install wandb" in self.fault(_settings(str(district / "exports"), "wandb://a/b/SENR.txt")).message

    def test_without_fsspec_it_is_named(self, district: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "fsspec", None)
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
        fault = self.fault(_settings("s3://bucket/aeries.db", "s3://bucket/SENR.txt"))
        assert "the Python package fsspec, which is not installed" in fault.message
        assert "pip install" in fault.cure

    def test_settings_that_are_not_there(self, web: Server):
        with pytest.raises(InputError, match="senrkit_of_nobody.toml: there is no such file"):
            load_settings(f"{web.address}/senrkit_of_nobody.toml")

    def test_a_source_that_is_neither_database_nor_folder(self, district: Path):
        source = f"{district.as_uri()}/SENR_ODS.txt"
        fault = self.fault(_settings(source, str(district / "SENR_ODS.txt")))
        assert fault.message == f"{source} is neither a SQLite database nor a folder of exports."

    def test_what_is_wrong_with_a_copy_is_said_of_the_address(self, web: Server, temporary: Path):
        settings = load_settings(f"{web.address}/senrkit.toml", extract=[f"{web.address}/exports"])
        fault = self.fault(settings)
        assert fault.message == f"The folder {web.address}/exports holds no SENR-R file."

    def test_a_folder_that_tells_no_times_has_no_newest_extract(
        self, district: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
    ):
        memory = fsspec.filesystem("memory")
        memory.put(str(district / "extracts"), "/timeless", recursive=True)

        def untold(*_: object) -> None:
            raise NotImplementedError

        monkeypatch.setattr(type(memory), "modified", untold)
        fault = self.fault(_settings(str(district / "exports"), "memory://timeless"))
        assert "the newest is not known" in fault.message

    def test_no_room_for_a_copy(self, web: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        fault = self.fault(load_settings(f"{web.address}/senrkit.toml"))
        assert fault.message == "There is no place for copies of the inputs (No such file or directory)."
