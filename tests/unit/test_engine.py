"""The run from settings to folder: exit codes, what is left behind, what makes a run the same run."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from senrkit import engine
from senrkit.errors import InputError, UsageError
from senrkit.settings.settings import Settings, read_settings_text
from tests import districts, extracts, rulebook

OLD = "1 A 2016-07-01 2017-06-09 E155"
SAME = f"student school start exit reason\n{OLD}\n1 A 2026-08-12 - -"
# One update, one add, one delete and one student who stays the same.
SIS = "student school exit reason\n1 A - -\n2 A 2026-10-02 160\n3 B - -"
ODS = f"{SAME}\n2 A 2026-08-12 - -\n4 A 2026-08-12 - -\n4 A 2025-08-13 2026-06-05 E155"
HELD_TOO = f"{SIS}\n5 A 2026-08-11 160"
CANARIES = ("Given", "Family", "900000", "2015-03", "201503")


def district(
    folder: Path,
    sis: str = SIS,
    ods: str = ODS,
    process: str = "",
    top: str = "",
    as_of: str = "2026-11-23",
    **how: str,
) -> Settings:
    """Settings of a district on the disk, made of text tables as the spec tests have them."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = rulebook.aeries(sis, **how).tables
    rows = {name: table.assign(DEL="0", SN="1").to_dict("records") for name, table in tables.items()}
    (folder / "aeries.db").unlink(missing_ok=True)
    districts.write_database(folder / "aeries.db", rows)
    extracts.write_extract(folder / "SENR_ODS.txt", rulebook.state(ods).rows.drop(columns="line").to_dict("records"))
    text = f"""school_year = "2026-2027"\nlea = "{rulebook.LEA}"\nas_of = {as_of}\n{top}
[aeries]\nsource = "sqlite:///aeries.db"\n[calpads]\nsenr_extract = "SENR_ODS.txt"\n[process]\n{process}\n"""
    return read_settings_text(text, folder, "senrkit.toml")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def states(run: engine.Finished) -> dict[str, str]:
    return {one["id"]: one["state"] for one in run.manifest["preconditions"]}


