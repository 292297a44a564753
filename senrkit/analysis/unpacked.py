"""`changed`, `before` and `after` of a proposal, which pack several fields into a cell, as a row a field."""

from __future__ import annotations

import polars as pl
from polars import col

COLUMNS = (
    "sequence", "action", "reason", "school_code", "school_name", "ssid", "local_id", "start_date", "field", "before",
    "after", "start_key",
)  # fmt: skip


def unpacked(proposal: pl.DataFrame) -> pl.DataFrame:
    """A row for each field that an update changes, or would change if it were not held: `COLUMNS`, all text."""
    rows = proposal.filter(col.changed != "").with_columns(col("changed", "before", "after").str.split("|"))
    values = {side: col(side).str.splitn("=", 2).struct.field("field_1").fill_null("") for side in ("before", "after")}
    return rows.explode("changed", "before", "after").with_columns(**values, field="changed").select(COLUMNS)
