"""What a run would propose with other settings: decided anew from the same inputs, and nothing written."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping

import polars as pl
from polars import col

from senrkit import engine
from senrkit.analysis import again
from senrkit.errors import InputError, Stopped
from senrkit.progress import NoProgress, Progress
from senrkit.reconciliation import preconditions
from senrkit.reconciliation.preconditions import Acceptance
from senrkit.results.folder import PROPOSAL, RunFolder
from senrkit.results.outcome import decide, foretell
from senrkit.results.tables import proposal_table
from senrkit.settings.settings import Settings, read_settings_text

_NUMBER_OR_DAY = re.compile(r"[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}")
KEY = ("school_code", "ssid", "start_key")
SAME = "same"
_SIDES = ("action", "reason", "changed", "after")
COLUMNS = (
    "school_code", "school_name", "ssid", "local_id", "grade", "start_date", "action", "reason", "action_then",
    "reason_then", "evidence", "start_key",
)  # fmt: skip
# The least that settings must say; only what stands under [process] is taken.
_AROUND = """school_year = "{year}"
lea = "{lea}"
[aeries]
source = "a"
[calpads]
senr_extract = "b"
[process]
{process}
"""


def with_process(settings: Settings, process: Mapping[str, object]) -> Settings:
    """The settings with some of `[process]` said anew; a text is taken as the word, number or flag that it spells.

    Raises
    ------
    UsageError
        for what cannot be said there.
    """
    lines = "\n".join(f"{name} = {_spelled(value)}" for name, value in process.items())
    around = _AROUND.format(year=settings.school_year.text, lea=settings.lea, process=lines)
    read = read_settings_text(around, settings.folder, "what-if").process
    changed = dataclasses.replace(settings.process, **{name: getattr(read, name) for name in process})
    return dataclasses.replace(settings, process=changed)


def _spelled(value: object) -> str:
    """As the settings file has it."""
    said = str(value).strip()
    is_plain = said.lower() in ("true", "false") or _NUMBER_OR_DAY.fullmatch(said)
    if isinstance(value, list | tuple):
        return json.dumps(list(value))
    return said.lower() if is_plain else json.dumps(said)


def what_if(run: RunFolder, settings: Settings, progress: Progress | None = None) -> pl.DataFrame:
    """What would become of each enrollment that the run and the other settings decide in two ways.

    Returns
    -------
    DataFrame
        `COLUMNS`, all text: `action, reason` are the run's, `action_then, reason_then` those of the settings; `same`
        for what simply agrees.

    Raises
    ------
    InputError
        when the inputs are no longer those of the run, or the run was stopped.
    Stopped
        when nothing can be decided with the settings, with the precondition that says why.
    """
    if run.stopped:
        raise InputError("The run was stopped, so there is nothing to compare with.", "Name a run that went through.")
    made = engine.compare(settings, Acceptance(), None, progress or NoProgress())
    again.refuse_other_inputs(run.manifest, made.inputs.digests)
    if made.proposal is None or made.scope is None or made.spell_set is None or made.decided is None:
        stop = preconditions.stopped(made.preconditions)[0]
        raise Stopped(f"Stopped by {stop.id}, {stop.title.lower()}: {stop.evidence}", stop.cure)
    proposal, directory = decide(made.proposal, made.decided), made.inputs.school_directory()
    outcome = foretell(proposal, made.scope, made.spell_set, settings, "0", directory)
    then = proposal_table(outcome.plan.actions, list_same=True)
    now = run.table(PROPOSAL)
    both = now.join(then, on=KEY, how="full", suffix="_then", coalesce=True)
    told = ("school_name", "local_id", "grade", "start_date", "evidence")
    both = both.with_columns(
        *(pl.coalesce(f"{name}_then", name).alias(name) for name in told),
        *(col(name).fill_null(SAME) for name in ("action", "action_then")),
        *(
            col(name).fill_null("")
            for name in ("reason", "changed", "after", "reason_then", "changed_then", "after_then")
        ),
    )
    differs = pl.any_horizontal(col(name) != col(f"{name}_then") for name in _SIDES)
    return both.filter(differs).select(COLUMNS).sort("school_code", "ssid", "start_key")
