"""What several commands ask for, said once: the settings, the extract, the day, and the stops to go on past."""

from __future__ import annotations

import datetime as dt
import errno
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from senrkit.cli.shell import log_into
from senrkit.errors import NotInstalled, UsageError

if TYPE_CHECKING:
    from senrkit.addresses.address import Address
    from senrkit.settings.settings import Settings

SETTINGS_FILE = Path("senrkit.toml")
_PRECONDITION = re.compile(r"P\d\d")

Work = Callable[..., int]


class Day(click.ParamType):
    """A calendar day, as 2026-11-23."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a day of the calendar; write it as 2026-11-23.", param, ctx)


class APath(click.ParamType):
    """A path to a file or a folder, there or not. A pipe is none: one would wait for it for ever."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        try:
            mode = path.stat().st_mode
        except ValueError:
            self.fail("a path cannot hold a NUL.", param, ctx)
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
                self.fail(f"this path cannot be: {error.strerror.lower()}.", param, ctx)
            return path
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            self.fail(f"{path} is neither a file nor a folder.", param, ctx)
        return path


A_FILE = APath()


class FileOrAddress(click.ParamType):
    """A path, or an fsspec address such as s3://bucket/senrkit.toml."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | Address:
        from senrkit.addresses.address import address_of

        if not isinstance(value, str):
            return value
        return address_of(value) or A_FILE.convert(value, param, ctx)


def settings_option(work: Work) -> Work:
    """`--settings`, as `settings_file`."""
    option = click.option(
        "--settings",
        "settings_file",
        type=FileOrAddress(),
        default=SETTINGS_FILE,
        show_default=True,
        help="The settings.",
    )
    return option(work)


def senr_options(work: Work) -> Work:
    """`--settings`, `--extract` and `--as-of`: what a comparison of enrollments is made of."""
    for option in (
        click.option("--as-of", type=Day(), help="The day the run speaks for. Default: the settings', or today."),
        click.option(
            "--extract",
            type=FileOrAddress(),
            multiple=True,
            help="SENR ODS extract, instead of the settings'. Repeatable.",
        ),
    ):
        work = option(work)
    return settings_option(work)


def out_option(work: Work) -> Work:
    """`--out`: where a run goes."""
    return click.option(
        "--out", type=A_FILE, help="The run folder itself: made if missing, refused if it holds files."
    )(work)


def soft_stop_options(work: Work) -> Work:
    """`--accept` with `--because` (see `accepted_stops`), and `--accept-deletes`."""
    for option in (
        click.option(
            "--accept-deletes", metavar="N", type=click.IntRange(min=1), help="Go on past P12 with exactly N deletes."
        ),
        click.option("--because", metavar="TEXT", multiple=True, help="Why; one for each --accept, in the same order."),
        click.option(
            "--accept", metavar="ID", multiple=True, help="Go on past this soft stop. Needs --because. Repeatable."
        ),
    ):
        work = option(work)
    return work


def load(file: Path | Address, *, as_of: dt.date | None = None, extract: Sequence[Path | Address] = ()) -> Settings:
    """The settings that the command is about. From here on a fault's log has a folder to go to."""
    from senrkit.settings.settings import load_settings

    settings = load_settings(file, as_of=as_of, extract=extract or None)
    log_into(settings.output.runs)
    return settings


# What the extra `lab` brings that notebooks, the dashboard and charts cannot do without.
_LAB = ("jupyterlab", "voila", "papermill", "plotly", "ipywidgets", "itables", "nbconvert")


def need_lab(what: str) -> None:
    """Raise `NotInstalled` when senrkit was installed without notebooks and dashboard."""
    from importlib.util import find_spec

    if missing := [name for name in _LAB if find_spec(name) is None]:
        raise NotInstalled(what, missing, "lab")


def precondition(word: str) -> str:
    """The id of a precondition, as it was meant: `p09` is P09. Raises `UsageError`."""
    if _PRECONDITION.fullmatch(word.upper()):
        return word.upper()
    raise UsageError("A precondition is named by its id.", "Write P and two digits, as P07.")


def accepted_stops(accept: Sequence[str], because: Sequence[str]) -> dict[str, str]:
    """Precondition id → the reason given for going on past it. Raises `UsageError`."""
    if len(accept) != len(because) or not all(reason.strip() for reason in because):
        raise UsageError(
            "Each --accept needs its own --because.", 'Write --accept P08 --because "the reason", as often as needed.'
        )
    accepted = {precondition(word): reason.strip() for word, reason in zip(accept, because, strict=True)}
    if len(accepted) < len(accept):
        raise UsageError("A precondition is accepted twice.", "Give one --accept and one --because for each.")
    return accepted
