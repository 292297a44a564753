"""JupyterLab on the notebooks, with the demo district ready.

What is saved there is saved without outputs: an output may show students, and the notebooks are under version control.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from senrkit.errors import InputError
from senrkit.jupyter.door import LOOPBACK, Door, Promise, open_to, taken_port
from senrkit.jupyter.world import KERNEL, jupyter_world
from senrkit.notebook import library
from senrkit.notebook.opening import DEMO, make_demo
from senrkit.system.computer import KERNEL_TRANSPORT, is_administrator

FOLDER = "notebooks"
FIRST_PORT = 8888
_FIRST_PAGE = f"lab/tree/{FOLDER}/01_load.ipynb"


def open_lab(
    place: Path, *, browser: bool = True, port: int | None = None, tell: Callable[[str], None] = lambda address: None
) -> int:
    """Make notebooks and demo ready, and serve JupyterLab until its end; gives its exit code.

    From a checkout its own `notebooks/` are opened; otherwise a copy in `place`, where files that are there stay as
    they are.

    Parameters
    ----------
    tell
        Is given the address, with its token, once the server was seen to be shut to others.

    Raises
    ------
    UsageError
        when the port is taken, or the server is not what it has to be.
    InputError
        when the place cannot be written, or there is none for the sockets of the kernels.
    """
    root = ready(place)
    with taken_port(port, FIRST_PORT) as taken, jupyter_world() as world:
        door = Door(taken, page=_FIRST_PAGE)
        settings = configuration(root, door)
        lab = _initialized(settings, door)

        def kept_by() -> dict[str, Any]:
            parts = {"LabApp": lab.starter_app, "ContentsManager": lab.contents_manager}
            return {"ServerApp": lab, "IdentityProvider": lab.identity_provider, **parts} | {
                "KernelSpecManager": lab.kernel_spec_manager
            }

        promise = Promise(settings, kept_by, shut=(), end=lab.stop)
        open_to(lab, door, promise, world, browser=browser, tell=tell)
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


def configuration(root: Path, door: Door) -> Any:
    """JupyterLab's settings: this machine alone, behind a token, kernels without open ports, nobody asked for news."""
    from jupyterlab.handlers.announcements import NeverCheckForUpdate
    from traitlets.config import Config

    made = Config()
    made.ServerApp.update(
        ip=LOOPBACK, port=door.port, base_url=door.base, root_dir=str(root.absolute()),
        open_browser=False, log_level=logging.ERROR, allow_origin="", allow_remote_access=False,
        # In a container everybody is root, and JupyterLab would not start.
        allow_root=is_administrator(),
    )  # fmt: skip
    made.IdentityProvider.update(token=door.token)
    made.LabApp.update(
        default_url=f"/{_FIRST_PAGE}", news_url=None, check_for_updates_class=NeverCheckForUpdate,
        log_level=logging.ERROR,
    )  # fmt: skip
    made.ContentsManager.pre_save_hook = without_outputs
    made.KernelManager.transport = KERNEL_TRANSPORT
    made.KernelSpecManager.allowed_kernelspecs = {KERNEL}
    return made


def _initialized(settings: Any, door: Door) -> Any:
    """JupyterLab, with our answer to its question about news, and without any extension but itself."""
    from jupyterlab.labapp import LabApp
    from tornado.httpserver import HTTPServer

    class Server(LabApp.serverapp_class):
        """Jupyter's server on the socket that was taken for it."""

        def init_httpserver(self) -> None:
            self._http_server = HTTPServer(self.web_app, max_body_size=self.max_body_size)
            self.io_loop.add_callback(self._http_server.add_socket, door.listens)

    lab = Server.instance(config=settings, jpserver_extensions={"jupyterlab": True})
    ours = Path(str(resources.files("senrkit.notebook").joinpath("jupyter")))
    shutil.copytree(ours, lab.config_dir, dirs_exist_ok=True)
    lab.initialize(argv=[], find_extensions=False, starter_extension="lab")
    return lab


def without_outputs(model: dict[str, Any], path: str, **_: Any) -> None:
    """What JupyterLab calls before it saves: outputs and execution counts of our notebooks go out."""
    if model["type"] != "notebook" or not path.strip("/").startswith(f"{FOLDER}/"):
        return
    for cell in model["content"]["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
