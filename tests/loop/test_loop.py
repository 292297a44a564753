"""The loop closes (closed_loop.md 10): a made-up CALPADS takes the files, refuses, posts, and shows an extract."""

from __future__ import annotations

import collections
import json
import re
import shutil
import sqlite3

import polars as pl
import pytest

from senrkit.demo.calpads import VARIANTS, Error
from senrkit.engine import run
from senrkit.errors import InputError, UsageError
from senrkit.loop import words
from senrkit.loop.overview import Loop, look
from senrkit.loop.restore import restore


def of_records(told) -> dict[str, int]:
    return dict(collections.Counter(one["state"] for one in told.document()["records"]))


def of_file(told, number: int) -> dict[str, int]:
    return dict(collections.Counter(one["state"] for one in told.document()["records"] if one["number"] == number))


def state_of(told, number: int) -> str:
    return next(one["state"] for one in told.document()["files"] if one["number"] == number)


def post_all(world, numbers=None) -> None:
    for number, path in enumerate(world.files, start=1):
        if numbers is None or number in numbers:
            words.sent(world.settings, None, [number])
            world.calpads.post(path.read_bytes(), world.day)
            words.posted(world.settings, None, [number])


def test_all_posted_and_a_new_extract_all_arrived(world):
    post_all(world)
    assert set(of_records(look(world.settings))) == {"posted"}
    world.passes()
    world.new_extract()
    assert set(of_records(look(world.settings))) == {"arrived"}


def test_what_arrived_is_not_proposed_again(world):
    post_all(world)
    world.passes()
    world.new_extract()
    folder = world.runs()
    proposal = (folder / "proposal.csv").read_text().splitlines()[1:]
    assert {line.split('","')[2] for line in proposal} & {"add", "update", "delete"} == set()


def test_an_extract_of_the_day_of_the_posting_proves_only_what_is_there(world):
    post_all(world)
    world.new_extract()
    told = look(world.settings)
    assert set(of_file(told, 1)) == {"posted, too early to tell"}
    assert set(of_file(told, 2)) == {"arrived"}


