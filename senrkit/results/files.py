"""From a proposal to submission files: which record goes into which file, in which order, as which bytes.

Pure: nothing is written here. The rule is section 7 of the reconciliation page. One fatal error makes CALPADS refuse a
whole file, and an exit and a new enrollment of one student may not share a file; hence several files, each sent after
the one before has posted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from polars import col

from senrkit.frames.pandas_door import to_polars
from senrkit.reconciliation.proposal import TRANSACTIONS, Proposal
from senrkit.reference import SENR_FIELDS
from senrkit.texts import wording
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    from senrkit.settings.settings import Settings

RECORD_TYPE = "SENR"
STEPS = ("delete", "update", "add", "delete_last_record", "add_after_last_record")
SINGLE = "single"
_DELETE, _UPDATE, _ADD, _DELETE_LAST, _ADD_AFTER_LAST = range(len(STEPS))
_ROW_ORDER = ("school_code", "ssid", "start_date", "nps_code")
_STRUCTURE = r"[\^\r\n\x00]"


@dataclass(frozen=True, repr=False)
class PlannedFile(Carded):
    """One file to send: `records` has the SENR fields in the order of the bytes, `rows` whose they are: the `row` of
    the action."""

    number: int
    step: str
    name: str
    records: pl.DataFrame
    rows: pl.Series

    @property
    def label(self) -> str:
        """Number and step as the file name has them: `01_delete`."""
        return label(self.number, self.step)


@dataclass(frozen=True, repr=False)
class Plan(Carded):
    """What is sent, in which order.

    Attributes
    ----------
    actions
        The proposal's actions with `file` (name, `""` for none), `sequence` (1.. through all files, 0 for none),
        `step` (`""` for none), `file_number` (0 for none) and `local_record_id` (of the record that is sent).
    files
        In upload order; no empty ones.
    missing
        Label of every step without a file, with the reason in plain words.
    """

    actions: pl.DataFrame
    files: tuple[PlannedFile, ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, repr=False)
class EncodedFile(Carded):
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
    sent = actions.filter(col.action.is_in(list(TRANSACTIONS)))
    _assert_sendable(actions, sent, records)
    single = settings.process.submission_mode == SINGLE
    placed, steps = _one_step(sent) if single else _steps_in_order(sent)
    planned = _with_sequence(actions, placed, steps, settings)
    files = _files(planned, records, run_number if settings.process.local_record_id else None)
    none = pl.DataFrame(schema={"row": actions["row"].dtype, "local_record_id": pl.String})
    ids = [file.records.select(file.rows, "local_record_id") for file in files]
    planned = planned.join(pl.concat([none, *ids]), on="row", how="left", maintain_order="left")
    return Plan(planned.with_columns(col.local_record_id.fill_null("")), files, _missing(planned, steps))


def encode(records: pl.DataFrame) -> bytes:
    """The records as CALPADS takes them: 35 fields joined by `^`, no header, CR LF, UTF-8 without mark.

    Raises
    ------
    ValueError
        when a value is unknown or would break the line it stands in (`unsendable`), or a record is not a SENR record.
    """
    records = to_polars(records).select(SENR_FIELDS)
    if not (records["record_type"] == RECORD_TYPE).all():
        raise ValueError(f"A submission file holds {RECORD_TYPE} records only.")
    lines = records.write_csv(include_header=False, separator="^", line_terminator="\r\n", quote_style="never")
    data, bad = lines.encode(), unsendable(records).sum()
    if bad or not _counts_match(data, len(records)):
        raise ValueError(f"{bad:,} records hold an unknown value, a caret, a line end or a NUL.")
    return data


def decode(data: bytes) -> pl.DataFrame:
    """What `encode` wrote, as text columns.

    Raises
    ------
    ValueError
        when the bytes are not lines of 35 fields ended by CR LF, in UTF-8 without mark.
    """
    schema = dict.fromkeys(SENR_FIELDS, pl.String)
    if data == b"":
        return pl.DataFrame(schema=schema)
    if not data.startswith(f"{RECORD_TYPE}^".encode()) or not _counts_match(data, data.count(b"\n")):
        raise ValueError("These bytes are not lines of 35 fields joined by ^ and ended by CR LF.")
    try:
        return pl.read_csv(
            data, has_header=False, schema=schema, separator="^", quote_char=None, empty_string_is_null=False
        )
    except pl.exceptions.PolarsError:
        raise ValueError("These bytes are not lines of 35 fields in UTF-8.") from None


def unsendable(records: pl.DataFrame) -> pl.Series:
    """Whether a record holds an unknown value or one with a caret, a line end or a NUL, which no file can carry."""
    breaks = [col(field).str.contains(_STRUCTURE).fill_null(True) for field in SENR_FIELDS]
    return to_polars(records).select(pl.any_horizontal(breaks).alias("unsendable")).to_series()


def encode_files(plan: Plan) -> tuple[EncodedFile, ...]:
    """The plan's files as bytes, with digest and number of records per transaction code."""
    encoded = []
    for planned in plan.files:
        data = encode(planned.records)
        counts = dict(planned.records["transaction"].value_counts().sort("transaction").rows())
        encoded.append(EncodedFile(planned, data, hashlib.sha256(data).hexdigest(), counts))
    return tuple(encoded)


def label(number: int, step: str) -> str:
    """Number and step as file names have them: `01_delete`."""
    return f"{number:02d}_{step}"


