"""What the page tells beside the screen of a step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """One thing to tell: `kind` is `error`, `warning` or `good`; `reference` leads to the log, `do` is what a button of
    the name `label` does."""

    kind: str
    text: str
    cure: str = ""
    reference: str = ""
    do: str = ""
    label: str = ""
