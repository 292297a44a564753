"""JupyterLab on the notebooks, with the demo district ready.

What is saved there is saved without outputs: an output may show students, and the notebooks are under version control.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from senrkit.errors import InputError
from senrkit.notebook import library
from senrkit.notebook.opening import DEMO, make_demo

FOLDER = "notebooks"


def open_lab(place: Path, *, browser: bool = True, port: int | None = None) -> int:
    """Make notebooks and demo ready, start JupyterLab, wait for its end; gives its exit code.

    From a checkout its own `notebooks/` are opened; otherwise a copy in `place`, where files that are there stay as
    they are.

    Raises
    ------
    InputError
        when the place cannot be written.
    """
    root = ready(place)
    try:
        return subprocess.run(
            command(root, browser=browser, port=port), env=os.environ | _environment(), check=False
        ).returncode
    except KeyboardInterrupt:
        return 0


def ready(place: Path) -> Path:
    """The folder that holds `notebooks` and `demo`, both made where they are missing.

    Raises
    ------
    InputError
        when the place cannot be written.
    """
    shipped = library.folder()
    try:
        if shipped.name == FOLDER:
            place = shipped.parent
        else:
            (place / FOLDER).mkdir(parents=True, exist_ok=True)
            for notebook in shipped.glob("*.ipynb"):
                if not (place / FOLDER / notebook.name).exists():
                    shutil.copyfile(notebook, place / FOLDER / notebook.name)
        make_demo(place / DEMO)
    except OSError as error:
        raise InputError(f"{place} cannot be written ({error.strerror}).", "Name a folder of yours.") from None
    return place


def command(root: Path, *, browser: bool = True, port: int | None = None) -> list[str]:
    """The command that starts JupyterLab: on this machine alone, with its token, and kernels without open ports."""
    options = [
        f"--ServerApp.root_dir={root.absolute()}",
        f"--LabApp.default_url=/lab/tree/{FOLDER}/01_load.ipynb",
        "--ServerApp.ip=127.0.0.1",
        "--ContentsManager.pre_save_hook=senrkit.notebook.lab.without_outputs",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    options += ["--KernelManager.transport=ipc"] if os.name == "posix" else []
    # In a container everybody is root, and JupyterLab would not start.
    options += ["--allow-root"] if os.name == "posix" and os.geteuid() == 0 else []
    options += [] if browser else ["--no-browser"]
    options += [f"--ServerApp.port={port}"] if port else []
    return [sys.executable, "-m", "jupyterlab", *options]


def without_outputs(model: dict[str, Any], path: str, **_: Any) -> None:
    """What JupyterLab calls before it saves: outputs and execution counts of our notebooks go out."""
    if model["type"] != "notebook" or not path.strip("/").startswith(f"{FOLDER}/"):
        return
    for cell in model["content"]["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def _environment() -> dict[str, str]:
    """Where JupyterLab finds our settings, as the answer to its question about news; a person's own come first."""
    ours = str(resources.files("senrkit.notebook").joinpath("jupyter"))
    own = os.environ.get("JUPYTER_CONFIG_PATH")
    return {"JUPYTER_CONFIG_PATH": f"{own}{os.pathsep}{ours}" if own else ours}
