"""How a command ends: a sentence on stderr, an exit code, and never a traceback.

Exit codes are those of the interface page: 0 done, 1 a fault of senrkit, 2 wrong usage or settings, 3 an input cannot
be read, 4 stopped by a precondition, 5 done but students are held; and, as shells have it, 130 after Ctrl-C and 141
when nobody reads the output any more.
"""

from __future__ import annotations

import functools
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from senrkit.errors import OutOfMemory, SenrkitError, is_out_of_memory
from senrkit.fault_log import fault_sentence
from senrkit.progress import BarProgress, LineProgress, NoProgress, terminal_progress
from senrkit.system.processes import watched

# What works on a district, and may be ended by the system for want of memory.
_LARGE = {"check", "run", "sources", "student", "validate", "language"}

# HELD is that of `senrkit.engine`, whose libraries are dear.
FAULT, USAGE, HELD, INTERRUPTED, PIPE_BROKEN = 1, 2, 5, 130, 141

# Where in `Context.obj` a command leaves the folder for a fault's log, once it knows it.
LOG_FOLDER = "log_folder"

# click repeats what was typed: a word too many may be a name, and ten digits an SSID.
_WORDS_TOO_MANY = re.compile(r"(?s)^Got unexpected extra arguments? \(.*\)$")
_SSID = re.compile(r"(?<!\d)\d{10}(?!\d)")


class SenrkitCommands(click.Group):
    """The group of senrkit's commands. Each returns its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        # In the order in which one meets them, not that of the alphabet.
        return list(self.commands)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        if args is None and standalone_mode and _LARGE.intersection(words[:1]):

            def work() -> int:
                return self.main(words, prog_name, complete_var, standalone_mode=False, **extra)

            sys.exit(watched(work, crashed=lambda: _end_without_memory(words)))
        for stream in (sys.stdout, sys.stderr):
            # A pipe on Windows has a code page without most letters of the world's names: better ? than a fault.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        known: dict[str, Path] = {}
        try:
            # `args` goes on as it came: on Windows click expands wildcards of the command line, not of a list.
            code = super().main(args, prog_name or "senrkit", complete_var, standalone_mode=False, obj=known, **extra)
        except SenrkitError as error:
            code = _end(error.message, error.cure, error.exit_code, words)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = USAGE
        except click.UsageError as error:
            code = _end(_usage_sentence(error), _where_to_look(error), USAGE, words)
        except click.ClickException as error:
            code = _end(error.format_message(), "", error.exit_code, words)
        except click.Abort:
            code = _end("stopped; nothing was finished", "", INTERRUPTED, words)
        except Exception as fault:  # noqa: BLE001 - the one place where a fault of senrkit ends, with its log
            code = _end_of_fault(fault, known.get(LOG_FOLDER), words)
        except BaseException as panic:
            # A library's own panic is no Exception.
            if type(panic).__name__ != "PanicException":
                raise
            code = _end_of_fault(panic, known.get(LOG_FOLDER), words)
        if not standalone_mode:
            return code
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python flushes stdout once more at its end, and would complain about the pipe there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return PIPE_BROKEN


@dataclass(frozen=True)
class Voice:
    """How a command says what came of it: as JSON for machines, in lines for people, or not at all."""

    as_json: bool
    quiet: bool

    def result(
        self, document: Callable[[], Mapping[str, Any]], lines: Callable[[], Iterable[str]], code: int = 0
    ) -> int:
        """The result; gives the exit code, which the document says too. Only what is said is made."""
        if self.as_json:
            print_json({**document(), "exit_code": code})
        elif not self.quiet:
            for line in lines():
                click.echo(line)
        return code

    def progress(self) -> NoProgress | LineProgress | BarProgress:
        """The progress of long work, on stderr."""
        return terminal_progress(sys.stderr, quiet=self.quiet)


def command(examples: str) -> Callable[[Callable[..., int]], click.Command]:
    """A command with what all of them share: examples under its help, `--json` and `--quiet`, given on as `voice`."""

    def decorate(work: Callable[..., int]) -> click.Command:
        @functools.wraps(work)
        def run(*, as_json: bool, quiet: bool, **asked: Any) -> int:
            return work(**asked, voice=Voice(as_json, quiet))

        made = click.command(epilog=f"\b\nExamples:\n{examples.strip(chr(10))}")(run)
        made.params += [
            click.Option(["--json", "as_json"], is_flag=True, help="The result as JSON, for machines."),
            click.Option(["--quiet"], is_flag=True, help="No progress and no summary; errors are still told."),
        ]
        return made

    return decorate


def log_into(folder: Path | None) -> None:
    """From here on a fault's log has a folder to go to."""
    click.get_current_context().obj[LOG_FOLDER] = folder


def complain(message: str, cure: str = "") -> None:
    """One sentence with its cure, on stderr."""
    sentence = message if message.endswith((".", "!", "?")) or not cure else f"{message}."
    click.echo(f"senrkit: {sentence} {cure}".rstrip(), err=True)


def complain_of_stops(preconditions: Iterable[Mapping[str, str]]) -> None:
    """Each precondition that stopped the run, with its cure, on stderr."""
    for each in preconditions:
        if each["state"] == "stopped":
            complain(f"stopped by {each['id']}, {each['title']}: {each['evidence']}", each["cure"])


def print_json(document: object) -> None:
    """A document for machines, on stdout; ASCII, so that no terminal's code page can spoil it."""
    click.echo(json.dumps(document, indent=2))


def _end(message: str, cure: str, code: int, words: Sequence[str]) -> int:
    complain(message, cure)
    if "--json" in words:
        print_json({"exit_code": code, "error": message, "cure": cure})
    return code


def _end_of_fault(fault: BaseException, log_folder: Path | None, words: Sequence[str]) -> int:
    if is_out_of_memory(fault):
        return _end_without_memory(words)
    return _end(*fault_sentence(fault, log_folder), FAULT, words)


def _end_without_memory(words: Sequence[str]) -> int:
    error = OutOfMemory()
    return _end(error.message, error.cure, error.exit_code, words)


def _usage_sentence(error: click.UsageError) -> str:
    message = _WORDS_TOO_MANY.sub("There are more words than the command takes.", error.format_message())
    return _SSID.sub("(ten digits)", message)


def _where_to_look(error: click.UsageError) -> str:
    return f"See `{error.ctx.command_path} --help`." if error.ctx else ""
