"""After the upload: `sent`, `posted`, `rejected`, `answers`, `loop` and `restore`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from senrkit.cli.options import A_FILE, Day, load, settings_option
from senrkit.cli.shell import HELD, Voice, command
from senrkit.errors import UsageError

if TYPE_CHECKING:
    from senrkit.loop.overview import Loop
    from senrkit.loop.words import Answered

_ON = click.option("--on", type=Day(), help="The day it happened. Default: the settings' day, or today.")
_OUT_OF_ORDER = click.option(
    "--out-of-order", metavar="REASON", default="", help="Why a file goes on before the one before it has posted."
)
_JOB = click.option("--job", metavar="ID", default="", help="CALPADS' Job ID of the upload.")


@command("""
  senrkit sent 1
  senrkit sent runs/2026-11-23_0123456 1 2 --job 4711234 --on 2026-11-24
""")
@click.argument("words", metavar="[RUN] NUMBER...", nargs=-1, required=True)
@_JOB
@_ON
@_OUT_OF_ORDER
@settings_option
def sent(
    words: tuple[str, ...],
    job: str,
    on: dt.date | None,
    out_of_order: str,
    settings_file: Path,
    voice: Voice,
) -> int:
    """Say that files were uploaded.

    RUN is a run id or a run folder; without it, the newest run. The next file is uploaded when the one before has
    posted; files that are named together were uploaded together, in that order.
    """
    from senrkit.loop import words as words_of

    run, numbers = _run_and_numbers(words)
    settings = load(settings_file)
    told = words_of.sent(settings, run, numbers, job=job, on=on, out_of_order=out_of_order)
    return _tell(told, (), voice)


@command("""
  senrkit posted 1
  senrkit posted 2026-11-23_0123456 2 --on 2026-11-25
  senrkit posted 2 --undo --because "that was the file of last week"
""")
@click.argument("words", metavar="[RUN] NUMBER...", nargs=-1, required=True)
@_JOB
@_ON
@_OUT_OF_ORDER
@click.option("--undo", is_flag=True, help="Take the word back that the files have posted. Needs --because.")
@click.option("--because", metavar="TEXT", default="", help="Why the word is taken back.")
@settings_option
def posted(
    words: tuple[str, ...],
    job: str,
    on: dt.date | None,
    out_of_order: str,
    undo: bool,
    because: str,
    settings_file: Path,
    voice: Voice,
) -> int:
    """Say that CALPADS shows files as Posted."""
    from senrkit.loop import words as words_of

    run, numbers = _run_and_numbers(words)
    if because and not undo:
        raise UsageError("--because goes with --undo.", "Add --undo, or leave it out.")
    settings = load(settings_file)
    if undo:
        told = words_of.undo_posted(settings, run, numbers, because)
    else:
        told = words_of.posted(settings, run, numbers, on=on, job=job, out_of_order=out_of_order)
    return _tell(told, (), voice)


@command("""
  senrkit rejected 2 --errors SubmissionErrors.csv
  senrkit rejected runs/2026-11-23_0123456 2 --on 2026-11-25
""")
@click.argument("words", metavar="[RUN] NUMBER", nargs=-1, required=True)
@_ON
@click.option("--errors", type=A_FILE, multiple=True, help="CALPADS' error file for it. Repeatable.")
@settings_option
def rejected(
    words: tuple[str, ...],
    on: dt.date | None,
    errors: tuple[Path, ...],
    settings_file: Path,
    voice: Voice,
) -> int:
    """Say that CALPADS shows a file as Rejected.

    One fatal error makes CALPADS refuse the whole file. The error file says which records were refused; the others
    were dragged down with them and go again with the next run.
    """
    from senrkit.loop import words as words_of

    run, numbers = _run_and_numbers(words)
    if len(numbers) > 1:
        raise UsageError("One file at a time: each has its own error file.", "Name one NUMBER.")
    settings = load(settings_file)
    told, answers = words_of.rejected(settings, run, numbers[0], on=on, errors=errors)
    return _tell(told, answers, voice)


@command("""
  senrkit answers SubmissionErrors.csv
  senrkit answers runs/2026-11-23_0123456 SubmissionErrors.xlsx RejectedRecords.txt
  senrkit answers ReplacementSSIDs.txt
""")
@click.argument("words", metavar="[RUN] FILE...", nargs=-1, required=True)
@settings_option
def answers(words: tuple[str, ...], settings_file: Path, voice: Voice) -> int:
    """Read what CALPADS gave back.

    Error files (CSV, caret, .xlsx) and the Replacement SSID Extract. Says which file of ours each is about; a line that
    is about none of our records is listed with its number (exit code 5).
    """
    from senrkit.loop import words as words_of

    settings = load(settings_file)
    run, files = _run_and_files(words)
    with voice.progress() as progress:
        progress.step("reading what CALPADS gave back")
        told, answered = words_of.answers(settings, run, files)
    return _tell(told, answered, voice)


@command("""
  senrkit loop
  senrkit loop --json --names
  senrkit loop --foretold foretold.csv
