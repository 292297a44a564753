"""What the notebooks call: open or make a run, and show its parts. The work is done by the engine.

Everything that is shown is masked (`senrkit.results.masking`) unless the notebook asks for students.
"""

from __future__ import annotations

from senrkit.notebook.cell import guard_notebook
from senrkit.notebook.opening import history, make_page, open_page, scheduled
from senrkit.notebook.page import RunPage

__all__ = ["RunPage", "history", "make_page", "open_page", "scheduled"]

guard_notebook()
