"""The rule book: every rule, precondition, reason and hold, made from the tables the program itself uses.

`python -m scripts.rule_book` writes the pages of `docs/rules`, one a family, and an id is its own anchor there; a test
fails when one is out of date.
"""

from __future__ import annotations

import csv
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from scripts.pages import write_page
from senrkit.calpads.findings import severity_of
from senrkit.reference import PACKAGED
from senrkit.texts.wording import phrases

FOLDER = Path("docs") / "rules"
_LANGUAGE = "language"
_CERTAINTY = {"seen": "as the source prints it", "inferred": "inferred", "not-shown": "the source shows none"}
_EVIDENCE = {
    "A": "official CALPADS manual page",
    "B": "CDE Flash",
    "C": "mirror of an older official error list",
    "D": "vendor, district program or our own reading",
}


def rule_book() -> dict[str, str]:
    """Every page by its name: the contents, a page a family of rules, a page a kind of reason, the preconditions."""
    families, kinds = _samples()["family"], _samples()["reasons"]
    pages = {
        "preconditions": (_samples()["preconditions"], _preconditions()),
        **{kind.replace("-", "_"): (title, _reasons(kind)) for kind, title in kinds.items()},
        **{family: (title, _rules(family)) for family, title in families.items()},
    }
    made = {f"{name}.md": _page(title, body) for name, (title, body) in pages.items()}
    return {"index.md": _contents({name: title for name, (title, _) in pages.items()})} | made


def _contents(pages: dict[str, str]) -> str:
    links = [f"- [{title}]({name}.md)" for name, title in pages.items()]
    tree = ["\n```{toctree}", ":hidden:", "", *pages, "```"]
    return "\n".join([_samples()["introduction"].strip(), "", *links, *tree]) + "\n"


def _page(title: str, body: Iterator[str]) -> str:
    return "\n".join([f"# {title}\n", "[Rule book](index.md)\n", *body]).rstrip() + "\n"


def _preconditions() -> Iterator[str]:
    for row in _text_table("preconditions"):
        yield f"## {row['id']}\n\n**{row['title']}.** Kind: {row['kind']}. Fix: {row['cure']}\n"


def _reasons(kind: str) -> Iterator[str]:
    examples = {row["id"]: row["sentence"] for row in _text_table("evidence")}
    for id, phrase in phrases(kind).items():
        yield f"## {id}\n\n**{phrase.title}.** {phrase.sentence}\n"
        example = examples.get(f"{kind}/{id}") or examples.get(f"{id}/")
        if example:
            yield f"Evidence given: *{example.replace('{', '‹').replace('}', '›')}*\n"
        if phrase.cure:
            yield f"Fix: {phrase.cure}\n"


def _rules(family: str) -> Iterator[str]:
    rows = [row for row in PACKAGED.rows("calpads_rules") if row["family"] == family]
    asked = [row for row in rows if row["checkable"] == "yes" or family == _LANGUAGE]
    for row in asked:
        yield _one_rule(row)
    others = [row for row in rows if row not in asked]
    if others:
        yield f"# Not checked here\n{_samples()['not_checked']}"
    for row in others:
        yield f"## {row['id']}\n\n**{row['title']}.** Needs {_needs(row)}.{_span(row)}\n"


def _one_rule(row: dict[str, str]) -> str:
    return (
        f"## {row['id']}\n\n"
        f"**{row['title']}.** Example: *{_example(row['sentence'])}*\n\n"
        f"- Why it happens: {row['why']}\n"
        f"- Fix: {row['fix']}\n"
        f"- {_severity(row)} ({_CERTAINTY[row['severity_certainty']]}), kind {row['kind']}; needs {_needs(row)}."
        f"{_span(row)}\n"
        f"- Evidence {row['evidence']} ({_EVIDENCE[row['evidence']]}): {row['source']}\n"
    )


def _needs(row: dict[str, str]) -> str:
    return ", ".join(_samples()["needs"][letter] for letter in row["needs"].split())


def _span(row: dict[str, str]) -> str:
    dates = [f"{word} {row[name]}" for word, name in (("from", "first_date"), ("until", "last_date")) if row[name]]
    return f" In force {' '.join(dates)}." if dates else ""


def _severity(row: dict[str, str]) -> str:
    here = severity_of(row)
    if here != row["severity"]:
        return f"{here.capitalize()} here, {row['severity']} at certification"
    return here.capitalize()


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


def write_rule_book(folder: Path) -> None:
    """Write every page, each whole or not at all."""
    for name, text in rule_book().items():
        write_page(folder / name, text)


if __name__ == "__main__":
    write_rule_book(FOLDER)
