"""One student or one school of a run: found by SSID, local id, code or name, explained from the run folder alone."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.analysis import schools as analysis
from senrkit.errors import UsageError
from senrkit.figures import markup
from senrkit.frames.pandas_door import to_pandas
from senrkit.results import masking
from senrkit.results.folder import FINDINGS, LEFT_OUT, PROPOSAL, RunFolder
from senrkit.results.tables import TO_DO
from senrkit.student import identified, own
from senrkit.texts import wording

if TYPE_CHECKING:
    from IPython.display import HTML

    from senrkit.figures import Chart


@dataclass(frozen=True)
class Student:
    """Both sides of one student, with the decision. `ssids` has two when the sides disagree about the SSID."""

    run: RunFolder
    ssids: tuple[str, ...]
    local_ids: tuple[str, ...]
    show_students: bool

    def timeline(self) -> Chart:
        """Both sides' enrollments above each other."""
        from senrkit.figures import student_timeline

        return student_timeline(self.run, self.ssids)

    def decisions(self) -> HTML:
        """What is proposed for each enrollment, why, and what it changes."""
        rows = own(self.run.table(PROPOSAL), self.ssids, self.local_ids)
        parts = []
        for row in rows.to_dicts():
            action, why = wording.phrase("action", row["action"]), wording.phrase(row["action"], row["reason"])
            title = f"{action.title}: {why.title}" if row["reason"] else action.title
            lines = [
                f"{row['school_name'] or row['school_code']}, enrollment from {row['start_date']}.",
                row["evidence"],
                why.sentence,
            ]
            lines += _changes(row)
            lines += [f"What to do: {why.cure}"] if why.cure else []
            lines += [f"Goes out as no. {row['sequence']}, in {row['file']}."] if row["file"] else ["Not in any file."]
            parts.append(
                markup.box(
                    row["action"], title, [masking.masked_text(line, self.show_students) for line in lines if line]
                ).data
            )
        if not parts:
            parts = [markup.paragraph("This run proposes nothing for the student.")]
        return markup.joined(*parts)

    def findings(self) -> HTML:
        """What CALPADS is expected to say, with the rule and the fix."""
        found = self._own(FINDINGS)
        return markup.searchable(masking.masked(found, self.show_students), "No finding is predicted for the student.")

    def left_out(self) -> HTML:
        """Aeries rows of the student that were not used."""
        rows = self._own(LEFT_OUT)
        return markup.searchable(
            masking.masked(rows, self.show_students), "Every Aeries enrollment of the student was used."
        )

    def who(self) -> HTML:
        """The SSIDs and local ids, masked unless asked for."""
        if not self.ssids:
            return markup.joined(
                markup.paragraph("This run proposes nothing for anybody, so there is no student to show.")
            )
        ssids, ids = (
            ", ".join(each if self.show_students else masking.masked_identifier(each) for each in identifiers)
            for identifiers in (self.ssids, self.local_ids)
        )
        return markup.joined(markup.paragraph(f"SSID {ssids} · local id {ids or 'none'}"))

    def _own(self, name: str) -> pd.DataFrame:
        return to_pandas(own(self.run.table(name), self.ssids, self.local_ids))


def find_student(run: RunFolder, identifier: str, show_students: bool) -> Student:
    """By SSID or local id, from the run folder; empty: the first with a delete, or else the first of the proposal.

    Raises
    ------
    UsageError
        when the run has nothing to say of the identifier.
    """
    if not identifier:
        ssid = _example(run)
        return Student(run, *identified(run, ssid), show_students)
    ssids, local_ids = identified(run, identifier)
    if not ssids and not local_ids and not run.stopped:
        raise UsageError(
            "This run has nothing to say of that SSID or local id: nothing changes for the student, or a slip.",
            "Check it, leading zeros too; `senrkit student` shows both sides of any student.",
        )
    return Student(run, ssids, local_ids, show_students)


def _example(run: RunFolder) -> str:
    rows = run.proposal[run.proposal["action"].isin(TO_DO)]
    deletes = rows[rows["action"] == "delete"]
    first = (deletes if len(deletes) else rows)["ssid"]
    return first.iloc[0] if len(first) else ""


def _changes(row: dict[str, str]) -> list[str]:
    """Before and after as two lines that compare word by word."""
    if not row["changed"]:
        return []
    both = [", ".join(_named(part) for part in row[side].split("|")) for side in ("before", "after")]
    return [f"CALPADS has: {both[0]}", f"CALPADS gets: {both[1]}"]


def _named(part: str) -> str:
    name, _, value = part.partition("=")
    return f"{name.replace('_', ' ')} {value or '(blank)'}"


@dataclass(frozen=True)
class School:
    """`rows`: the school's part of the proposal, with something to do, by action and reason."""

    code: str
    name: str
    rows: pd.DataFrame

    def title(self) -> HTML:
        """The school and how much there is to do."""
        if not self.code:
            return markup.joined(markup.paragraph("This run has no school to show."))
        return markup.joined(f"<h2>{html.escape(self.name)} ({self.code}): {len(self.rows):,} to do</h2>")

    def reasons(self) -> HTML:
        """Every action and reason, the most frequent first, with what it means."""
        counts = self.rows.groupby(["action", "reason"]).size().sort_values(ascending=False, kind="stable")
        rows = [
            (
                wording.phrase("action", action).title,
                wording.phrase(action, reason).title,
                f"{count:,}",
                wording.phrase(action, reason).sentence,
            )
            for (action, reason), count in counts.items()
        ]
        if not rows:
            return markup.joined(markup.paragraph("Nothing to do at this school."))
        return markup.joined(markup.table(["action", "why", "how many", "what it means"], rows, numbers=(2,)))


def find_school(run: RunFolder, code_or_name: str) -> School:
    """A school by state code or part of its name; empty: the one with the most to do, and in a run without any, none.

    Raises
    ------
    UsageError
        when the run has no such school, or several.
    """
    schools = run.schools
    if schools.empty:
        return School("", "", run.proposal.iloc[:0])
    found = analysis.find_school(run, code_or_name or schools["school_code"].iloc[0])
    return School(found.code, found.name, to_pandas(found.rows))