def package_name(settings: Settings) -> str:
    """`SENR_<LEA>_<as_of CCYYMMDD>`: the zip's name and the beginning of every file's."""
    return f"SENR_{settings.lea}_{settings.as_of:%Y%m%d}"


def _assert_sendable(actions: pl.DataFrame, sent: pl.DataFrame, records: pl.DataFrame) -> None:
    held = actions.filter(col.action == "hold", col.ssid != "")
    half_held = len(sent.join(held, on="ssid", how="semi"))
    if half_held:
        raise RuntimeError(f"{half_held:,} actions of held students were about to be sent.")
    if len(sent.join(records, on="row", how="anti")):
        raise RuntimeError("An action that is to be sent has no record.")
    if (sent["ssid"] == "").any():
        raise RuntimeError("An action that is to be sent has no SSID.")


def _steps_in_order(sent: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """Step and file number of everything sent, and all (number, step) slots, empty ones too."""
    is_delete, is_add = col.action == "delete", col.action == "add"
    last = is_delete & col.at_risk
    waits = is_add & last.any().over("ssid")
    kind = (
        pl.when(last).then(_DELETE_LAST).when(is_delete).then(_DELETE)
        .when(waits).then(_ADD_AFTER_LAST).when(is_add).then(_ADD).otherwise(_UPDATE)
    )  # fmt: skip
    # A file of deletes may hold one student twice: no delete depends on another.
    turn = pl.when(is_delete).then(0).otherwise(pl.int_range(pl.len()).over("kind", "ssid"))
    placed = (
        sent.with_columns(kind=kind, lengthens=(col.action == "update") & ~col.shortens)
        .sort("kind", "lengthens", "start_date", "school_code", "nps_code", maintain_order=True)
        .with_columns(turn=turn)
    )
    times = dict(placed.group_by("kind").agg(col.turn.max() + 1).rows())
    slots = [(kind, turn) for kind in range(len(STEPS)) for turn in range(times.get(kind, 1))]
    numbers = pl.DataFrame(slots, {"kind": pl.Int32, "turn": pl.Int64}, orient="row").with_row_index("file_number", 1)
    placed = placed.cast({"kind": pl.Int32, "turn": pl.Int64}).join(numbers, on=["kind", "turn"], maintain_order="left")
    return placed, [(number, STEPS[kind]) for number, (kind, _) in enumerate(slots, start=1)]


def _one_step(sent: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """Everything in one file, as the process was before June 2022."""
    return sent.with_columns(file_number=pl.lit(1, pl.UInt32)), [(1, SINGLE)]


def _with_sequence(
    actions: pl.DataFrame, placed: pl.DataFrame, steps: list[tuple[int, str]], settings: Settings
) -> pl.DataFrame:
    transaction_order = col.action.cast(pl.Enum(list(TRANSACTIONS)))
    ranked = placed.sort("file_number", transaction_order, *_ROW_ORDER, maintain_order=True)
    ranked = ranked.with_row_index("sequence", 1).select("row", "sequence", "file_number")
    slots = pl.DataFrame(
        [(number, f"{package_name(settings)}_{label(number, step)}.txt", step) for number, step in steps],
        {"file_number": pl.UInt32, "file": pl.String, "step": pl.String},
        orient="row",
    )
    return (
        actions.join(ranked.join(slots, on="file_number"), on="row", how="left", maintain_order="left")
        .with_columns(col("file", "step").fill_null(""), col("sequence", "file_number").cast(pl.Int64).fill_null(0))
    )  # fmt: skip


def _files(planned: pl.DataFrame, records: pl.DataFrame, run_number: str | None) -> tuple[PlannedFile, ...]:
    fields = [name for name in SENR_FIELDS if name not in ("record_type", "transaction")]
    sent = (
        planned.filter(col.sequence > 0)
        .sort("sequence")
        .select("row", "sequence", "file_number", "step", "file", record_type=pl.lit(RECORD_TYPE), transaction="action")
        .with_columns(col.transaction.replace_strict(TRANSACTIONS))
        .join(records.select("row", *fields), on="row", maintain_order="left")
    )
    if run_number is not None:
        sent = sent.with_columns(local_record_id=pl.format("{}-{}", pl.lit(run_number), "sequence"))
    files = []
    for rows in sent.partition_by("file_number", maintain_order=True) if len(sent) else ():
        number, step, name = rows.select("file_number", "step", "file").row(0)
        files.append(PlannedFile(number, step, name, rows.select(SENR_FIELDS), rows["row"]))
    return tuple(files)


def _missing(planned: pl.DataFrame, steps: list[tuple[int, str]]) -> tuple[tuple[str, str], ...]:
    used = set(planned["file_number"].unique())
    held = dict(planned.filter(col.action == "hold")["intended"].value_counts().rows())
    missing = []
    for number, step in steps:
        if number not in used:
            why = wording.phrase("missing", step).sentence
            count = held.get(step, 0)
            also = f" {count:,} {step}{'s' if count > 1 else ''} held back: see held students." if count else ""
            missing.append((label(number, step), why + also))
    return tuple(missing)


def _counts_match(data: bytes, records: int) -> bool:
    """Whether the separators in the bytes are those of so many whole records and no more."""
    ends = data.count(b"\r\n")
    return (
        ends == records == data.count(b"\r") == data.count(b"\n")
        and data.count(b"^") == records * (len(SENR_FIELDS) - 1)
        and b"\0" not in data
        and (records == 0 or data.endswith(b"\r\n"))
    )
