"""Days as text and as `Date`."""

import datetime as dt

import polars as pl
import pytest

from senrkit.frames import days

DAY = dt.date(2026, 10, 9)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20261009", DAY),
        ("20260230", None),
        ("00000101", None),
        ("00010101", dt.date(1, 1, 1)),
        ("2026109", None),
        ("2026 109", None),
        ("20261009 ", None),
        ("", None),
        (None, None),
    ],
)
def test_eight_digits(text: str | None, day: dt.date | None) -> None:
    held = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert held.select(days.of_key(pl.col("text"))).item() == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20261009", DAY),
        ("20261009 08:15", DAY),
        ("2026-10-09", DAY),
        ("2026-10-09T08:15:00", DAY),
        ("2026-10-9", DAY),
        ("10/09/2026", DAY),
        ("10/9/2026", DAY),
        ("10/09/2026 08:15", DAY),
        ("13/09/2026", None),
        ("10/09/0000", None),
        ("0000-10-09", None),
        ("lately", None),
        ("", None),
        (None, None),
    ],
)
def test_the_day_of_an_update(text: str | None, day: dt.date | None) -> None:
    held = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert held.select(days.of_update(pl.col("text"))).item() == day


def test_written_and_read_again() -> None:
    held = pl.DataFrame({"day": [DAY, None]})
    written = held.select(key=days.key(pl.col("day")), iso=days.iso(pl.col("day")))
    assert written.rows() == [("20261009", "2026-10-09"), ("", "")]
    read = written.select(key=days.of_key(pl.col("key")), iso=days.of_iso(pl.col("iso")))
    assert read.rows() == [(DAY, DAY), (None, None)]


def test_what_is_no_day_stays_as_it_stands() -> None:
    held = pl.DataFrame({"key": ["20261009", "soon", ""], "iso": ["2026-10-09", "soon", ""]})
    turned = held.select(days.key_to_iso(pl.col("key")), days.iso_to_key(pl.col("iso")))
    assert turned.rows() == [("2026-10-09", "20261009"), ("soon", "soon"), ("", "")]
