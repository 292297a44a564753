"""Other settings tried in a notebook: what would change in the proposal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from senrkit.analysis import again
from senrkit.analysis.what_if import COLUMNS, SAME, what_if, with_process
from senrkit.figures import markup
from senrkit.frames.pandas_door import to_pandas
from senrkit.notebook.cell import NotebookProgress
from senrkit.results import masking
from senrkit.results.folder import RunFolder
from senrkit.texts import wording
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    from IPython.display import HTML

_NOTHING = "Nothing"


@dataclass(frozen=True, repr=False)
class WhatIf(Carded):
    """`rows` as `analysis.what_if` gives them, none for a run that was stopped; `process` is what was tried."""

    process: str
    run: RunFolder
    rows: pl.DataFrame
    show_students: bool

    def counts(self) -> HTML:
        """From what to what, how often."""
        if self.run.stopped:
            said = "The run was stopped: there is no proposal to compare with. Open one that went through."
            return markup.joined(markup.paragraph(said))
        tried = markup.paragraph(f"With {self.process} instead of the settings of run {self.run.folder.name}:")
        pairs = Counter(self.rows.select("action", "action_then").rows())
        rows = [(_action(now), _action(then), f"{count:,}") for (now, then), count in pairs.most_common()]
        said = markup.table(["the run", "with these settings", "enrollments"], rows, numbers=(2,))
        return markup.joined(tried, said if rows else markup.paragraph("Nothing changes in the proposal."))

    def table(self) -> HTML:
        """Every enrollment that is decided in another way. An action that stays has another reason or other values."""
        named = {
            "school_name": "School", "ssid": "SSID", "local_id": "Local ID", "grade": "Grade", "start_date": "Start",
            "now": "The run", "then": "With these settings", "evidence": "Evidence",
        }  # fmt: skip
        rows = self.rows.with_columns(now=_said("action", "reason"), then=_said("action_then", "reason_then"))
        shown = masking.masked(to_pandas(rows.select(list(named))), self.show_students).rename(columns=named)
        return markup.searchable(shown, "Nothing changes in the proposal.", worded=True)


def tried(run: RunFolder, process: Mapping[str, object], show_students: bool) -> WhatIf:
    """Decide anew with these settings of `[process]`. Errors as `RunPage.what_if`."""
    settings = with_process(again.settings_of(run.manifest), process)
    said = ", ".join(f"{name} = {value}" for name, value in process.items())
    if run.stopped:
        return WhatIf(said, run, pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String)), show_students)
    with NotebookProgress() as progress:
        return WhatIf(said, run, what_if(run, settings, progress), show_students)


def _action(id: str) -> str:
    """In words. What agrees and what is not there at all are one: nothing is proposed."""
    return _NOTHING if id == SAME else wording.phrase("action", id).title


def _said(action: str, reason: str) -> pl.Expr:
    """An action with its reason, in words."""
    actions = {id: _action(id) for id in wording.phrases("action")}
    reasons = {f"{kind}/{id}": one.title for kind in actions for id, one in wording.phrases(kind).items()}
    both = pl.concat_str(action, pl.lit("/"), reason).replace_strict(reasons, default="")
    return pl.concat_str(
        pl.col(action).replace(actions), pl.when(both == "").then(pl.lit("")).otherwise(pl.lit(": ")), both
    )
