"""What is spoilt, and the command that reads it: one target for each kind of input."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st

from tests.databases import api_server
from tests.fuzz import world
from tests.fuzz.spoiling import BYTES, CELLS, spoilt, spoilt_binary, spoilt_zip

# Draws the spoilt input, writes it into the folder, and gives the command.
Target = Callable[[st.DataObject, Path], tuple[str, ...]]


def _of_file(name: str, strategy: Callable[[bytes], st.SearchStrategy[bytes]], *commands: tuple[str, ...]) -> Target:
    def target(data: st.DataObject, folder: Path) -> tuple[str, ...]:
        file = folder / name
        file.write_bytes(data.draw(strategy(file.read_bytes()), label=name))
        return placed(data.draw(st.sampled_from(commands)), folder)

    return target


def placed(words: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """The command with its files in the folder."""
    return tuple(str(folder / word[1:]) if word.startswith("@") else word for word in words)


_SETTINGS, _EXPORTS = ("--settings", "@senrkit.toml"), ("--settings", "@exports.toml")


def _settings(data: st.DataObject, folder: Path) -> tuple[str, ...]:
    """The settings, spoilt as text, or one value exchanged by another TOML value."""
    file = folder / "senrkit.toml"
    text = file.read_bytes()
    if data.draw(st.booleans()):
        text = data.draw(spoilt(text), label="senrkit.toml")
        for named in (world.CANARY, *map(world.ssid, world.STUDENTS)):
            text = text.replace(named.encode(), b"somebody")
    else:
        lines = text.decode().split("\n")
        places = [at for at, line in enumerate(lines) if "=" in line]
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.sampled_from(places))
            key = data.draw(st.one_of(st.just(lines[at].partition("=")[0]), _WORDS.map(repr)))
            lines[at] = f"{key}= {data.draw(_TOML)}"
        text = "\n".join(lines).encode("utf-8", "replace")
    # A place outside of the folder is none of a test's business.
    file.write_bytes(text.replace(b"..", b".").replace(b'"/', b'"').replace(b"~", b""))
    return placed((data.draw(st.sampled_from(["check", "run", "sources"])), *_SETTINGS), folder)


# A complaint repeats the word that it is about; no student stands in a settings file.
_WORDS = CELLS.filter(lambda text: world.CANARY not in text and not world.shown(text))
_TOML = st.one_of(
    _WORDS.map(json.dumps),
    st.sampled_from(
        ["true", "false", "0", "-1", "9" * 30, "1.5", "inf", "nan", "[]", "{}", "[[]]", '["*", 1]', "[1, 2]", '[""]',
         "2026-11-23", "2026-11-23T10:00:00", "0001-01-01", "9999-12-31", "10:00:00", "0x10", "1_0", '"\\u0000"',
         '"sqlite:///"', '"sqlite:///exports"', '"duckdb:///x"', '"mssql+pyodbc://h/d"', '"http://"', '"ftp://x/y"',
         '"exports"', '"pubschls.txt"', '"SENR_ODS.txt"', '"vendor.csv"', '"2026-2027"', '"1999990"', '"all"']
    ),
)  # fmt: skip


def _api(data: st.DataObject, folder: Path) -> tuple[str, ...]:
    """Answers of the API: other states, other bytes, other JSON, cut off; on a real server of our own."""
    path = data.draw(st.sampled_from(_PATHS), label="path")
    status = data.draw(st.sampled_from([200, 200, 200, 204, 301, 400, 401, 403, 404, 418, 429, 500, 503]))
    good = _ANSWERS[path]
    body = data.draw(st.one_of(spoilt(good), _JSON.map(lambda value: json.dumps(value).encode()), BYTES), label="body")
    how = data.draw(st.sampled_from(["answer", "answer", "answer", "drop", "cut"]))
    _server().fault = lambda asked, times: (
        None if asked != path or times > 4 else (status, {"Retry-After": "0"}, body) if how == "answer" else how
    )
    return placed(("sources", "--settings", "@api.toml"), folder)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), CELLS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["StudentID", "SchoolCode", "DatabaseYear", "Code", "Birthdate"]), inner),
    ),
    max_leaves=8,
)
_PATHS = (
    "systeminfo", "schools", "schools/991/students", "schools/991/students/extended",
    "schools/991/enrollment/0/year/2026", "codes/STU/SP",
)  # fmt: skip


def _api_rows() -> Mapping[str, list[dict]]:
    return {name: [dict(row) for row in rows] for name, rows in world.tables().items()}


_API: list[api_server.AeriesApi] = []
_ANSWERS: dict[str, bytes] = {}


def _server() -> api_server.AeriesApi:
    return _API[-1]


@contextmanager
def serving(folder: Path):
    """The API on loopback, for as long as its target is asked; the settings name it."""
    api = api_server.AeriesApi(_api_rows())
    query = {"StartingRecord": "1", "EndingRecord": "100"}
    for path in _PATHS:
        _ANSWERS[path] = json.dumps(api._content(path, query)).encode()
    with api_server.serving(api) as address:
        _API.append(api)
        text = world.SETTINGS.format(source=address).replace(
            'schools = "default"', 'schools = "default"\npassword_env = "AERIES_CERT"\nencrypt = false'
        )
        (folder / "api.toml").write_text(text)
        yield


TARGETS: Mapping[str, Target] = {
    "extract": _of_file("SENR_ODS.txt", spoilt, ("run", *_SETTINGS), ("check", *_SETTINGS), ("sources", *_SETTINGS)),
    "settings": _settings,
    "decisions": _of_file("decisions.csv", spoilt, ("run", *_SETTINGS, "--decisions", "@decisions.csv")),
    "exports, STU": _of_file("exports/STU.csv", spoilt, ("run", *_EXPORTS), ("sources", *_EXPORTS)),
    "exports, ENR": _of_file("exports/ENR.csv", spoilt, ("run", *_EXPORTS), ("language", *_EXPORTS)),
    "exports, XRF": _of_file("exports/XRF.csv", spoilt, ("run", *_EXPORTS), ("check", *_EXPORTS)),
    "workbook": _of_file("exports/STU.xlsx", spoilt_zip, ("sources", *_EXPORTS), ("check", *_EXPORTS)),
    "sqlite": _of_file("aeries.db", spoilt_binary, ("check", *_SETTINGS), ("sources", *_SETTINGS)),
    "directory": _of_file("pubschls.txt", spoilt, ("run", *_SETTINGS)),
    "sela": _of_file("SELA_ODS.txt", spoilt, ("language", *_SETTINGS)),
    "vendor": _of_file("vendor.csv", spoilt, ("language", *_SETTINGS), ("sources", *_SETTINGS)),
    "api": _api,
    "error file": _of_file("errors.csv", spoilt, ("answers", "@runs/first", "@errors.csv", *_SETTINGS)),
    "submission": _of_file("submission.txt", spoilt, ("validate", "@submission.txt", "--extract", "@SENR_ODS.txt")),
}  # fmt: skip
