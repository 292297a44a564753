"""The loop closes (closed_loop.md 10): a made-up CALPADS takes the files, refuses, posts, and shows an extract."""

from __future__ import annotations

import collections
import shutil

import pytest

from senrkit.demo.calpads import VARIANTS, Error
from senrkit.errors import InputError, UsageError
from senrkit.loop import words
from senrkit.loop.arrived import look
from senrkit.loop.overview import Loop
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


def test_what_another_changed_after_us_is_overtaken(world):
    post_all(world)
    ssid = world.files[1].read_text().split("^")[7]
    world.passes(2)
    world.calpads.change(ssid, world.day, grade="01", exit_reason="T999")
    world.passes()
    world.new_extract()
    told = look(world.settings)
    records = told.document(names=True)["records"]
    assert {one["state"] for one in records if one["ssid"] == ssid and one["number"] == 2} == {"overtaken"}


def test_what_a_later_extract_does_not_show_is_missing(world):
    for number, path in enumerate(world.files, start=1):
        words.sent(world.settings, None, [number])
        if number != 3:
            world.calpads.post(path.read_bytes(), world.day)
        words.posted(world.settings, None, [number])
    world.passes()
    world.new_extract()
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
