"""Files that CALPADS gave back: refused whole, or every line told; nothing dropped, nothing guessed (closed_loop 5)."""

from __future__ import annotations

import pytest

from senrkit.demo.calpads import Error, error_list, rejected_records
from senrkit.errors import InputError, UsageError
from senrkit.ledger.answers import Replacements, only_calpads_knows, read_answer, rule_id
from senrkit.loop import words
from senrkit.loop.overview import Loop

HEAD = "Local Record ID,SSID,School,Start Date,Error Code,Error Severity"


@pytest.fixture
def waiting(world):
    """File 1 has posted and file 2 is on its way."""
    words.sent(world.settings, None, [1])
    words.posted(world.settings, None, [1])
    words.sent(world.settings, None, [2])
    return world


def given(world, data: bytes | str, name: str = "errors.csv"):
    path = world.folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return words.answers(world.settings, None, [path])


def record(world, line: int = 0, file: int = 1) -> list[str]:
    return world.files[file].read_text().splitlines()[line].split("^")


class TestRefusedWhole:
    """Another LEA, year, record type or run; what is none; what cannot be read: exit 3, and the ledger is as before."""

    CASES = {
        "another LEA": lambda data: data.replace(b"^1999990^", b"^1999991^"),
        "another school year": lambda data: data.replace(b"^2026-2027^", b"^2025-2026^"),
        "another record type": lambda data: data.replace(b"SENR-E", b"SELA-E"),
        "another run": lambda data: b"".join(
            b"^".join([*row[:2], b"1234567-" + row[2].split(b"-")[1], *row[3:]]) + b"\r\n"
            for row in (line.split(b"^") for line in data.splitlines())
        ),
        "a field too many": lambda data: data.replace(b"\r\n", b"^x^y\r\n"),
        "an ODS extract": lambda data: data.replace(b"SENR-E", b"SENR-R"),
        "no line": lambda data: b"",
        "a picture": lambda data: b"\x89PNG\r\n\0\0\0",
        "a broken workbook": lambda data: b"PK\x03\x04" + data,
        "a letter": lambda data: b"Dear colleagues,\r\nall is well.\r\n",
    }

    @pytest.mark.parametrize("what", CASES)
    def test_nothing_is_kept(self, waiting, what):
        before = (waiting.folder / "runs" / "ledger" / "ledger.jsonl").read_bytes()
        data = self.CASES[what](rejected_records(waiting.files[1].read_bytes(), [Error(1, "SENR0178")]))
        with pytest.raises(InputError) as refused:
            given(waiting, data)
        assert refused.value.cure and record(waiting)[7] not in str(refused.value)
        assert (waiting.folder / "runs" / "ledger" / "ledger.jsonl").read_bytes() == before

    def test_of_two_files_with_a_wrong_one_none_is_kept(self, waiting):
        good, wrong = waiting.folder / "good.csv", waiting.folder / "wrong.csv"
        good.write_bytes(error_list(waiting.files[1].read_bytes(), [Error(1, "SENR0178")]))
        wrong.write_text("Dear colleagues,\n")
        with pytest.raises(InputError):
            words.answers(waiting.settings, None, [good, wrong])
        assert Loop.open(waiting.settings).states.answers == ()

    def test_a_file_that_is_not_there(self, waiting):
        with pytest.raises(InputError, match="cannot be read"):
            words.answers(waiting.settings, None, [waiting.folder / "none.csv"])


