"""Asks the Aeries API: a few requests at a time, patient with a busy server, never showing the certificate."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

from senrkit.errors import InputError

if TYPE_CHECKING:
    import httpx

AT_A_TIME = 4
PAGE = 500
_BUSY = (429, 500, 502, 503, 504)
_PAUSES = (1, 2, 4, 8, 16)
# A server that is being restarted is back after a while; what was finished until then is not asked again.
_ROUNDS = (60, 120)
_LONGEST_PAUSE = 300
_LOGIN_BY_WINDOWS = ("negotiate", "ntlm", "kerberos")

Record = dict[str, Any]
Given = TypeVar("Given")


@lru_cache(maxsize=1)
def contract() -> Mapping[str, Any]:
    """`api.toml`: fields, codes, what to say of refusals."""
    return tomllib.loads(resources.files(__package__).joinpath("api.toml").read_text("utf-8"))


class ApiRefusal(InputError):
    """The API does not answer well; `kind` is a name under `refusals` in `api.toml`."""

    def __init__(self, shown: str, path: str, kind: str) -> None:
        words = contract()["refusals"][kind]
        super().__init__(f"{shown}: {path} {words['sentence']}.", words["cure"])
        self.kind = kind


class ApiClient:
    """One API and one school year of it. A context manager; safe to use from several threads.

    Answers that came whole are kept, until the run ends, in a temporary file without a name that only this person can
    read: after a break nothing is asked twice. `pause` waits for so many seconds.
    """

    def __init__(self, http: httpx.Client, year: int, shown: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._http, self._year, self._shown, self._pause = http, year, shown, pause
        self._reached, self._rest_until = False, 0.0
        self._kept = _Answers()

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._kept.close()

    def get(self, path: str, **query: int) -> Any:
        """The JSON at `path`, of the run's year.

        Raises
        ------
        ApiRefusal
            when there is none after several tries.
        """
        key = f"{path}?{sorted(query.items())}"
        body = self._kept.get(key)
        if body is None:
            body = self._asked(path, query | {"DatabaseYear": self._year})
            self._kept.put(key, body)
        return json.loads(body)

    def records(self, path: str, **query: int) -> list[Record]:
        """The list of records at `path`."""
        answer = self.get(path, **query)
        if not isinstance(answer, list) or not all(isinstance(record, dict) for record in answer):
            raise ApiRefusal(self._shown, path, "shape")
        return answer

    def paged(self, path: str, key: Callable[[Record], object]) -> list[Record]:
        """All records at `path`, which gives them by pages.

        Each page begins with the record that the one before ended with (`key` tells whether it is the same), so that a
        page that comes twice or a list that moves is seen; then everything is read once more.
        """
        for _ in range(2):
            found = self._pages(path, key)
            if found is not None:
                return found
            self.forget(path)
        raise ApiRefusal(self._shown, path, "moving")

    def forget(self, path: str) -> None:
        """Ask again for what is at `path` the next time."""
        self._kept.forget(f"{path}?")

    def each(self, work: Callable[[Any], Given], places: Sequence[Any]) -> list[Given]:
        """`work` for each place, a few at a time, in order; what a break stopped is tried again after a while."""
        done: dict[int, Given] = {}
        rests = iter(_ROUNDS)
        while broken := self._round(work, places, done):
            rest = next(rests, None)
            if rest is None or broken.kind != "unreachable":
                raise broken
            self._pause(rest)
        return [done[at] for at in range(len(places))]

    def _round(self, work: Callable[[Any], Given], places: Sequence[Any], done: dict[int, Given]) -> ApiRefusal | None:
        """Fill `done` as far as it goes; the refusal that stopped the rest, one that no waiting mends before others."""
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            running = {pool.submit(work, place): at for at, place in enumerate(places) if at not in done}
            finished, _ = wait(running, return_when=FIRST_EXCEPTION)
            pool.shutdown(wait=True, cancel_futures=True)
        broken = None
        for future, at in running.items():
            if future.cancelled():
                continue
            try:
                done[at] = future.result()
            except ApiRefusal as refusal:
                broken = refusal if broken is None or refusal.kind != "unreachable" else broken
        return broken

    def _pages(self, path: str, key: Callable[[Record], object]) -> list[Record] | None:
        found: list[Record] = []
        while True:
            first = max(len(found), 1)
            page = self.records(path, StartingRecord=first, EndingRecord=first + PAGE - 1)
            if found and (not page or key(page[0]) != key(found[-1])):
                return None
            found += page[1:] if found else page
            # A server that does not know pages gives everything at once.
            if len(page) != PAGE:
                return found if len({key(record) for record in found}) == len(found) else None

    def _asked(self, path: str, query: Mapping[str, int]) -> bytes:
        kind = "other"
        for rest in (*_PAUSES, None):
            kind, body, wanted = self._once(path, query)
            if body is not None:
                return body
            # An address that never answered is more likely wrong than resting.
            hopeless = kind == "unreachable" and not self._reached
            if rest is None or hopeless or kind not in ("429", "500", "cut", "unreachable", "slow"):
                break
            # All of us rest, not only the one who was refused.
            pause = min(wanted if wanted is not None else rest, _LONGEST_PAUSE)
            self._rest_until = max(self._rest_until, time.monotonic() + pause)
        raise ApiRefusal(self._shown, path, kind) from None

    def _once(self, path: str, query: Mapping[str, int]) -> tuple[str, bytes | None, float | None]:
        """One request: the kind of refusal and the pause that the server asks for, or the body."""
        import httpx

        rest = self._rest_until - time.monotonic()
        if rest > 0:
            self._pause(rest)
        try:
            answer = self._http.get(path, params=dict(query))
        except httpx.TimeoutException as failure:
            return ("unreachable" if isinstance(failure, httpx.ConnectTimeout) else "slow"), None, None
        except httpx.RemoteProtocolError:
            return "cut", None, None
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            return ("certificate" if "CERTIFICATE_VERIFY" in str(failure) else "unreachable"), None, None
        self._reached = True
        kind = _kind_of(answer)
        return kind, (None if kind else answer.content), _wanted_pause(answer)


def _kind_of(answer: httpx.Response) -> str:
    """The kind of refusal that an answer is, `""` for whole JSON."""
    status = answer.status_code
    if status in _BUSY:
        return "429" if status == 429 else "500"
    if status == 401 and answer.headers.get("www-authenticate", "").lower().startswith(_LOGIN_BY_WINDOWS):
        return "windows"
    if status in (401, 403, 404):
        return str(status)
    if 300 <= status < 400:
        return "redirect"
    if status != 200:
        return "other"
    if "html" in answer.headers.get("content-type", "") or answer.content.lstrip()[:1] == b"<":
        return "html"
    try:
        json.loads(answer.content)
    except ValueError:
        return "cut"
    return ""


def _wanted_pause(answer: httpx.Response) -> float | None:
    """Seconds that Retry-After asks for; a day and time counts from the server's own clock, which may be off."""
    asked = answer.headers.get("retry-after", "")
    if asked.isdecimal():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
        now = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else dt.datetime.now(dt.UTC)
        return max((until - now).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


class _Answers:
    """Whole answers by what was asked, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._places: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            if key not in self._places:
                return None
            start, length = self._places[key]
            self._file.seek(start)
            return self._file.read(length)

    def put(self, key: str, body: bytes) -> None:
        with self._lock:
            self._places[key] = (self._file.seek(0, 2), len(body))
            self._file.write(body)

    def forget(self, beginning: str) -> None:
        with self._lock:
            self._places = {key: place for key, place in self._places.items() if not key.startswith(beginning)}

    def close(self) -> None:
        self._file.close()