""")
@click.option("--names", is_flag=True, help="SSIDs, too, in --json.")
@click.option(
    "--foretold",
    type=A_FILE,
    help="Write by rule what was foretold and what came, over all runs; no student is in it.",
)
@settings_option
def loop(names: bool, foretold: Path | None, settings_file: Path, voice: Voice) -> int:
    """Show what waits for whom.

    Every file of every run: to be uploaded, on its way, posted, refused, arrived. Looks whether a newer extract shows
    what was sent.
    """
    from senrkit.disk import write_whole
    from senrkit.loop.overview import look
    from senrkit.system.files import why

    settings = load(settings_file)
    with voice.progress() as progress:
        progress.step("looking what has arrived")
        told = look(settings)
    if foretold:
        try:
            write_whole(foretold, told.foretold().write_csv().encode(), private=False)
        except OSError as error:
            raise UsageError(f"{foretold} cannot be written ({why(error)}).", "Name another place.") from None
    return voice.result(lambda: told.document(names), told.lines)


@command("""
  senrkit restore 1 --out restore
  senrkit restore runs/2026-11-23_0123456 1 --out restore
""")
@click.argument("words", metavar="[RUN] NUMBER", nargs=-1, required=True)
@click.option("--out", type=A_FILE, required=True, help="The folder for the files; made if missing.")
@settings_option
def restore(words: tuple[str, ...], out: Path, settings_file: Path, voice: Voice) -> int:
    """Write files that add again what a posted file deleted.

    The way back from a wrong delete: the rows as CALPADS held them. Upload them in order, as any other file.
    """
    from senrkit.loop.restore import restore as write_adds

    run, numbers = _run_and_numbers(words)
    if len(numbers) > 1:
        raise UsageError("One file at a time.", "Name one NUMBER.")
    settings = load(settings_file)
    written = write_adds(settings, run, numbers[0], out)
    return voice.result(
        lambda: {"exit_code": 0, "files": [str(path) for path in written]},
        lambda: ["Upload these in order, each after the one before has posted:", *(f"  {path}" for path in written)],
    )


@command("""
  senrkit schools --out for_schools
  senrkit schools runs/2026-11-23_0123456 --out for_schools --back returned
""")
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--out", type=A_FILE, required=True, help="The folder for the workbooks; made if missing.")
@click.option(
    "--back", type=A_FILE, help="A folder with workbooks that came back from schools. Default: those in --out."
)
@settings_option
def schools(run: str | None, out: Path, back: Path | None, settings_file: Path, voice: Voice) -> int:
    """Write a workbook for each school's registrar.

    What to mend in Aeries, what is on its way, what arrived; an index; a text for the mail. What registrars wrote into
    the column "Done / comment" of workbooks that came back stands in the next ones. Nothing is sent to anybody.
    """
    from senrkit.loop.schools import write_schools

    settings = load(settings_file)
    with voice.progress() as progress:
        progress.step("writing the workbooks")
        written = write_schools(settings, run, out, back)
    said = [
        f"  {row['file']}  {row['to_fix']:,} to mend, {row['sent']:,} on the way, {row['arrived']:,} arrived"
        for row in written.schools.iter_rows(named=True)
    ]
    said += [f"{written.comments:,} comments of schools were read."] if written.comments else []
    said += [f"{len(written.schools):,} workbooks, an index and a text for the mail are in {out}."]
    document = {"exit_code": 0, "out": str(written.out), "comments": written.comments}
    return voice.result(lambda: document | {"schools": written.schools.to_dicts()}, lambda: said)


@command("""
  senrkit census --on 2026-10-07
  senrkit census --on 2026-10-07 --list report_1.2.csv --names
