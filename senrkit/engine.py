"""The run: load, check, build, decide, predict, write. The table of contents of senrkit.

The command line, the notebooks and the dashboard all call `run`; for the same inputs they get the same proposal and
the same submission files, byte for byte.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from senrkit.errors import InputError, LayoutError
from senrkit.inputs.extract.senr import Extract
from senrkit.inputs.load import DIRECTORY, SENR, Inputs, load
from senrkit.inputs.sources import what_was_read
from senrkit.ledger import arrivals
from senrkit.ledger.journal import this_person
from senrkit.ledger.overlay import Postings
from senrkit.progress import NoProgress, Progress
from senrkit.reconciliation import decisions, preconditions
from senrkit.reconciliation.decisions import FILE as DECISIONS_FILE
from senrkit.reconciliation.preconditions import Acceptance, Precondition
from senrkit.reconciliation.proposal import Proposal, balance, reconcile
from senrkit.reconciliation.scope import Scope, scope_of
from senrkit.results.census import what_if
from senrkit.results.files import encode_files, package_name
from senrkit.results.kept import keep
from senrkit.results.manifest import RunLabel, build_manifest
from senrkit.results.outcome import Outcome, decide, foretell, with_concerned, with_first_seen, with_postings
from senrkit.results.summary import summary_lines
from senrkit.results.tables import both_sides
from senrkit.results.write import RunDocuments, refuse_used, write_run, write_stopped
from senrkit.settings.settings import Settings, settings_document
from senrkit.spells.build import SpellSet, build_spells
from senrkit.texts.card import Carded
from senrkit.version import __version__

DONE, STOPPED, HELD = 0, 4, 5
# Without these answered there is nothing that could be decided.
_DECIDABLE_ONLY_WITH = ("P03", "P05", "P10", "P13", "P15", "P16")
# The settings that decide what is sent; with the schools, what is skipped and the inputs they make the run number.
_DECISIVE = ("school_year", "lea", "as_of", "charter", "lea_from", "process", "translations")


@dataclass(frozen=True, repr=False)
class Comparison(Carded):
    """Both sides, set against each other: what a run, a check and the student view have in common.

    `inputs.tables` says where Aeries was read and has but the rows of ENR. In a finished run it has none any more, nor
    have `scope.state` and `spell_set.people`. `read` is what was read, in counts.
    """

    settings: Settings
    inputs: Inputs
    preconditions: list[Precondition]
    read: dict[str, Any]
    scope: Scope | None = None
    spell_set: SpellSet | None = None
    proposal: Proposal | None = None
    decided: decisions.Applied | None = None
    checked: decisions.Checked | None = None
    decisions_file: bytes | None = None
    posted: Postings | None = None


@dataclass(frozen=True, repr=False)
class Finished(Carded):
    """What a run leaves in memory, or one that a precondition stopped. The doors show it; an analyst has
    `senrkit.analysis.run.Run`.

    Attributes
    ----------
    exit_code
        0 done, 4 stopped by a precondition, 5 done but students are held.
    folder
        The run folder; `None` after `check`, which writes nothing.
    manifest
        As in `manifest.json`.
    comparison
        Inputs, preconditions, spells and proposal.
    outcome
        The plan and the prediction; `None` when stopped.
    """

    exit_code: int
    folder: Path | None
    manifest: dict[str, Any]
    comparison: Comparison
    outcome: Outcome | None

    def card(self) -> dict[str, str]:
        """How it ended and where it is; no student."""
        return {"exit code": f"{self.exit_code}", "folder": str(self.folder or "none")}

    def summary_lines(self) -> list[str]:
        """The balance, the files and what needs a person, in plain words; no student."""
        return summary_lines(self.manifest, self.folder)


def run(
    settings: Settings,
    *,
    out: Path | None = None,
    accept: Mapping[str, str] | None = None,
    accept_deletes: int | None = None,
    decisions: Path | None = None,
    list_same: bool = False,
    progress: Progress | None = None,
    person: str | None = None,
    overlay: bool = True,
) -> Finished:
    """Compare, decide, predict and write the files of one LEA into a run folder.

    Parameters
    ----------
    out
        The run folder itself; made if missing. Default: a new one in the `runs` folder.
    accept, accept_deletes
        Soft stops accepted by name with their reason, and the exact number of deletes (P12).
    decisions
        People's decisions; default `decisions.csv` in the `runs` folder.
    person
        Who accepts; default the user of this computer.
    overlay
        Whether what has posted since the extract was made is laid over it.

    Raises
    ------
    UsageError
        for an acceptance that cannot be one, or a run folder that holds files.
    InputError
        when an input cannot be read or the folder cannot be written; nothing is left behind.
    """
    progress = progress or NoProgress()
    acceptance = Acceptance(dict(accept or {}), accept_deletes, person or this_person())
    preconditions.check_acceptable(acceptance)
    if out is not None:
        refuse_used(out)
    made = compare(settings, acceptance, decisions, progress, overlay=overlay)
    label = _label(made)
    made = _compared(made)
    with _claimed(out, settings.output.runs, label) as folder:
        if preconditions.stopped(made.preconditions):
            manifest = _manifest(made, label, None)
            return Finished(STOPPED, write_stopped(folder, manifest, to_look_at(made), made.read), manifest, made, None)
        progress.step("predicting what CALPADS will answer")
        proposal, directory = decide(made.proposal, made.decided), made.inputs.school_directory()
        outcome = foretell(proposal, made.scope, made.spell_set, settings, label.number, directory)
        progress.step("writing the files")
        files = encode_files(outcome.plan)
        manifest = _manifest(made, label, outcome, files)
        written = write_run(folder, _documents(made, outcome, manifest, files, list_same))
    # Only now: what a run that failed had looked at counts for nothing.
    made.checked.keep(made.proposal.conflicts, (decisions or settings.output.runs / DECISIONS_FILE).parent)
    with suppress(InputError):  # where it cannot be written now, `senrkit sent` tells the ledger of the run
        arrivals.look(settings, made.inputs.extract())
        keep(written, settings.output.runs)
    held = bool((outcome.plan.actions["action"] == "hold").any())
    return Finished(HELD if held else DONE, written, manifest, made, outcome)


def check(settings: Settings, *, progress: Progress | None = None) -> Finished:
    """The preconditions only. Writes nothing; raises `InputError` as `run` does."""
    made = compare(settings, Acceptance(), None, progress or NoProgress())
    stops = preconditions.stopped(made.preconditions)
    return Finished(STOPPED if stops else DONE, None, _manifest(made, _label(made), None), made, None)


def compare(
    settings: Settings,
    acceptance: Acceptance,
    decisions_file: Path | None,
    progress: Progress,
    needed: Sequence[str] = (SENR, DIRECTORY),
    overlay: bool = True,
) -> Comparison:
    """Read both sides (`load`), check whether they may be compared, and decide row by row."""
    progress.step("reading Aeries and the extract")
    file = decisions_file or settings.output.runs / DECISIONS_FILE
    data = decisions.read_bytes(file)
    kept = decisions.parse(data, file.name)
    inputs = load(settings, *needed, begin=build_spells)
    extract, read = inputs.senr, inputs.settings.as_given(what_was_read(inputs.tables, inputs.senr))
    found = preconditions.of_inputs(inputs.tables, extract, settings)
    if isinstance(extract, LayoutError):
        return Comparison(settings, inputs, preconditions.in_order(found), read, decisions_file=data)
    progress.step("checking whether the two may be compared")
    spell_set = inputs.begun.result()
    posted = Postings.of(settings, extract, overlay)
    scope = scope_of(posted.over(extract), spell_set, settings)
    found += preconditions.of_comparison(extract, scope, spell_set, inputs.tables, settings)
    found.append(preconditions.of_postings(posted.newest, extract.newest_update, posted.laid, posted.taken_off))
    # The rest of Aeries' rows is in the spells; comparing needs the room.
    inputs = inputs.without_rows(save=["ENR"])
    made = Comparison(settings, inputs, found, read, scope, spell_set, decisions_file=data, posted=posted)
    if not any(one.id in _DECIDABLE_ONLY_WITH for one in preconditions.stopped(found)):
        progress.step("comparing, row by row")
        made = _decided(made, kept, file.parent, acceptance)
    accepted = preconditions.accepted(preconditions.in_order(made.preconditions), acceptance)
    return dataclasses.replace(made, preconditions=accepted)


def to_look_at(made: Comparison) -> pl.DataFrame | None:
    """The actions for which somebody may accept what stopped the run; None when something has to be mended first."""
    stops = preconditions.stopped(made.preconditions)
    if made.proposal is None or not all(one.kind == "soft" for one in stops):
        return None
    return decide(made.proposal, made.decided).actions


def _compared(made: Comparison) -> Comparison:
    """Without the rows that are done with once the two sides are compared: of a large district some gigabytes. The
    state rows of the students whom something is sent for are asked for again and again, and read here once."""
    slim = dataclasses.replace(made, inputs=made.inputs.without_rows())
    if made.proposal is not None:
        assert made.scope is not None and made.spell_set is not None
        sent = made.proposal.actions.filter(pl.col("transaction") != "")["ssid"]
        rows = made.scope.rows.held(pl.col("ssid").is_in(sent.implode()))
        scope = dataclasses.replace(made.scope, rows=rows, state=made.scope.state.clear())
        spell_set = dataclasses.replace(made.spell_set, people=made.spell_set.people.clear())
        slim = dataclasses.replace(slim, scope=scope, spell_set=spell_set)
    return slim


def _decided(made: Comparison, kept: pl.DataFrame, beside: Path, acceptance: Acceptance) -> Comparison:
    assert made.scope is not None and made.spell_set is not None
    checked = decisions.Checked.read(kept, made.settings.as_of, beside)
    proposal = with_postings(reconcile(made.scope, made.spell_set, made.settings, checked), made.posted)
    applied = decisions.apply(kept, proposal.actions, made.settings.as_of)
    deletes = preconditions.of_deletes(decide(proposal, applied), made.scope, acceptance)
    return dataclasses.replace(
        made, proposal=proposal, decided=applied, checked=checked, preconditions=[*made.preconditions, deletes]
    )


def _documents(
    made: Comparison, outcome: Outcome, manifest: dict[str, Any], files: Any, list_same: bool
) -> RunDocuments:
    assert made.spell_set is not None and made.proposal is not None and made.scope is not None
    return RunDocuments(
        manifest,
        with_concerned(
            with_first_seen(outcome.plan, made.posted.first_seen, made.settings.as_of), made.proposal.conflicts
        ),
        files,
        made.spell_set.left_out,
        outcome.findings,
        made.proposal.information,
        made.decisions_file,
        package_name(made.settings),
        list_same,
        both_sides(outcome.plan.actions, made.scope, outcome.proposal.spells, made.spell_set.schools),
        made.read,
    )


def _manifest(made: Comparison, label: RunLabel, outcome: Outcome | None, files: Any = ()) -> dict[str, Any]:
    extract = made.inputs.senr
    known = not isinstance(extract, LayoutError)
    manifest = build_manifest(
        label,
        made.settings,
        lea_name=made.inputs.tables.lea_name,
        inputs=made.inputs.digests,
        layout=_layout_entry(extract) if known else None,
        preconditions=[dataclasses.asdict(one) for one in made.preconditions],
        accepted=[
            {"id": one.id, "because": one.because, "person": one.accepted_by}
            for one in made.preconditions
            if one.state == preconditions.ACCEPTED
        ],
        balance=balance(outcome.proposal, made.scope, made.spell_set) if outcome else None,
        plan=outcome.plan if outcome else None,
        files=files,
        findings=outcome.findings if outcome else None,
        decisions=_decisions_entry(made),
        notes=[
            *made.inputs.tables.notes,
            *(made.spell_set.unasked if made.spell_set else ()),
            *(extract.notes if known else ()),
        ],
        information=made.proposal.information if made.proposal else None,
        what_if=what_if(made.scope, made.spell_set, outcome.store, made.settings).document() if outcome else None,
        overlay=made.posted.document(outcome.plan.actions) if outcome and made.posted else None,
    )
    return made.inputs.settings.as_given(manifest)


def _layout_entry(extract: Extract) -> dict[str, Any]:
    return {
        "id": extract.layout.id,
        "columns": extract.layout.fields + 2,
        "delimiter": extract.delimiter,
        "encoding": extract.encoding,
    }


def _decisions_entry(made: Comparison) -> dict[str, Any] | None:
    if made.decisions_file is None:
        return None
    applied = made.decided
    return {
        "name": DECISIONS_FILE,
        "sha256": hashlib.sha256(made.decisions_file).hexdigest(),
        "applied": len(applied.fits) if applied else 0,
        "no_longer_fits": dict(Counter(applied.no_longer_fits["why"]).most_common()) if applied else {},
    }


def _label(made: Comparison) -> RunLabel:
    """Run id and number follow from the inputs: the same inputs give the same files, through whichever door."""
    document = settings_document(made.settings)
    decisive = {name: document[name] for name in _DECISIVE}
    digests = [entry["sha256"] for entry in made.inputs.digests]
    kept = hashlib.sha256(made.decisions_file or b"").hexdigest()
    aeries = made.settings.aeries
    decisive |= {"schools": aeries.schools, "skip": [aeries.skip_tags, aeries.skip_programs]}
    if made.posted and made.posted.overlay:
        decisive["overlay"] = made.posted.overlay.digests()
    digest = hashlib.sha256(json.dumps([decisive, digests, kept], sort_keys=True, default=str).encode()).hexdigest()
    number = f"{int(digest[:12], 16) % 10**7:07d}"
    now = dt.datetime.now(dt.UTC).astimezone()
    return RunLabel(f"{made.settings.as_of}_{number}", number, __version__, now)


@contextmanager
def _claimed(out: Path | None, runs: Path, label: RunLabel) -> Iterator[Path]:
    """`out`, or else `runs/2026-11-23_0123456`, with `_2` and so on when the same run was made before.

    A folder of our own naming is made at once, so that of two runs at the same time each has its own; it vanishes
    with a run that fails.
    """
    folder, again = out or runs / label.id, 2
    while out is None and not _is_new(folder):
        folder, again = runs / f"{label.id}_{again}", again + 1
    try:
        yield folder
    except BaseException:
        if out is None:
            with suppress(OSError):
                folder.rmdir()
        raise


def _is_new(folder: Path) -> bool:
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return not folder.parent.is_dir()
    except OSError:
        pass  # whoever writes the folder says why it cannot be made
    return True
