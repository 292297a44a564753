"""The settings screen without a browser: from a cure to the line, to the file, and to a check that passes."""

from __future__ import annotations

import datetime as dt
import re
import shutil

import pytest

from senrkit.app import mending
from senrkit.app.places import Places
from senrkit.demo import make
from tests.dashboard.desks import Clerk

AS_OF = dt.date(2026, 11, 23)
LEADING_TO_CHECK = ("start/demo", "load/named", "step/check")


@pytest.fixture(scope="module")
def districts(tmp_path_factory):
    """The demo district, whole or with one precondition broken; each is made once."""
    folder, made = tmp_path_factory.mktemp("districts"), {}

    def district(break_id):
        if break_id not in made:
            made[break_id] = folder / (break_id or "whole")
            make(made[break_id], 300, 1, AS_OF, break_id=break_id)
        return made[break_id]

    return district


@pytest.fixture
def at(districts, tmp_path):
    """A clerk whose demo district is broken so, on `TODAY`."""

    def clerk(break_id=None):
        shutil.copytree(districts(break_id), tmp_path / "home" / "demo")
        clerk = Clerk(tmp_path / "home")
        clerk.desk.today = lambda: AS_OF
        return clerk

    return clerk


@pytest.fixture
def clerk(at):
    clerk = at()
    clerk.do("start/settings", settings="0", then="settings")
    return clerk


def file_of(clerk):
    return clerk.desk.places.home / "demo" / "senrkit.toml"


def kept(clerk):
    return sorted(file_of(clerk).parent.glob("senrkit.toml.*"))


def value_of(clerk, name):
    """What stands in a field, or is chosen in it."""
    main = clerk.regions["main"]
    if chosen := re.search(rf'<select id="settings-{name}".*?</select>', main, re.S):
        found = re.search(r'value="([^"]*)" selected', chosen[0])
        return found[1] if found else ""
    return re.search(rf'<input id="settings-{name}"[^>]*value="([^"]*)"', main)[1]


def said_at(clerk, name):
    return re.sub(
        r"<[^>]+>", "", re.search(rf'id="settings-{name}-said"[^>]*>(.*?)</p>', clerk.regions["main"], re.S)[1]
    )


def stopped(clerk):
    return [one["id"] for one in clerk.desk.session.stops]


# ---- from a cure to a check that passes


@pytest.mark.parametrize(
    ("break_id", "filled", "answers", "line"),
    [
        # Left out, as it is filled in, the day would be that of this test; so it is the demo's here.
        (
            "P01",
            {"school_year": "2026-2027", "as_of": ""},
            {"as_of": AS_OF.isoformat()},
            f"as_of = 2027-07-05 → as_of = {AS_OF.isoformat()}",
        ),
        ("P04", {"other_leas": "1999982", "lea": "1999990"}, {}, 'no such line → other_leas = ["1999982"]'),
        ("P09", {"prior_year_open": "hold"}, {}, 'no such line → prior_year_open = "hold"'),
        ("P10", {"code-0": ""}, {"code-0": "10"}, 'no such line → "X" = "10"'),
    ],
)
def test_a_cure_leads_to_its_setting_and_to_a_check_that_passes(at, break_id, filled, answers, line):
    clerk = at(break_id)
    for action in LEADING_TO_CHECK:
        clerk.do(action)
    assert stopped(clerk) == [break_id]
    assert f'data-do="settings/open" data-arg="{break_id}"' in clerk.regions["main"]
    clerk.do("settings/open", arg=break_id)
    assert {name: value_of(clerk, name) for name in filled} == filled
    old = file_of(clerk).read_bytes()
    clerk.do("settings/look", **filled | answers)
    assert line in clerk.sees().replace("&#34;", '"') and file_of(clerk).read_bytes() == old and not kept(clerk)
    clerk.do("settings/write")
    assert "Yes. Nothing stops the run" in clerk.sees() and "Put the old settings back" in clerk.sees()
    assert [one.read_bytes() for one in kept(clerk)] == [old]
    clerk.do("settings/undo")
    assert file_of(clerk).read_bytes() == old and not kept(clerk)
    assert stopped(clerk) == [break_id] and "The old settings are back" in clerk.sees()


