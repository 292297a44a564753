"""The Aeries API against a server that keeps to the vendor's contract, and one that does not."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries import api_client
from senrkit.inputs.aeries.api import read_api
from senrkit.inputs.aeries.read import read_aeries
from senrkit.inputs.aeries.tables import wanted
from tests.databases.api_server import CERTIFICATE, AeriesApi, serving
from tests.districts import district, enrollment, school, settings_for, shown, student, write_database

CANARY = "Zzcanary"
STUDENTS = [
    student(SN=n, ID=100 + n, CID=f"90000000{n:02}", LN=f"{CANARY}{n}", TG="N" if n == 3 else "") for n in range(1, 31)
]
TABLES = district(
    STU=[*STUDENTS, student(SC=992, SN=1, ID=101), student(SN=99, ID=199, DEL=True)],
    LOC=[school(), school(CD=992, NM="Heron Marsh High", SC="0199902")],
    ENR=[
        *(enrollment(SN=n, ID=100 + n, ITD="19999990000000") for n in range(1, 31)),
        enrollment(SC=992, SN=1, PR="K", LD=dt.date(2026, 10, 2), ER="160"),
        enrollment(YR=2025, ED=dt.date(2025, 8, 13)),
    ],
    LAC=[{"ID": 102, "SD": dt.date(2021, 9, 1)}],
)


@pytest.fixture
def api():
    return AeriesApi(TABLES)


@pytest.fixture
def pauses():
    """The pauses that senrkit made, which tests do not wait for."""
    return []


@pytest.fixture
def read(api, pauses, monkeypatch):
    monkeypatch.setenv("AERIES_CERT", CERTIFICATE)
    monkeypatch.setattr(api_client, "PAGE", 10)

    def reading(address=None, **settings):
        settings = {"password_env": "AERIES_CERT", "encrypt": False} | settings
        with serving(api) as own:
            return shown(read_api(settings_for(address or own, **settings), pause=pauses.append))

    return reading


def refusal(read, kind=InputError, **settings) -> str:
    with pytest.raises(kind) as refused:
        read(**settings)
    said = str(refused.value)
    assert CERTIFICATE not in said and CANARY not in said
    assert refused.value.__cause__ is None
    return said


def without(api, field, where=lambda row: True) -> None:
    """The server does not send the field (of the students for whom `where` holds)."""
    plain = api._student

    def student_without(row, extended):
        sent = plain(row, extended)
        return {name: value for name, value in sent.items() if name != field or not where(row)}

    api._student = student_without


def always(status, path="schools", headers=None, body=b'{"Message": "Zzcanary"}'):
    return lambda asked, times: (status, headers or {}, body) if asked == path else None


class TestWhatIsRead:
    def test_the_same_as_from_a_database_as_far_as_the_api_goes(self, read, tmp_path):
        from_api = read()
        from_file = shown(read_aeries(settings_for(write_database(tmp_path / "a.db", TABLES))))
        for table in ("LOC", "STU", "ENR"):
            shared = [column for column in from_file.tables[table] if column in from_api.tables[table]]
            assert set(from_file.tables[table]) - set(shared) == set(), table
            assert from_api.tables[table][shared].equals(from_file.tables[table][shared]), table
        assert from_api.newest_year == 2026 and from_api.database_name == ""

    def test_what_the_api_does_not_give_is_absent_and_not_blank(self, read):
        tables = read().tables
        assert "SF" not in tables["STU"] and "GEX" not in tables["STU"] and "LSI" not in tables
        assert "IFD" not in tables["LAC"] and "EAC" not in tables["LAC"]
        assert tables["XRF"].empty and tables["LAC"].loc[tables["LAC"]["ID"] == "102", "SD"].tolist() == ["2021-09-01"]
        assert read().inferred == {"LAC"}, "a row there does not prove that Aeries has one"

    def test_a_field_that_the_server_leaves_out_is_absent(self, read, api):
        without(api, "SchoolCompletionStatusCode")
        assert "HSG" not in read().tables["STU"]

    def test_a_needed_field_that_is_left_out_is_named(self, read, api):
        without(api, "InactiveStatusCode")
        assert "lacks what senrkit needs: STU.TG" in refusal(read)

    def test_a_field_that_some_records_have(self, read, api):
        without(api, "BirthCity", where=lambda row: row["SN"] <= 9)
        assert "some records of STU have BirthCity and some have not" in refusal(read)

    def test_translations_and_the_names_of_codes_are_said(self, read):
        notes = read(translations={"ATT.RS": {"160": "T160"}}).notes
        assert notes[0].startswith("The API has no translations of local codes (XRF)")
        assert "STU.SP K = Concurrent" in notes[1] and "160" not in notes[1]

    def test_names_of_codes_are_no_must(self, read, api):
        api.fault = lambda path, times: (403, {}, b"{}") if path.startswith("codes/") else None
        assert len(read().tables["STU"]) == 31

    def test_no_inactive_student_is_said(self, read, api):
        api.tables["STU"] = [row | {"TG": ""} for row in api.tables["STU"]]
        assert "inactive students may be missing" in " ".join(read().notes)

    def test_inactive_students_that_are_left_out_stop_it(self, read, api):
        api.tables["STU"] = [row for row in api.tables["STU"] if not row["TG"]]
        assert "inactive students are left out" in refusal(read)

    def test_every_field_is_a_known_column(self):
        for table, fields in api_client.contract()["fields"].items():
            assert set(fields.values()) <= set(wanted()[table].kinds), table


class TestManners:
    def test_the_year_goes_with_every_request_and_the_certificate_in_a_header_only(self, read, api):
        read()
        assert all(headers["AERIES-CERT"] == CERTIFICATE and "json" in headers["Accept"] for headers in api.headers)
        assert not [asked for asked in api.asked if CERTIFICATE in asked]

    def test_systeminfo_comes_first(self, read, api):
        read()
        assert next(iter(api.asked)) == "systeminfo"

    def test_a_few_at_a_time_and_nothing_twice(self, read, api):
        read()
        assert 1 <= api.most_at_once <= api_client.AT_A_TIME
        assert set(api.asked.values()) == {1}

    @pytest.mark.parametrize("students", [0, 9, 10, 11, 19, 20, 28, 29])
    def test_pages_lose_nobody(self, read, api, students):
        api.tables["STU"] = [row for row in api.tables["STU"] if row["SC"] == 991][:students]
        assert len(read().tables["STU"]) == students

    def test_a_server_that_knows_no_pages(self, read, api):
        content = api._content
        api._content = lambda path, query: content(path, dict(query) | {"StartingRecord": "1", "EndingRecord": "9999"})
        assert len(read().tables["STU"]) == 31


class TestYear:
    def test_a_year_that_the_api_does_not_have(self, read, api):
        api.years, api.year = [2025, 2024], 2025
        assert "does not have the school year 2026-2027; it has 2024-2025, 2025-2026" in refusal(read)
        assert list(api.asked) == ["systeminfo"]

    def test_enrollments_of_another_year(self, read, api):
        plain = api._content
        api._content = lambda path, query: plain(path.replace("year/2025", "year/2026"), query)
        assert "enrollment/0/year/2025 gives something that is not what the Aeries API v5 gives" in refusal(read)


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            (always(401), "does not take the certificate"),
            (always(401, headers={"WWW-Authenticate": "Negotiate"}), "asks for a Windows login"),
            (always(403, "schools/991/students"), "students does not let this certificate read that area"),
            (always(404, "systeminfo"), "systeminfo does not know that address"),
            (always(301, headers={"Location": "https://evil.example/"}), "sends senrkit on to another address"),
            (always(400), "refuses the request"),
            (always(200, body=b"<html>Zzcanary</html>"), "answers with a web page"),
            (always(200, headers={"Content-Type": "text/html"}, body=b"Zzcanary"), "answers with a web page"),
            (always(200, body=b'{"Zzcanary": 1}'), "is not what the Aeries API v5 gives"),
            (always(200, body=b"[]"), "is not what the Aeries API v5 gives"),
            (always(200, body=b'["Zzcanary"]'), "is not what the Aeries API v5 gives"),
            (always(200, "systeminfo", body=b"{}"), "is not what the Aeries API v5 gives"),
        ],
    )
    def test_refused_at_once(self, read, api, pauses, fault, says):
        api.fault = fault
        assert says in refusal(read) and pauses == []

    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            (always(429), "is asked too much"),
            (always(500), "a fault of its own"),
            (always(503, body=b"<html></html>"), "a fault of its own"),
            (always(200, body=b'[{"SchoolCode": 99'), "breaks off in the middle"),
            (lambda path, times: "drop" if path == "schools" else None, "breaks off in the middle"),
            (lambda path, times: "cut" if path == "schools" else None, "breaks off in the middle"),
        ],
    )
    def test_refused_after_several_pauses_each_longer(self, read, api, pauses, fault, says):
        api.fault = fault
        assert says in refusal(read)
        assert len(pauses) == 5 and pauses == sorted(pauses) and pauses[-1] > 10

    @pytest.mark.parametrize("fault", ["drop", "cut", (500, {}, b"{}"), (429, {}, b"{}"), (200, {}, b'[{"A": 1')])
    def test_overcome_when_it_passes(self, read, api, fault, tmp_path):
        api.fault = lambda path, times: fault if path.endswith(("students", "2026")) and times % 3 else None
        broken = read()
        assert len(broken.tables["STU"]) == 31 and len(broken.tables["ENR"]) == 32

    @pytest.mark.parametrize(
        ("asked", "at_least", "at_most"),
        [
            ({"Retry-After": "42"}, 41, 42),
            ({"Retry-After": "9999"}, 290, 300),
            # The server's clock is years behind; only the distance between its two times counts.
            ({"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 2001 00:01:30 GMT"}, 89, 90),
            ({"Retry-After": "soon"}, 0, 1),
        ],
    )
    def test_the_server_says_how_long_to_wait(self, read, api, pauses, asked, at_least, at_most):
        api.fault = lambda path, times: (429, asked, b"{}") if path == "schools" and times == 1 else None
        read()
        assert api.asked["schools"] == 2 and at_least <= pauses[0] <= at_most

    def test_a_page_twice_once(self, read, api):
        plain, asked = api._content, []

        def content(path, query):
            if path == "schools/991/students" and query["StartingRecord"] == "10" and not asked:
                asked.append(path)
                query = dict(query) | {"StartingRecord": "1", "EndingRecord": "10"}
            return plain(path, query)

        api._content = content
        frame = read().tables["STU"]
        assert asked and len(frame) == 31 and not frame.duplicated(["SC", "SN"]).any()

    def test_a_page_twice_every_time(self, read, api):
        plain = api._content
        api._content = lambda path, query: plain(path, dict(query) | {"StartingRecord": "1", "EndingRecord": "10"})
        assert "gave the same rows twice" in refusal(read)

    def test_a_student_who_comes_between_two_pages(self, read, api):
        plain = api._content

        def content(path, query):
            if path == "schools/991/students" and query["StartingRecord"] == "10" and len(api.tables["STU"]) == 31:
                api.tables["STU"].insert(0, student(SN=50, ID=150, CID="9000000050"))
            return plain(path, query)

        api._content = content
        assert len(read().tables["STU"]) == 32

    def test_a_break_is_gone_on_from_where_it_came(self, read, api, pauses, monkeypatch):
        """The server is away for longer than a request waits: what was finished is not asked again."""
        import httpx

        get, gone = httpx.Client.get, [0]

        def refusing(client, path, **how):
            if path == "schools/992/students" and gone[0] < 8:
                gone[0] += 1
                raise httpx.ConnectError(f"refused {CERTIFICATE}")
            return get(client, path, **how)

        monkeypatch.setattr(httpx.Client, "get", refusing)
        assert len(read().tables["STU"]) == 31
        assert gone == [8] and 60 in pauses and set(api.asked.values()) == {1}

    def test_an_address_that_nobody_answers(self, read, pauses):
        assert "cannot be reached" in refusal(read, address="http://127.0.0.1:9/api/v5")
        assert pauses == []

    @pytest.mark.parametrize(("minutes", "said"), [(-600, True), (180, True), (2, False)])
    def test_clocks_that_differ(self, read, api, minutes, said):
        api.clock = dt.timedelta(minutes=minutes)
        assert any(f"differ by {abs(minutes)} minutes" in note for note in read().notes) is said


class TestAddressAndCertificate:
    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"address": "https://heron.example/aeries"}, "is not the address of an Aeries API"),
            ({"address": "http://heron.example/api/v5", "encrypt": True}, "would go out unencrypted"),
            ({"password_env": None}, "There is no certificate"),
            ({"password_env": "AERIES_UNSET"}, "AERIES_UNSET, which password_env names, is not set"),
            ({"password_env": "AERIES_ODD"}, "or it is none"),
        ],
    )
    def test_refused_before_anything_is_sent(self, read, api, monkeypatch, settings, says):
        monkeypatch.setenv("AERIES_ODD", "Zz\r\nX-Other: 1")
        assert says in refusal(read, UsageError, **settings)
        assert not api.asked

    def test_the_certificate_from_the_key_store(self, read, api, monkeypatch):
        store = {("senrkit", "AERIES-CERT"): CERTIFICATE}
        monkeypatch.setattr("keyring.get_password", lambda service, user: store[service, user])
        read(password_env=None, keyring="senrkit")
        assert api.headers[0]["AERIES-CERT"] == CERTIFICATE

    def test_answers_are_kept_where_nobody_else_can_read(self):
        kept = api_client._Answers()
        kept.put("schools/1/students?[]", json.dumps([{"LastName": CANARY}]).encode())
        assert not isinstance(kept._file.name, str), "a file with a name is one that others can find"
        kept.forget("schools/1/students?")
        assert kept.get("schools/1/students?[]") is None
        kept.close()
