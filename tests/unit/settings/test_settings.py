"""The settings file: what is read, and what is refused with which words, on which line."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from senrkit.errors import UsageError
from senrkit.settings.settings import (
    TEMPLATE,
    Settings,
    load_settings,
    read_settings_text,
    settings_document,
)

TODAY = dt.date(2026, 11, 23)
LEAST = """\
school_year = "2026-2027"
lea = "1999990"
[aeries]
source = "exports"
[calpads]
senr_extract = "SENR.txt"
"""


def read(text: str, folder: Path = Path("/district"), **given: object) -> Settings:
    return read_settings_text(text, folder, today=TODAY, **given)  # type: ignore[arg-type]


def changed(before: str, after: str) -> str:
    assert before in LEAST
    return LEAST.replace(before, after)


def under(table: str, line: str) -> str:
    """The least settings with one more line, on line 4 under [aeries], 6 under [calpads], else on line 8."""
    if f"[{table}]\n" in LEAST:
        return LEAST.replace(f"[{table}]\n", f"[{table}]\n{line}\n")
    return f"{LEAST}[{table}]\n{line}\n"


def refusal(text: str, **given: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(text, **given)
    return caught.value


REFUSED = [
    # text, line, words of the complaint or its cure
    (changed("lea =", "lae ="), 2, 'there is no setting "lae" in the top of the file', "Did you mean lea?"),
    (under("aeries", 'skip_tag = ["*"]'), 4, 'no setting "skip_tag" in [aeries]', "Did you mean skip_tags?"),
    (under("aeries", "future_dates = 1"), 4, "no setting", "It belongs under [process]."),
    (under("calpads", "charter = true"), 6, "no setting", "It belongs above the first [heading]."),
    (under("proces", "auto_close = true"), 7, 'no setting "proces"', "Did you mean process?"),
    (under("calpads", "zzz = 1"), 6, 'no setting "zzz"', "Take the line out"),
    (changed('"1999990"', "1999990"), 2, "lea is a number, not text", 'Write it in quotes, "1999990".'),
    (changed('"1999990"', "0199999"), 2, "not TOML", "begins with 0 stands in quotes"),
    (changed('"1999990"', '"199999"'), 2, "lea is not a seven-digit code", "county and district code"),
    (changed('"1999990"', '"１９９９９９０"'), 2, "lea is not a seven-digit code", "county and district code"),
    (changed('"2026-2027"', '"2026-27"'), 1, "school_year is not a school year", '"2026-2027"'),
    (changed('"2026-2027"', '"2026-2028"'), 1, "school_year is not a school year", "follow each other"),
    (changed('"2026-2027"', "2026"), 1, "school_year is not a school year", "in quotes"),
    (changed('"2026-2027"', '"0000-0001"'), 1, "school_year is not a school year", "in quotes"),
    ('as_of = "2026-11-23"\n' + LEAST, 1, "as_of should be a date, not text", "without quotes"),
    ("as_of = 2026-11-23T08:00:00\n" + LEAST, 1, "as_of should be a date, not a date with a time", "the day alone"),
    ("as_of = 2026-02-30\n" + LEAST, 1, "not TOML", "a date that is on the calendar"),
    ('charter = "yes"\n' + LEAST, 1, "charter should be true or false, not text", "without quotes"),
    ("charter = True\n" + LEAST, 1, "not TOML", "true or false in small letters"),
    ('lea_from = "scool"\n' + LEAST, 1, 'should be "district" or "school", not "scool"', "Did you mean school?"),
    (under("aeries", 'schools = "some"'), 4, 'schools should be "all", "default" or a list', "[990, 994]"),
    (under("aeries", 'schools = ["Oak"]'), 4, "schools should hold Aeries school codes", "[990, 994]"),
    (under("aeries", "schools = [true]"), 4, "schools should hold Aeries school codes", "[990, 994]"),
    (under("aeries", 'skip_tags = "*"'), 4, "skip_tags should be a list, not text", "between [ and ]"),
    (under("aeries", "skip_programs = [1]"), 4, "skip_programs should be text, not a number", "in quotes"),
    (under("aeries", 'password = "x"'), 4, 'no setting "password"', "password_env"),
    (under("aeries", 'password_env = "hunter 2"'), 4, "password_env is not the name", "never the password itself"),
    (under("aeries", 'headings = "x"'), 4, "headings should be a table, not text", "from = to"),
    (changed('"exports"', '""'), 4, "source is blank", "Fill it in"),
    (changed('"exports"', "true"), 4, "source should be text, not true or false", "in quotes"),
    (changed('"exports"', '"C:\\Users\\me"'), 4, "not TOML", "between single quotes"),
    (changed('"SENR.txt"', "[]"), 6, "senr_extract is an empty list", "Name a file or a folder"),
    (under("calpads", "years_back = -1"), 6, "years_back is negative", "0 or more"),
    (under("calpads", "years_back = 1.5"), 6, "years_back should be a whole number", "digits only"),
    (under("calpads", "years_back = true"), 6, "should be a whole number, not true or false", "digits only"),
    (under("calpads", "max_extract_age_days = -1"), 6, "max_extract_age_days is negative", "0 or more"),
    (under("calpads", "other_leas = [1999990]"), 6, "other_leas is a number", "in quotes"),
    (under("process", "e150_gap_days = -10"), 8, "e150_gap_days is negative", "0 or more"),
    (under("process", 'submission_mode = "inorder"'), 8, 'should be "in-order" or "single"', "Did you mean in-order?"),
    (under("process", 'future_dates = "keep"'), 8, 'should be "omit" or "send", not "keep"', ""),
    (under("process", 'last_record = "noshow"'), 8, 'should be "delete" or "no-show"', "Did you mean no-show?"),
    (under("process", "prior_year_open = true"), 8, 'should be "block" or "hold", not true or false', ""),
    (under("calpads", 'language_source = "vendor"'), 6, "language_source needs elpac_file", "Add elpac_file"),
    (under("calpads", 'language_source = "toms"'), 6, 'should be "calpads" or "vendor"', ""),
    (under("process", "auto_close = true"), 8, "auto_close needs last_school_day", "Add last_school_day"),
    (
        under("process", "last_school_day = 2026-06-10"),
        8,
        "not in the school year 2026-2027",
        "2026-07-01 to 2027-06-30",
    ),
    (under("process", 'compare = ["grad"]'), 8, 'compare names the field "grad"', "Did you mean grade?"),
    (under("process", 'compare = ["birth_date"]'), 8, 'the field "birth_date", which is not compared', ""),
    (under("process", "compare = []"), 8, "nothing would be compared", "to compare all"),
    (under("process", "compare = [1]"), 8, "compare should hold field names", "in quotes"),
    (under("output", "runs = 5"), 8, "runs should be text, not a number", "in quotes"),
    ("output = 5\n" + LEAST, 1, "output should be a table", "[output]"),
    (under('translations."ATT.RX"', '"160" = "T160"'), 7, 'no translation set "ATT.RX"', "Did you mean ATT.RS?"),
    (under("translations.ATT.RS", '"160" = "T160"'), 7, '"ATT.RS" as written', 'quotes: [translations."ATT.RS"]'),
    (under('translations."ATT.RS"', "160 = 160"), 8, "160 should be text, not a number", "in quotes"),
    (under('translations."ATT.RS"', '160 = " "'), 8, "160 is blank", "Fill it in"),
    (under('translations."ATT.RS"', '" " = "T160"'), 7, "nothing before the =", "Fill in the code"),
    ("translations = 1\n" + LEAST, 1, "translations should be tables", '[translations."ATT.RS"]'),
    (LEAST + 'lea = "1\n', 7, "not TOML", "between quotes"),
    (LEAST + "[calpads\n", 7, "not TOML", "between quotes"),
    (changed('source = "exports"', 'source = "a"\nsource = "b"'), 5, "not TOML", "once"),
    (changed('source = "exports"\n', ""), 3, "the setting source is missing", "Add it under [aeries]."),
]


@pytest.mark.parametrize(
    ("text", "line", "problem", "cure"), REFUSED, ids=[f"{row[2]}-{row[3]}"[:60] for row in REFUSED]
)
def test_refused_with_the_line_and_the_cure(text: str, line: int, problem: str, cure: str) -> None:
    error = refusal(text)

    assert error.exit_code == 2
    assert error.message.startswith(f"senrkit.toml, line {line}: ")
    assert problem in error.message
    assert cure in error.cure


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ('school_year = "2026-2027"\n', "school_year"),
        ('lea = "1999990"\n', "lea"),
        ('[calpads]\nsenr_extract = "SENR.txt"\n', "senr_extract"),
    ],
)
def test_a_setting_that_must_be_there_and_is_not(line: str, missing: str) -> None:
    error = refusal(changed(line, ""))

    assert error.message == f"senrkit.toml: the setting {missing} is missing."
    assert error.cure.startswith("Add it")


@pytest.mark.parametrize(
    "source",
    [
        "mssql+pyodbc://reader:hunter2@sql01/DST26000",
        "mssql+pyodbc://reader:hunter2@sql01:1433/DST26000?driver=ODBC+Driver+18",
        "mssql+pyodbc://reader:hun/ter2?x@sql01/DST26000",
        "mssql+pyodbc://:hunter2@sql01/DST26000",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC%7D%3BUID%3Dreader%3BPWD%3Dhunter2%3BEncrypt%3Dyes",
        "mssql+pyodbc://sql01/DST26000?UID=reader&PWD=hunter2",
        "postgresql://sql01/aeries?user=reader&password=hunter2",
        "https://aeries.example/api?api_key=hunter2",
        "sqlite+pysqlcipher://:hunter2@/aeries.db",
    ],
)
@pytest.mark.parametrize("key", ["source", "write_source"])
def test_a_password_in_an_address_is_refused_not_repeated_and_never_kept(key: str, source: str) -> None:
    text = LEAST.replace('source = "exports"', f'source = "{source}"')
    if key == "write_source":
        text = under("aeries", f'write_source = "{source}"')
    error = refusal(text)

    assert error.message == f"senrkit.toml, line 4: {key} holds a password."
    assert "password_env" in error.cure
    assert "ter2" not in str(error)

    settings = read(LEAST)
    careless = replace(settings, aeries=replace(settings.aeries, **{key: source}))
    kept = settings_document(careless)["aeries"][key]
    assert "ter2" not in kept
    assert "***" in kept


@pytest.mark.parametrize(
    "source",
    [
        "mssql+pyodbc://reader@sql01/DST26000?driver=ODBC+Driver+18+for+SQL+Server",
        "mssql+pyodbc://sql01:1433/DST26000?UID=reader@district.example",
        "mssql+pyodbc://sql01/DST26000?Trusted_Connection=yes",
        "https://aeries.example:8443/api/v5",
    ],
)
def test_an_address_without_a_password_stays_as_it_is(source: str) -> None:
    assert read(changed("exports", source)).aeries.source == source


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("exports", "/district/exports"),
        ("/data/exports", "/data/exports"),
        ("sqlite:///aeries.db", "sqlite:////district/aeries.db"),
        ("sqlite:///aeries.db?timeout=5", "sqlite:////district/aeries.db?timeout=5"),
        ("sqlite:////data/aeries@home.db", "sqlite:////data/aeries@home.db"),
        ("sqlite:///file:aeries.db?mode=ro&uri=true", "sqlite:///file:/district/aeries.db?mode=ro&uri=true"),
        ("sqlite+pysqlite:///aeries.db", "sqlite+pysqlite:////district/aeries.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
    ],
)
def test_paths_are_relative_to_the_folder_of_the_file(source: str, found: str) -> None:
    assert read(changed("exports", source)).aeries.source == found


def test_the_least_settings_and_their_defaults() -> None:
    settings = read(LEAST)

    assert (settings.school_year.text, settings.lea, settings.as_of) == ("2026-2027", "1999990", TODAY)
    assert (settings.charter, settings.lea_from, settings.file) == (False, "district", None)
    assert (settings.aeries.schools, settings.aeries.skip_tags, settings.aeries.skip_programs) == (
        "default",
        ("*",),
        (),
    )
    assert settings.calpads.senr_extract == (Path("/district/SENR.txt"),)
    assert (settings.calpads.years_back, settings.calpads.max_extract_age_days) == (10, 14)
    assert (settings.calpads.sela_extract, settings.calpads.school_directory) == (None, None)
    assert (settings.calpads.elpac_file, settings.calpads.language_source) == (None, "calpads")
    process = settings.process
    assert (process.submission_mode, process.future_dates, process.last_record) == ("in-order", "omit", "delete")
    assert (process.prior_year_open, process.e150_gap_days, process.compare) == ("block", 10, None)
    assert (process.auto_close, process.keep_preschool_exits, process.local_record_id) == (False, False, True)
    assert settings.output.runs == Path("/district/runs")


def test_everything_that_can_be_said() -> None:
    settings = read("""
        school_year = "2026-2027"
        lea = "0199999"
        as_of = 2027-06-12
        charter = true
        lea_from = "school"
        [aeries]
        source = "exports"
        schools = [990, "0994", 990]
        skip_tags = ["*", "N"]
        skip_programs = ["T"]
        write_source = "sqlite:///aeries.db"
        password_env = "AERIES_PASSWORD"
        headings = { "Pupil number" = "STU.ID" }
        [calpads]
        senr_extract = ["a.txt", "/b.txt"]
        sela_extract = "SELA.txt"
        elpac_file = "vendor.csv"
        language_source = "vendor"
        school_directory = "pubschls.txt"
        years_back = 5
        max_extract_age_days = 0
        other_leas = ["1999991"]
        [process]
        submission_mode = "single"
        future_dates = "send"
        auto_close = true
        last_school_day = 2027-06-10
        last_record = "no-show"
        prior_year_open = "hold"
        e150_gap_days = 0
        keep_preschool_exits = true
        local_record_id = false
        compare = ["grade", "exit_date"]
        [output]
        runs = "../runs"
        [translations."ATT.RS"]
        "160" = "T160"
    """)

    assert settings.as_of == dt.date(2027, 6, 12)
    assert (settings.charter, settings.lea_from) == (True, "school")
    assert settings.aeries.schools == ("990", "994")
    assert settings.aeries.write_source == "sqlite:////district/aeries.db"
    assert settings.aeries.headings == {"Pupil number": "STU.ID"}
    assert settings.calpads.senr_extract == (Path("/district/a.txt"), Path("/b.txt"))
    assert settings.calpads.school_directory == Path("/district/pubschls.txt")
    assert settings.calpads.other_leas == ("1999991",)
    assert (settings.calpads.elpac_file, settings.calpads.language_source) == (Path("/district/vendor.csv"), "vendor")
    assert settings.process.last_school_day == dt.date(2027, 6, 10)
    assert settings.process.compare == ("grade", "exit_date")
    assert settings.translations == {"ATT.RS": {"160": "T160"}}


def test_what_the_command_line_says_wins_over_the_file() -> None:
    settings = read("as_of = 2026-10-01\n" + LEAST, as_of=dt.date(2026, 12, 1), extract=(Path("/elsewhere/SENR.txt"),))

    assert settings.as_of == dt.date(2026, 12, 1)
    assert settings.calpads.senr_extract == (Path("/elsewhere/SENR.txt"),)


def test_an_extract_from_the_command_line_is_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    without = changed('senr_extract = "SENR.txt"\n', "")

    assert read(without, extract=(Path("SENR.txt"),)).calpads.senr_extract == (tmp_path / "SENR.txt",)


def test_the_document_is_json_and_says_everything() -> None:
    document = settings_document(read(under('translations."ATT.RS"', '"160" = "T160"')))

    assert json.loads(json.dumps(document)) == document
    assert document["school_year"] == "2026-2027"
    assert document["as_of"] == "2026-11-23"
    assert document["calpads"]["senr_extract"] == ["/district/SENR.txt"]
    assert document["process"]["compare"] is None
    assert document["translations"] == {"ATT.RS": {"160": "T160"}}
    assert document["aeries"]["source"] == "/district/exports"


def test_the_template_as_it_is_written_gives_the_defaults() -> None:
    least = read(LEAST.replace("exports", "sqlite:///aeries.db").replace("SENR.txt", "SENR_ODS.txt"))

    assert read(TEMPLATE) == least


def test_every_line_that_the_template_shows_can_be_used() -> None:
    """With its comment marks taken away, the template is a settings file in which every setting stands."""
    shown = [
        line.removeprefix("# ") if line.startswith("# ") and ("=" in line or line.startswith("# [")) else line
        for line in TEMPLATE.splitlines()
    ]
    settings = read("\n".join(shown).replace('"..."', '"sqlite:///aeries.db"'))

    for table in (settings, settings.aeries, settings.calpads, settings.process, settings.output):
        for field in fields(table):
            written = any(
                line.startswith(
                    (f"{field.name} =", f"[{field.name}", f"[aeries.{field.name}", f"[calpads.{field.name}")
                )
                for line in shown
            )
            assert written or field.name in {"folder", "file", "copies"}, field.name
    assert settings.process.compare == ("grade", "exit_date")
    assert settings.aeries.headings == {"Pupil number": "STU.ID"}
    assert settings.translations == {"ATT.RS": {"160": "T160"}}


def test_a_file_from_a_windows_editor(tmp_path: Path) -> None:
    file = tmp_path / "senrkit.toml"
    file.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())

    settings = load_settings(file, today=TODAY)

    assert settings.file == file
    assert settings.folder == tmp_path
    assert settings.as_of == TODAY


def test_a_missing_file_names_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no settings file .*senrkit\.toml.*senrkit init.*senrkit demo"):
        load_settings(tmp_path / "senrkit.toml")


@pytest.mark.parametrize("content", [LEAST.encode("utf-16"), b"# caf\xe9\n"])
def test_a_file_that_is_not_utf_8(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "senrkit.toml"
    file.write_bytes(content)

    with pytest.raises(UsageError, match="not UTF-8 text.*Save it again as UTF-8"):
        load_settings(file)


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_settings(tmp_path)


def test_the_line_is_found_where_the_key_is_dotted_or_inline() -> None:
    assert "line 2:" in refusal('school_year = "2026-2027"\naeries.sources = "x"\n').message
    assert "line 2:" in refusal('school_year = "2026-2027"\naeries = { sources = "x" }\n').message
