"""The rule book: every rule, precondition, reason and hold on one page, made from the tables the program itself uses.

`python -m scripts.rule_book` writes `docs/rule_book.md`; a test fails when that page is out of date.
"""

from __future__ import annotations

import csv
import string
import tempfile
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from senrkit.calpads.findings import severity_of
from senrkit.reference import PACKAGED
from senrkit.texts.wording import phrases

PAGE = Path("docs") / "rule_book.md"
_LANGUAGE = "language"
_CERTAINTY = {"seen": "as the source prints it", "inferred": "inferred", "not-shown": "the source shows none"}
_EVIDENCE = {
    "A": "official CALPADS manual page",
    "B": "CDE Flash",
    "C": "mirror of an older official error list",
    "D": "vendor, district program or our own reading",
}


def rule_book() -> str:
    """The whole page as Markdown."""
    parts = [_samples()["introduction"], *_preconditions(), *_reasons(), *_rules(), *_unchecked()]
    return "\n".join(parts).rstrip() + "\n"


def _preconditions() -> Iterator[str]:
    yield "## Preconditions\n"
    for row in _text_table("preconditions"):
        yield f"### {row['id']}: {row['title']}\n"
        yield f"Kind: {row['kind']}. Fix: {row['cure']}\n"


def _reasons() -> Iterator[str]:
    examples = {row["id"]: row["sentence"] for row in _text_table("evidence")}
    for kind, title in _samples()["reasons"].items():
        yield f"## {title}\n"
        for id, phrase in phrases(kind).items():
            yield f"### `{id}`: {phrase.title}\n"
            yield phrase.sentence + "\n"
            example = examples.get(f"{kind}/{id}") or examples.get(f"{id}/")
            if example:
                yield f"Evidence given: *{example.replace('{', '‹').replace('}', '›')}*\n"
            if phrase.cure:
                yield f"Fix: {phrase.cure}\n"


def _rules() -> Iterator[str]:
    for family, title in _samples()["family"].items():
        yield f"## {title}\n"
        for row in PACKAGED.rows("calpads_rules"):
            if row["family"] == family and row["checkable"] == "yes":
                yield _one_rule(row)


def _one_rule(row: dict[str, str]) -> str:
    needs = ", ".join(_samples()["needs"][letter] for letter in row["needs"].split())
    dates = [f"{word} {row[name]}" for word, name in (("from", "first_date"), ("until", "last_date")) if row[name]]
    in_force = f" In force {' '.join(dates)}." if dates else ""
    return (
        f"### {row['id']}: {row['title']}\n\n"
        f"Example: *{_example(row['sentence'])}*\n\n"
        f"- Why it happens: {row['why']}\n"
        f"- Fix: {row['fix']}\n"
        f"- {_severity(row)} ({_CERTAINTY[row['severity_certainty']]}), kind {row['kind']}; needs {needs}.{in_force}\n"
        f"- Evidence {row['evidence']} ({_EVIDENCE[row['evidence']]}): {row['source']}\n"
    )


def _severity(row: dict[str, str]) -> str:
    here = severity_of(row)
    if here != row["severity"]:
        return f"{here.capitalize()} here, {row['severity']} at certification"
    return here.capitalize()


def _unchecked() -> Iterator[str]:
    yield "## Cannot be checked here\n"
    yield "These need records of other districts, other state data, or are switched off.\n"
    yield "| rule | says | needs | in force |\n| --- | --- | --- | --- |"
    for row in PACKAGED.rows("calpads_rules"):
        if row["checkable"] != "yes" and row["family"] != _LANGUAGE:
            span = f"until {row['last_date']}" if row["last_date"] else "yes"
            yield f"| {row['id']} | {row['title']} | {row['needs']} | {span} |"


def _example(sentence: str) -> str:
    return "".join(
        literal + (_samples()[hole] if hole else "") for literal, hole, _, _ in string.Formatter().parse(sentence)
    )


@cache
def _samples() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _text_table(name: str) -> list[dict[str, str]]:
    with files("senrkit.texts").joinpath(f"{name}.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def write_rule_book(page: Path) -> None:
    """Write the page, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=page.parent) as unfinished:
        whole = Path(unfinished) / page.name
        whole.write_text(rule_book(), encoding="utf-8", newline="\n")
        whole.replace(page)


if __name__ == "__main__":
    write_rule_book(PAGE)
