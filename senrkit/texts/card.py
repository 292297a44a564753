"""How everything of ours prints: as a short card that counts its rows and never quotes one.

Whoever asks for a result at the end of a cell, or by accident, sees what it is; a frame in it is printed by asking for
the frame.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
from collections.abc import Mapping


class Carded:
    """A class whose objects print as a card. A dataclass says `repr=False`, or it would print its rows after all."""

    def card(self) -> Mapping[str, str]:
        """What stands on the card, heading by heading: counts and days, no text that may be about a student."""
        if not dataclasses.is_dataclass(self):
            return {}
        values = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name.replace("_", " "): said for name, value in values if (said := _counted(value))}

    def __repr__(self) -> str:
        lines = [f"  {heading}: {said}" for heading, said in self.card().items()]
        return "\n".join([f"senrkit {type(self).__name__}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(heading)}</th>'
            f'<td style="text-align:left">{html.escape(said)}</td></tr>'
            for heading, said in self.card().items()
        )
        return f"<p><strong>senrkit {type(self).__name__}</strong></p><table>{rows}</table>"


def _counted(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if hasattr(value, "columns") and hasattr(value, "__len__"):
        return f"{len(value):,} rows"
    return ""