""")
@click.option("--on", type=Day(), required=True, help="The day that is counted.")
@click.option("--report", type=A_FILE, help="CALPADS' report 1.1 as downloaded: a third side beside the counts.")
@click.option(
    "--list", "listed", type=A_FILE, help="CALPADS' report 1.2: the very students in one and not in the other."
)
@click.option("--names", is_flag=True, help="SSIDs of the students who differ, too.")
@settings_option
def census(
    on: dt.date,
    report: Path | None,
    listed: Path | None,
    names: bool,
    settings_file: Path,
    voice: Voice,
) -> int:
    """Count who is enrolled on a day.

    By CALPADS' extract, by Aeries, and by CALPADS after all files that have posted; as the reports 1.1 and 1.2 count.
    """
    from senrkit.loop.census import census as count

    settings = load(settings_file)
    with voice.progress() as progress:
        counted = count(settings, on, report=report, listed=listed, progress=progress)
    return voice.result(lambda: counted.document(names), lambda: counted.lines(names))


class Age(click.ParamType):
    """A number of days, as 90d or 12w."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.timedelta:
        found = re.fullmatch(r"(\d{1,5})([dw])", str(value).strip().lower())
        if found is None:
            self.fail(f"{value!r} is no age; write days or weeks, as 90d or 12w.", param, ctx)
        return dt.timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))


@command("""
  senrkit prune --keep 30
  senrkit prune --keep 30 --older-than 90d --yes
  senrkit prune --year
""")
@click.option("--keep", metavar="N", type=click.IntRange(min=1), help="Keep so many of the newest runs.")
@click.option("--older-than", type=Age(), help="Remove only what is older, as 90d or 12w.")
@click.option(
    "--year", is_flag=True, help="Remove what the ledger keeps of school years that are over: sent files and items."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@settings_option
def prune(
    keep: int | None,
    older_than: dt.timedelta | None,
    year: bool,
    yes: bool,
    settings_file: Path,
    voice: Voice,
) -> int:
    """Remove old run folders.

    Lists them, asks, and removes them. Never the newest run, and never one with a file that is on its way; the ledger
    keeps what was sent.
    """
    from senrkit.loop.prune import old_runs, remove, years_over

    settings = load(settings_file)
    if year and (keep or older_than):
        raise UsageError("--year stands alone.", "Leave --keep and --older-than out.")
    if year:
        folders = [place for places in years_over(settings).values() for place in places]
        said = [f"{name}: {len(places):,} runs in the ledger" for name, places in years_over(settings).items()]
    else:
        old = old_runs(settings, keep, older_than)
        folders = [one.folder for one in old]
        said = [f"{one.folder}  made {one.made}, {one.bytes / 2**20:,.1f} MiB" for one in old]
    if not (voice.as_json or voice.quiet):
        for line in said or ["Nothing is old enough to go."]:
            click.echo(line)
    if folders and not yes and not click.confirm(f"Remove {len(folders):,} folders for good?", err=True):
        raise UsageError("Nothing was removed.", "Answer y, or give --yes.")
    remove(folders)
    return voice.result(
        lambda: {"removed": [str(folder) for folder in folders]},
        lambda: [f"{len(folders):,} folders are gone."] if folders else [],
    )


def _run_and_numbers(words: Sequence[str]) -> tuple[str | None, list[int]]:
    """`[RUN] NUMBER...`: a first word that is no small number is the run."""
    run, rest = (None, words) if words[0].isdecimal() and len(words[0]) <= 3 else (words[0], words[1:])
    if not rest or not all(word.isdecimal() and len(word) <= 3 for word in rest):
        raise UsageError("The number of a file is missing.", "Name files by their numbers, as 1 2.")
    numbers = sorted({int(word) for word in rest})
    return run, numbers


def _run_and_files(words: Sequence[str]) -> tuple[str | None, list[Path]]:
    """`[RUN] FILE...`: a first word that is no file, while others follow, is the run."""
    if len(words) > 1 and not Path(words[0]).is_file():
        return words[0], [Path(word) for word in words[1:]]
    return None, [Path(word) for word in words]


def _tell(told: Loop, answered: Sequence[Answered], voice: Voice) -> int:
    read = [
        {
            "name": one.name, "run": one.run, "files": {str(at): dict(counts) for at, counts in one.files.items()},
            "unmatched": [{"line": each.line, "why": each.why} for each in one.unmatched], "again": one.again,
            "replaced": one.replaced,
        }
        for one in answered
    ]  # fmt: skip
    for one in () if voice.as_json else answered:
        for each in one.unmatched:
            click.echo(f"{one.name}, line {each.line:,}: {each.why}.", err=True)
        if not voice.quiet:
            click.echo(_of_answer(one))
    code = HELD if any(one.unmatched for one in answered) else 0
    return voice.result(lambda: told.document() | {"answers": read}, told.lines, code)


def _of_answer(one: Answered) -> str:
    if one.replaced:
        return f"{one.name}: {one.replaced:,} SSIDs were replaced."
    about = "; ".join(
        f"file {number}: {counts['fatal']:,} fatal, {counts['warning']:,} warnings"
        for number, counts in one.files.items()
    )
    again = " It had been read before; nothing changed." if one.again else ""
    return f"{one.name} is about run {one.run}, {about}.{again}"
