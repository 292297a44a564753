"""A computer that holds Jupyter settings in every place where Jupyter, Voila and IPython read them; and its own Python.

Each settings file written in Python leaves its name in `marks` when it is read, so that a test can tell which were.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("valid", "broken", "hostile")
_HARMLESS = {"Application": {"log_level": 30}}
_HOSTILE = {
    "Voila": {"token": "", "ip": "0.0.0.0", "custom_display_url": "http://elsewhere/"},
    "VoilaConfiguration": {"file_allowlist": [".*"], "file_denylist": [], "template": "lab", "strip_sources": False},
    "ServerApp": {
        "token": "",
        "ip": "0.0.0.0",
        "allow_origin": "*",
        "jpserver_extensions": {"no_such_extension": True},
    },
    "IdentityProvider": {"token": ""},
    "KernelManager": {"transport": "tcp"},
    "BaseIPythonApplication": {"profile": "nobody"},
    "InteractiveShellApp": {"exec_lines": ["import os; os.chdir('/')"], "extensions": ["no_such_extension"]},
}
_NAMES = ("voila", "jupyter_config", "jupyter_server_config", "jupyter_lab_config", "jupyter_nbconvert_config")


@dataclass(frozen=True)
class Surroundings:
    """`python` runs senrkit from a copy; `variables` are those of the person who starts it, in the folder `here`."""

    folder: Path
    python: Path
    variables: dict[str, str]

    @property
    def here(self) -> Path:
        return self.folder / "here"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def copy(self) -> Path:
        return self.folder / "copy"

    @property
    def current_folders(self) -> tuple[Path, ...]:
        """Where the command may be started, and where the notebooks stand."""
        return self.here, self.copy / "dashboards", self.copy / "notebooks"

    @property
    def senrkit(self) -> Path:
        """The command as pip would install it."""
        return self.python.parent / "senrkit"

    def read(self) -> set[str]:
        """Which of the planted files were read, as paths from `folder`."""
        marks = self.folder / "marks"
        return set(marks.read_text().split()) if marks.exists() else set()

    def plant(self, kind: str, *, by_variables: bool) -> set[str]:
        """Settings everywhere, also where variables say; gives those whose reading leaves a mark."""
        jupyter = [self.home / ".jupyter", self.python.parents[1] / "etc" / "jupyter"]
        ipython = [self.home / ".ipython" / "profile_default", self.python.parents[1] / "etc" / "ipython"]
        data = [self.home / ".local" / "share" / "jupyter"]
        if by_variables:
            jupyter += [self.folder / "config_dir", self.folder / "config_path"]
            ipython += [self.folder / "ipython" / "profile_default"]
            data += [self.folder / "jupyter_path", self.folder / "data_dir"]
            self.variables.update(
                {
                    "JUPYTER_CONFIG_DIR": str(self.folder / "config_dir"),
                    "JUPYTER_CONFIG_PATH": str(self.folder / "config_path"),
                    "JUPYTER_PATH": str(self.folder / "jupyter_path"),
                    "JUPYTER_DATA_DIR": str(self.folder / "data_dir"),
                    "JUPYTER_TOKEN": "",
                    "IPYTHONDIR": str(self.folder / "ipython"),
                    "PYTHONSTARTUP": str(self.folder / "startup.py"),
                }
            )
            self._mark(self.folder / "startup.py", kind)
        for place in jupyter:
            for name in _NAMES:
                self._mark(place / f"{name}.py", kind)
                self._write(place / f"{name}.json", _json(kind))
            enabled = {"ServerApp": {"jpserver_extensions": {"no_such_extension": True}}}
            self._write(place / "jupyter_server_config.d" / "more.json", json.dumps(enabled))
        for place in ipython:
            for name in ("ipython_config.py", "ipython_kernel_config.py", "startup/00-first.py"):
                self._mark(place / name, kind)
        for place in data:
            self._plant_data(place, kind)
        for place in self.current_folders:
            self._mark(place / "voila.py", kind)
            self._write(place / "voila.json", _json(kind))
            self._mark(place / "calendar.py", kind)
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*.py") if _is_marked(path)}

    def _plant_data(self, place: Path, kind: str) -> None:
        kernel = {"valid": _spec("/bin/false"), "broken": "{", "hostile": _spec("/nowhere/python")}[kind]
        self._write(place / "kernels" / "python3" / "kernel.json", kernel)
        for template in ("voila/templates/senrkit", "voila/templates/lab", "nbconvert/templates/lab"):
            text = {"valid": "NOT OURS", "broken": "{% block", "hostile": "NOT OURS {{ 1/0 }}"}[kind]
            self._write(place / template / "index.html.j2", text)
            more = {"base_template": "base", "traitlet_configuration": {"file_allowlist": [".*"]}}
            self._write(place / template / "conf.json", json.dumps(more))
        self._write(place / "nbconvert" / "templates" / "basic" / "index.html.j2", "NOT OURS")

    def _mark(self, path: Path, kind: str) -> None:
        name, marks = path.relative_to(self.folder), self.folder / "marks"
        text = f"open({str(marks)!r}, 'a').write({f'{name} '!r})  # marks itself\n"
        if kind != "valid" and "config" in path.name or path.name == "voila.py":
            given = _HARMLESS if kind == "valid" else _HOSTILE
            text += "c = get_config()\n"
            text += "".join(
                f"c.{one}.{name} = {value!r}\n" for one, traits in given.items() for name, value in traits.items()
            )
        if kind == "broken":
            text += "raise SystemError('this file cannot be read')\n"
        self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def surroundings(folder: Path) -> Surroundings:
    """A Python of its own, with everything that this one has, and a copy of senrkit: what is planted harms nobody."""
    for name in ("here", "home", "copy"):
        (folder / name).mkdir()
    for part in ("senrkit", "dashboards", "notebooks"):
        shutil.copytree(ROOT / part, folder / "copy" / part, ignore=shutil.ignore_patterns("__pycache__"))
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    packages = next((folder / "env" / "lib").glob("python*/site-packages"))
    (packages / "ours.pth").write_text(f"{folder / 'copy'}\n{sysconfig.get_path('purelib')}\n")
    (folder / "env" / "share").mkdir()
    (folder / "env" / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")
    command = folder / "env" / "bin" / "senrkit"
    command.write_text(f"#!{python}\nfrom senrkit.cli.main import main\nmain()\n")
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TZ")}
    return Surroundings(folder, python, kept | {"HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"})


def plain_readers(around: Surroundings) -> None:
    """Start what reads settings, as anybody would: the proof that the files stand where they are read."""
    notebook = str(around.copy / "dashboards" / "senr.ipynb")
    for lines in (
        "from jupyterlab.labapp import LabApp; LabApp.initialize_server([])",
        "from nbconvert.nbconvertapp import NbConvertApp; NbConvertApp().initialize(['x'])",
        "from ipykernel.kernelapp import IPKernelApp; IPKernelApp.instance().initialize([])",
    ):
        _run_python(around, around.here, "-P", "-c", lines)
    for place in around.current_folders:
        _run_python(around, place, "-P", "-c", f"from voila.app import Voila; Voila().initialize([{notebook!r}])")
        _run_python(around, place, "-c", "import calendar")


def _run_python(around: Surroundings, place: Path, *words: str) -> None:
    subprocess.run(
        [around.python, *words], cwd=place, env=around.variables, capture_output=True, check=False, timeout=PATIENCE
    )


def _json(kind: str) -> str:
    return {"valid": json.dumps(_HARMLESS), "broken": '{"Voila": ', "hostile": json.dumps(_HOSTILE)}[kind]


def _spec(python: str) -> str:
    return json.dumps({"argv": [python, "-f", "{connection_file}"], "display_name": "x", "language": "python"})


def _is_marked(path: Path) -> bool:
    return "# marks itself" in path.read_text(encoding="utf-8", errors="replace")[:300]
