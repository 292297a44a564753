"""The log of a fault holds places in the code, and nothing of a pupil."""

from __future__ import annotations

from pathlib import Path

import pytest

from senrkit.fault_log import record_fault


def caught(message: str) -> BaseException:
    student = "Quenby"
    try:
        raise ValueError("no such column: " + message)
    except ValueError as fault:
        assert student
        return fault


def test_words_of_the_code_stay_and_all_others_are_masked(tmp_path: Path) -> None:
    _, log = record_fault(caught("Zoë O'Canary 1999000001 born 2011-05-17\nnext"), tmp_path)

    assert log is not None
    last = log.read_text(encoding="utf-8").splitlines()[-1]
    assert last == "ValueError: no such column: xxx x'xxxxxx 9999999999 xxxx 9999-99-99 xxxx"


def test_no_values_of_variables_are_kept(tmp_path: Path) -> None:
    _, log = record_fault(caught("x"), tmp_path)

    assert log is not None
    assert "Quenby" not in log.read_text(encoding="utf-8")
    assert "in caught" in log.read_text(encoding="utf-8")


def test_a_fault_that_runs_in_a_circle_ends(tmp_path: Path) -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    _, log = record_fault(first, tmp_path)

    assert log is not None
    assert log.read_text(encoding="utf-8").count("KeyError") == 1


def test_nowhere_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    reference, log = record_fault(ValueError("x"), tmp_path / "absent")

    assert log is None
    assert len(reference) == 8
