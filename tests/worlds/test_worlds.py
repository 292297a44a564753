"""Dashboard, lab and notebooks among settings of others: none is read, and the server stays shut."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from senrkit.errors import InputError
from senrkit.jupyter import world as jupyter_world
from tests.notebooks.conftest import agreed_district
from tests.worlds.doors import Served, refused, served
from tests.worlds.surroundings import KINDS, ROOT, Surroundings, plain_readers, surroundings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the surroundings are made of links and modes")
SURROUNDINGS = [
    pytest.param(kind, by, id=f"{kind}-{by and 'variables' or 'home'}") for kind in KINDS for by in (False, True)
]
KERNEL = re.compile(r'"kernelId": ?"([0-9a-f-]{36})"')


@pytest.fixture
def around(tmp_path) -> Surroundings:
    (tmp_path / "around").mkdir()
    return surroundings(tmp_path / "around")


def closed(server: Served, *paths: str) -> None:
    for path in paths:
        assert server.asked(path, with_token=False)[0] in (401, 403, 404, 405), path


def kept_apart(server: Served, kernel: str) -> None:
    """What holds of every server: only here, only with the token, kernels through the file system, nothing told."""
    assert server.listens_on() == {"127.0.0.1"}
    closed(server, "", "api/kernels", f"api/kernels/{kernel}", "api/contents", "api/terminals", "files/senr.ipynb")
    assert not server.talks(kernel, with_token=False)
    assert server.talks(kernel, with_token=True)
    assert {one["transport"] for one in server.connections()} == {"ipc"}
    assert server.asked("no/such?place", with_token=True)[0] >= 400
    assert server.token not in server.command_lines()
    assert server.token not in server.log.read_text()


@pytest.mark.parametrize("by_variables", [False, True])
def test_the_settings_stand_where_a_plain_jupyter_reads_them(around, by_variables):
    planted = around.plant("valid", by_variables=by_variables)
    plain_readers(around)
    passed_over = {path for path in planted if by_variables and path.startswith(("home/.jupyter", "home/.ipython"))}
    assert around.read() == planted - passed_over


@pytest.mark.parametrize(("kind", "by_variables"), SURROUNDINGS)
def test_the_dashboard_reads_nothing_of_others(around, kind, by_variables):
    around.plant(kind, by_variables=by_variables)
    with served(
        around, "dashboard", "--no-browser", place=around.here if by_variables else around.copy / "dashboards"
    ) as server:
        code, page = server.asked("", with_token=True)
        assert code == 200 and "NOT OURS" not in page and "application/vnd.jupyter.widget-view+json" in page
        (kernel,) = set(KERNEL.findall(page))
        assert server.asked(f"api/kernels/{kernel}", with_token=True)[0] == 200
        kept_apart(server, kernel)
        for path in ("voila/files/senr.ipynb", "voila/files/voila.json"):
            assert {server.asked(path, with_token=key)[0] for key in (True, False)} <= {401, 403, 404}
    assert around.read() == set()


@pytest.mark.parametrize(("kind", "by_variables"), SURROUNDINGS)
def test_the_lab_reads_nothing_of_others(around, kind, by_variables):
    around.plant(kind, by_variables=by_variables)
    with served(around, "lab", "--no-browser") as server:
        assert server.asked("lab/tree/notebooks/01_load.ipynb", with_token=True)[0] == 200
        kinds = server.asked("api/kernelspecs", with_token=True)[1]
        assert "senrkit" in kinds and "/nowhere" not in kinds and "/bin/false" not in kinds
        code, kernel = server.asked("api/kernels", with_token=True, method="POST")
        assert code == 201
        kept_apart(server, re.search(r'"id": ?"([^"]+)"', kernel)[1])
        closed(server, "lab", "files/notebooks/01_load.ipynb", "lab/api/settings")
        settings = server.asked("lab/api/settings/@jupyterlab/apputils-extension:notification", with_token=True)[1]
        asked = json.loads(settings)["schema"]["properties"]
        assert [asked[name]["default"] for name in ("fetchNews", "checkForUpdates")] == ["false", False]
    assert around.read() == set()


@pytest.mark.parametrize(("kind", "by_variables"), SURROUNDINGS)
def test_a_notebook_reads_nothing_of_others(around, kind, by_variables):
    around.plant(kind, by_variables=by_variables)
    district = around.folder / "district"
    district.mkdir()
    code, _, said = refused(around, "notebook", "04_export", "-r", "settings", str(agreed_district(district)))
    assert code == 0, said
    (page,) = district.glob("runs/*/notebooks/*.html")
    assert "NOT OURS" not in page.read_text() and "Nothing to change" in page.read_text()
    assert around.read() == set()


# ---- the place of a world


@pytest.mark.parametrize("length", [48, 90])
def test_long_temporary_folders_and_no_home_stop_nothing(around, length):
    """Every Mac's temporary folder has 48 characters; a socket below one of 90 would have too long a name."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="x" * (length - len("/tmp/") - 8)) as name:
        around.variables.update(TMPDIR=name, HOME="/dev/null/nowhere", JUPYTER_RUNTIME_DIR="/dev/null/nowhere")
        with served(around, "dashboard", "--no-browser") as server:
            code, page = server.asked("", with_token=True)
            assert code == 200
            kept_apart(server, KERNEL.search(page)[1])
        district = around.folder / "district"
        district.mkdir()
        code, _, said = refused(around, "notebook", "04_export", "-r", "settings", str(agreed_district(district)))
        assert code == 0, said
        assert len(name) == length and list(Path(name).glob("senrkit-*")) == []


