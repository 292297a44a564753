"""The command `language`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from senrkit.cli.options import A_FILE, Day, FileOrAddress, load, out_option, settings_option
from senrkit.cli.shell import Voice, command
from senrkit.errors import UsageError


@command("""
  senrkit language
  senrkit language --sela SELA_ODS.txt --out runs/language
  senrkit language --apply --confirm 3
  senrkit language --undo runs/2026-11-23_language
""")
@settings_option
@click.option("--sela", type=FileOrAddress(), help="SELA ODS extract, instead of the settings'.")
@click.option("--as-of", type=Day(), help="The day the run speaks for. Default: the settings'.")
@out_option
@click.option("--apply", is_flag=True, help="Write the new statuses to the database of write_source. Needs --confirm.")
@click.option("--confirm", metavar="N", type=click.IntRange(min=0), help="The number of students in the plan.")
@click.option("--undo", metavar="DIR", type=A_FILE, help="Take back what the run in this folder wrote to Aeries.")
def language(
    settings_file: Path,
    sela: Path | None,
    as_of: dt.date | None,
    out: Path | None,
    apply: bool,
    confirm: int | None,
    undo: Path | None,
    voice: Voice,
) -> int:
    """Bring new English learners (EL) and initially fluent students (IFEP) from CALPADS into Aeries.

    Compares the SELA ODS extract with Aeries and writes the conflict report and import files for Aeries into a run
    folder. The test vendor's file (elpac_file in the settings) shows who was tested and is not in CALPADS yet. Aeries
    itself is only changed with --apply.
    """
    if undo and (apply or sela or as_of or out):
        raise UsageError("--undo stands alone.", "Leave --apply, --sela, --as-of and --out out.")
    if confirm is not None and not (apply or undo):
        raise UsageError("--confirm belongs to --apply.", "Write both, or none.")
    settings = load(settings_file, as_of=as_of)
    with voice.progress() as progress:
        if undo:
            from senrkit.language.undo import take_back

            written = take_back(settings, undo, confirm=confirm, progress=progress)
            done, plan = None, []
        else:
            from senrkit.language.work import run_language

            done, written = run_language(settings, sela=sela, out=out, progress=progress), None
            plan = done.plan_lines() if apply else []
    if done and not (voice.as_json or voice.quiet):
        for line in [*done.summary_lines(), f"Everything is in {done.folder}.", *plan]:
            click.echo(line)
    if done and apply:
        from senrkit.language.apply import write_to_aeries

        with voice.progress() as progress:
            written = write_to_aeries(done, confirm, progress=progress)
    document = done.document | {"folder": str(done.folder)} if done else {}
    return voice.result(
        lambda: document | ({"written": written.document()} if written else {}),
        lambda: written.summary_lines() if written else [],
    )
