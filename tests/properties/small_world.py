"""The small world: students over a small grid, numbered, so that any part of it can be walked through in a fixed order.

A student has up to two state rows and up to two Aeries rows (five starts, five ends, three statuses, three schools), is
the same person on both sides or not, may be left out by a tag, and may have a second student beside, for identity.
Random districts miss what nobody thought of; here every combination has a number. One command walks through a million:

    python -m tests.properties.small_world --students 1000000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from math import prod

from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reconciliation.proposal import balance
from senrkit.settings.settings import Settings
from tests import rulebook
from tests.properties import expectations
from tests.properties.strategies import Ran, run

_STARTS = ("2026-07-20", "2026-08-12", "2026-08-20", "2026-10-01", "2026-12-01")
# Days after the start, and the reason on either side.
_ENDS = ((None, "-", "-"), (0, "N", "N470"), (0, "GRD", "E230"), (9, "160", "T160"), (60, "440", "E150"))
_STATUS = (("-", "10"), ("C", "20"), ("N", "50"))
_SCHOOLS = ("A", "B", "D")
_NAMES = (("Ana{}", "Rivera{}"), ("Ana{}", "Rivera{}-Jones"), ("Zoe{}", "Quill{}"))
_BIRTH = "2015-03-02"
# What the state knows of the person beside what Aeries knows, and the second student.
_CHOICES: Mapping[str, int] = {
    "state_rows": 3, "aeries_rows": 3,
    "s1_start": 5, "s1_end": 5, "s1_status": 3, "s1_school": 3,
    "s2_start": 5, "s2_end": 5, "s2_status": 3, "s2_school": 3,
    "a1_start": 5, "a1_end": 5, "a1_status": 3, "a1_school": 3,
    "a2_start": 5, "a2_end": 5, "a2_status": 3, "a2_school": 3,
    "ssid": 2, "local_id": 2, "state_name": 3, "state_birth": 3, "aeries_birth": 2, "tag": 3, "beside": 4,
}  # fmt: skip
SIZE = prod(_CHOICES.values())
# No common factor with the size: the walk meets no student twice before all have been met.
_STRIDE = 1_000_003 * 7_919
_BIRTHS = {0: _BIRTH.replace("-", ""), 1: "20150404", 2: ""}
_IN_A_DISTRICT = 500


def student(number: int) -> dict[str, int]:
    """The choices that make the student of a number."""
    choices = {}
    for name, options in _CHOICES.items():
        number, choices[name] = divmod(number, options)
    return choices


def walk(students: int, first: int = 0) -> Iterator[list[dict[str, int]]]:
    """So many students, a district at a time."""
    numbers = range(first, first + students)
    for at in range(0, students, _IN_A_DISTRICT):
        yield [student(number * _STRIDE % SIZE) for number in numbers[at : at + _IN_A_DISTRICT]]


def settings() -> Settings:
    """A skipped tag beside `*`, so that something is left as it is."""
    return rulebook.settings(aeries='skip_tags = ["*", "P"]')


def district(students: list[dict[str, int]]) -> tuple[object, object]:
    """Aeries and the extract."""
    enr, stu, rows = [], [], []
    for at, one in enumerate(students, 1):
        own, other = _ssid(at), _ssid(50_000 + at)
        # Nobody shares a name with the student of another number.
        named = [tuple(part.format(_letters(at)) for part in name) for name in _NAMES]
        birth = (_BIRTH, "-")[one["aeries_birth"]]
        tag = ("-", "*", "P")[one["tag"]]
        for row in range(one["aeries_rows"]):
            enr.append({"student": str(at), **_aeries_row(one, f"a{row + 1}")})
        for school in sorted({row["school"] for row in enr if row["student"] == str(at)} or {"A"}):
            stu.append(_person(at, school, own, named[0], birth, tag))
        if one["beside"]:
            # A twin, a namesake of no relation, or somebody whose local id the state has.
            twin = (named[0], (named[0][0], f"Other{_letters(at)}"), named[2])[one["beside"] - 1]
            enr.append({"student": str(10_000 + at), "school": "B", "start": "2026-08-12", "exit": "-", "reason": "-",
                        "program": "-"})  # fmt: skip
            born = (_BIRTH, "2012-05-05")[one["beside"] // 2]
            stu.append(_person(10_000 + at, "B", _ssid(10_000 + at), twin, born, "-"))
        first, last = named[one["state_name"]]
        seen = set()
        for row in range(one["state_rows"]):
            held = _state_row(one, f"s{row + 1}")
            key = (held["school"], held["start"])
            if key not in seen:  # a key twice is precondition P13
                seen.add(key)
                rows.append({
                    "student": (own, other)[one["ssid"]],
                    "local_id": str(1000 + (at, 10_000 + at if one["beside"] == 3 else 30_000 + at)[one["local_id"]]),
                    "first_name": first, "last_name": last, "birth_date": _BIRTHS[one["state_birth"]] or "-", **held,
                })  # fmt: skip
    return rulebook.aeries(_table(enr), stu=_table(stu)), rulebook.state(_table(rows))


def assert_promises(students: list[dict[str, int]]) -> Ran:
    """What holds over every district of the small world.

    The balance adds up; every file posts in the model, which ends where Aeries is; nothing outside the scope moves; no
    row is deleted of which the rule book names a doubt; and the second run sends nothing.
    """
    sis, ods = district(students)
    chosen = settings()
    ran = run(sis, ods, chosen)
    balance(ran.outcome.proposal, ran.scope, ran.spell_set)
    expectations.every_row_has_one_class(ran, sis.tables["ENR"])
    expectations.files_touch_only_what_they_may(ran, chosen)
    expectations.the_model_ends_where_aeries_is(ran, chosen)
    doubtful = [number for number in deleted(ran) if doubts(students[number - 1])]
    assert not doubtful, f"deleted in doubt: {[students[number - 1] for number in doubtful[:3]]}"
    rows = ran.outcome.store.rows
    again = run(sis, type(ods)(StateRows.of_frame(rows), (*ods.files,), ods.layout, "^", "utf-8", ()), chosen)
    assert again.outcome.plan.files == ()
    return ran


def deleted(ran: Ran) -> list[int]:
    """Numbers, in their district, of the students of whom a file deletes a row."""
    sent = [file.records for file in ran.outcome.plan.files if file.step.startswith("delete")]
    return sorted({int(ssid[-5:]) % 10_000 for records in sent for ssid in records["ssid"]})


def doubts(one: Mapping[str, int]) -> set[str]:
    """What the rule book names that speaks against a delete of this student's rows, said in plain words (4.1, 4.3)."""
    name, unknown = one["state_name"], one["state_birth"] == 2 or one["aeries_birth"] == 1
    same_birth = one["state_birth"] == 0 and one["aeries_birth"] == 0
    found = set()
    if one["ssid"] == 1:
        if one["local_id"] == 0 or one["beside"] == 3:
            found.add("b: local id")
        if name in (0, 1) and (same_birth or unknown):
            found.add("b: name and birth date")
    else:
        if one["state_birth"] == 1 and one["aeries_birth"] == 0 and name == 2:
            found.add("a: birth date and name")
        if unknown and name == 2:
            found.add("a: last and first name")
    reported = any(_SCHOOLS[one[f"a{row + 1}_school"]] != "D" for row in range(one["aeries_rows"]))
    if one["tag"] == 1 and one["ssid"] == 0 and reported:
        found.add("left out: *")
    return found


