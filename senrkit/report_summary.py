"""The Summary sheet of the workbook, as rows of cells: what was found, whether it adds up, what to send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from senrkit import wording
from senrkit.sheets import Row

_SHEETS = ("by_school", "proposal", "held", "left_out", "preconditions", "findings", "census", "information")


def summary_rows(manifest: Mapping[str, Any]) -> list[Row]:
    """The rows of the sheet: title, what was run, and a block each for balance, actions, reasons, files and sheets."""
    title = f"SENR reconciliation {manifest['lea']}, {manifest['school_year']}"
    about = f"As of {manifest['as_of']}. Run {manifest['run_id']}, senrkit {manifest['senrkit_version']}."
    rows: list[Row] = [("title", (title,)), ("text", (about,))]
    for block in (_balance, _actions, _reasons, _files, _sheets):
        rows += [("text", ()), *block(manifest)]
    return rows


def _balance(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("balance")
    for line, counted in manifest["balance"].items():
        parts = " + ".join(f"{n:,} {wording.phrase('part', part).title}" for part, n in counted["parts"].items())
        yield "text", (wording.phrase("balance", line).title, counted["total"], f"= {parts}")


def _actions(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("action")
    for action, count in manifest["counts"]["action"].items():
        phrase = wording.phrase("action", action)
        yield "text", (phrase.title, count, phrase.sentence)


def _reasons(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("reason")
    for action, reasons in manifest["counts"]["reason"].items():
        for reason, count in reasons.items():
            phrase = wording.phrase(action, reason)
            yield "text", (f"{wording.phrase('action', action).title}: {phrase.title}", count, phrase.sentence)


def _files(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("files")
    if not manifest["files"]:
        yield "text", (wording.phrase("block", "files").cure,)
    for entry in manifest["files"]:
        yield "text", (entry["name"], entry["rows"], wording.phrase("step", entry["step"]).sentence)
    for step in manifest["missing_steps"]:
        yield "text", (step["step"], 0, step["why"])


def _sheets(manifest: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("sheets")
    for sheet in _SHEETS:
        phrase = wording.phrase("sheet", sheet)
        yield "text", (phrase.title, "", phrase.sentence)


def _head(block: str) -> Row:
    return "head", (wording.phrase("block", block).title, "", "")
