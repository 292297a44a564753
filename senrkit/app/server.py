"""`senrkit dashboard`: Voila on loopback, behind a token, with what could leak closed.

What was found out about Voila 0.5.13 and is mended here: files beside the notebook are served without the token, so
none is allowed; kernels outlive their tabs, so idle ones are culled; templates ask a content network, ours does not;
kernel traffic is plain TCP, so it goes through sockets of the file system where there are such.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from senrkit.app.places import DROP, HOME, USER_HEADER
from senrkit.errors import UsageError

LOOPBACK = "127.0.0.1"
FIRST_PORT = 8866
_PORTS_TRIED = 50
_NOTEBOOK = "senr.ipynb"
# No name matches this: nothing beside the notebook is handed out.
_NO_FILE = r"(?!)"
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Options:
    """How to serve. A kernel lives `idle_minutes` after its page was closed; `preheated` is how many wait ahead."""

    home: Path
    drop: Path | None = None
    port: int | None = None
    base_url: str = "/"
    open_browser: bool = True
    idle_minutes: float = 10
    user_header: str = ""
    preheated: int = 0


def serve(options: Options, tell: Callable[[str], None]) -> None:
    """Serve until interrupted; `tell` is given the address, with its token, as soon as it answers.

    Raises
    ------
    UsageError
        when the port is taken, the home cannot be a folder, or kernels are to be warm and personal at once.
    """
    if options.preheated and options.user_header:
        raise UsageError(
            "A kernel that is warm before anyone comes cannot know whose it is.",
            "Leave --preheated or --user-header out.",
        )
    _make_home(options.home)
    port, token = _free_port(options.port), secrets.token_urlsafe(24)
    base = f"/{options.base_url.strip('/')}/".replace("//", "/")
    address = f"http://{LOOPBACK}:{port}{base}?token={token}"
    _set_environment(options)
    # Imported only now: it reads the environment, and takes a second.
    from voila.app import Voila

    threading.Thread(target=_announce, args=(port, address, options.open_browser, tell), daemon=True).start()
    Voila.launch_instance(argv=[str(notebook())], config=configuration(options, port, token, base))


def configuration(options: Options, port: int, token: str, base_url: str) -> Any:
    """Voila's settings. The token stands in no command line, where other users of the computer could read it."""
    from traitlets.config import Config

    idle = max(int(options.idle_minutes * 60), 1)
    made = Config()
    made.Voila.update(
        ip=LOOPBACK, port=port, port_retries=0, token=token, base_url=base_url, open_browser=False, log_level="ERROR"
    )
    made.VoilaConfiguration.update(
        template="senrkit", theme="light", strip_sources=True, show_tracebacks=False, file_allowlist=[_NO_FILE],
        file_denylist=[".*"], allow_template_override="NO", allow_theme_override="NO",
        extension_allowlist=["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget"],
        http_header_envs=[options.user_header] if options.user_header else [],
    )  # fmt: skip
    made.MappingKernelManager.update(
        cull_idle_timeout=idle, cull_interval=max(min(idle // 2, 60), 1), cull_connected=False
    )
    if hasattr(socket, "AF_UNIX") and sys.platform != "win32":
        made.KernelManager.transport = "ipc"
    if options.preheated:
        made.VoilaConfiguration.preheat_kernel = True
        made.VoilaKernelManager.default_pool_size = options.preheated
    return made


def notebook() -> Path:
    """The dashboard's notebook: in a checkout beside the package, in an installed package inside it."""
    package = Path(str(resources.files("senrkit")))
    places = (package / "_dashboards" / _NOTEBOOK, package.parent / "dashboards" / _NOTEBOOK)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UsageError("The dashboard's notebook is missing.", "Install senrkit again.")
    return found


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{home} cannot be used ({error.strerror}).", "Name a folder of yours.") from None


def _free_port(wanted: int | None) -> int:
    for port in [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED):
        with socket.socket() as trial:
            # As the server does: a port that was in use a moment ago is free.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise UsageError(f"Port {wanted} is in use." if wanted else "No port is free.", "Name another with --port.")


def _set_environment(options: Options) -> None:
    """What kernels are handed, and where Voila finds our template."""
    package = Path(str(resources.files("senrkit")))
    template = package / "app" / "voila"
    given = {
        HOME: str(options.home.absolute()),
        DROP: str(options.drop.absolute()) if options.drop else "",
        USER_HEADER: options.user_header,
        "JUPYTER_PATH": os.pathsep.join(filter(None, [str(template), os.environ.get("JUPYTER_PATH", "")])),
        # A checkout that is not installed must be found by its kernels too.
        "PYTHONPATH": os.pathsep.join(filter(None, [str(package.parent), os.environ.get("PYTHONPATH", "")])),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    os.environ.update(given)


def _announce(port: int, address: str, open_browser: bool, tell: Callable[[str], None]) -> None:
    """Say the address once it answers, and open it."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            time.sleep(0.1)
            continue
        tell(address)
        if open_browser:
            webbrowser.open(address)
        return
