"""The desk: takes what a person does on the page, changes the session, has work done, and shows the result.

Nothing that happens here reaches the page as a traceback: what can be mended is a sentence with its cure, what cannot
is a sentence with a reference number, and the trace is in the log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from senrkit.app import address, found_again, screens, steps, transfer
from senrkit.app.address import Address
from senrkit.app.lasting import Claim
from senrkit.app.notice import Notice
from senrkit.app.places import PastRun, Places, open_run
from senrkit.app.session import STEPS, Session
from senrkit.app.workroom import Answer, Request, Workroom
from senrkit.errors import SenrkitError
from senrkit.fault_log import record_fault

Post = Callable[..., None]
_LARGE_ROWS = 60_000


class Desk:
    """One page's controller.

    Parameters
    ----------
    places
        Where this person's things are.
    post
        Sends a message, and bytes, to the page.
    workroom
        Where the work is done.
    """

    def __init__(self, places: Places, post: Post, workroom: Workroom) -> None:
        self.places, self.post = places, post
        self.session = Session()
        self.notice: Notice | None = None
        self.doing = ""
        self.step_text = ""
        # Whether somebody has done anything here: until then the page may be one that was loaded again.
        self.touched = False
        self.student: int | None = None
        self.form: dict[str, Any] = {}
        self.listed: dict[str, list[Any]] = {}
        self.workroom = workroom
        self.incoming = transfer.Incoming(places)
        self.upload_for = ""
        self.outgoing = transfer.Outgoing()
        self.today = dt.date.today

    # ---- what the page sends

    def receive(self, message: Mapping[str, Any], buffers: list[Any]) -> None:
        """Anything that a person did; never raises."""
        self._guarded(lambda: self._take(message, buffers))

    def _guarded(self, act: Callable[[], None]) -> None:
        """What goes wrong with something that a person did, or with an answer, is told on the page; it never raises."""
        try:
            act()
        except SenrkitError as error:
            self.refuse(error.message, error.cure)
        except Exception as fault:  # noqa: BLE001 - the page gets a reference number, the log the trace
            self.own_fault(fault)

    def _take(self, message: Mapping[str, Any], buffers: list[Any]) -> None:
        kind = message["t"]
        if kind == "ping":
            self.post({"t": "pong"})
            steps.review.look_again(self)
            steps.export.look_again(self)
            self._look_for_work()
        elif kind == "hello":
            self._hello(message)
        elif kind == "visit":
            self._visit(Address.read(str(message["hash"])))
        elif kind in ("upload", "slice", "upload-stopped"):
            self._upload(kind, message, buffers)
        elif kind == "download":
            self.outgoing.give(message, self.post)
        elif kind == "plotly":
            self.post({"t": "plotly"}, [screens.plotly_script()])
        elif kind == "rows":
            steps.review.give_rows(self, message)
        else:
            self._do(message["do"], message.get("values") or {})

    def _do(self, action: str, values: Mapping[str, Any]) -> None:
        self.touched = True
        if action == "work/cancel":
            self.workroom.cancel()
            return
        if self.doing and not action.startswith(("review/", "names/", "take/", "settings/answer")):
            self.say("Please wait until the work under way is done, or cancel it.")
            return
        self.notice = None
        if action.startswith("step/"):
            self.go(action.removeprefix("step/"))
        elif action == "names/toggle":
            steps.toggle_names(self)
        else:
            steps.ACTIONS[action](self, values)

    def _hello(self, message: Mapping[str, Any]) -> None:
        """A page that opens, perhaps after its kernel died: the address says where it was."""
        self.places.prepare()
        self.workroom.start()
        wanted = Address.read(str(message.get("hash", "")))
        self._take_up(wanted)
        self.go(wanted.step, wanted, first=True)
        self._look_for_work()
        if wanted.extract and wanted.step in ("load", "check") and self.session.settings_file and not self.doing:
            steps.load.take_up(self, wanted.extract, wanted.step)

    def _look_for_work(self) -> None:
        """Work whose page is gone, as after a reload. Its kernel may end a moment later than this one begins."""
        if not self.doing and (not self.touched or self.session.step == "start"):
            found_again.look(self)

    def _visit(self, wanted: Address) -> None:
        """The browser went back or forward, or somebody changed the address."""
        if self.doing:
            self.say("Please wait until the work under way is done, or cancel it.", address.of(self))
            return
        now, self.notice = address.of(self), None
        if wanted.step == "review" and replace(wanted, student=now.student) == now:
            # Only the student's window is another: the table behind it stays.
            steps.review.show_student(self, wanted.student)
            return
        self._take_up(wanted)
        self.go(wanted.step, wanted)

    def _take_up(self, wanted: Address) -> None:
        """Have the run, or the settings, that an address names."""
        session = self.session
        if wanted.run and not (session.run and session.run.folder.name == wanted.run):
            found = next((one for one in self.past_runs() if one.folder.name == wanted.run), None)
            if found is None:
                self.notice = Notice("warning", *screens.words("no_such_run"))
            else:
                session.open_run(found)
        elif wanted.settings and session.settings_file is None:
            known = {file.relative_to(self.places.home).as_posix(): file for file in self.places.settings_files()}
            if wanted.settings in known:
                session.choose_settings(known[wanted.settings])

    def go(self, step: str, wanted: Address | None = None, first: bool = False) -> None:
        """Show a step, as far as there is something to see; and there the student and the filters that are wanted."""
        if step not in STEPS or not self.session.may_open(step):
            step = ("load" if self.session.may_open("load") else "start") if first else self.session.step
        self.session.step, self.student = step, None
        steps.export.forget(self)
        steps.BEFORE.get(step, lambda desk: None)(self)
        if wanted is not None and step == "review":
            steps.review.take_address(self, wanted)
        self.show(focus="" if first else "title")
        steps.ENTERED.get(step, lambda desk: None)(self)

    def _upload(self, kind: str, message: Mapping[str, Any], buffers: list[Any]) -> None:
        if kind == "upload-stopped":
            self.incoming.drop()
            self.say("The upload was canceled. Nothing was kept.")
            return
        if kind == "upload":
            self._begin_upload()
        try:
            if kind == "upload":
                self.incoming.begin(str(message["name"]), int(message["size"]))
            else:
                self.incoming.take(buffers[0])
            whole = self.incoming.whole()
        except Exception:
            # Whatever refused it: nothing of it is kept, here or on the page.
            self.incoming.drop()
            self.post({"t": "upload-over"})
            steps.UPLOAD_REFUSED.get(self.upload_for, lambda desk: None)(self)
            raise
        if whole is not None:
            self.post({"t": "upload-over"})
            steps.UPLOADED[self.upload_for](self, whole)
        elif self.incoming.under_way:
            self.post({"t": "next-slice", "at": self.incoming.taken})

    def _begin_upload(self) -> None:
        """What was said of the file before is not said of this one."""
        self.upload_for = self.session.step
        if self.notice is not None:
            self.notice = None
            self.show()

    # ---- what the page is shown

    def show(self, say: str = "", focus: str = "") -> None:
        """The whole page as it now is. `focus` is the id of what the keyboard goes to."""
        context = {
            "desk": self,
            "session": self.session,
            "notice": self.notice,
            "opened": steps.review.opened(self),
            **steps.CONTEXTS[self.session.step](self),
        }
        regions = {name: screens.render(name, context) for name in ("head", "rail", "busy", "dialog")}
        regions["main"] = screens.render(self.session.step, context)
        # An error is the first thing that somebody who does not see the page should hear.
        say = say or (f"{self.notice.text} {self.notice.cure}" if self.notice else "")
        self.post({"t": "show", "regions": regions, "say": say, "focus": focus, "hash": str(address.of(self))})
        steps.evaluate.send_figures(self)

    def say(self, text: str, at: Address | None = None) -> None:
        """Announce something without changing the page; `at` sets its address right."""
        self.post({"t": "show", "regions": {}, "say": text} | ({"hash": str(at)} if at else {}))

    def refuse(self, text: str, cure: str = "") -> None:
        """Something that a person can mend."""
        self.doing = ""
        self.notice = Notice("error", text, cure)
        try:
            self.show(focus="notice")
        except SenrkitError:
            # The settings have become wrong: no screen but their own can be shown, and it says why.
            self.session.step = "settings"
            steps.BEFORE["settings"](self)
            self.show(focus="notice")

    def warn(self, text: str, more: str = "") -> None:
        """Something was done, and a person should know more of it."""
        self.notice = Notice("warning", text, more)
        self.show(focus="notice")

    def own_fault(self, fault: BaseException) -> None:
        """A fault of senrkit: written down, and named by its number."""
        reference, _ = record_fault(fault, self.places.home if self.places.home.is_dir() else None)
        self._tell_fault(reference)

    def _tell_fault(self, reference: str) -> None:
        self.doing = ""
        self.notice = Notice(
            "error",
            screens.words("fault"),
            screens.words("fault_cure"),
            reference,
        )
        try:
            self.show(focus="notice")
        except Exception:  # noqa: BLE001 - the screen itself is at fault: say it without a screen
            self.post(
                {
                    "t": "show",
                    "regions": {"main": screens.render("broken", {"notice": self.notice}), "busy": ""},
                    "say": self.notice.text,
                    "focus": "notice",
                }
            )

    # ---- work

    def work(
        self,
        doing: str,
        job: str,
        done: Callable[[Any], None],
        refused: Callable[[str, str], None] | None = None,
        **given: Any,
    ) -> None:
        """Have a job done outside of the page, with its steps shown and a way to cancel it."""
        self.doing, self.step_text = doing, ""
        ended = self._when_ended(done, refused or self.refuse)
        self.workroom.ask(Request(job, given, ended, self._told, found_again.told(self, doing, job)))
        self._show_busy()

    def take_up(self, claim: Claim, doing: str, done: Callable[[Any], None]) -> None:
        """Show on the work of a page that is gone; it can be canceled here as there."""
        self.doing, self.step_text = doing, ""
        self.workroom.take_up(claim, self._told, self._when_ended(done, self.refuse))
        self._show_busy()

    def _when_ended(self, done: Callable[[Any], None], refused: Callable[[str, str], None]) -> Callable[[Answer], None]:
        def ended(answer: Answer) -> None:
            self.doing = ""
            self._guarded(lambda: self._ended(answer, done, refused))

        return ended

    def quietly(self, job: str, done: Callable[[Any], None], **given: Any) -> None:
        """A short job beside the page: the page stays as it is, faults are told."""

        def ended(answer: Answer) -> None:
            if not answer.canceled:
                self._guarded(lambda: self._ended(answer, done, self.refuse))

        self.workroom.ask(Request(job, given, ended))

    def _ended(self, answer: Answer, done: Callable[[Any], None], refused: Callable[[str, str], None]) -> None:
        if answer.canceled:
            self.notice = Notice("warning", screens.words("canceled"))
            self.show(focus="notice")
        elif answer.refused:
            refused(answer.refused, answer.cure)
        elif answer.fault:
            self._tell_fault(answer.fault)
        else:
            done(answer.done)

    def _told(self, step: str) -> None:
        self.step_text = step
        self._show_busy()

    def _show_busy(self) -> None:
        region = screens.render("busy", {"desk": self})
        self.post({"t": "show", "regions": {"busy": region}, "say": screens.progress_words(self.doing, self.step_text)})

    # ---- what steps share

    def past_runs(self) -> list[PastRun]:
        """Runs of every settings file that this person has here, newest first."""
        folders = []
        for file in {
            *self.places.settings_files(),
            *([self.session.settings_file] if self.session.settings_file else []),
        }:
            try:
                folders.append(steps.start.runs_folder(file))
            except SenrkitError:
                continue
        return self.places.runs(list(dict.fromkeys(folders)))

    def take_run(self, folder: str) -> None:
        """Open a run that was just made."""
        made = open_run(Path(folder))
        if made is None:
            raise FileNotFoundError(folder)
        self.session.open_run(made)
        self.give_back(made.manifest["inputs"])

    def give_back(self, inputs: Sequence[Mapping[str, Any]]) -> None:
        """After work on large inputs a fresh worker gives back the memory that it took."""
        if sum(one.get("rows", 0) for one in inputs) > _LARGE_ROWS:
            self.workroom.renew()
