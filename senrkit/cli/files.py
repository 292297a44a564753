"""The commands `init` and `validate`: a settings file to fill in, and what CALPADS would say to a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from senrkit.cli.options import A_FILE, SETTINGS_FILE, Day
from senrkit.cli.shell import Voice, command
from senrkit.disk import write_whole
from senrkit.errors import UsageError
from senrkit.system.files import why


@command("""
  senrkit init
  senrkit init district.toml
""")
@click.argument("file", metavar="[FILE]", type=A_FILE, default=SETTINGS_FILE)
def init(file: Path, voice: Voice) -> int:
    """Write a settings file to fill in.

    FILE (senrkit.toml) explains every setting. A file that is there is never overwritten.
    """
    from senrkit.settings.settings import TEMPLATE

    _write_new(file, TEMPLATE)
    said = f"{file} is written. Fill in school_year, lea and the two sources, then: senrkit check"
    return voice.result(lambda: {"exit_code": 0, "file": str(file)}, lambda: [said])


@command("""
  senrkit validate SENR_1999990_20261123_01_delete.txt
  senrkit validate vendor.txt --extract SENR_ODS.txt --directory pubschls.txt
  senrkit validate vendor.txt --clean vendor_clean.txt
""")
@click.argument("files", metavar="FILE...", type=A_FILE, nargs=-1, required=True)
@click.option("--extract", metavar="FILE", type=A_FILE, multiple=True, help="What CALPADS holds now: its ODS extract.")
@click.option("--directory", metavar="FILE", type=A_FILE, help="CDE's public school directory (pubschls).")
@click.option("--lea", metavar="CODE", help="The submitting LEA. Default: the one that most records name.")
@click.option("--as-of", type=Day(), help="The day of the upload. Default: today.")
@click.option(
    "--clean", metavar="OUT", type=A_FILE, help="Write the file without the students that sink it. Takes one FILE."
)
def validate(
    files: tuple[Path, ...],
    extract: tuple[Path, ...],
    directory: Path | None,
    lea: str | None,
    as_of: dt.date | None,
    clean: Path | None,
    voice: Voice,
) -> int:
    """Say what CALPADS would say to any SENR or SELA file.

    Several files are taken as uploaded one after the other. Ends with 4 when one would be rejected.
    """
    from senrkit.validation import validate_in_order, write_clean

    if clean is not None and len(files) > 1:
        raise UsageError("--clean takes one file.", "Clean them one after the other.")
    with voice.progress() as progress:
        progress.step("checking the rules")
        done = validate_in_order(
            files, as_of=as_of or dt.date.today(), extract=extract, directory=directory, lea=lea or ""
        )
    written = [str(path) for path in write_clean(done[0], clean)] if clean else []
    code = max(one.exit_code for one in done)
    return voice.result(
        lambda: {"files": [one.document() for one in done], "written": written},
        lambda: ["\n\n".join(one.text() for one in done), *(f"{path} is written." for path in written)],
        code,
    )


def _write_new(file: Path, text: str) -> None:
    if file.exists():
        raise UsageError(f"{file} is there already.", "Name another file, or move that one away first.")
    try:
        write_whole(file, text.encode(), private=False)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({why(error, file)}).", "Name a file in a folder of yours."
        ) from None
