"""The command line. Every command is a door to `senrkit.run`; nothing is decided here.

Heavy libraries are imported inside the commands, so that `senrkit --help` answers at once.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from senrkit.cli.batch import batch
from senrkit.cli.dashboard import dashboard
from senrkit.cli.language import language
from senrkit.cli.notebooks import lab, notebook
from senrkit.cli.shell import LOG_FOLDER, Day, FileOrAddress, SenrkitCommands, command, complain, print_json
from senrkit.errors import UsageError
from senrkit.progress import terminal_progress

if TYPE_CHECKING:
    from senrkit.addresses.address import Address
    from senrkit.engine import Run
    from senrkit.settings.settings import Settings

SETTINGS_FILE = Path("senrkit.toml")
DEMO_MARK = ".senrkit-demo"
_PRECONDITION = re.compile(r"P\d\d")

_FILE, _PLACE = click.Path(path_type=Path), FileOrAddress()


def _command(examples: str) -> Callable[[Callable[..., int]], click.Command]:
    """A command of `main`, with what all of them share (`cli.shell.command`)."""

    def decorate(work: Callable[..., int]) -> click.Command:
        made = command(examples)(work)
        main.add_command(made)
        return made

    return decorate


def _settings_options(work: Callable[..., int]) -> Callable[..., int]:
    options = (
        click.option(
            "--settings", "settings_file", type=_PLACE, default=SETTINGS_FILE, show_default=True, help="The settings."
        ),
        click.option(
            "--extract", type=_PLACE, multiple=True, help="SENR ODS extract, instead of the settings'. Repeatable."
        ),
        click.option("--as-of", type=Day(), help="The day the run speaks for. Default: the settings', or today."),
    )
    for option in reversed(options):
        work = option(work)
    return work


@click.group(cls=SenrkitCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="senrkit")
def main() -> None:
    """Make CALPADS agree with Aeries: compare a SENR ODS extract with Aeries enrollments, write correction files.

    \b
    Exit codes: 0 done; 1 a fault of senrkit itself; 2 wrong usage or settings;
    3 an input cannot be read; 4 stopped by a precondition; 5 done, but students are held.
    """
    # A library's warning may quote a row of its input. Who works on senrkit asks for warnings with -W.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


@_command("""
  senrkit demo
  senrkit demo trial --students 2000 --seed 7
  senrkit demo broken --break P09
  senrkit demo county --leas 5 --students 300
""")
@click.argument("folder", metavar="[DIR]", type=_FILE, default=Path("demo"))
@click.option("--students", type=click.IntRange(min=1), default=2000, show_default=True, help="Size of the district.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed, the same district."
)
@click.option("--as-of", type=Day(), help="The day the demo plays on. Default: today.")
@click.option("--break", "break_id", metavar="ID", help="Break one precondition, P09 for example, to see what happens.")
@click.option(
    "--leas",
    metavar="N",
    type=click.IntRange(1, 1000),
    default=1,
    help="Make so many districts, each in a folder of its own, and run a batch over them.",
)
def demo(
    folder: Path,
    students: int,
    seed: int,
    as_of: dt.date | None,
    break_id: str | None,
    leas: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Try senrkit on a fictional district.

    Makes the district, with every known trap in it, in DIR (./demo) and reconciles it.
    """
    if leas > 1:
        return _demo_of_county(folder, leas, students, seed, as_of, break_id, as_json=as_json, quiet=quiet)
    from senrkit.demo import make
    from senrkit.engine import run as reconcile
    from senrkit.settings.settings import load_settings

    break_id = _precondition(break_id) if break_id else None
    _claim_demo_folder(folder)
    with terminal_progress(sys.stderr, quiet=quiet) as progress:
        progress.step("making the district")
        district = make(folder, students, seed, as_of, break_id=break_id)
        done = reconcile(load_settings(district.settings_file), progress=progress)
    code = _tell_run(done, as_json=as_json, quiet=quiet)
    if not (as_json or quiet):
        click.echo(f"The district and its settings are in {folder}.")
    return code


