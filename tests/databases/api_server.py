"""An Aeries API v5 on loopback, for tests: answers from frames as the vendor's pages say, with faults on demand."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CERTIFICATE = "Zz477abcd10842f5a0e6c2b1d3f4e5a7"

# As the vendor's articles 14000113682 to 14000113684 call them (contract snapshot of 2026-03-20).
_SCHOOL = {
    "SchoolCode": "CD", "Name": "NM", "StateCountyID": "CC", "StateDistrictID": "DC", "StateSchoolID": "SC",
    "LowGradeLevel": "LO", "HighGradeLevel": "HI", "InactiveStatusCode": "TG", "SessionType": "U", "DoNotReport": "DNR",
}  # fmt: skip
_STUDENT = {
    "StudentID": "ID", "SchoolCode": "SC", "StudentNumber": "SN", "StateStudentID": "CID", "LastName": "LN",
    "FirstName": "FN", "MiddleName": "MN", "LastNameAlias": "LNA", "FirstNameAlias": "FNA", "MiddleNameAlias": "MNA",
    "Gender": "GN", "Grade": "GR", "Birthdate": "BD", "InactiveStatusCode": "TG", "SchoolEnterDate": "ED",
    "SchoolLeaveDate": "LD", "AttendanceProgramCodePrimary": "SP", "LanguageFluencyCode": "LF",
    "HomeLanguageCode": "HL", "NextGrade": "NG",
}  # fmt: skip
_EXTENDED = {
    "StudentID": "ID", "SchoolCode": "SC", "StudentNumber": "SN", "StateStudentID": "CID", "BirthCity": "BCY",
    "BirthStateCode": "BST", "BirthCountryCode": "BCU", "EndOfYearStatusCode": "EOY", "EndOfYearNextSchool": "ENS",
    "SchoolCompletionStatusCode": "HSG", "SchoolCompletionDate": "DG", "SummerWithdrawalReasonCode": "SWR",
    "SummerWithdrawalLeaveDate": "SLD",
}  # fmt: skip
_LANGUAGE = {
    "EnglishLearnerStartDate": "SD", "EnglishLearnerEndDate": "ED", "DateRedesignatedFluentEnglishProficient": "RD1",
    "USEnterDate": "USE", "USSchoolEnterDate": "USS", "StateSchoolEnterDate": "STS",
}  # fmt: skip
_ENROLLMENT = {
    "StudentID": "ID", "SchoolCode": "SC", "StudentNumber": "SN", "AcademicYear": "YR", "Grade": "GR",
    "EnterDate": "ED", "LeaveDate": "LD", "ExitReasonCode": "ER", "AttendanceProgramCode": "PR", "Track": "TR",
    "InterIntraDistrictTransferCode": "IT", "InterIntraDistrictStateCode": "ITD", "NonpublicSchoolStateCode": "NPS",
    "NextSchoolCode": "NS", "ReportingSchoolCode": "HS",
}  # fmt: skip

Answer = tuple[int, Mapping[str, str], bytes]


class AeriesApi:
    """What the server knows. `tables` are rows by table, as a database stores them, the deleted left out.

    `fault` may answer in place of the server: it gets the path and how often it was asked, and gives an answer,
    `"drop"` (the connection), `"cut"` (half the answer) or None. `asked` counts requests by path and query.
    """

    def __init__(self, tables: Mapping[str, Sequence[Mapping[str, Any]]], year: int = 2026) -> None:
        self.tables = {name: [row for row in rows if not row.get("DEL")] for name, rows in tables.items()}
        self.years, self.year = [year, year - 1], year
        self.fault: Callable[[str, int], Answer | str | None] = lambda path, times: None
        self.asked: Counter[str] = Counter()
        self.headers: list[Mapping[str, str]] = []
        self.clock = dt.timedelta(0)
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer | str:
        """One request."""
        with self._lock:
            self.asked[f"{path} {query.get('StartingRecord', '')}".strip()] += 1
            self.headers.append(headers)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            made = self.fault(path, sum(times for asked, times in self.asked.items() if asked.split()[0] == path))
            if made is not None and made != "cut":
                return made
            if path != "systeminfo" and headers.get("AERIES-CERT") != CERTIFICATE:
                return _json(401, {"Message": "The certificate is not valid."})
            content = self._content(path, query)
            whole = _json(404, {"Message": "No such end point."}) if content is None else _json(200, content)
            return whole if made is None else (whole[0], {"half": "yes"}, whole[2])
        finally:
            with self._lock:
                self._at_once -= 1

    def _content(self, path: str, query: Mapping[str, str]) -> Any:
        if path == "systeminfo":
            asked = int(query.get("DatabaseYear", 0))
            # A year that is not there gives the default year, without a word.
            year = asked if asked in self.years else self.year
            return {
                "AeriesVersion": "9.21.2.25",
                "DatabaseYear": f"{year}-{year + 1}",
                "AvailableDatabaseYears": [f"{one}-{one + 1}" for one in self.years],
                "CurrentDateTime": (dt.datetime.now(dt.UTC) + self.clock).isoformat(),
            }
        if path == "schools":
            return [_record(row, _SCHOOL) for row in self.tables["LOC"]]
        if found := re.fullmatch(r"schools/(\d+)/students(/extended)?", path):
            rows = [row for row in self.tables["STU"] if row["SC"] == int(found[1])]
            first, last = int(query["StartingRecord"]), int(query["EndingRecord"])
            return [self._student(row, bool(found[2])) for row in rows[first - 1 : last]]
        if found := re.fullmatch(r"schools/(\d+)/enrollment/0/year/(\d+)", path):
            place = tuple(map(int, found.groups()))
            rows = [row for row in self.tables["ENR"] if (row["SC"], row["YR"]) == place]
            return [_record(row, _ENROLLMENT) | {"AcademicYear": str(row["YR"])} for row in rows]
        if path in ("codes/STU/SP", "codes/STU/IT", "codes/EnrollmentHistory/ExitReason"):
            return [{"Code": "K ", "Description": "Concurrent"}, {"Code": "160", "Description": "Moved"}]
        return None

    def _student(self, row: Mapping[str, Any], extended: bool) -> dict[str, Any]:
        if not extended:
            return _record(row, _STUDENT)
        language = next((lac for lac in self.tables.get("LAC", ()) if lac["ID"] == row["ID"]), {})
        return _record(row, _EXTENDED) | _record(language, _LANGUAGE)


@contextmanager
def serving(api: AeriesApi) -> Iterator[str]:
    """The API on a free port; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            answer = api.answer(parts.path.removeprefix("/aeries/api/v5/"), query, dict(self.headers))
            self.close_connection = True
            if answer == "drop":
                return
            status, headers, body = answer
            self.send_response_only(status)
            if "Date" not in headers:
                self.send_header("Date", self.date_time_string())
            self.send_header("Connection", "close")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if "half" in headers else body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/aeries/api/v5"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _json(status: int, content: Any) -> Answer:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(content).encode()


def _record(row: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    return {field: _value(row.get(code)) for field, code in fields.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dt.date):
        return f"{value.isoformat()[:10]}T00:00:00"
    return value
