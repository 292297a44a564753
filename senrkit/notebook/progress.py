"""The progress of a run inside a notebook: one line with a bar and the present step, gone when the work is over."""

from __future__ import annotations

import html
import time
from typing import Any

from senrkit.progress import PATIENCE

# The steps that `senrkit.run` announces; the bar only has to be about right.
_STEPS = 5


class NotebookProgress:
    """What the engine calls, shown in the cell. Work that is over in a second says nothing."""

    def __init__(self) -> None:
        self._began, self._steps, self._shown = time.monotonic(), 0, None  # type: ignore[var-annotated]
        self._text = ""

    def __enter__(self) -> NotebookProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._say("")

    def step(self, text: str, total: int | None = None) -> None:
        self._steps, self._text = self._steps + 1, text
        self._show()

    def advance(self, parts: int = 1) -> None:
        self._show()

    def _show(self) -> None:
        # The first step of several is shown at once: it is the one that people wait for without knowing why.
        if self._steps == 1 or time.monotonic() - self._began >= PATIENCE:
            value = min(self._steps - 1, _STEPS) / _STEPS
            self._say(f'<label><progress max="1" value="{value}"></progress> {html.escape(self._text)} …</label>')

    def _say(self, markup: str) -> None:
        from IPython.display import HTML, display

        if self._shown is None:
            self._shown: Any = display(HTML(markup), display_id=True)
        else:
            self._shown.update(HTML(markup))
