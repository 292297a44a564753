"""What one open page knows: which settings, which extract, which run. It can all be found again from a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traitlets

from senrkit.app.places import PastRun
from senrkit.app.proposal import ProposalTable
from senrkit.errors import SenrkitError
from senrkit.settings.settings import Settings, load_settings

STEPS = ("start", "load", "check", "evaluate", "review", "export", "language", "history", "settings")
DONE, NOW, NOT_YET, NEEDS_YOU = "done", "now", "not-yet", "needs-you"
STOPPED, ACCEPTED = "stopped", "accepted"


class Session(traitlets.HasTraits):
    """The state of one page.

    Attributes
    ----------
    settings_file
        The settings in use, or `None` before any are chosen.
    extract
        The extract chosen instead of the settings' own, or `""`.
    recognized
        What the extract is (`jobs.recognize`), or `None`.
    checked
        The manifest of the last check, or of the run that is open.
    accepted, accept_deletes
        Soft stops accepted with their reason, and the number of deletes typed for P12.
    deletes
        The deletes that P12 is about, those at risk first; `None` while they are not known.
    run
        The run that is open.
    proposal
        Its proposal, or `None` of a stopped run.
    decided
        The decisions in force now; a run that was made before may not have them yet.
    story
        Every decision ever made, newest first, with what became of it (`decisions.story`).
    loop
        Where the files of the run stand (`jobs.loop_of`), or empty while that is not known.
    language
        Of the language run that is shown: `folder`, its `students` sheet by sheet, their `names`; or empty.
    confirmed
        The run whose number of deletes was typed before its files were handed out.
    """

    step = traitlets.Unicode("start")
    settings_file = traitlets.Instance(Path, allow_none=True)
    extract = traitlets.Unicode("")
    recognized = traitlets.Dict(allow_none=True, default_value=None)
    checked = traitlets.Dict(allow_none=True, default_value=None)
    accepted = traitlets.Dict()
    accept_deletes = traitlets.Int(allow_none=True, default_value=None)
    deletes = traitlets.Instance(ProposalTable, allow_none=True)
    run = traitlets.Instance(PastRun, allow_none=True)
    proposal = traitlets.Instance(ProposalTable, allow_none=True)
    decided = traitlets.List()
    story = traitlets.List()
    charts = traitlets.List()
    loop = traitlets.Dict()
    confirmed = traitlets.Instance(Path, allow_none=True)
    names_shown = traitlets.Bool(False)
    names = traitlets.Dict()
    language = traitlets.Dict()

    @property
    def settings(self) -> Settings | None:
        """The settings as they stand in their file now.

        Raises
        ------
        UsageError
            when the file has become wrong.
        """
        return load_settings(self.settings_file) if self.settings_file else None

    @property
    def right_settings(self) -> Settings | None:
        """As `settings`, and `None` when their file has become wrong."""
        try:
            return self.settings
        except SenrkitError:
            return None

    @property
    def runs_folder(self) -> Path | None:
        return self.settings.output.runs if self.settings_file else None

    @property
    def decisions_file(self) -> Path:
        return self.runs_folder / "decisions.csv"

    @property
    def of_another_lea(self) -> bool:
        """Whether the extract holds no row of the LEA; of a run's own extract P04 has said so."""
        return bool(self.recognized) and not self.recognized["own"]

    @property
    def stops(self) -> list[dict[str, Any]]:
        """Preconditions that stop the run and have not been accepted."""
        return [one for one in (self.checked or {}).get("preconditions", ()) if self.state_of(one) == STOPPED]

    def state_of(self, precondition: dict[str, Any]) -> str:
        """`passed`, `stopped`, `accepted` or `warning`, with what was accepted on this page."""
        if precondition["state"] != STOPPED:
            return precondition["state"]
        name = precondition["id"]
        is_accepted = self.accept_deletes is not None if name == "P12" else name in self.accepted
        return ACCEPTED if is_accepted else STOPPED

    def choose_settings(self, file: Path) -> None:
        """Begin with these settings; what belonged to others is let go."""
        self.forget_extract()
        self.settings_file, self.language = file, {}

    def forget_extract(self) -> None:
        """Another extract: nothing that was found in the one before holds any more."""
        self.extract, self.recognized, self.confirmed = "", None, None
        self.forget_check()
        self.close_run()

    def forget_found(self) -> None:
        """Other words in the settings: what was found with those of before holds no more. The extract stays."""
        self.recognized, self.confirmed, self.language = None, None, {}
        self.forget_check()
        self.close_run()

    def forget_check(self) -> None:
        self.checked, self.accepted, self.accept_deletes, self.deletes = None, {}, None, None

    def close_run(self) -> None:
        self.run, self.proposal, self.charts, self.names, self.loop = None, None, [], {}, {}

    def open_run(self, run: PastRun) -> None:
        """Take up a run: everything else follows from its manifest."""
        manifest = dict(run.manifest)
        self.close_run()
        self.settings_file = (
            Path(manifest["settings"]["file"]) if manifest["settings"].get("file") else self.settings_file
        )
        files = manifest["settings"]["calpads"]["senr_extract"]
        self.extract = files[0] if len(files) == 1 else ""
        self.checked = manifest
        self.accepted = {one["id"]: one["because"] for one in manifest["accepted"]}
        self.accept_deletes = _accepted_deletes(manifest)
        self.recognized = self.recognized or _recognized(manifest)
        self.run = run
        # A run that was stopped softly has what there is to accept.
        shown = ProposalTable.read(run.folder) if (run.folder / "proposal.csv").is_file() else None
        self.proposal = None if run.stopped else shown
        self.deletes = None if shown is None else shown.deletes()

    def stage(self, step: str) -> str:
        """How far a step is."""
        if step == self.step:
            return NOW
        if (step == "check" and self.stops) or (step == "load" and self.of_another_lea):
            return NEEDS_YOU
        went_through = self.run is not None and not self.run.stopped
        done = {
            "start": self.settings_file is not None,
            "load": self.recognized is not None,
            "check": self.checked is not None,
            "evaluate": went_through,
            "review": went_through and self.confirmed == self.run.folder,
            "export": went_through and self.confirmed == self.run.folder,
        }
        return DONE if done.get(step) else NOT_YET

    def may_open(self, step: str) -> bool:
        """Whether there is something to see; going back is always allowed."""
        needs = {
            "load": self.settings_file is not None,
            "settings": self.settings_file is not None,
            "check": self.recognized is not None,
            "evaluate": self.checked is not None and not self.stops,
            "review": self.proposal is not None,
            "export": self.proposal is not None,
        }
        return needs.get(step, True)


def _accepted_deletes(manifest: dict[str, Any]) -> int | None:
    """The number of deletes that was typed to go past P12: no other than that of all of them is taken."""
    is_p12 = (one for one in manifest["preconditions"] if one["id"] == "P12" and one["state"] == ACCEPTED)
    return next((sum(one["by_school"].values()) for one in is_p12), None)


def _recognized(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Of an extract that may be gone by now: what the run wrote down about it."""
    files = [one for one in manifest["inputs"] if one["role"] == "senr_extract"]
    if not files or manifest["layout"] is None:
        return None
    return {
        "name": ", ".join(one["name"] for one in files),
        "sha256": [one["sha256"] for one in files],
        "layout": f"SENR-R, {manifest['layout']['columns']} columns",
        "rows": sum(one["rows"] for one in files),
        # How many of them are the LEA's own is not written down, but whether P04 stopped for them.
        "own": not any(one["id"] == "P04" and one["state"] == STOPPED for one in manifest["preconditions"]),
        "from_run": True,
        "notes": [],
    }
