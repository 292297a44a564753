"""The commands `check`, `run` and `student`: one district's enrollments, Aeries beside CALPADS."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from senrkit.cli.options import A_FILE, accepted_stops, load, out_option, senr_options, soft_stop_options
from senrkit.cli.shell import Voice, command, complain_of_stops, print_json
from senrkit.errors import UsageError

if TYPE_CHECKING:
    from senrkit.engine import Finished


@command("""
  senrkit check
  senrkit check --settings district.toml --json
""")
@senr_options
def check(
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    voice: Voice,
) -> int:
    """Check the preconditions only. Writes nothing."""
    from senrkit.engine import check as check_preconditions

    settings = load(settings_file, as_of=as_of, extract=extract)
    with voice.progress() as progress:
        done = check_preconditions(settings, progress=progress)
    states = (
        f"{each['id']}  {each['state']:<8}  {each['title']}: {each['evidence']}"
        for each in done.manifest["preconditions"]
    )
    voice.result(lambda: done.manifest, lambda: states, done.exit_code)
    complain_of_stops(done.manifest["preconditions"])
    return done.exit_code


@command("""
  senrkit sources
  senrkit sources --settings district.toml --json
""")
@senr_options
def sources(
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    voice: Voice,
) -> int:
    """Show what was read, table by table.

    Files, rows, columns found and lacking with the rules that then cannot be asked, readable dates, the shape of
    SSIDs, years; of the test vendor's file its layout and results. No student. Writes nothing.
    """
    from senrkit.errors import LayoutError
    from senrkit.inputs.load import ELPAC, SENR
    from senrkit.inputs.load import load as read
    from senrkit.inputs.sources import lines, of_the_vendor, vendor_lines, what_was_read

    settings = load(settings_file, as_of=as_of, extract=extract)
    with voice.progress() as progress:
        progress.step("reading Aeries and the extract")
        inputs = read(settings, SENR, ELPAC)
    found = inputs.settings.as_given(what_was_read(inputs.tables, inputs.senr))
    vendor = inputs.settings.as_given(of_the_vendor(inputs.elpac)) if inputs.elpac else None
    said = [*lines(found), *inputs.tables.notes, *(vendor_lines(vendor) if vendor else [])]
    voice.result(lambda: found | {"vendor": vendor}, lambda: said)
    if isinstance(inputs.senr, LayoutError):
        raise inputs.senr
    return 0


@command("""
  senrkit run
  senrkit run --settings district.toml --extract SENR_ODS.txt --as-of 2026-11-23 --out runs/monday
  senrkit run --accept P08 --because "CALPADS was down last week" --accept-deletes 31
""")
@senr_options
@out_option
@soft_stop_options
@click.option("--decisions", type=A_FILE, help="People's decisions. Default: decisions.csv in the runs folder.")
@click.option("--list-same", is_flag=True, help="List in proposal.csv also what is the same on both sides.")
@click.option(
    "--no-overlay", is_flag=True, help="Compare with the plain extract, without what has posted since it was made."
)
def run(
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    out: Path | None,
    accept: tuple[str, ...],
    because: tuple[str, ...],
    accept_deletes: int | None,
    decisions: Path | None,
    list_same: bool,
    no_overlay: bool,
    voice: Voice,
) -> int:
    """Compare, decide and write the files.

    Predicts CALPADS' answer to each file before it is written. Everything goes into a run folder.
    """
    from senrkit.engine import run as reconcile

    accepted = accepted_stops(accept, because)
    settings = load(settings_file, as_of=as_of, extract=extract)
    with voice.progress() as progress:
        done = reconcile(
            settings,
            out=out,
            accept=accepted,
            accept_deletes=accept_deletes,
            decisions=decisions,
            list_same=list_same,
            overlay=not no_overlay,
            progress=progress,
        )
    return tell_run(done, voice)


@command("""
  senrkit student 1234567890
  senrkit student 1024 --run runs/2026-11-23_01 --names
""")
@click.argument("identifier", metavar="SSID|LOCAL-ID")
@senr_options
@click.option(
    "--run", "run_folder", type=A_FILE, help="Explain what this finished run decided, instead of today's state."
)
@click.option("--names", is_flag=True, help="Show names and birth dates too.")
def student(
    identifier: str,
    settings_file: Path,
    extract: tuple[Path, ...],
    as_of: dt.date | None,
    run_folder: Path | None,
    names: bool,
    voice: Voice,
) -> int:
    """Show both sides of one student.

    Spell by spell, with the decision and why.
    """
    from senrkit.student import explain

    if run_folder and (extract or as_of):
        raise UsageError("--run stands alone: a finished run has its extract and its day.", "Leave the others out.")
    source = run_folder or load(settings_file, as_of=as_of, extract=extract)
    with voice.progress() as progress:
        progress.step("looking the student up")
        view = explain(source, identifier.strip())
    if voice.as_json:
        print_json(view.document(show_names=names))
    else:
        click.echo(view.text(show_names=names))
    return 0


def tell_run(done: Finished, voice: Voice) -> int:
    """Say what came of the run; gives its exit code."""
    voice.result(
        lambda: done.manifest | {"exit_code": done.exit_code, "folder": str(done.folder)},
        lambda: [*done.summary_lines(), f"Everything is in {done.folder}."],
        done.exit_code,
    )
    complain_of_stops(done.manifest["preconditions"])
    return done.exit_code
