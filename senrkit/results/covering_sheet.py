"""`READ_ME_FIRST.txt`: which file to send when, what each does, what to do when one is refused. Nothing about students.

The sentences are in `texts/covering_sheet.toml`.
"""

from __future__ import annotations

import datetime as dt
import textwrap
from collections import Counter
from collections.abc import Mapping
from typing import Any

from senrkit.results.files import SINGLE, label
from senrkit.texts import wording

_WIDTH = 88
_AT_RISK = "delete_last_record"
_LAST_RECORD = "SENR0180"


def covering_sheet(manifest: Mapping[str, Any]) -> str:
    """The covering sheet of the run that the manifest tells of. Lines end with CR LF, for Windows' own editor."""
    words = wording.covering_sheet()
    chapters = [
        ("order", _order(words, manifest)),
        ("files", _files(words, manifest)),
        ("missing", [f"{entry['step']}: {entry['why']}" for entry in manifest["missing_steps"]]),
        ("refused", _refused(words, manifest)),
        ("at_risk", _at_risk(words, manifest)),
        ("findings", _findings(words, manifest)),
        ("held", [_held(words, manifest)]),
        ("after", [words["after"]]),
        ("private", [words["private"]]),
    ]
    about = words["about"].format(
        lea=manifest["lea"],
        school_year=manifest["school_year"],
        as_of=_long_date(manifest["as_of"]),
        run_id=manifest["run_id"],
    )
    blocks = [words["title"], about]
    for name, passages in chapters:
        if passages:
            heading = words["headings"][name]
            blocks += [f"\n{heading}\n{'-' * len(heading)}", *passages]
    return "\n\n".join(_wrapped(block) for block in blocks).replace("\n", "\r\n") + "\r\n"


def _order(words: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    return [words[name] for name in ("order", "upload", "untouched")] if manifest["files"] else [words["no_files"]]


def _files(words: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    described, seen = [], Counter[str]()
    for entry in manifest["files"]:
        seen[entry["step"]] += 1
        again = words["again"] if seen[entry["step"]] > 1 else ""
        described.append(_file(entry, again))
    return described


def _file(entry: Mapping[str, Any], again: str) -> str:
    phrase = wording.phrase("step", entry["step"])
    codes = ", ".join(f"{count:,} {code}" for code, count in entry["transactions"].items())
    records = f"{entry['rows']:,} record{'' if entry['rows'] == 1 else 's'}"
    sentence = again or phrase.sentence
    return f"{entry['number']}.  {entry['name']}\n    {phrase.title}: {records} ({codes}). {sentence}"


def _refused(words: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    if not manifest["files"]:
        return []
    has_trace = manifest["settings"]["process"]["local_record_id"]
    trace = words["trace_on"].format(run_number=manifest["run_number"]) if has_trace else words["trace_off"]
    read = words["refused_read"].format(trace=trace)
    return [words["refused_now"], words["refused_stop"], read, words["refused_mend"]]


def _at_risk(words: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    labels = [label(entry["number"], entry["step"]) for entry in manifest["files"] if entry["step"] == _AT_RISK]
    return [words["at_risk"].format(files=labels[0]), words["at_risk_refused"]] if labels else []


def _findings(words: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    findings = manifest["findings"]
    if findings is None:
        return [words["findings_unknown"]]
    # Deletes at risk have a chapter of their own, and say there what their rule means.
    told = {rule: found for rule, found in findings.items() if rule != _LAST_RECORD}
    fatal, warnings, unknown = (
        [rule for rule, found in told.items() if found["severity"] == severity]
        for severity in ("fatal", "warning", "unknown")
    )
    passages = [words["findings_some"], _counted(findings, warnings)] if warnings else [words["findings_none"]]
    if unknown:
        passages += [words["findings_untold"], _counted(findings, unknown)]
    if fatal:
        # One file for everything is sent as it is, for comparison; otherwise whoever would sink a file is held.
        is_single = manifest["settings"]["process"]["submission_mode"] == SINGLE
        passages += [words["findings_refused" if is_single else "findings_held"], _counted(findings, fatal)]
    return passages


def _counted(findings: Mapping[str, Any], rules: list[str]) -> str:
    return "\n".join(f"    {rule}: {findings[rule]['count']:,}" for rule in rules)


def _held(words: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    held = manifest["counts"]["action"]["hold"]
    enrollments = f"{held:,} enrollment{'' if held == 1 else 's'}"
    return words["held"].format(held=enrollments) if held else words["held_none"]


def _long_date(iso: str) -> str:
    day = dt.date.fromisoformat(iso)
    return f"{day:%B} {day.day}, {day.year}"


def _wrapped(block: str) -> str:
    """Each line of a block folded at the page's width, its further lines as far in as its text."""
    return "\n".join(_folded(line) for line in block.split("\n"))


def _folded(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
