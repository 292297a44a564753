"""Reading the SELA ODS extract: 17 or 18 columns, what comes through unchanged, and which words refuse the rest."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from senrkit.errors import InputError, LayoutError
from senrkit.inputs.extract.recognize import SELA_RECORD_TYPE, facts, likely
from senrkit.inputs.extract.sela import read_sela_extract, sela_fields, sela_layouts
from senrkit.inputs.extract.senr import read_extract
from tests.extracts import extract_bytes, state_row

NAME, SSID, BORN = "Canarybird", "9876543210", "20131117"
ROW = {
    "record_type": "SELA-R", "reporting_lea": "1999990", "school_code": "0199901", "academic_year": "2026-2027",
    "ssid": SSID, "first_name": "Ida", "last_name": NAME, "birth_date": BORN, "gender": "F", "local_id": "000101",
    "elas": "EL",
    "elas_date": "20261014", "primary_language": "spa", "correction_reason": "2", "upload_date": "20261015",
    "last_updated": "20261016",
}  # fmt: skip


def sela(*rows: dict[str, str], columns: int = 18, delimiter: str = "^", end: str = "\r\n") -> bytes:
    names = sela_layouts()[columns].columns
    return "".join(delimiter.join(row.get(name, "") for name in names) + end for row in rows).encode()


def read(folder: Path, data: bytes, name: str = "SELA_ODS.txt"):
    path = folder / name
    path.write_bytes(data)
    return read_sela_extract(path)


def refusal(folder: Path, data: bytes, kind: type[InputError] = LayoutError) -> InputError:
    with pytest.raises(kind) as caught:
        read(folder, data)
    error: BaseException | None = caught.value
    while error is not None:
        told = f"{error!s} {error!r} {error.args!r} {vars(error)!r} {getattr(error, 'object', b'')!r}"
        assert not [secret for secret in (NAME, SSID, BORN) if secret in told]
        error = error.__cause__ or error.__context__
    return caught.value


@pytest.mark.parametrize("delimiter", ["^", ","])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"], ids=repr)
def test_eighteen_columns(tmp_path, delimiter, end):
    extract = read(tmp_path, sela(ROW, ROW | {"elas": "TBD"}, delimiter=delimiter, end=end))
    assert extract.columns == 18
    assert extract.rows.loc[0].drop("line").to_dict() == {"transaction": "", "local_record_id": "", **ROW}
    assert extract.rows["elas"].tolist() == ["EL", "TBD"]
    assert extract.rows["line"].tolist() == [1, 2]
    assert set(extract.rows.drop(columns="line").dtypes.astype("str")) == {"str"}


def test_seventeen_columns_have_no_correction_reason(tmp_path):
    extract = read(tmp_path, sela(ROW, columns=17))
    assert extract.columns == 17
    assert extract.rows.loc[0, ["elas", "correction_reason", "upload_date"]].tolist() == ["EL", "", "20261015"]
    assert list(extract.rows.columns) == [*sela_layouts()[18].columns, "line"]


def test_the_sixteen_fields_of_a_submission_file():
    fields = sela_fields()
    assert len(fields) == 16
    # CALPADS counts them from 12.01.
    assert [fields.index(name) + 1 for name in ("ssid", "elas", "elas_date", "primary_language")] == [7, 13, 14, 15]


def test_the_newest_extract_of_a_folder_and_one_in_a_zip(tmp_path):
    (tmp_path / "SENR.txt").write_bytes(extract_bytes([state_row()]))
    (tmp_path / "SELA.txt").write_bytes(sela(ROW))
    assert read_sela_extract(tmp_path).files[0].name == "SELA.txt"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("SELA.txt", sela(ROW))
        archive.writestr("SENR.txt", extract_bytes([state_row()]))
    assert [file.name for file in read(tmp_path, packed.getvalue(), "both.zip").files] == ["both.zip/SELA.txt"]


def test_windows_letters_are_read_and_said(tmp_path):
    extract = read(tmp_path, sela(ROW | {"first_name": "Íñigo"}).decode().encode("windows-1252"))
    assert extract.rows["first_name"].tolist() == ["Íñigo"]
    assert "Windows-1252" in extract.notes[0]


def test_a_senr_file_in_place_of_sela_and_the_reverse(tmp_path):
    error = refusal(tmp_path, extract_bytes([state_row(last_name=NAME, ssid=SSID, birth_date=BORN)]))
    assert error.found == "SENR-R, an SSID Enrollment extract"
    assert "the SENR extract was given as the SELA extract" in str(error)
    (tmp_path / "SELA_ODS.txt").write_bytes(sela(ROW))
    with pytest.raises(LayoutError, match="SELA-R, an English language acquisition extract"):
        read_extract([tmp_path / "SELA_ODS.txt"])


def value(**values: str) -> bytes:
    """A good line, then one with these values."""
    return sela(ROW, ROW | values)


REFUSED = {
    "another file": (b"Canarybird^Ida^7\r\n", 1, "another kind of line", "another-file"),
    "no dates at the end": (b"^".join(sela(ROW).split(b"^")[:16]) + b"\r\n", 1, "16 columns", "no-dates"),
    "an unknown layout": (sela(ROW).replace(b"^", b"^^"), 1, "35 columns", "unknown-layout"),
    "two layouts": (sela(ROW) * 2 + sela(ROW, columns=17) * 2, 3, "17 columns", "mixed-layouts"),
    "a cut-off last line": (sela(ROW) + sela(ROW)[:60], 2, "8 columns", "cut-off"),
    "a caret in a name": (value(last_name="Canary^bird"), 2, "19 columns", "delimiter-in-value"),
    "enrollment rows after it": (
        sela(ROW) + sela(ROW | {"record_type": "SENR-R"}),
        2,
        "SENR-R, an SSID Enrollment extract",
        "mixed-files",
    ),
    "a spreadsheet's date": (value(elas_date="10/14/2026"), 2, "found 99/99/9999", "spreadsheet"),
    "no such day": (value(elas_date="20260931"), 2, "which is no day", "not-the-store"),
    "no day": (value(elas_date=""), 2, "found nothing", "not-the-store"),
    "an SSID without its zero": (value(ssid="987654321"), 2, "found 999999999", "spreadsheet"),
    "a column put in": (value(birth_date=NAME), 2, "found AAAAAAAAAA", "shifted"),
    "a blank line": (sela(ROW) + b"\r\n" + sela(ROW), 2, "a blank line", "blank-line"),
    "a web page": (b"<html>", 1, "a web page", "web-page"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_line_finding_and_cause(tmp_path, case):
    data, line, found, cause = REFUSED[case]
    error = refusal(tmp_path, data)
    assert str(error).startswith(f"SELA_ODS.txt, line {line}: expected ")
    assert found in str(error)
    assert error.likely == likely(cause, SELA_RECORD_TYPE)


@pytest.mark.parametrize("record_type", sorted(facts(SELA_RECORD_TYPE)["record_type"]))
def test_other_files_of_calpads_are_known_by_name(tmp_path, record_type):
    error = refusal(tmp_path, sela(ROW | {"record_type": record_type}))
    assert error.found.startswith(f"{record_type}, ")


def test_no_word_of_the_senr_extract_where_sela_has_its_own():
    own = facts(SELA_RECORD_TYPE)["likely"]
    assert [cause for cause, words in own.items() if "SSID Enrollment" in words] == []
    assert own.keys() == facts()["likely"].keys()


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "is empty"), (b"SELA-R^\x00^", "NUL bytes"), (b"%PDF-1.4", "a PDF document")],
    ids=["empty", "NUL", "PDF"],
)
def test_what_is_no_text_is_refused(tmp_path, data, said):
    assert said in str(refusal(tmp_path, data, InputError))


def test_a_missing_file_names_the_sela_setting(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*--sela FILE"):
        read_sela_extract(tmp_path / "none.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no SELA-R file.*SELA ODS extract"):
        read_sela_extract(tmp_path / "empty")
