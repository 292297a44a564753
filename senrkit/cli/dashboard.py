"""The command `dashboard`."""

from __future__ import annotations

from pathlib import Path

import click

from senrkit.cli.options import need_lab
from senrkit.cli.shell import command, print_json


@command("""
  senrkit dashboard
  senrkit dashboard district --drop /srv/extracts
  senrkit dashboard --no-browser --port 8870 --base-url /senrkit/ --host senrkit.district.example
""")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--drop",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for large extracts. Default: DIR/drop.",
)
@click.option("--no-browser", is_flag=True, help="Only start it, and print the address.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 8866, or the next one that is free.")
@click.option("--base-url", metavar="PATH", default="/", show_default=True, help="The path behind a reverse proxy.")
@click.option(
    "--host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="The name of a reverse proxy's host; requests by any other name than this and 127.0.0.1 are refused.",
)
@click.option(
    "--user-header",
    metavar="NAME",
    default="",
    help="The header in which a sign-on proxy names the person; each gets a folder of their own.",
)
@click.option(
    "--idle-minutes",
    type=click.FloatRange(min=0.05),
    default=10,
    show_default=True,
    help="How long the kernel of a page lives on that is gone without a word, as when a laptop sleeps.",
)
@click.option(
    "--preheated",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Kernels to keep warm, at 100 MB each; not with --user-header.",
)
def dashboard(
    folder: Path, drop: Path | None, no_browser: bool, port: int | None, base_url: str, hosts: tuple[str, ...],
    user_header: str, idle_minutes: float, preheated: int, as_json: bool, quiet: bool,
) -> int:  # fmt: skip
    """Open the dashboard in the browser.

    The whole job without code, on this computer alone. Settings, uploads and runs stand in DIR (the present folder).
    """
    need_lab("The dashboard")
    from senrkit.app.server import Options, serve

    def tell(address: str) -> None:
        if as_json:
            print_json({"address": address})
        else:
            click.echo(
                f"The dashboard is at {address}"
                if quiet
                else f"The dashboard is at {address}\nCtrl-C ends it; runs and decisions are kept."
            )

    serve(Options(folder, drop, port, base_url, not no_browser, idle_minutes, hosts, user_header, preheated), tell)
    return 0
