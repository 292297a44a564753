"""Reference pages that are made from the code: the command line, the settings, every error with its cure.

`python -m scripts.reference` writes them into `docs/reference`; a test fails when one is out of date.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from scripts.pages import table, write_page
from senrkit import errors
from senrkit.cli.main import main
from senrkit.settings.settings import TEMPLATE
from senrkit.texts import wording

FOLDER = Path("docs") / "reference"
_SOURCES = Path(errors.__file__).parent
_DATABASES = (
    ("A database that Aeries is read from", "inputs/aeries/database_refusals.toml"),
    ("A database that is written to", "language/write_refusals.toml"),
)
_KINDS = {"UsageError": 2, "InputError": 3, "LayoutError": 3, "Stopped": 4}
# What nothing can stand in for; the other settings that are no comment in the template show their defaults.
_NEEDED = ("school_year", "lea", "source", "senr_extract")
_MADE = "Made by `python -m scripts.reference`; do not edit."
_EXAMPLES = (
    "A test runs the examples, save those of `dashboard` and `lab`, which serve until they are ended, and those with a "
    "cluster that is not there."
)
# Its sentence stands in the class itself.
_KIND_WITH_WORDS = "NotInstalled"
_SAID_WITH_IT = "The message names it."
_WIDTH = 100
_SETTING = re.compile(
    r"(?P<off># )?(?P<key>[a-z_0-9]+|\"[^\"]+\") = (?P<value>(?:\"[^\"]*\"|\[[^\]]*\]|[^#\s]+))\s*(?:# (?P<said>.*))?"
)
_ERRORS = f"""# Every error, with its cure

{_MADE} What stands between ‹ › is filled in. No message has a student's name, birth date or SSID in it.

What stops the work is one sentence with its cure, on the error channel, and the exit code. What goes wrong while Aeries
is read is told apart by cause, at the end of this page; messages about exports are in [exports](../exports.md), about
the API in [the API](../api.md).
"""


def pages() -> dict[str, str]:
    """Every page by its name."""
    return {"cli.md": command_line(), "settings.md": settings(), "errors.md": every_error()}


def command_line() -> str:
    """Each command with its help, as it prints it."""
    parts = ["# Command line", "", f"{_MADE} {_EXAMPLES}", "", "```text", _help(main, "senrkit"), "```"]
    for name, each in main.commands.items():
        parts += ["", f"## senrkit {name}", "", "```text", _help(each, f"senrkit {name}"), "```"]
    return "\n".join(parts) + "\n"


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    return command.get_help(context).rstrip()


def settings() -> str:
    """Each setting of the template: what it is when left out, and what it means."""
    parts = ["# Settings: `senrkit.toml`", "", _MADE, "`senrkit init` writes this file to fill in.", ""]
    parts += [_lead(), ""]
    for heading, rows in _sections():
        parts += [f"## {heading}", "", table(("setting", "example or default", "means"), rows), ""]
    parts += ["## The whole file", "", "```toml", TEMPLATE.rstrip(), "```"]
    return "\n".join(parts) + "\n"


def _lead() -> str:
    first = TEMPLATE.split("\n\n", 1)[0]
    return " ".join(line.lstrip("# ") for line in first.splitlines()[1:])


def _sections() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    heading, rows = "At the top", []
    for line in TEMPLATE.splitlines():
        named = re.fullmatch(r"(?:# )?(\[[\w.\"]+\])(?:\s+# .*)?", line)
        if named:
            yield heading, rows
            heading, rows = f"`{named[1]}`", []
        elif found := _SETTING.fullmatch(line.strip()):
            rows.append((f"`{found['key']}`", f"`{found['value']}`", _meaning(found)))
    yield heading, rows


def _meaning(found: re.Match[str]) -> str:
    return "; ".join(said for said in ("needed" if found["key"] in _NEEDED else "", found["said"] or "") if said)


def every_error() -> str:
    """Each sentence that `senrkit` can end with, by exit code, read out of the code itself."""
    parts = [_ERRORS]
    for code, title in ((2, "2: wrong usage or settings"), (3, "3: an input cannot be read"), (4, "4: stopped")):
        rows = sorted({(message, cure) for kind, message, cure in _raised() if _KINDS[kind] == code and message})
        parts += [f"## {title}", "", table(("message", "cure"), rows), ""]
    for title, file in _DATABASES:
        refusals = tomllib.loads((_SOURCES / file).read_text(encoding="utf-8"))["refusal"]
        parts += [f"## {title}", "", table(("cause", "cure"), [(one["sentence"], one["cure"]) for one in refusals]), ""]
    rows = [(row["id"], row["title"], row["cure"]) for row in wording.rows("preconditions.csv")]
    parts += ["## Preconditions", "", table(("id", "what is asked", "cure"), rows)]
    return "\n".join(parts) + "\n"


def _raised() -> Iterator[tuple[str, str, str]]:
    for file in sorted(_SOURCES.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = _named(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in _KINDS and name != "LayoutError" and len(node.args) == 2:
                    message, cure = (_text(each, named) for each in node.args)
                    yield name, message, cure or _SAID_WITH_IT
        kinds = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        for kind in (node for node in kinds if node.name == _KIND_WITH_WORDS):
            said = next(node for node in ast.walk(kind) if isinstance(node, ast.Call) and len(node.args) == 2)
            message, cure = (_text(each, named) for each in said.args)
            yield "UsageError", message, cure


def _named(tree: ast.AST) -> dict[str, ast.expr]:
    """What a sentence may be kept under until it is said: names that are given one value in a module."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _text(node: ast.expr, named: Mapping[str, ast.expr]) -> str:
    """A sentence as it stands in the code, its holes between ‹ ›; `""` where it is put together elsewhere."""
    if isinstance(node, ast.Name) and node.id in named:
        return _text(named[node.id], {})
    if isinstance(node, ast.IfExp):
        both = (_text(node.body, named), _text(node.orelse, named))
        return " Or: ".join(said for said in both if said)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        said = node.value
    elif isinstance(node, ast.JoinedStr):
        said = "".join(
            f"‹{_hole(part.value)}›" if isinstance(part, ast.FormattedValue) else str(getattr(part, "value", ""))
            for part in node.values
        )
    else:
        return ""
    return " ".join(said.split()).replace("|", "\\|").replace("<", "&lt;")


def _hole(value: ast.expr) -> str:
    """A name for what is filled in: the last word of the expression."""
    words = re.findall(r"[A-Za-z_]+", ast.unparse(value))
    return (words[-1] if words else "…").replace("_", " ")


if __name__ == "__main__":
    for name, text in pages().items():
        write_page(FOLDER / name, text)
