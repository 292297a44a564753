"""The command `demo`: a made-up district, or a county of them, made and run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from senrkit.cli.batch import run_and_tell
from senrkit.cli.options import A_FILE, Day, precondition
from senrkit.cli.run import tell_run
from senrkit.cli.shell import HELD, Voice, command
from senrkit.errors import UsageError


@command("""
  senrkit demo
  senrkit demo trial --students 2000 --seed 7
  senrkit demo broken --break P09
  senrkit demo county --leas 5 --students 300
  senrkit demo loop --weeks 4
""")
@click.argument("folder", metavar="[DIR]", type=A_FILE, default=Path("demo"))
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
@click.option(
    "--weeks",
    metavar="N",
    type=click.IntRange(1, 12),
    default=1,
    help="Play so many weeks with a made-up CALPADS that posts, refuses and answers. The last ends on --as-of.",
)
def demo(
    folder: Path,
    students: int,
    seed: int,
    as_of: dt.date | None,
    break_id: str | None,
    leas: int,
    weeks: int,
    voice: Voice,
) -> int:
    """Try senrkit on a fictional district.

    Makes the district, with every known trap in it, in DIR (./demo) and reconciles it.
    """
    if weeks > 1:
        if leas > 1 or break_id:
            raise UsageError("--weeks stands alone.", "Leave --leas and --break out.")
        return _demo_of_weeks(folder, weeks, students, seed, as_of, voice)
    if leas > 1:
        return _demo_of_county(folder, leas, students, seed, as_of, break_id, voice)
    from senrkit.demo import claim, make
    from senrkit.engine import run as reconcile
    from senrkit.settings.settings import load_settings

    break_id = precondition(break_id) if break_id else None
    claim(folder)
    with voice.progress() as progress:
        progress.step("making the district")
        district = make(folder, students, seed, as_of, break_id=break_id)
        done = reconcile(load_settings(district.settings_file), progress=progress)
    code = tell_run(done, voice)
    if not (voice.as_json or voice.quiet):
        click.echo(f"The district and its settings are in {folder}.")
    return code if voice.as_json else _as_it_should(code)


def _as_it_should(code: int) -> int:
    """A demo has students who must be held: it did what it should. A machine asked for the run's own code."""
    return 0 if code == HELD else code


def _demo_of_weeks(folder: Path, weeks: int, students: int, seed: int, as_of: dt.date | None, voice: Voice) -> int:
    from senrkit.cli.weeks import first_day, play
    from senrkit.demo import claim, make
    from senrkit.loop.overview import look
    from senrkit.settings.settings import load_settings

    claim(folder)
    with voice.progress() as progress:
        progress.step("making the district")
        district = make(folder, students, seed, first_day(as_of or dt.date.today(), weeks))
        progress.step("playing the weeks")
        said = list(play(district, weeks))
    ledger = f"The district and its ledger are in {folder}; see `senrkit loop` there."
    return voice.result(lambda: look(load_settings(district.settings_file)).document(), lambda: [*said, ledger])


def _demo_of_county(
    folder: Path,
    leas: int,
    students: int,
    seed: int,
    as_of: dt.date | None,
    break_id: str | None,
    voice: Voice,
) -> int:
    from senrkit.demo import claim, make_county

    if break_id:
        raise UsageError("--break and --leas exclude each other.", "Leave one of them out.")
    claim(folder)
    with voice.progress() as progress:
        progress.step("making the districts", leas)
        for _ in make_county(folder, leas, students, seed, as_of):
            progress.advance()
    # Other people may live in the districts than at the last time: a new batch, never a continued one.
    batches = folder / "batches"
    number = 1 + sum(1 for _ in batches.glob("*")) if batches.is_dir() else 1
    code = run_and_tell(folder, batches / str(number), voice)
    return code if voice.as_json else _as_it_should(code)
