"""Tables to take away: any table of a screen as it stands there, and the proposal with the filters that it has."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from senrkit.app import screens
from senrkit.app.places import safe_name
from senrkit.app.steps import review
from senrkit.errors import UsageError
from senrkit.results.masking import masked_identifier, masked_text
from senrkit.texts import wording

if TYPE_CHECKING:
    from senrkit.app.desk import Desk

KINDS = ("csv", "xlsx")
_MOST_CELLS = 200_000
_PROPOSAL = (
    "Action", "Last record", "Why", "Evidence", "School", "School code", "Student", "SSID", "Local id",
    "Local Record ID", "Grade", "Start", "What changes", "Rules", "Decision",
)  # fmt: skip


def table(desk: Desk, values: Mapping[str, Any]) -> None:
    """A table that the page shows: its heading and its cells come from there, for they are all that is in it."""
    columns = [str(column) for column in values["columns"]]
    rows = [[str(cell) for cell in row] for row in values["rows"]]
    if len(columns) * len(rows) > _MOST_CELLS or any(len(row) != len(columns) for row in rows):
        raise UsageError("The table is too large to be taken from the page.", "Take the workbook of the run.")
    _write(desk, str(values["kind"]), str(values["name"]), columns, rows)


def proposal(desk: Desk, values: Mapping[str, Any]) -> None:
    """The rows of Review that the filters let through, all pages of them; students hidden as on the page."""
    shown = desk.session.proposal
    rows = [_proposed(desk, place) for place in shown.view]
    if values["kind"] == "copy":
        lines = ("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) for row in (_PROPOSAL, *rows))
        desk.post({"t": "copy", "text": "\n".join(lines), "rows": len(rows)})
    else:
        _write(desk, str(values["kind"]), "proposal", list(_PROPOSAL), rows)


def schools(desk: Desk, values: Mapping[str, Any]) -> None:
    """A workbook for each school's registrar, with an index and a text for the mail, in one zip."""
    session = desk.session
    desk.work(
        "Writing a workbook for each school", "schools", lambda made: _give(desk, made),
        settings_file=str(session.settings_file), folder=str(session.run.folder), into=_place(desk),
    )  # fmt: skip


def _proposed(desk: Desk, place: int) -> list[str]:
    session = desk.session
    row = session.proposal.rows[place]
    is_shown = session.names_shown
    hidden = (lambda number: number) if is_shown else masked_identifier
    decided = session.proposal.decided_as(place)
    return [
        wording.phrase("action", row["action"]).title,
        "yes" if row.get("at_risk") == "true" else "",
        wording.phrase(row["action"], row["reason"]).title,
        masked_text(row["evidence"], is_shown),
        row["school_name"],
        row["school_code"],
        session.names.get(row["ssid"], "") if is_shown else "",
        hidden(row["ssid"]),
        hidden(row["local_id"]),
        row.get("local_record_id", ""),
        row["grade"],
        row["start_date"],
        review.changes(row),
        row.get("rules", "").replace("|", ", "),
        screens.words("decisions")[decided] if decided else "",
    ]


def _write(desk: Desk, kind: str, name: str, columns: list[str], rows: list[list[str]]) -> None:
    if kind not in KINDS:
        raise KeyError(kind)
    desk.quietly(
        "table_file", lambda made: _give(desk, made),
        file=f"{_place(desk)}/{safe_name(name)}.{kind}", columns=columns, rows=rows,
    )  # fmt: skip


def _place(desk: Desk) -> str:
    folder = desk.places.uploads / secrets.token_hex(4)
    folder.mkdir(mode=0o700)
    return str(folder)


def _give(desk: Desk, made: str) -> None:
    desk.outgoing.offer(desk.places.uploads / made, desk.post, is_passing=True)
    desk.say("The file is in your downloads.")


ACTIONS = {"take/table": table, "take/proposal": proposal, "take/schools": schools}
