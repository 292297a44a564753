"""The world in which dashboard, lab and notebooks run: made here, used up, and taken away again.

Jupyter, Voila and IPython read settings, templates, kernels and startup files from a dozen places, of which the
person's own, or a neighbour's, may open the dashboard to everybody or break it. Here none of them is read: what they
would be found by leaves the environment, and what is needed stands in one private folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from senrkit.errors import InputError
from senrkit.system.computer import KERNEL_TRANSPORT, LONGEST_SOCKET_NAME, is_safe, private_places

KERNEL = "python3"
# What is told when a kernel does not start: the sentence and its cure.
NO_KERNEL = (
    "The Python that does the work of a page or a notebook (its kernel) does not start.",
    f"To see why, run: {sys.executable} -m senrkit.jupyter.kernel",
)
# The longest path below the place of a world: Voila's folder for connections, and a kernel's tenth socket in it.
_LONGEST = f"/senrkit-{'x' * 8}/voila_{'x' * 8}/kernel-{'x' * 36}-ipc-10"
_OTHERS = ("JUPYTER", "JPY_", "IPYTHON", "VOILA", "NBCONVERT", "PAPERMILL", "TRAITLETS_", "PYTHONSTARTUP")


@dataclass(frozen=True)
class World:
    """`folder` is private, short enough for sockets, and gone afterwards."""

    folder: Path

    @property
    def connection(self) -> Path:
        """The connection file of a kernel that is the only one here."""
        return self.folder / "kernel.json"


@contextlib.contextmanager
def jupyter_world(templates: Path | None = None) -> Iterator[World]:
    """A world for what is started inside, as this process's environment; that of before comes back.

    Temporary files of this process stand in it too, so that the one empty folder where Jupyter looks for settings,
    which it makes itself, goes with it.

    Parameters
    ----------
    templates
        A folder of our own to look for Voila's templates in, before any other.

    Raises
    ------
    InputError
        when there is no place for it.
    """
    before, temporary = dict(os.environ), tempfile.tempdir
    folder = _private_folder()
    try:
        for name in [name for name in os.environ if name.startswith(_OTHERS)]:
            del os.environ[name]
        os.environ.update(_environment(folder, templates))
        _write_kernel(folder / "data")
        tempfile.tempdir = str(folder)
        yield World(folder)
    finally:
        tempfile.tempdir = temporary
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def _private_folder() -> Path:
    """A new folder where only this person can look in or put anything in its place, and sockets can stand."""
    for place in private_places():
        fits = KERNEL_TRANSPORT != "ipc" or len(os.fsencode(f"{place}{_LONGEST}")) <= LONGEST_SOCKET_NAME
        if fits and is_safe(place):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="senrkit-", dir=place))
    raise InputError(
        "There is no folder for the sockets of the kernels: it has to be yours, writable, and its name "
        f"at most {LONGEST_SOCKET_NAME - len(_LONGEST)} characters long.",
        "Set TMPDIR to such a folder.",
    )


def _environment(folder: Path, templates: Path | None) -> dict[str, str]:
    installed = Path(sys.prefix) / "share" / "jupyter"
    return {
        # Then settings are looked for in one new folder, and not in the home, the system, or where variables say.
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder),
        "JUPYTER_PATH": os.pathsep.join(map(str, filter(None, (folder / "data", templates, installed)))),
        "IPYTHONDIR": str(folder / "ipython"),
        # Not the current folder: a calendar.py there would be taken for Python's own.
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(_python_path()),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _python_path() -> Iterator[str]:
    """What the person says, but no folder that depends on the current one; and a checkout that is not installed."""
    yield from (path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(path).is_absolute())
    ours = Path(__file__).resolve().parents[2]
    if ours.name not in ("site-packages", "dist-packages"):
        yield str(ours)


def _write_kernel(data: Path) -> None:
    """Our kernel under the name that every notebook asks for: this very Python, and none of another environment."""
    place = data / "kernels" / KERNEL
    place.mkdir(parents=True)
    command = [sys.executable, "-P", "-m", "senrkit.jupyter.kernel", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "senrkit", "language": "python", "metadata": {"debugger": True}}
    (place / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