class TestExitCodes:
    def test_0_done(self, tmp_path):
        run = engine.run(district(tmp_path))
        assert run.exit_code == 0
        assert run.manifest["counts"]["action"] == {
            "delete": 1, "update": 1, "add": 1, "hold": 0, "settled-no-show": 0, "settled-completion": 0,
            "left-as-is": 0, "future-dated": 0, "same": 1,
        }  # fmt: skip

    def test_0_when_there_is_nothing_to_do(self, tmp_path):
        run = engine.run(district(tmp_path, "student\n1", SAME))
        assert run.exit_code == 0
        assert run.manifest["files"] == []
        assert sorted(path.name for path in (run.folder / "submission").iterdir()) == [
            "READ_ME_FIRST.txt",
            "SENR_1999990_20261123.zip",
        ]

    def test_5_done_but_students_are_held(self, tmp_path):
        run = engine.run(district(tmp_path, HELD_TOO))
        assert run.exit_code == 5
        assert run.manifest["counts"]["reason"]["hold"] == {"aeries-date-error": 1}
        assert len(run.manifest["files"]) == 3

    def test_5_when_only_the_prediction_holds(self, tmp_path):
        sis = "student school nps\n1 N -"
        run = engine.run(district(tmp_path, sis, f"student school start exit reason\n{OLD}"))
        assert (run.exit_code, run.manifest["files"]) == (5, [])
        assert run.manifest["counts"]["reason"]["hold"] == {"predicted-rejection": 1}

    @pytest.mark.parametrize("lost", ["aeries.db", "SENR_ODS.txt"])
    def test_3_an_input_cannot_be_read_and_nothing_is_left(self, tmp_path, lost):
        chosen = district(tmp_path)
        (tmp_path / lost).unlink()
        with pytest.raises(InputError) as refused:
            engine.run(chosen)
        assert refused.value.exit_code == 3
        assert not (tmp_path / "runs").exists()

    @pytest.mark.parametrize(
        ("name", "ods"),
        [
            ("P09", f"{ODS}\n6 A 2025-08-13 - -"),
            ("P10", ODS),
            ("P13", f"{ODS}\n4 A 2026-08-12 - -"),
        ],
    )
    def test_4_stopped_leaves_the_manifest_and_no_submission_file(self, tmp_path, name, ods):
        sis = SIS if name != "P10" else "student program\n1 Q\n2 -\n3 -"
        run = engine.run(district(tmp_path, sis, ods))
        assert run.exit_code == 4
        assert {one for one, found in states(run).items() if found == "stopped"} == {name}
        assert sorted(files(run.folder)) == ["manifest.json", "sources.json"]
        assert json.loads(files(run.folder)["manifest.json"])["files"] == []

    def test_4_by_what_a_person_may_accept_leaves_what_there_is_to_look_at(self, tmp_path):
        run = engine.run(district(tmp_path, as_of="2027-02-01"))
        assert {one for one, found in states(run).items() if found == "stopped"} == {"P08"}
        left = files(run.folder)
        assert set(left) == {"manifest.json", "proposal.csv", "sources.json"}
        rows = list(csv.DictReader(left["proposal.csv"].decode().splitlines()))
        assert sorted(row["action"] for row in rows) == ["add", "delete", "update"]
        assert {(row["sequence"], row["file"]) for row in rows} == {("", "")}

    def test_4_an_extract_of_another_layout_is_p03(self, tmp_path):
        chosen = district(tmp_path)
        data = (tmp_path / "SENR_ODS.txt").read_bytes()
        (tmp_path / "SENR_ODS.txt").write_bytes(data.replace(b"^20261120\r\n", b"\r\n", 1))
        run = engine.run(chosen)
        assert (run.exit_code, states(run)["P03"], states(run)["P04"]) == (4, "stopped", "warning")
        assert sorted(files(run.folder)) == ["manifest.json", "sources.json"]

    def test_check_writes_nothing(self, tmp_path):
        stops = district(tmp_path, SIS, f"{ODS}\n6 A 2025-08-13 - -")
        before = files(tmp_path)
        assert engine.check(stops).exit_code == 4
        assert engine.check(stops).folder is None
        assert files(tmp_path) == before

    def test_no_student_in_any_manifest_or_summary(self, tmp_path):
        done = engine.run(district(tmp_path / "done", HELD_TOO))
        stops = engine.run(district(tmp_path / "stops", SIS, f"{ODS}\n4 A 2026-08-12 - -\n6 A 2025-08-13 - -"))
        for run in (done, stops):
            said = (run.folder / "manifest.json").read_text() + "\n".join(run.summary_lines())
            assert not any(canary in said for canary in CANARIES)