@pytest.mark.parametrize(
    ("place", "taken"),
    [
        pytest.param("own", True, id="ours"),
        pytest.param("long" * 30, False, id="too long"),
        pytest.param("open", False, id="others may write there"),
        pytest.param("sticky", True, id="others may write there but move nothing"),
        pytest.param("theirs", False, id="somebody else's"),
        pytest.param("missing", False, id="not there"),
    ],
)
def test_a_world_stands_only_where_nobody_can_move_it(monkeypatch, place, taken):
    if place == "theirs" and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="s") as folder:
        asked = Path(folder) / place
        if place != "missing":
            asked.mkdir()
            asked.chmod({"open": 0o777, "sticky": 0o1777}.get(place, 0o700))
        if place == "theirs":
            os.chown(asked, 65534, 65534)
        monkeypatch.setattr(jupyter_world, "private_places", lambda: iter([asked]))
        if not taken:
            with pytest.raises(InputError, match="no folder for the sockets") as none, jupyter_world.jupyter_world():
                pass
            assert "TMPDIR" in none.value.cure
            return
        with jupyter_world.jupyter_world() as world:
            assert world.folder.parent == asked and stat.S_IMODE(world.folder.stat().st_mode) == 0o700
        assert not world.folder.exists()


def test_the_world_of_before_comes_back_and_the_current_folder_stays_off_the_path(monkeypatch):
    monkeypatch.setenv("JUPYTER_TOKEN", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "here", "/opt/theirs"]))
    before = dict(os.environ)
    with jupyter_world.jupyter_world():
        assert "JUPYTER_TOKEN" not in os.environ and os.environ["PYTHONSAFEPATH"] == "1"
        assert os.environ["PYTHONPATH"].split(os.pathsep) == ["/opt/theirs", str(ROOT)]
    with pytest.raises(ZeroDivisionError), jupyter_world.jupyter_world():
        raise ZeroDivisionError
    assert dict(os.environ) == before


def test_a_module_of_the_current_folder_is_not_taken_for_pythons_own(around):
    (around.here / "calendar.py").write_text("raise SystemExit('taken')")
    words = [around.python, "-m", "senrkit", "check", "--settings", "none.toml"]
    done = subprocess.run(words, cwd=around.here, env=around.variables, capture_output=True, check=False)
    assert done.returncode in (2, 3) and b"none.toml" in done.stderr and b"taken" not in done.stderr


# ---- the look at the running server: something changes it, as an add-on of the environment could

