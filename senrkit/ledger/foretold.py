"""What was foretold of the files that were answered, and what came: by rule, over all runs, without a student.

The best test of the copy of CALPADS' rules: a rule that comes without being foretold is missing or wrong.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import polars as pl

from senrkit.ledger.journal import Journal
from senrkit.ledger.states import POSTED, File, States

FORETOLD_FILE = "foretold.csv"
COLUMNS = ("rule", "foretold", "not_foretold", "did_not_come")


def by_rule(journal: Journal, states: States) -> pl.DataFrame:
    """Rule by rule: `foretold` and came, `not_foretold` but came, foretold and `did_not_come` (Int64 counts).

    One record and rule counts once. Foretold and not come counts for files of which an error file was read, and for
    posted ones only what would have been fatal: CALPADS shows no warning of a file unless somebody fetches it.
    """
    answered = {(event["run"], event["file"]) for event in states.answers if event.get("file")}
    parts = [_of_file(journal, file, (file.run, file.number) in answered) for file in states.files]
    counted = pl.concat([pl.DataFrame(schema={"rule": pl.String, "what": pl.String}), *parts])
    wide = counted.group_by("rule").agg(
        *((pl.col("what") == name).sum().cast(pl.Int64).alias(name) for name in COLUMNS[1:])
    )
    return wide.sort("rule")


def _of_file(journal: Journal, file: File, answered: bool) -> pl.DataFrame:
    came = {(line.sequence, line.rule) for line in file.lines}
    said = {
        (sequence, rule) for sequence, rule, severity in _foretold(journal, file) if answered or severity == "fatal"
    }
    if not answered and file.state != POSTED:
        said = set()
    what = [
        *((rule, "foretold") for _, rule in came & said),
        *((rule, "not_foretold") for _, rule in came - said),
        *((rule, "did_not_come") for _, rule in said - came),
    ]
    return pl.DataFrame(what, schema={"rule": pl.String, "what": pl.String}, orient="row")


def _foretold(journal: Journal, file: File) -> Iterable[tuple[int, str, str]]:
    data = journal.kept(file.run, FORETOLD_FILE)
    if data is None:
        return ()
    table = pl.read_csv(
        io.BytesIO(data), schema_overrides={"sequence": pl.Int64, "rule": pl.String, "severity": pl.String}
    )
    own = table.filter(pl.col("sequence").is_between(file.first, file.last))
    return own.select("sequence", "rule", "severity").rows()
