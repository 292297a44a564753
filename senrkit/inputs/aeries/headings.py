"""Which column of an export is which Aeries column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from senrkit.errors import InputError
from senrkit.inputs.aeries.tables import wanted

# Aeries Query numbers a title that occurs again: Grade, Grade1.
_REPEATED = re.compile(r"(?P<title>.*[^\d])[1-9]")


def matched(table: str, headings: Sequence[str], given: Mapping[str, str], file: str) -> dict[str, int]:
    """Aeries column code → position in `headings`, for the columns of `table` that senrkit reads.

    A heading is known, in any case, by the user's own map (`given`: heading → `STU.CID` or `CID`), which wins; by its
    code, `CID` or `STU.CID`; or by the title Aeries Query gives it.

    Raises
    ------
    InputError
        when two columns could be the same field.
    """
    own = _given(table, given)
    exact = {code.upper(): code for code in wanted()[table].kinds}
    exact |= {f"{table}.{code}": code for code in exact}
    titles = {_folded(title): code for code, title in wanted()[table].headings.items()}
    plain = [_folded(heading) for heading in headings]
    chosen = {own[heading]: position for position, heading in enumerate(plain) if heading in own}
    _refuse_twice(table, [own[heading] for heading in plain if heading in own], file)
    guessed = {
        position: code
        for position, heading in enumerate(plain)
        if heading not in own and (code := _known(heading, exact, titles)) and code not in chosen
    }
    _refuse_twice(table, list(guessed.values()), file)
    return chosen | {code: position for position, code in guessed.items()}


def in_map(headings: Sequence[str], given: Mapping[str, str]) -> set[str]:
    """The headings of the user's map that a file has."""
    found = {_folded(heading) for heading in headings}
    return {heading for heading in given if _folded(heading) in found}


def _given(table: str, given: Mapping[str, str]) -> dict[str, str]:
    named = {_folded(heading): target.upper().split(".") for heading, target in given.items()}
    codes = wanted()[table].kinds
    return {heading: path[-1] for heading, path in named.items() if path[:-1] in ([], [table]) and path[-1] in codes}


def _known(heading: str, exact: Mapping[str, str], titles: Mapping[str, str]) -> str | None:
    code = exact.get(heading.upper()) or titles.get(heading)
    if code is None and (again := _REPEATED.fullmatch(heading)):
        return titles.get(again["title"])
    return code


def _refuse_twice(table: str, codes: list[str], file: str) -> None:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise InputError(
            f"{file}: two columns could be the same field: {', '.join(f'{table}.{code}' for code in twice)}.",
            'Leave one of them out of the export, or say which in [aeries.headings], as in "Pupil number" = "STU.ID".',
        )


def _folded(heading: str) -> str:
    return " ".join(heading.split()).lower()
