"""What the ledger of an LEA says of its newest run: what is new, open, on its way, back, solved. Counts, nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WEEKS = ("new", "open", "back", "sent", "solved", "oldest")


def weeks_of(manifest: Mapping[str, Any], runs: Path | None = None) -> dict[str, int] | None:
    """Of a run: `WEEKS`, the oldest item in days; `None` where the ledger does not know it or cannot be read.

    `runs`: where the ledger is, if not where the manifest says.
    """
    import polars as pl

    from senrkit.errors import InputError
    from senrkit.ledger.journal import Journal
    from senrkit.ledger.states import states
    from senrkit.ledger.weeks import SOLVED, counted, items

    try:
        journal = Journal.open(runs or Path(manifest["settings"]["output"]["runs"])).of(manifest["lea"])
    except (InputError, KeyError, TypeError):
        return None
    found = items(journal, states(journal, dt.date.fromisoformat(manifest["as_of"])))
    found = found.filter(pl.col("run") == manifest["run_id"])
    if not len(found):
        return None
    count = counted(found).row(0, named=True)
    oldest = found.filter(pl.col("state") != SOLVED)["age"].max() or 0
    return {name: count[name] for name in WEEKS if name != "oldest"} | {"oldest": int(oldest)}