def test_a_wrong_year_is_told_from_a_wrong_day():
    def found(aeries):
        return {
            "school_year": "2025-2026",
            "as_of": "2026-11-23",
            "preconditions": [{"id": "P01", "evidence": "", "state": "stopped"}, {"id": "P02", "state": aeries}],
        }

    assert mending.of_stop("P01", found("stopped"), {}, AS_OF).answers == {"school_year": "2026-2027"}
    assert mending.of_stop("P01", found("passed"), {}, AS_OF).answers == {"as_of": "2026-06-30"}


@pytest.mark.parametrize(
    ("evidence", "answers"),
    [
        ("0 rows are of LEA 1. 9 rows are of other LEAs: 1999982 (9).", {"lea": "1999982"}),
        ("0 rows are of LEA 1. 9 rows are of other LEAs: 1999982 (8), 1999983 (1).", {}),
        ("0 rows are of LEA 1999990.", {}),
        ("12 rows are of LEA 1. 9 rows are of other LEAs: 1999982 (8,000), blank (1).", {"other_leas": "7, 1999982"}),
    ],
)  # fmt: skip
def test_another_lea_is_filled_in_where_only_one_answer_mends_it(evidence, answers):
    found = {"preconditions": [{"id": "P04", "evidence": evidence, "state": "stopped"}]}
    assert mending.of_stop("P04", found, {"other_leas": "7"}, AS_OF).answers == answers


def test_codes_with_quotes_and_commas_are_read_as_they_are():
    codes = ["160", "a', b", '"', "\\"]
    listed = ", ".join(f"ATT.RS {code!r} (1,204 rows)" for code in codes)
    evidence = f"Without a translation: {listed}."
    found = {"preconditions": [{"id": "P10", "evidence": evidence, "state": "stopped"}]}
    assert [code for _, code, _ in mending.of_stop("P10", found, {}, AS_OF).codes] == codes


def test_the_codes_of_the_state_stand_there_in_plain_words(at):
    clerk = at("P10")
    for action in LEADING_TO_CHECK:
        clerk.do(action)
    clerk.do("settings/open", arg="P10")
    assert "Program (STU.SP): X" in clerk.sees() and "3 rows" in clerk.sees()
    assert '<option value="10">10 · ' in clerk.regions["main"]
    clerk.do("settings/look", **{"code-0": ""})
    assert "Nothing is different" in clerk.sees(), "no code is ever guessed"


def test_language_leads_to_the_file_and_back(at):
    clerk = at()
    settings = file_of(clerk)
    settings.write_text(settings.read_text().replace('sela_extract = "SELA_ODS.txt"\n', ""))
    for action in ("start/demo", "step/language"):
        clerk.do(action)
    assert 'id="name-sela"' in clerk.regions["main"]
    clerk.do("settings/open", arg="sela_extract")
    assert value_of(clerk, "sela_extract") == "SELA_ODS.txt"
    clerk.do("settings/look", sela_extract=str(settings.parent / "SELA_ODS.txt"))
    assert "sela_extract = &#34;SELA_ODS.txt&#34;" in clerk.regions["main"]
    clerk.do("settings/write")
    assert clerk.desk.session.step == "language" and "No SELA extract" not in clerk.sees()
    clerk.do("language/compare")
    assert "Conflict report" in clerk.sees()


def test_a_file_in_the_drop_folder_is_named_from_the_settings(clerk):
    drop = clerk.desk.places.drop
    drop.mkdir(exist_ok=True)
    shutil.move(file_of(clerk).parent / "SELA_ODS.txt", drop / "SELA new.txt")
    clerk.do("step/settings")
    assert '<option value="../drop/SELA new.txt">' in clerk.regions["main"]
    clerk.do("settings/look", sela_extract="../drop/SELA new.txt")
    assert "There is no file" not in clerk.sees()
    clerk.do("settings/fields")
    clerk.do("settings/look", sela_extract="SELA.txt")
    assert "There is no file SELA.txt in that place now." in clerk.sees()