class TestUnmatched:
    """A line that is about no record of ours, or two: told with its number, and the others count."""

    def lines(self, waiting, *more: str):
        one = record(waiting)
        good = f"{one[2]},{one[7]},{one[4]},{one[21]},SENR0178,Fatal"
        told, (answered,) = given(waiting, "\n".join([HEAD, good, *more, ""]))
        assert answered.files == {2: {"fatal": 1, "warning": 0}}
        return [(each.line, each.why) for each in answered.unmatched]

    def test_another_run(self, waiting):
        assert self.lines(waiting, "7654321-4,,,,SENR0178,Fatal") == [(3, "the Local Record ID is of another run")]

    def test_no_record(self, waiting):
        ((line, why),) = self.lines(waiting, ",9999999999,1990001,20260817,SENR0178,Fatal")
        assert line == 3 and why == "no record has that SSID, school and start date"

    def test_too_little_to_tell(self, waiting):
        ((_, why),) = self.lines(waiting, ",9999999999,,,SENR0178,Fatal")
        assert "not all there" in why

    def test_an_id_and_an_ssid_of_two_records(self, waiting):
        one, other = record(waiting), record(waiting, 1)
        ((_, why),) = self.lines(waiting, f"{one[2]},{other[7]},,,SENR0178,Fatal")
        assert why == "the Local Record ID and the SSID are of two records"

    def test_a_severity_or_code_that_is_none(self, waiting):
        one = record(waiting)
        said = self.lines(waiting, f"{one[2]},,,,SENR0178,Sometimes", f"{one[2]},,,,no code,Fatal")
        assert [why for _, why in said] == [
            "neither the file nor the catalog says whether it is fatal", "no error code is understood"
        ]  # fmt: skip


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: text.replace(",", ";"),
        lambda text: "sep=;\n" + text.replace(",", ";"),
        lambda text: text.replace(",", "\t").encode("utf-16"),
        lambda text: "Errors of job 4711\n\n" + text,
        lambda text: text.replace("20260817", "8/17/2026"),
        lambda text: text.encode("cp1252"),
    ],
)
def test_saved_by_a_spreadsheet(waiting, saved):
    """Leading zeros lost, days rewritten, other separators."""
    one = record(waiting)
    text = f"{HEAD}\n,{one[7]},{one[4].lstrip('0')},{one[21]},178,F\n"
    _, (answered,) = given(waiting, saved(text))
    assert answered.files == {2: {"fatal": 1, "warning": 0}} and not answered.unmatched


def test_headings_of_our_own_settings(waiting):
    file = waiting.folder / "senrkit.toml"
    file.write_text(file.read_text() + '\n[calpads.errors]\n"Rec" = "local_record_id"\n"Err Cd" = "rule"\n')
    _, (answered,) = given(waiting, f"Err Cd,Rec\nSENR0178,{record(waiting)[2]}\n")
    assert answered.files == {2: {"fatal": 1, "warning": 0}}


def test_warnings_alone_refuse_nothing(waiting):
    told, _ = given(waiting, f"{HEAD}\n{record(waiting)[2]},,,,SENR0286E3,Warning\n")
    states = [one["state"] for one in told.document()["records"] if one["number"] == 2]
    assert states.count("warned") == 1 and states.count("sent") == len(states) - 1
    assert told.document()["files"][1]["state"] == "sent"


def test_a_file_that_has_posted_cannot_be_refused_by_an_answer(waiting):
    with pytest.raises(UsageError, match="has posted"):
        given(waiting, f"{HEAD}\n{record(waiting, file=0)[2]},,,,SENR0178,Fatal\n")


def test_rejected_takes_errors_of_its_own_file_only(waiting):
    path = waiting.folder / "errors.csv"
    path.write_bytes(error_list(waiting.files[0].read_bytes(), [Error(1, "SENR0180")]))
    with pytest.raises(InputError, match="no record in the file that is meant"):
        words.rejected(waiting.settings, None, 2, errors=[path])
    assert Loop.open(waiting.settings).document()["files"][1]["state"] == "sent"


def test_codes_as_numbers_and_as_the_catalog_has_them():
    assert [rule_id(code) for code in ("178", "0178", "senr0178")] == ["SENR0178"] * 3
    assert rule_id("9999") == "9999" and rule_id("17²") == "17²"
    assert only_calpads_knows("SENR0037") and not only_calpads_knows("SENR0178")


def test_replaced_ssids_of_another_lea_are_refused(waiting):
    assert isinstance(read_answer("r.txt", b"1999990^1990001^1^9000000001^9999999999\r\n"), Replacements)
    with pytest.raises(InputError, match="another LEA"):
        given(waiting, "1999991^1990001^1^9000000001^9999999999\r\n", "r.txt")
    with pytest.raises(InputError, match="two SSIDs of ten digits"):
        given(waiting, "1999990^1990001^1^900^9999999999\r\n", "r.txt")


def test_what_was_foretold_and_what_came(waiting):
    one = record(waiting)
    given(waiting, f"{HEAD}\n{one[2]},,,,SENR0178,Fatal\n")
    table = {row["rule"]: row for row in Loop.open(waiting.settings).foretold().to_dicts()}
    assert table["SENR0178"]["not_foretold"] == 1 and table["SENR0178"]["foretold"] == 0
    assert sum(row["did_not_come"] for row in table.values()) >= 0 and "ssid" not in table["SENR0178"]
