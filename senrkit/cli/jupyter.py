"""The commands `notebook`, `lab` and `dashboard`: what runs in a world of Jupyter of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from senrkit.cli.options import need_lab
from senrkit.cli.shell import HELD, Voice, command, complain_of_stops, print_json
from senrkit.errors import UsageError


@command("""
  senrkit notebook
  senrkit notebook scheduled_run -r settings district.toml
  senrkit notebook investigate_student -r settings district.toml -r student 1024
""")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "-r", "--parameter", "pairs", nargs=2, multiple=True, metavar="KEY VALUE",
    help="A parameter of the notebook; leading zeros stay. Repeatable.",
)  # fmt: skip
@click.option("--run-code", is_flag=True, help="End with the run's own exit code, whatever the notebook does.")
def notebook(name: str | None, pairs: tuple[tuple[str, str], ...], run_code: bool, voice: Voice) -> int:
    """Run a notebook into the run folder.

    The executed notebook and an HTML page of it go into `notebooks` of the run folder. Without NAME: the notebooks and
    their parameters. 01_load and scheduled_run, which make a run, end with its exit code; the others end with 0, also
    when students are held.
    """
    if name is None:
        return _list(voice)
    need_lab("A notebook")
    from senrkit.notebook.runner import run_notebook
    from senrkit.results.folder import RunFolder

    given = dict(pairs)
    if len(given) < len(pairs):
        raise UsageError("A parameter is given twice.", "Give each once.")
    done = run_notebook(name, given, bar=not voice.quiet and sys.stderr.isatty())
    code = done.run_exit_code if run_code else done.exit_code
    held = RunFolder.open(done.folder).counts["hold"]
    if voice.as_json:
        places = {"folder": done.folder, "notebook": done.notebook, "page": done.page}
        print_json({"exit_code": code} | {place: str(path) for place, path in places.items()})
    elif not voice.quiet:
        click.echo(f"{done.page} is ready to read.")
    elif code == HELD:
        # What a scheduler mails: done, and somebody has to look.
        click.echo(f"senrkit: done; {held:,} {'item is' if held == 1 else 'items are'} held. See {done.page}.")
    complain_of_stops(RunFolder.open(done.folder).stops)
    return code


@command("""
  senrkit lab
  senrkit lab --no-browser --port 8899
""")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option("--no-browser", is_flag=True, help="Only start it, and print the address.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 8888, or the next one that is free.")
def lab(folder: Path, no_browser: bool, port: int | None, voice: Voice) -> int:
    """Open JupyterLab on the notebooks.

    The demo district is made ready beside them. DIR is where they are copied to when senrkit does not
    run from a checkout.
    """
    need_lab("JupyterLab")
    from senrkit.notebook.lab import open_lab

    tell = _teller("JupyterLab", "Ctrl-C ends it.", voice)
    return open_lab(folder, browser=not no_browser, port=port, tell=tell)


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
    user_header: str, idle_minutes: float, preheated: int, voice: Voice,
) -> int:  # fmt: skip
    """Open the dashboard in the browser.

    The whole job without code, on this computer alone. Settings, uploads and runs stand in DIR (the present folder).
    """
    need_lab("The dashboard")
    from senrkit.app.server import Options, serve

    tell = _teller("The dashboard", "Ctrl-C ends it; runs and decisions are kept.", voice)
    serve(Options(folder, drop, port, base_url, not no_browser, idle_minutes, hosts, user_header, preheated), tell)
    return 0


def _teller(server: str, how_to_end: str, voice: Voice) -> Callable[[str], None]:
    """Says where a server is, once it is there."""

    def tell(address: str) -> None:
        if voice.as_json:
            print_json({"address": address})
        else:
            said = f"{server} is at {address}"
            click.echo(said if voice.quiet else f"{said}\n{how_to_end}")

    return tell


def _list(voice: Voice) -> int:
    need_lab("A notebook")
    from senrkit.notebook import library

    found = {name: library.find(name) for name in library.names()}
    declared = {name: library.parameters(path).values() for name, path in found.items()}
    if voice.as_json:
        types = {name: {one.name: one.type for one in each} for name, each in declared.items()}
        print_json({"exit_code": 0, "notebooks": types})
        return 0
    for name, path in found.items():
        click.echo(f"{name}: {library.title(path)}")
        for one in declared[name]:
            click.echo(f"  {one.name} ({one.type}, default {one.default!r}): {one.help}")
    return 0