# ---- what is refused, and where it is said


@pytest.mark.parametrize(
    ("answers", "at_field", "said"),
    [
        ({"lea": "199"}, "lea", "lea is not a seven-digit code"),
        ({"lea": ""}, "lea", "the setting lea is missing"),
        ({"other_leas": "1999982, x"}, "other_leas", "is not a seven-digit code"),
        ({"max_extract_age_days": "ten"}, "max_extract_age_days", "should be a whole number"),
        ({"max_extract_age_days": "-1"}, "max_extract_age_days", "should be a whole number"),
        ({"as_of": "2026-02-30"}, "as_of", "should be a date"),
        ({"last_school_day": "2029-01-01"}, "last_school_day", "is not in the school year"),
        ({"school_year": "2026"}, "school_year", "is not a school year"),
        ({"senr_extract": ""}, "senr_extract", "the setting senr_extract is missing"),
        ({"sela_extract": "sftp://me:secret@host/SELA.txt"}, "sela_extract", "may hold a password"),
    ],
)
def test_what_the_checker_refuses_is_said_at_the_field_and_not_written(clerk, answers, at_field, said):
    old = file_of(clerk).read_bytes()
    clerk.do("settings/look", **answers)
    assert said in said_at(clerk, at_field)
    assert re.search(rf'id="settings-{at_field}"[^>]*aria-invalid="true"', clerk.regions["main"])
    assert clerk.last("show")["focus"] == f"settings-{at_field}"
    clerk.do("settings/write")
    assert file_of(clerk).read_bytes() == old and not kept(clerk)


def test_two_wrong_answers_are_said_each_at_its_field(clerk):
    clerk.do("settings/look", lea="1", max_extract_age_days="x")
    assert "lea" in said_at(clerk, "lea") and "whole number" in said_at(clerk, "max_extract_age_days")


def test_settings_that_belong_together_are_judged_together(clerk):
    settings = file_of(clerk)
    settings.write_text(settings.read_text().replace("[process]", "[process]\nlast_school_day = 2027-06-10"))
    clerk.do("step/settings")
    clerk.do("settings/look", school_year="2027-2028")
    assert "is not in the school year 2027-2028" in said_at(clerk, "last_school_day"), "there it can be mended"
    clerk.do("settings/look", school_year="2027-2028", last_school_day="2028-06-10", lea="1")
    assert not said_at(clerk, "school_year") and not said_at(clerk, "last_school_day") and said_at(clerk, "lea")
    clerk.do("settings/look", school_year="2027-2028", last_school_day="2028-06-10", lea="1999990")
    assert "2 lines of demo/senrkit.toml" in clerk.sees()


def test_a_setting_that_another_one_needs_is_not_taken_out(clerk):
    settings = file_of(clerk)
    settings.write_text(settings.read_text().replace("[calpads]", '[calpads]\nlanguage_source = "vendor"'))
    clerk.do("step/settings")
    clerk.do("settings/look", elpac_file="")
    assert "language_source needs elpac_file" in said_at(clerk, "elpac_file")


def test_no_secret_and_no_database_is_among_the_fields(clerk):
    settings = file_of(clerk)
    settings.write_text(settings.read_text().replace('"SELA_ODS.txt"', '"sftp://me:secret@host/SELA.txt"'))
    clerk.do("step/settings")
    assert "secret" not in clerk.regions["main"] and "sqlite" not in clerk.regions["main"]
    assert "Several files, or an address" in clerk.sees()
    old = settings.read_bytes()
    clerk.do("settings/look", source="x", password_env="y", sela_extract="other.txt", runs="/elsewhere")
    clerk.do("settings/write")
    assert settings.read_bytes() == old