@_command("""
  senrkit check
  senrkit check --settings district.toml --json
""")
@_settings_options
@click.pass_context
def check(
    ctx: click.Context,
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Check the preconditions only. Writes nothing."""
    from senrkit.engine import check as check_preconditions

    settings = _load(ctx, settings_file, extract, as_of)
    with terminal_progress(sys.stderr, quiet=quiet) as progress:
        done = check_preconditions(settings, progress=progress)
    if as_json:
        print_json(done.manifest | {"exit_code": done.exit_code})
    elif not quiet:
        for each in done.manifest["preconditions"]:
            click.echo(f"{each['id']}  {each['state']:<8}  {each['title']}: {each['evidence']}")
    _tell_stops(done)
    return done.exit_code


@_command("""
  senrkit run
  senrkit run --settings district.toml --extract SENR_ODS.txt --as-of 2026-11-23 --out runs/monday
  senrkit run --accept P08 --because "CALPADS was down last week" --accept-deletes 31
""")
@_settings_options
@click.option("--out", type=_FILE, help="The run folder itself: made if missing, refused if it holds files.")
@click.option("--accept", metavar="ID", multiple=True, help="Go on past this soft stop. Needs --because. Repeatable.")
@click.option("--because", metavar="TEXT", multiple=True, help="Why; one for each --accept, in the same order.")
@click.option(
    "--accept-deletes", metavar="N", type=click.IntRange(min=1), help="Go on past P12 with exactly N deletes."
)
@click.option("--decisions", type=_FILE, help="People's decisions. Default: decisions.csv in the runs folder.")
@click.option("--list-same", is_flag=True, help="List in proposal.csv also what is the same on both sides.")
@click.pass_context
def run(
    ctx: click.Context,
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    out: Path | None,
    accept: tuple[str, ...],
    because: tuple[str, ...],
    accept_deletes: int | None,
    decisions: Path | None,
    list_same: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare, decide and write the files.

    Predicts CALPADS' answer to each file before it is written. Everything goes into a run folder.
    """
    from senrkit.engine import run as reconcile

    accepted = _accepted(accept, because)
    settings = _load(ctx, settings_file, extract, as_of)
    with terminal_progress(sys.stderr, quiet=quiet) as progress:
        done = reconcile(
            settings,
            out=out,
            accept=accepted,
            accept_deletes=accept_deletes,
            decisions=decisions,
            list_same=list_same,
            progress=progress,
        )
    return _tell_run(done, as_json=as_json, quiet=quiet)


@_command("""
  senrkit validate SENR_1999990_20261123_01_delete.txt
  senrkit validate vendor.txt --extract SENR_ODS.txt --directory pubschls.txt
  senrkit validate vendor.txt --clean vendor_clean.txt
""")
@click.argument("files", metavar="FILE...", type=_FILE, nargs=-1, required=True)
@click.option("--extract", metavar="FILE", type=_FILE, multiple=True, help="What CALPADS holds now: its ODS extract.")
@click.option("--directory", metavar="FILE", type=_FILE, help="CDE's public school directory (pubschls).")
@click.option("--lea", metavar="CODE", help="The submitting LEA. Default: the one that most records name.")
@click.option("--as-of", type=Day(), help="The day of the upload. Default: today.")
@click.option(
    "--clean", metavar="OUT", type=_FILE, help="Write the file without the students that sink it. Takes one FILE."
)
def validate(
    files: tuple[Path, ...],
    extract: tuple[Path, ...],
    directory: Path | None,
    lea: str | None,
    as_of: dt.date | None,
    clean: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Say what CALPADS would say to any SENR or SELA file.

    Several files are taken as uploaded one after the other. Ends with 4 when one would be rejected.
    """
    from senrkit.validation import validate_in_order, write_clean

    if clean is not None and len(files) > 1:
        raise UsageError("--clean takes one file.", "Clean them one after the other.")
    with terminal_progress(sys.stderr, quiet=quiet) as progress:
        progress.step("checking the rules")
        done = validate_in_order(
            files, as_of=as_of or dt.date.today(), extract=extract, directory=directory, lea=lea or ""
        )
    written = [str(path) for path in write_clean(done[0], clean)] if clean else []
    code = max(one.exit_code for one in done)
    if as_json:
        print_json({"files": [one.document() for one in done], "written": written, "exit_code": code})
    elif not quiet:
        click.echo("\n\n".join(one.text() for one in done))
        for path in written:
            click.echo(f"{path} is written.")
    return code


@_command("""
  senrkit student 1234567890
  senrkit student 1024 --run runs/2026-11-23_01 --names
""")
@click.argument("identifier", metavar="SSID|LOCAL-ID")
@_settings_options
@click.option(
    "--run", "run_folder", type=_FILE, help="Explain what this finished run decided, instead of today's state."
)
@click.option("--names", is_flag=True, help="Show names and birth dates too.")
@click.pass_context
def student(
    ctx: click.Context,
    identifier: str,
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    run_folder: Path | None,
    names: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show both sides of one student.

    Spell by spell, with the decision and why.
    """
    from senrkit.student import explain

    if run_folder and (extract or as_of):
        raise UsageError("--run stands alone: a finished run has its extract and its day.", "Leave the others out.")
    source = run_folder or _load(ctx, settings_file, extract, as_of)
    with terminal_progress(sys.stderr, quiet=quiet) as progress:
        progress.step("looking the student up")
        view = explain(source, identifier.strip())
    if as_json:
        print_json(view.document(show_names=names))
    else:
        click.echo(view.text(show_names=names))
    return 0


@_command("""
  senrkit init
  senrkit init district.toml
""")
@click.argument("file", metavar="[FILE]", type=_FILE, default=SETTINGS_FILE)
def init(file: Path, as_json: bool, quiet: bool) -> int:
    """Write a settings file to fill in.

    FILE (senrkit.toml) explains every setting. A file that is there is never overwritten.
    """
    from senrkit.settings.settings import TEMPLATE

    _write_new(file, TEMPLATE)
    if as_json:
        print_json({"exit_code": 0, "file": str(file)})
    elif not quiet:
        click.echo(f"{file} is written. Fill in school_year, lea and the two sources, then: senrkit check")
    return 0


main.add_command(batch)
main.add_command(language)
main.add_command(notebook)
main.add_command(lab)
main.add_command(dashboard)


def _load(
    ctx: click.Context, file: Path | Address, extract: Sequence[Path | Address], as_of: dt.date | None
) -> Settings:
    from senrkit.settings.settings import load_settings

    settings = load_settings(file, as_of=as_of, extract=extract or None)
    ctx.obj[LOG_FOLDER] = settings.output.runs
    return settings


def _precondition(word: str) -> str:
    if _PRECONDITION.fullmatch(word.upper()):
        return word.upper()
    raise UsageError("A precondition is named by its id.", "Write P and two digits, as P07.")


def _accepted(accept: Sequence[str], because: Sequence[str]) -> dict[str, str]:
    """Precondition id → the reason given for going on past it."""
    if len(accept) != len(because) or not all(reason.strip() for reason in because):
        raise UsageError(
            "Each --accept needs its own --because.", 'Write --accept P08 --because "the reason", as often as needed.'
        )
    accepted = {_precondition(word): reason.strip() for word, reason in zip(accept, because, strict=True)}
    if len(accepted) < len(accept):
        raise UsageError("A precondition is accepted twice.", "Give one --accept and one --because for each.")
    return accepted


def _tell_run(done: Run, *, as_json: bool, quiet: bool) -> int:
    if as_json:
        print_json(done.manifest | {"exit_code": done.exit_code, "folder": str(done.folder)})
    elif not quiet:
        for line in done.summary_lines():
            click.echo(line)
        click.echo(f"Everything is in {done.folder}.")
    _tell_stops(done)
    return done.exit_code


def _tell_stops(done: Run) -> None:
    for each in done.manifest["preconditions"]:
        if each["state"] == "stopped":
            complain(f"stopped by {each['id']}, {each['title']}: {each['evidence']}", each["cure"])


def _demo_of_county(
    folder: Path,
    leas: int,
    students: int,
    seed: int,
    as_of: dt.date | None,
    break_id: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    from senrkit.cli.batch import run_and_tell
    from senrkit.demo import make_county

    if break_id:
        raise UsageError("--break and --leas exclude each other.", "Leave one of them out.")
    _claim_demo_folder(folder)
    with terminal_progress(sys.stderr, quiet=quiet) as progress:
        progress.step("making the districts", leas)
        for _ in make_county(folder, leas, students, seed, as_of):
            progress.advance()
    # Other people may live in the districts than at the last time: a new batch, never one that is gone on with.
    batches = folder / "batches"
    number = 1 + sum(1 for _ in batches.glob("*")) if batches.is_dir() else 1
    return run_and_tell(folder, batches / str(number), as_json=as_json, quiet=quiet)


def _claim_demo_folder(folder: Path) -> None:
    """Mark the folder as a demo's, so that only a demo is ever overwritten by one."""
    mark = folder / DEMO_MARK
    if folder.exists() and not mark.is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} holds files that are not a demo's.", "Name a folder that does not exist yet.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}).", "Name another folder.") from None


def _write_new(file: Path, text: str) -> None:
    if file.exists():
        raise UsageError(f"{file} is there already.", "Name another file, or move that one away first.")
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished-senrkit-", dir=file.parent) as unfinished:
            whole = Path(unfinished) / file.name
            whole.write_text(text, encoding="utf-8")
            whole.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}).", "Name a file in a folder of yours.") from None