class TestRunFolder:
    def test_what_it_holds(self, tmp_path):
        run = engine.run(district(tmp_path))
        assert run.folder == tmp_path / "runs" / run.manifest["run_id"]
        assert sorted(set(files(run.folder)) - {"enrollments.csv"}) == [
            "findings.csv",
            "information.csv",
            "left_out.csv",
            "manifest.json",
            "proposal.csv",
            "report.xlsx",
            "sources.json",
            "submission/READ_ME_FIRST.txt",
            "submission/SENR_1999990_20261123.zip",
            "submission/SENR_1999990_20261123_01_delete.txt",
            "submission/SENR_1999990_20261123_02_update.txt",
            "submission/SENR_1999990_20261123_03_add.txt",
        ]

    def test_the_same_run_again_gets_a_folder_of_its_own(self, tmp_path):
        chosen = district(tmp_path)
        first, second = engine.run(chosen), engine.run(chosen)
        assert second.folder.name == f"{first.folder.name}_2"
        assert files(first.folder)["proposal.csv"] == files(second.folder)["proposal.csv"]

    def test_out_is_the_folder_itself_and_is_refused_before_the_work_when_it_holds_files(self, tmp_path):
        chosen = district(tmp_path)
        out = tmp_path / "monday"
        out.mkdir()
        assert engine.run(chosen, out=out).folder == out
        before = files(out)
        (tmp_path / "aeries.db").unlink()  # it does not come to reading Aeries
        with pytest.raises(UsageError, match="holds files already"):
            engine.run(chosen, out=out)
        assert files(out) == before

    @pytest.mark.parametrize("step", ["write_workbook", "covering_sheet", "_write_zip"])
    def test_a_run_that_is_killed_leaves_no_folder(self, tmp_path, monkeypatch, step):
        def killed(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(f"senrkit.results.write.{step}", killed)
        with pytest.raises(KeyboardInterrupt):
            engine.run(district(tmp_path))
        assert list((tmp_path / "runs").iterdir()) == []

    def test_same_rows_are_listed_only_when_asked_for(self, tmp_path):
        chosen = district(tmp_path)
        shorter, longer = (engine.run(chosen, list_same=listed).folder / "proposal.csv" for listed in (False, True))
        assert ('"same"' in shorter.read_text(), '"same"' in longer.read_text()) == (False, True)

    def test_the_zip_is_the_same_from_every_place_and_for_every_person(self, tmp_path):
        ods = ODS.replace("2016-07-01", "2025-08-13").replace("2017-06-09", "2026-06-05")
        made = []
        for place, person in (("here", "pat"), ("there", "kim")):
            chosen = district(tmp_path / place, SIS, ods)
            run = engine.run(chosen, accept={"P07": "a new district"}, person=person, out=tmp_path / f"{place}-run")
            made.append(files(run.folder))
        package = "submission/SENR_1999990_20261123.zip"
        assert made[0][package] == made[1][package]
        assert made[0]["manifest.json"] != made[1]["manifest.json"]
        with zipfile.ZipFile(tmp_path / "here-run" / package) as held:
            manifest = json.loads(held.read("manifest.json"))
        assert manifest["accepted"] == [{"id": "P07", "because": "a new district"}]
        assert str(tmp_path) not in json.dumps(manifest)


class TestAcceptance:
    def test_a_soft_stop_accepted_by_name_goes_on_and_stands_in_the_manifest(self, tmp_path):
        chosen = district(tmp_path, SIS, ODS.replace("2016-07-01", "2025-08-13").replace("2017-06-09", "2026-06-05"))
        assert engine.run(chosen).exit_code == 4
        run = engine.run(chosen, accept={"P07": "a new district"}, person="pat")
        assert (run.exit_code, states(run)["P07"]) == (0, "accepted")
        assert run.manifest["accepted"] == [{"id": "P07", "because": "a new district", "person": "pat"}]

    def test_many_deletes_go_out_only_by_their_exact_number(self, tmp_path):
        enrolled = "\n".join(str(student) for student in range(1, 41))
        strays = "\n".join(f"{student} A 2026-08-12 - -" for student in range(41, 71))
        same = "\n".join(f"{student} A 2026-08-12 - -" for student in range(2, 41))
        chosen = district(tmp_path, f"student\n{enrolled}", f"{SAME}\n{same}\n{strays}")
        codes = [engine.run(chosen, accept_deletes=number).exit_code for number in (None, 29, 31, 30)]
        assert codes == [4, 4, 4, 0]

    @pytest.mark.parametrize("name", ["P01", "P09", "P12", "P14"])
    def test_what_cannot_be_accepted_is_refused_before_the_work(self, tmp_path, name):
        chosen = district(tmp_path)
        (tmp_path / "aeries.db").unlink()
        with pytest.raises(UsageError):
            engine.run(chosen, accept={name: "please"})
        assert not (tmp_path / "runs").exists()


class TestRunNumber:
    """The same for the same inputs, wherever they lie; another one for any other."""

    def number(self, chosen: Settings) -> str:
        return engine.check(chosen).manifest["run_number"]

    def test_the_same_in_another_place_at_another_time(self, tmp_path):
        assert self.number(district(tmp_path / "here")) == self.number(district(tmp_path / "there"))

    @pytest.mark.parametrize(
        "other",
        [
            {"as_of": "2026-11-24"},
            {"process": "e150_gap_days = 9"},
            {"process": 'compare = ["grade"]'},
            {"top": '[translations."ATT.RS"]\n"161" = "T160"'},
            {"sis": SIS.replace("2026-10-02", "2026-10-01")},
            {"stu": "student MN\n1 Q"},
            {"ods": ODS.replace("2026-06-05", "2026-06-04")},
        ],
    )
    def test_another_for_other_inputs(self, tmp_path, other):
        assert self.number(district(tmp_path / "here")) != self.number(district(tmp_path / "there", **other))

    def test_another_for_other_schools_decisions_or_directory(self, tmp_path):
        chosen = district(tmp_path)
        directory = tmp_path / "pubschls.txt"
        directory.write_text("one")
        listed = replace(chosen, calpads=replace(chosen.calpads, school_directory=directory))
        numbers = [self.number(chosen), self.number(listed)]
        directory.write_text("two")
        numbers.append(self.number(listed))
        numbers.append(self.number(replace(chosen, aeries=replace(chosen.aeries, schools=("1", "2")))))
        decide(tmp_path)
        numbers.append(self.number(chosen))
        assert len(set(numbers)) == len(numbers)

    def test_the_files_carry_it(self, tmp_path):
        run = engine.run(district(tmp_path))
        data = files(run.folder)["submission/SENR_1999990_20261123_01_delete.txt"].decode()
        assert data.split("^")[2] == f"{run.manifest['run_number']}-1"


def decide(folder: Path, action: str = "delete", decision: str = "hold") -> bytes:
    """A decisions file in the runs folder, about student 4."""
    runs = folder / "runs"
    runs.mkdir(exist_ok=True)
    heading = "ssid,school_code,start_date,action,decision,reason,author,made,expires,taken_back"
    line = f"9000000004,1990001,2026-08-12,{action},{decision},moved away,pat,2026-11-20,,"
    (runs / "decisions.csv").write_text(f"{heading}\n{line}\n")
    return (runs / "decisions.csv").read_bytes()


class TestDecisions:
    def test_a_decision_is_applied_and_the_copy_used_is_kept(self, tmp_path):
        chosen = district(tmp_path)
        data = decide(tmp_path)
        run = engine.run(chosen)
        assert run.exit_code == 5
        assert run.manifest["counts"]["reason"]["hold"] == {"decision": 1}
        assert run.manifest["decisions"]["applied"] == 1
        assert files(run.folder)["decisions.csv"] == data
        assert "submission/SENR_1999990_20261123_01_delete.txt" not in files(run.folder)

    def test_one_that_no_longer_fits_is_listed_and_not_applied(self, tmp_path):
        chosen = district(tmp_path)
        decide(tmp_path, action="update")
        run = engine.run(chosen)
        assert (run.exit_code, run.manifest["decisions"]["applied"]) == (0, 0)
        assert run.manifest["decisions"]["no_longer_fits"] == {"other-action": 1}

    def test_another_file_can_be_named(self, tmp_path):
        chosen = district(tmp_path)
        decide(tmp_path)
        (tmp_path / "runs" / "decisions.csv").rename(tmp_path / "mine.csv")
        assert engine.run(chosen).exit_code == 0
        assert engine.run(chosen, decisions=tmp_path / "mine.csv").exit_code == 5

    def test_held_deletes_do_not_count_for_p12(self, tmp_path):
        chosen = district(tmp_path)
        decide(tmp_path)
        evidence = {one["id"]: one["evidence"] for one in engine.check(chosen).manifest["preconditions"]}["P12"]
        assert evidence.startswith("0 of 3 state rows")
