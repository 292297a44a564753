"""From a proposal to submission files: which record goes into which file, in which order, as which bytes.

Pure: nothing is written here. The rule is section 7 of the reconciliation page. One fatal error makes CALPADS refuse a
whole file, and an exit and a new enrollment of one student may not share a file; hence several files, each sent after
the one before has posted.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from senrkit.frames import text
from senrkit.frames.text import sorted_by
from senrkit.reconciliation.proposal import TRANSACTIONS, Proposal
from senrkit.reference import SENR_FIELDS
from senrkit.texts import wording

if TYPE_CHECKING:
    from senrkit.settings.settings import Settings

RECORD_TYPE = "SENR"
STEPS = ("delete", "update", "add", "delete_last_record", "add_after_last_record")
SINGLE = "single"
_DELETE, _UPDATE, _ADD, _DELETE_LAST, _ADD_AFTER_LAST = range(len(STEPS))
_ROW_ORDER = ("school_code", "ssid", "start_date", "nps_code")
_STRUCTURE = r"[\^\r\n\x00]"


@dataclass(frozen=True)
class PlannedFile:
    """One file to send: `records` has the SENR fields in the order of the bytes, `actions_index` whose they are."""

    number: int
    step: str
    name: str
    records: pd.DataFrame
    actions_index: pd.Index

    @property
    def label(self) -> str:
        """Number and step as the file name has them: `01_delete`."""
        return label(self.number, self.step)


@dataclass(frozen=True)
class Plan:
    """What is sent, in which order.

    Attributes
    ----------
    actions
        The proposal's actions with `file` (name, `""` for none), `sequence` (int64, 1.. through all files, 0 for none),
        `step` (`""` for none), `file_number` (int64, 0 for none) and `local_record_id` (of the record that is sent).
    files
        In upload order; no empty ones.
    missing
        Label of every step without a file, with the reason in plain words.
    """

    actions: pd.DataFrame
    files: tuple[PlannedFile, ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class EncodedFile:
    """A planned file as bytes, with what the manifest says of it."""

    planned: PlannedFile
    data: bytes
    sha256: str
    transactions: Mapping[str, int]


def order(proposal: Proposal, settings: Settings, run_number: str) -> Plan:
    """Every add, update and delete in exactly one file; held students in none.

    Deletes come first, then updates (of one student those that shorten or end an enrollment before the others), then
    adds (oldest first), then the deletes that would leave the student without any record, and the adds that wait for
    those. One record per student and file, except in the files of deletes. Source: reconciliation page, section 7.

    Raises
    ------
    RuntimeError
        when a held student has something to send, or a record is missing: a fault of senrkit.
    """
    actions, records = proposal.actions, proposal.records
    sent = actions.loc[actions["action"].isin(TRANSACTIONS.keys()), ["action", "at_risk", "shortens", *_ROW_ORDER]]
    _assert_sendable(actions, sent, records)
    single = settings.process.submission_mode == SINGLE
    placed, steps = _one_step(sent) if single else _steps_in_order(sent)
    planned = _with_sequence(actions, placed, steps, settings)
    files = _files(planned, records, run_number if settings.process.local_record_id else None)
    sent_as = [file.records["local_record_id"].set_axis(file.actions_index) for file in files]
    ids = pd.concat(sent_as) if sent_as else pd.Series(dtype="str")
    planned = planned.assign(local_record_id=ids.reindex(planned.index).fillna("").astype("str"))
    return Plan(planned, files, _missing(planned, steps))


def encode(records: pd.DataFrame) -> bytes:
    """The records as CALPADS takes them: 35 fields joined by `^`, no header, CR LF, UTF-8 without mark.

    Raises
    ------
    ValueError
        when a value is unknown or would break the line it stands in (`unsendable`), or a record is not a SENR record.
    """
    if len(records) == 0:
        return b""
    if not (records["record_type"] == RECORD_TYPE).all():
        raise ValueError(f"A submission file holds {RECORD_TYPE} records only.")
    columns = {field: text.arrow(records[field]) for field in SENR_FIELDS}
    data = b"" if any(column.null_count for column in columns.values()) else _lines(pa.table(columns))
    if not _counts_match(data, len(records)):
        bad = int(unsendable(records).sum())
        raise ValueError(f"{bad:,} records hold an unknown value, a caret, a line end or a NUL.")
    return data


def decode(data: bytes) -> pd.DataFrame:
    """What `encode` wrote, as text columns.

    Raises
    ------
    ValueError
        when the bytes are not lines of 35 fields ended by CR LF, in UTF-8 without mark.
    """
    if data == b"":
        return pd.DataFrame({field: pd.Series([], dtype="str") for field in SENR_FIELDS})
    if not data.startswith(f"{RECORD_TYPE}^".encode()) or not _counts_match(data, data.count(b"\n")):
        raise ValueError("These bytes are not lines of 35 fields joined by ^ and ended by CR LF.")
    try:
        table = pa.csv.read_csv(
            io.BytesIO(data),
            pa.csv.ReadOptions(column_names=list(SENR_FIELDS), block_size=1 << 24),
            pa.csv.ParseOptions(delimiter="^", quote_char=False),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(SENR_FIELDS, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        # Arrow quotes the line that it cannot read, and that line is a pupil's.
        raise ValueError("These bytes are not lines of 35 fields in UTF-8.") from None
    return pd.DataFrame({field: text.from_arrow(table[field]) for field in SENR_FIELDS})


def unsendable(records: pd.DataFrame) -> pd.Series:
    """Whether a record holds an unknown value or one with a caret, a line end or a NUL, which no file can carry."""
    bad = np.zeros(len(records), dtype=bool)
    for field in SENR_FIELDS:
        breaks = pc.match_substring_regex(text.arrow(records[field]), _STRUCTURE)
        bad |= pc.fill_null(breaks, True).to_numpy()
    return pd.Series(bad, index=records.index)


def encode_files(plan: Plan) -> tuple[EncodedFile, ...]:
    """The plan's files as bytes, with digest and number of records per transaction code."""
    encoded = []
    for planned in plan.files:
        data = encode(planned.records)
        transactions = planned.records["transaction"].value_counts().sort_index()
        counts = {code: int(count) for code, count in transactions.items()}
        encoded.append(EncodedFile(planned, data, hashlib.sha256(data).hexdigest(), counts))
    return tuple(encoded)