def test_a_translation_is_added_changed_and_taken_out(clerk):
    clerk.do("settings/look", new_set="ATT.RS", new_code="160")
    assert clerk.last("show")["focus"] == "settings-code-0" and "Exit reason (ATT.RS): 160" in clerk.sees()
    clerk.do("settings/look", **{"code-0": "T160"})
    clerk.do("settings/write")
    assert '[translations."ATT.RS"]\n"160" = "T160"\n' in file_of(clerk).read_text()
    clerk.do("step/settings")
    assert value_of(clerk, "code-0") == "T160"
    clerk.do("settings/look", **{"code-0": ""})
    assert "the line goes" in clerk.sees()


# ---- the file


def test_a_file_that_changed_meanwhile_is_shown_anew_and_not_written_over(clerk):
    clerk.do("settings/look", lea="1999982")
    theirs = file_of(clerk).read_text().replace("max_extract_age_days = 14", "max_extract_age_days = 21")
    file_of(clerk).write_text(theirs)
    clerk.do("settings/write")
    assert "was changed meanwhile" in clerk.sees() and value_of(clerk, "max_extract_age_days") == "21"
    assert file_of(clerk).read_text() == theirs and not kept(clerk)


def test_a_file_that_may_only_be_read_is_a_sentence(clerk):
    clerk.do("settings/look", lea="1999982")
    file_of(clerk).chmod(0o400)
    old = file_of(clerk).read_bytes()
    clerk.do("settings/write")
    assert "may only be read" in clerk.sees() and "lea = &#34;1999982&#34;" in clerk.regions["main"]
    assert file_of(clerk).read_bytes() == old


@pytest.mark.parametrize("spoil", ["lea = \n", 'no_such = "1"\n', b"\xff\xfe"])
def test_a_file_that_is_wrong_is_shown_with_its_reason_and_left_to_an_editor(clerk, spoil):
    file = file_of(clerk)
    right = file.read_bytes()
    file.write_bytes((spoil if isinstance(spoil, bytes) else spoil.encode()) + right)
    clerk.do("step/load")
    assert "Nothing can be changed here" in clerk.sees() and "by hand, in an editor" in clerk.sees()
    assert clerk.desk.session.step == "settings"
    clerk.do("step/start")
    assert "by hand, in an editor" in clerk.sees() or isinstance(spoil, bytes)
    clerk.do("step/settings")
    file.write_bytes(right)
    clerk.do("settings/open")
    assert value_of(clerk, "lea") == "1999990"


def test_what_was_found_with_the_old_settings_is_forgotten(at):
    clerk = at()
    for action in (*LEADING_TO_CHECK, "step/evaluate"):
        clerk.do(action)
    assert clerk.desk.session.run is not None
    clerk.do("step/start")
    clerk.do("settings/open")
    clerk.do("settings/look", max_extract_age_days="0")
    clerk.do("settings/write")
    session = clerk.desk.session
    assert (session.step, session.run, session.proposal) == ("check", None, None)
    assert "P08" in stopped(clerk)


def test_where_people_sign_on_nobody_changes_or_names_what_is_anothers(at, tmp_path):
    clerk = at()
    home, shared = clerk.desk.places.home, tmp_path / "shared"
    clerk.desk.places = Places(home, home / "drop", "ana")
    clerk.do("start/settings", settings="0", then="settings")
    clerk.do("settings/look", sela_extract=str(shared / "SELA.txt"))
    assert "not in your folder" in said_at(clerk, "sela_extract")
    shutil.move(home / "demo", shared)
    (home / "demo").mkdir()
    file_of(clerk).symlink_to(shared / "senrkit.toml")
    clerk.do("step/settings")
    assert "These settings are not in your folder." in clerk.sees()


def test_leaving_changes_nothing_and_leads_back(at):
    clerk = at("P09")
    for action in LEADING_TO_CHECK:
        clerk.do(action)
    old = file_of(clerk).read_bytes()
    clerk.do("settings/open", arg="P09")
    assert "step=settings" in clerk.last_address()
    clerk.do("settings/leave")
    assert stopped(clerk) == ["P09"] and file_of(clerk).read_bytes() == old