def test_what_an_extract_proves_is_posted_though_nobody_said_so(world):
    for number, path in enumerate(world.files, start=1):
        words.sent(world.settings, None, [number], out_of_order="all at once" if number > 1 else "")
        world.calpads.post(path.read_bytes(), world.day)
    world.passes()
    world.new_extract()
    told = look(world.settings)
    assert state_of(told, 2) == "posted"
    assert set(of_file(told, 2)) == {"arrived"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_refused_its_records_are_refused_or_dragged_down(world, tmp_path, variant):
    post_all(world, {1})
    words.sent(world.settings, None, [2])
    name, made = VARIANTS[variant]
    errors = tmp_path / name
    errors.write_bytes(made(world.files[1].read_bytes(), [Error(2, "SENR0178"), Error(3, "SENR0286E3", "W")]))
    told, answered = words.rejected(world.settings, None, 2, errors=[errors])
    rows = len(world.files[1].read_text().splitlines())
    assert of_file(told, 2) == {"refused": 1, "dragged down": rows - 1}
    assert answered[0].files == {2: {"fatal": 1, "warning": 1}} and not answered[0].unmatched
    again, answered = words.answers(world.settings, None, [errors])
    assert answered[0].again and again.document() == told.document()


def test_a_file_that_was_refused_goes_again_with_the_next_run(world, tmp_path):
    post_all(world, {1})
    words.sent(world.settings, None, [2])
    words.rejected(world.settings, None, 2)
    refused = world.files[1].read_text().splitlines()
    world.passes()
    world.new_extract()
    world.runs()
    again = {line.split("^", 3)[3] for path in world.files for line in path.read_text().splitlines()}
    assert {line.split("^", 3)[3] for line in refused} <= again


def test_what_was_refused_says_so_when_it_is_proposed_again(world, tmp_path):
    post_all(world, {1})
    words.sent(world.settings, None, [2])
    name, made = next(iter(VARIANTS.values()))
    (tmp_path / name).write_bytes(made(world.files[1].read_bytes(), [Error(2, "SENR0178")]))
    words.rejected(world.settings, None, 2, errors=[tmp_path / name])
    refused = world.files[1].read_text().splitlines()[1].split("^")
    world.passes()
    world.new_extract()
    proposal = pl.read_csv(world.runs() / "proposal.csv", infer_schema=False)
    said = proposal.filter(pl.col("evidence").str.contains("CALPADS refused"))
    assert said["ssid"].to_list() == [next(value for value in refused if re.fullmatch(r"\d{10}", value))]
    assert said["evidence"][0].endswith(
        "CALPADS refused this on 2026-11-23, by Overlaps another enrollment at the same school (SENR0178)."
    )


@pytest.mark.parametrize("numbers", [[2], [3], [2, 3]])
def test_a_file_waits_until_the_one_before_has_posted(world, numbers):
    with pytest.raises(UsageError, match="out of order: file 1 has not posted"):
        words.sent(world.settings, None, numbers)
    assert set(of_records(Loop.open(world.settings))) == {"prepared"}


def test_out_of_order_needs_a_reason_and_keeps_it(world):
    told = words.sent(world.settings, None, [2], out_of_order="file 1 is empty of sense")
    assert told.journal.events[-1]["out_of_order"] == "file 1 is empty of sense"
    with pytest.raises(UsageError, match="out of order"):
        words.posted(world.settings, None, [2])


def test_files_named_together_were_uploaded_together(world):
    told = words.sent(world.settings, None, [1, 2], job="4711234")
    assert [state_of(told, number) for number in (1, 2, 3)] == ["sent", "sent", "prepared"]


def test_a_wrong_posted_is_taken_back(world):
    post_all(world, {1})
    with pytest.raises(UsageError, match="with a reason"):
        words.undo_posted(world.settings, None, [1], " ")
    told = words.undo_posted(world.settings, None, [1], "that was last week's")
    assert state_of(told, 1) == "sent" and set(of_file(told, 1)) == {"sent"}
    with pytest.raises(UsageError, match="nothing to take back"):
        words.undo_posted(world.settings, None, [1], "twice")


def test_what_has_posted_cannot_be_refused_or_sent_again(world):
    post_all(world, {1})
    with pytest.raises(UsageError, match="has posted"):
        words.rejected(world.settings, None, 1)
    with pytest.raises(UsageError, match="has posted already"):
        words.sent(world.settings, None, [1])


def test_no_answer_in_sixty_days_has_expired(world):
    words.sent(world.settings, None, [1])
    world.passes(60)
    assert state_of(Loop.open(world.settings), 1) == "sent"
    world.passes(1)
    assert state_of(Loop.open(world.settings), 1) == "expired"


def test_a_newer_run_takes_the_place_of_what_was_not_sent(world):
    first = world.run_folder.name
    Loop.open(world.settings)
    world.passes()
    world.runs()
    told = look(world.settings)
    assert {file.state for file in told.states.runs[first].files.values()} == {"withdrawn"}
    with pytest.raises(UsageError, match="a newer run replaces it"):
        words.sent(world.settings, first, [1])


def test_a_run_whose_file_is_on_its_way_goes_on(world):
    first = world.run_folder.name
    words.sent(world.settings, None, [1])
    world.passes()
    world.runs()
    told = words.posted(world.settings, first, [1])
    assert told.states.runs[first].files[2].state == "prepared"


# The documentation does not say how an extract writes its days of last update.
WRITINGS = pytest.mark.parametrize("written", [r"\1\2\3", r"\1-\2-\3", r"\2/\3/\1", r"\1-\2-\3 08:15:00"])


@WRITINGS
def test_what_another_changed_after_us_is_overtaken(world, written):
    post_all(world)
    ssid = world.files[1].read_text().split("^")[7]
    world.passes(2)
    world.calpads.change(ssid, world.day, grade="01", exit_reason="T999")
    world.passes()
    world.new_extract(written)
    told = look(world.settings)
    records = told.document(names=True)["records"]
    assert {one["state"] for one in records if one["ssid"] == ssid and one["number"] == 2} == {"overtaken"}


@WRITINGS
def test_what_a_later_extract_does_not_show_is_missing(world, written):
    for number, path in enumerate(world.files, start=1):
        words.sent(world.settings, None, [number])
        if number != 3:
            world.calpads.post(path.read_bytes(), world.day)
        words.posted(world.settings, None, [number])
    world.passes()
    world.new_extract(written)
    told = look(world.settings)
    assert set(of_file(told, 3)) == {"missing"} and set(of_file(told, 2)) == {"arrived"}


def test_a_replaced_ssid_explains_what_is_missing(world, tmp_path):
    post_all(world)
    ssid = world.files[2].read_text().split("^")[7]
    world.calpads.change(ssid, world.day, ssid="9999999999")
    replaced = tmp_path / "replaced.txt"
    replaced.write_text(f"1999990^1990001^100001^{ssid}^9999999999\r\n")
    _, answered = words.answers(world.settings, None, [replaced])
    assert answered[0].replaced == 1
    world.passes()
    world.new_extract()
    records = look(world.settings).document(names=True)["records"]
    assert {one["state"] for one in records if one["ssid"] == ssid and one["number"] == 3} == {"moved"}


def test_the_way_back_from_posted_deletes(world, tmp_path):
    before = set(world.calpads.extract().splitlines())
    post_all(world, {1})
    with pytest.raises(UsageError, match="has not posted"):
        restore(world.settings, None, 2, tmp_path / "back")
    for path in restore(world.settings, None, 1, tmp_path / "back"):
        world.calpads.post(path.read_bytes(), world.day)
    held = {line.rsplit(b"^", 2)[0] for line in world.calpads.extract().splitlines()}
    assert held == {line.rsplit(b"^", 2)[0] for line in before}


def test_a_lost_run_folder_does_not_lose_the_history(world):
    world.passes()
    world.runs()
    post_all(world, {1})
    run = world.run_folder.name
    shutil.rmtree(world.run_folder)
    told = look(world.settings)
    assert told.states.runs[run].files[1].state == "posted"
    with pytest.raises(InputError, match="is not there any more"):
        words.sent(world.settings, run, [2])


class TestOverlay:
    """What has posted and no extract shows is laid over it (closed_loop.md 6)."""

    def proposed(self, folder) -> dict[tuple[str, ...], str]:
        table = pl.read_csv(folder / "proposal.csv", infer_schema=False, empty_string_is_null=False)
        rows = table.filter(pl.col("action").is_in(["add", "update", "delete"]))
        return {(row["ssid"], row["school_code"], row["start_key"]): row["action"] for row in rows.to_dicts()}

    def test_what_has_posted_is_not_proposed_again(self, world):
        before = self.proposed(world.run_folder)
        post_all(world)
        world.passes()
        folder = world.runs()
        again = self.proposed(folder)
        assert before and not set(before) & set(again)
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["overlay"]["rows"] > 0 and len(manifest["overlay"]["files"]) == len(before_files(world))
        (p17,) = (one for one in manifest["preconditions"] if one["id"] == "P17")
        deletes = list(before.values()).count("delete")
        assert p17["state"] == "warning" and deletes and f"rows taken off it: {deletes}." in p17["evidence"]

    def test_the_plain_truth(self, world):
        before = self.proposed(world.run_folder)
        post_all(world)
        done = run(world.settings, overlay=False, person="somebody")
        assert self.proposed(done.folder) == before
        assert done.manifest["overlay"] is None

    def test_what_was_only_sent_is_not_laid_over(self, world):
        before = self.proposed(world.run_folder)
        words.sent(world.settings, None, [1])
        world.passes()
        assert self.proposed(world.runs()) == before

    def test_the_same_ledger_gives_the_same_files_and_another_one_another_number(self, world):
        first = run(world.settings, person="somebody")
        post_all(world, {1})
        second, third = (run(world.settings, person="somebody") for _ in range(2))
        assert first.manifest["run_number"] != second.manifest["run_number"] == third.manifest["run_number"]
        assert second.manifest["files"] == third.manifest["files"]

    def test_an_extract_that_is_newer_is_the_truth(self, world):
        before = self.proposed(world.run_folder)
        for number in range(1, len(world.files) + 1):
            words.sent(world.settings, None, [number])
            words.posted(world.settings, None, [number])
        world.passes()
        world.new_extract()  # CALPADS lost all of it
        assert self.proposed(world.runs()) == before

    def test_what_rests_on_a_posting_says_so(self, world):
        post_all(world)
        aeries = sqlite3.connect(world.folder / "aeries.db")
        ssid = world.files[1].read_text().split("^")[7]
        aeries.execute("UPDATE ENR SET ER = '180' WHERE ID = (SELECT ID FROM STU WHERE CID = ?) AND LD != ''", [ssid])
        aeries.commit()
        world.passes()
        rows = pl.read_csv(world.runs() / "proposal.csv", infer_schema=False)
        evidence = rows.filter(pl.col("ssid") == ssid)["evidence"].to_list()
        assert evidence and all("Posted on 2026-11-23, not yet in the extract." in said for said in evidence)

    def test_posted_twice_and_never_there_is_held(self, world):
        for _ in range(2):
            for number in range(1, len(world.files) + 1):
                words.sent(world.settings, None, [number])
                words.posted(world.settings, None, [number])
            world.passes()
            world.new_extract()
            world.runs()
        held = pl.read_csv(world.run_folder / "proposal.csv", infer_schema=False).filter(pl.col("action") == "hold")
        assert (held["reason"] == "posted-but-absent").sum() > 10

    def test_first_seen_is_the_day_of_the_first_run(self, world):
        world.passes(7)
        rows = pl.read_csv(world.runs() / "proposal.csv", infer_schema=False)
        to_do = rows.filter(pl.col("action").is_in(["add", "update", "delete", "hold"]))
        assert set(to_do["first_seen"]) <= {"2026-11-23", "2026-11-30"}
        assert (to_do["first_seen"] == "2026-11-23").mean() > 0.9


def before_files(world) -> list[str]:
    """The files of the first run."""
    first = min((world.folder / "runs").glob("*/manifest.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(first.read_text())["files"]