def label(number: int, step: str) -> str:
    """Number and step as file names have them: `01_delete`."""
    return f"{number:02d}_{step}"


def package_name(settings: Settings) -> str:
    """`SENR_<LEA>_<as_of CCYYMMDD>`: the zip's name and the beginning of every file's."""
    return f"SENR_{settings.lea}_{settings.as_of:%Y%m%d}"


def _assert_sendable(actions: pd.DataFrame, sent: pd.DataFrame, records: pd.DataFrame) -> None:
    held = actions.loc[(actions["action"] == "hold") & (actions["ssid"] != ""), "ssid"]
    half_held = int(text.is_in(sent["ssid"], held).sum())
    if half_held:
        raise RuntimeError(f"{half_held:,} actions of held students were about to be sent.")
    if not sent.index.isin(records.index).all():
        raise RuntimeError("An action that is to be sent has no record.")
    if (sent["ssid"] == "").any():
        raise RuntimeError("An action that is to be sent has no SSID.")


def _steps_in_order(sent: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """Step and file number of everything sent, and all (number, step) slots, empty ones too."""
    is_delete, is_add = sent["action"] == "delete", sent["action"] == "add"
    last = is_delete & sent["at_risk"]
    waits = is_add & sent["ssid"].isin(sent.loc[last, "ssid"])
    kind = np.select([last, is_delete, waits, is_add], [_DELETE_LAST, _DELETE, _ADD_AFTER_LAST, _ADD], _UPDATE)
    placed = sent[list(_ROW_ORDER)].assign(kind=kind, lengthens=(sent["action"] == "update") & ~sent["shortens"])
    placed = sorted_by(placed, ["kind", "lengthens", "start_date", "school_code", "nps_code"])
    turn = placed.groupby(["kind", "ssid"], sort=False).cumcount()
    # A file of deletes may hold one student twice: no delete depends on another.
    turn = turn.where(~placed["kind"].isin([_DELETE, _DELETE_LAST]), 0)
    turns = turn.groupby(placed["kind"]).max().reindex(range(len(STEPS)), fill_value=0) + 1
    first_number = (turns.cumsum() - turns + 1).to_numpy()
    placed["file_number"] = first_number[placed["kind"]] + turn
    slots = [step for step, times in zip(STEPS, turns, strict=True) for _ in range(times)]
    return placed, list(enumerate(slots, start=1))


def _one_step(sent: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """Everything in one file, as the process was before June 2022."""
    return sent[list(_ROW_ORDER)].assign(file_number=1), [(1, SINGLE)]


def _with_sequence(
    actions: pd.DataFrame, placed: pd.DataFrame, steps: list[tuple[int, str]], settings: Settings
) -> pd.DataFrame:
    transaction_order = actions.loc[placed.index, "action"].map(list(TRANSACTIONS).index)
    ranked = placed.assign(transaction_order=transaction_order)
    ranked = sorted_by(ranked, ["file_number", "transaction_order", *_ROW_ORDER])
    sequence = pd.Series(np.arange(1, len(ranked) + 1), index=ranked.index)
    number = placed["file_number"].reindex(actions.index, fill_value=0).astype("int64")
    step_of = {0: ""} | dict(steps)
    name_of = {0: ""} | {at: f"{package_name(settings)}_{label(at, step)}.txt" for at, step in steps}
    return actions.assign(
        file=number.map(name_of).astype("str"),
        sequence=sequence.reindex(actions.index, fill_value=0).astype("int64"),
        step=number.map(step_of).astype("str"),
        file_number=number,
    )


def _files(planned: pd.DataFrame, records: pd.DataFrame, run_number: str | None) -> tuple[PlannedFile, ...]:
    sent = planned.loc[planned["sequence"] > 0, ["file_number", "step", "file", "sequence", "action"]]
    files = []
    for (number, step, name), rows in sorted_by(sent, ["sequence"]).groupby(["file_number", "step", "file"], sort=True):
        outgoing = _outgoing(records.loc[rows.index, list(SENR_FIELDS)], rows, run_number)
        files.append(PlannedFile(int(number), step, name, outgoing.reset_index(drop=True), rows.index))
    return tuple(files)


def _outgoing(records: pd.DataFrame, sent: pd.DataFrame, run_number: str | None) -> pd.DataFrame:
    """The records with their type, transaction code and, unless `None`, our trace."""
    outgoing = records.assign(
        record_type=text.constant(RECORD_TYPE, sent.index),
        transaction=sent["action"].map(TRANSACTIONS).astype("str"),
    )
    if run_number is None:
        return outgoing
    return outgoing.assign(local_record_id=text.concatenated(f"{run_number}-", sent["sequence"].astype("str")))


def _missing(planned: pd.DataFrame, steps: list[tuple[int, str]]) -> tuple[tuple[str, str], ...]:
    used = set(planned["file_number"])
    held = planned.loc[planned["action"] == "hold", "intended"].value_counts()
    missing = []
    for number, step in steps:
        if number not in used:
            why = wording.phrase("missing", step).sentence
            count = int(held.get(step, 0))
            also = f" {count:,} {step}{'s' if count > 1 else ''} held back: see held students." if count else ""
            missing.append((label(number, step), why + also))
    return tuple(missing)


def _lines(table: pa.Table) -> bytes:
    out = io.BytesIO()
    options = pa.csv.WriteOptions(include_header=False, delimiter="^", eol="\r\n", quoting_style="none")
    try:
        pa.csv.write_csv(table, out, options)
    except pa.ArrowInvalid:
        # Arrow's writer refuses a double quote, which CALPADS does not mind (and quotes the value in its message).
        return _joined_lines(table)
    return out.getvalue()


def _joined_lines(table: pa.Table) -> bytes:
    columns = [column.combine_chunks() for column in table.columns]
    lines = pc.binary_join_element_wise(*columns, pa.scalar("^", pa.large_string()))
    return "".join(f"{line}\r\n" for line in lines.to_pylist()).encode()


def _counts_match(data: bytes, records: int) -> bool:
    """Whether the separators in the bytes are those of so many whole records and no more."""
    ends = data.count(b"\r\n")
    return (
        ends == records == data.count(b"\r") == data.count(b"\n")
        and data.count(b"^") == records * (len(SENR_FIELDS) - 1)
        and b"\0" not in data
        and (records == 0 or data.endswith(b"\r\n"))
    )
