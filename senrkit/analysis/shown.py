"""A frame as it may be shown to somebody who looks over a shoulder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senrkit.results import masking

if TYPE_CHECKING:
    import pandas as pd


class Shown:
    """A frame that shows itself masked (`results.masking`): in a notebook a table to search and sort, elsewhere text.

    `frame` is what is shown, and safe to print.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = masking.masked(frame, False)

    def __repr__(self) -> str:
        return self.frame.to_string(index=False)

    def _repr_html_(self) -> str:
        from senrkit.figures import markup

        return markup.searchable(self.frame, "No row.", worded=True).data