_CHANGED = """
import sys
if not {{"-P", "-c"}} & set(sys.orig_argv):
    import jupyter_client.manager, voila.app
    made = voila.app.Voila.init_settings
    def changed(self):
        settings = made(self)
        {}
        return settings
    voila.app.Voila.init_settings = changed
"""
_ALSO_ELSEWHERE = (
    "from tornado import httpserver, ioloop; "
    "ioloop.IOLoop.current().add_callback(httpserver.HTTPServer(print).listen, 0, '0.0.0.0')"
)
_GUARD = "import senrkit.jupyter.gate; senrkit.jupyter.gate.Guard.{}"
_ANOTHER_EACH_TIME = "cookie = property(lambda _: __import__('os').urandom(4).hex())"
_VOILAS_OWN = "settings['identity_provider'] = type(self.identity_provider).__mro__[1](token='x')"
_COOKIE = (
    "import tornado.web; gives = tornado.web.RequestHandler.set_cookie; "
    "tornado.web.RequestHandler.set_cookie = lambda self, name, value, **_: gives(self, name, value)"
)
_NO_KERNEL = "jupyter_client.manager.KernelManager.format_kernel_cmd = lambda *_, **__: ['/bin/false']"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(_GUARD.format("knows = lambda *_: True"), "is open to everybody", id="no token"),
        pytest.param(_GUARD.format("knows = lambda *_: False"), "its token does not open it", id="another token"),
        pytest.param(_GUARD.format("is_called_by_name = lambda *_: True"), "open to pages of other sites", id="names"),
        pytest.param(_GUARD.format(_ANOTHER_EACH_TIME), "its cookie does not open it", id="cookie"),
        pytest.param(_COOKIE, "its cookie is open to others", id="cookie for all"),
        pytest.param(_VOILAS_OWN, "its token does not open it", id="nobody is known"),
        pytest.param(_ALSO_ELSEWHERE, "it listens on 0.0.0.0:", id="address"),
        pytest.param("self.voila_configuration.file_allowlist = ['.*']", "VoilaConfiguration.file_allow", id="files"),
        pytest.param("self.voila_configuration.template = 'lab'", "VoilaConfiguration.template", id="template"),
        pytest.param("self.voila_configuration.prelaunch_hook = print", "prelaunch_hook", id="hook"),
        pytest.param("self._loaded_config_files.append('theirs')", "settings that are not ours", id="settings"),
        pytest.param("self.config.KernelManager.transport = 'tcp'", "its kernels are others", id="transport"),
        pytest.param("self.kernel_manager.connection_dir = '/tmp'", "its kernels are others", id="sockets elsewhere"),
        pytest.param(_NO_KERNEL, "(its kernel) does not start", id="no kernel"),
    ],
)
def test_a_server_that_is_not_what_it_has_to_be_is_ended_before_anyone_is_told(around, line, said):
    packages = next((around.folder / "env" / "lib").glob("python*/site-packages"))
    (packages / "sitecustomize.py").write_text(_CHANGED.format(line))
    code, told, complained = refused(around, "dashboard", "--no-browser")
    assert (code, told) == (2, ""), complained
    assert said in complained and "Traceback" not in complained


# ---- ports, browser, ends


def test_the_next_port_is_taken_and_a_named_one_that_is_taken_is_a_sentence(around):
    with served(around, "dashboard", "--no-browser") as first, served(around, "dashboard", "--no-browser") as second:
        assert first.port != second.port
        for door in ("dashboard", "lab"):
            code, told, said = refused(around, door, "--no-browser", "--port", str(first.port))
            assert (code, told) == (2, "") and f"Port {first.port} is in use." in said
        assert first.asked("", with_token=False)[0] == second.asked("", with_token=False)[0] == 403


def test_the_browser_is_opened_through_a_file_that_only_this_person_can_read(around):
    opened = around.folder / "opened"
    os.mkfifo(opened)
    browser = around.folder / "browser"
    browser.write_text(
        f"#!{around.python}\nimport os, sys, urllib.request\n"
        "page = urllib.request.urlopen(sys.argv[1]).read().decode()\n"
        "mode = oct(os.stat(sys.argv[1].removeprefix('file://')).st_mode & 0o777)\n"
        f"open({str(opened)!r}, 'w').write('\\n'.join([sys.argv[1], mode, page]))\n"
    )
    browser.chmod(0o755)
    around.variables["BROWSER"] = f"{browser} %s"
    with served(around, "dashboard") as server:
        given, mode, page = opened.read_text().split("\n", 2)
        assert given.startswith("file:///") and server.token not in given
        assert mode == "0o600" and f"url={server.address}" in page
    assert not Path(given.removeprefix("file://")).parent.exists(), "the end takes the file and its folder along"
