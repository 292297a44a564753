"""`senrkit dashboard`: Voila on loopback, behind a gate that asks for the key, with what could leak closed.

What was found out about Voila 0.5.13 and is mended here: files beside the notebook are served without the token, so
none is allowed; kernels outlive their tabs, so idle ones are culled; templates ask a content network, ours does not;
kernel traffic is plain TCP, so it goes through sockets of the file system where there are such; a page that closes asks
for the end of its kernel, but has no way to the token against forged requests, so the gate's look at the origin stands
in for it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senrkit.app.places import DROP, HOME, USER_HEADER
from senrkit.errors import UsageError
from senrkit.jupyter.door import LOOPBACK, Door, Promise, open_to, taken_port
from senrkit.jupyter.world import KERNEL, World, jupyter_world
from senrkit.system.computer import KERNEL_TRANSPORT

if TYPE_CHECKING:
    from senrkit.jupyter.gate import Guard

FIRST_PORT = 8866
_NOTEBOOK = "senr.ipynb"
_TEMPLATES = Path(str(resources.files("senrkit"))) / "app" / "voila"
# No name matches this: nothing beside the notebook is handed out.
_NO_FILE = r"(?!)"
# What would be handed out otherwise.
_SHUT = (f"voila/files/{_NOTEBOOK}",)


@dataclass(frozen=True)
class Options:
    """How to serve.

    A kernel whose page went without a word lives `idle_minutes` more; `preheated` is how many wait ahead. `hosts` are
    the names by which a proxy passes people on.
    """

    home: Path
    drop: Path | None = None
    port: int | None = None
    base_url: str = "/"
    open_browser: bool = True
    idle_minutes: float = 10
    hosts: tuple[str, ...] = ()
    user_header: str = ""
    preheated: int = 0


def serve(options: Options, tell: Callable[[str], None]) -> None:
    """Serve until interrupted; `tell` is given the address, with its token, once the server was seen to be shut.

    Raises
    ------
    UsageError
        when the port is taken, the home cannot be a folder, kernels are to be warm and personal at once, or the server
        is not what it has to be.
    InputError
        when there is no place for the sockets of the kernels.
    """
    if options.preheated and options.user_header:
        raise UsageError(
            "A kernel that is warm before anyone comes cannot know whose it is.",
            "Leave --preheated or --user-header out.",
        )
    _make_home(options.home)
    base = f"/{options.base_url.strip('/')}/".replace("//", "/")
    with taken_port(options.port, FIRST_PORT) as port, jupyter_world(_TEMPLATES) as world:
        os.environ.update(_for_kernels(options))
        _run(options, Door(port, base), world, tell)


def _run(options: Options, door: Door, world: World, tell: Callable[[str], None]) -> None:
    # Imported only now: they read the environment, and take a second.
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop
    from voila.app import Voila

    from senrkit.jupyter.gate import Gate, Guard, named, seen_to_guard

    guard = Guard(door, named(options.hosts))

    class Dashboard(Voila):
        """Voila on the socket that was taken for it."""

        def listen(self) -> None:
            # What a proxy says of the way before it, as that it was encrypted, is taken from it.
            HTTPServer(Gate(guard, self.app), xheaders=bool(guard.names)).add_socket(door.listens)
            self.ioloop = IOLoop.current()
            try:
                self.ioloop.start()
            except KeyboardInterrupt:
                return
            finally:
                self.stop()

    settings = configuration(options, guard, world)
    voila = Dashboard.instance(config=settings)
    voila.initialize([str(notebook())])
    if _TEMPLATES not in Path(voila.template_paths[0]).parents:
        raise UsageError(
            "The dashboard's page would be drawn by a template that is not ours.", "Install senrkit again."
        )

    def kept_by() -> dict[str, Any]:
        parts = {"VoilaConfiguration": voila.voila_configuration, "KernelSpecManager": voila.kernel_spec_manager}
        return {"Voila": voila, **parts}

    promise = Promise(
        settings, kept_by, _SHUT, end=lambda: voila.ioloop.stop(),
        guarded=lambda kernel: seen_to_guard(guard, kernel), secret=guard.ticket,
    )  # fmt: skip
    open_to(voila, door, promise, world, browser=options.open_browser, tell=tell)


def configuration(options: Options, guard: Guard, world: World) -> Any:
    """Voila's settings. It is not told the token: that is the gate's."""
    from traitlets.config import Config
    from voila.app import DEFAULT_STATIC_FILES_PATH

    from senrkit.jupyter.gate import identity

    door = guard.door
    idle = max(int(options.idle_minutes * 60), 1)
    made = Config()
    made.Voila.update(
        ip=LOOPBACK, port=door.port, base_url=door.base, open_browser=False, identity_provider_class=identity(guard),
        log_level=logging.ERROR, config_file_paths=[], connection_dir_root=str(world.folder),
        # Without the path Voila cannot draw the page that says no, and fills the terminal with its trace.
        tornado_settings={"static_path": DEFAULT_STATIC_FILES_PATH, "disable_check_xsrf": True},
    )  # fmt: skip
    made.VoilaConfiguration.update(
        template="senrkit", theme="light", strip_sources=True, show_tracebacks=False, file_allowlist=[_NO_FILE],
        file_denylist=[".*"], allow_template_override="NO", allow_theme_override="NO",
        extension_allowlist=["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget"],
        http_header_envs=[options.user_header] if options.user_header else [], prelaunch_hook=None,
        page_config_hook=None, progressive_rendering=False, preheat_kernel=bool(options.preheated),
    )  # fmt: skip
    made.MappingKernelManager.update(
        cull_idle_timeout=idle, cull_interval=max(min(idle // 2, 60), 1), cull_connected=False
    )
    made.KernelManager.transport = KERNEL_TRANSPORT
    made.KernelSpecManager.allowed_kernelspecs = {KERNEL}
    if options.preheated:
        made.VoilaConfiguration.default_pool_size = options.preheated
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


def _for_kernels(options: Options) -> dict[str, str]:
    """What kernels are handed."""
    return {
        HOME: str(options.home.absolute()),
        DROP: str(options.drop.absolute()) if options.drop else "",
        USER_HEADER: options.user_header,
    }
