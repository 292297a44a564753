"""The notebooks that come with senrkit, and the parameters that each declares."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import senrkit
from senrkit.errors import UsageError

_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_WORDS = {"str": "text", "bool": "true or false", "int": "a whole number"}


@dataclass(frozen=True)
class Parameter:
    """A line of a notebook's `parameters` cell: `settings: str = "demo"  # what it is for`."""

    name: str
    type: str
    default: Any
    help: str

    def value(self, given: str) -> str | bool | int:
        """Text from a command line as the declared type; an identifier stays text, leading zeros and all.

        Raises
        ------
        UsageError
            when it is none of that type.
        """
        word = given.strip().lower()
        if self.type == "bool" and word in _YES + _NO:
            return word in _YES
        if self.type == "int" and word.isascii() and word.isdigit():
            return int(word)
        if self.type == "str":
            return given
        raise UsageError(
            f"The parameter {self.name} takes {_WORDS[self.type]}.",
            f"See `senrkit notebook` for all of them; {self.help}.",
        )


def folder() -> Path:
    """`notebooks/` of the checkout, or the copy inside an installed package."""
    package = Path(senrkit.__file__).parent
    checkout = package.parent / "notebooks"
    return checkout if (checkout / "01_load.ipynb").is_file() else package / "_notebooks"


def names() -> list[str]:
    """The names, numbered ones first."""
    return sorted((path.stem for path in folder().glob("*.ipynb")), key=lambda name: (not name[0].isdigit(), name))


def find(name: str) -> Path:
    """A notebook by its name, with or without `.ipynb`.

    Raises
    ------
    UsageError
        when there is none, with the nearest name.
    """
    stem = name.removesuffix(".ipynb")
    if stem in names():
        return folder() / f"{stem}.ipynb"
    near = difflib.get_close_matches(stem, names(), n=1, cutoff=0.3)
    raise UsageError(
        "There is no notebook of that name.",
        f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names())}.",
    )


def title(path: Path) -> str:
    """The first heading of a notebook."""
    first = next(cell for cell in _cells(path) if cell["cell_type"] == "markdown")
    return "".join(first["source"]).splitlines()[0].lstrip("# ")


def parameters(path: Path) -> dict[str, Parameter]:
    """What the `parameters` cell declares, in its order.

    Raises
    ------
    ValueError
        when a line of it is no typed, commented assignment: a fault of the notebook.
    """
    (cell,) = (cell for cell in _cells(path) if "parameters" in cell["metadata"].get("tags", ()))
    source = "".join(cell["source"])
    lines = source.splitlines()
    found = {}
    for statement in ast.parse(source).body:
        comment = lines[statement.lineno - 1].partition("  # ")[2]
        if not (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(statement.annotation, ast.Name)
            and statement.value
            and comment
        ):
            raise ValueError(
                f"{path.name}: line {statement.lineno} of the parameters cell is not `name: type = value  # comment`"
            )
        name, type_ = statement.target.id, statement.annotation.id
        found[name] = Parameter(name, type_, ast.literal_eval(statement.value), comment)
    return found


def typed(path: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """The given parameters in their declared types.

    Raises
    ------
    UsageError
        for a name that the notebook does not declare, or a value of another type.
    """
    declared = parameters(path)
    for name in given:
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            cure = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(declared)}."
            raise UsageError(f"The notebook {path.stem} has no parameter of that name ({name}).", cure)
    return {name: declared[name].value(value) for name, value in given.items()}


def _cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]