def _person(number: int, school: str, ssid: str, named: tuple[str, str], birth: str, tag: str) -> dict[str, str]:
    return {
        "student": str(number),
        "school": school,
        "CID": ssid,
        "FN": named[0],
        "LN": named[1],
        "BD": birth,
        "TG": tag,
    }


def _aeries_row(one: Mapping[str, int], row: str) -> dict[str, str]:
    start, (days, reason, _) = _STARTS[one[f"{row}_start"]], _ENDS[one[f"{row}_end"]]
    return {
        "school": _SCHOOLS[one[f"{row}_school"]], "start": start, "exit": _after(start, days), "reason": reason,
        "program": _STATUS[one[f"{row}_status"]][0],
    }  # fmt: skip


def _state_row(one: Mapping[str, int], row: str) -> dict[str, str]:
    start, (days, _, reason) = _STARTS[one[f"{row}_start"]], _ENDS[one[f"{row}_end"]]
    return {
        "school": _SCHOOLS[one[f"{row}_school"]], "start": start, "exit": _after(start, days), "reason": reason,
        "status": _STATUS[one[f"{row}_status"]][1], "completion": "360" if reason == "E230" else "-",
    }  # fmt: skip


def _after(start: str, days: int | None) -> str:
    import datetime as dt

    return "-" if days is None else str(dt.date.fromisoformat(start) + dt.timedelta(days))


def _ssid(number: int) -> str:
    return f"90000{number:05d}"


def _letters(number: int) -> str:
    """A number as letters: names hold no digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:05d}")


def _table(rows: list[dict[str, str]]) -> str:
    names = list(rows[0]) if rows else []
    return "\n".join(" ".join(line) for line in [names, *([row[name] for name in names] for row in rows)])


def main() -> int:
    parser = argparse.ArgumentParser(description="Walk through the small world of students and hold its promises.")
    parser.add_argument("--students", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    began, done = time.monotonic(), 0
    for students in walk(asked.students, asked.first):
        try:
            assert_promises(students)
        except AssertionError as fault:
            print(f"students {asked.first + done:,} to {asked.first + done + len(students):,}: {fault}")  # noqa: T201
            return 1
        done += len(students)
        print(f"\r{done:,} of {asked.students:,} students, {time.monotonic() - began:,.0f} s", end="", flush=True)  # noqa: T201
    print()  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
